"""The candidate: the generation that is being folded beside the current one."""

from collections.abc import Container
from dataclasses import dataclass

from peserta.operations.failure import Rejected
from peserta.operations.folding_code import digest_of_code
from peserta.operations.generations import GenerationRecords, read_generations
from peserta.operations.rebuild.announcement import Announcement
from peserta.operations.rebuild.groups import PATIENCE_S, admin_of, is_kept
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.generation import Generation
from schemas.topics import TopicNames
from streams.clock import now_ms


@dataclass(frozen=True)
class Candidate:
    """`current` and `settings` are those of the two generations; `resumes`: one that was begun before goes on."""

    current: Settings
    settings: Settings
    generation: Generation


async def next_candidate(settings: Settings, patience_s: float = PATIENCE_S) -> Candidate:
    """The unfinished generation of this very code, or one with a number that no generation has had."""
    said, code = await read_generations(settings), digest_of_code()
    async with admin_of(settings.kafka) as admin:
        topics = frozenset(await admin.list_topics())
    goes_on = resumes(said, Generation(said.begun.number, 0, code, settings.grace_days), settings.topic_prefix, topics)
    number = said.begun.number if goes_on else max(said.begun.number, said.current.number) + 1
    generation = Generation(number, now_ms(), code, settings.grace_days)
    candidate = settings.of_generation(number)
    if await is_kept(settings.kafka, candidate.stream_settings().bookkeeper_app, patience_s):
        raise Rejected(f"Generation {number} is being folded: another rebuild runs. Nothing was done.")
    return Candidate(settings.of_generation(said.current.number), candidate, generation)


def resumes(said: GenerationRecords, here: Generation, prefix: str, topics: Container[str]) -> bool:
    """Whether what was begun last is unfinished, still there, and of the code and settings at hand (`here`)."""
    begun = said.begun
    is_unfinished = begun.number > said.current.number and TopicNames(prefix, begun.number).ledger in topics
    return is_unfinished and (begun.code, begun.grace_days) == (here.code, here.grace_days)


async def begin(candidate: Candidate, announcement: Announcement) -> None:
    """Take the number, and make the topics."""
    await announcement.begun(candidate.generation)
    await make_topics(candidate.settings)
