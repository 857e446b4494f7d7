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
    """The settings of the current generation and the candidate; `resumes` says that the candidate was begun before."""

    current: Settings
    settings: Settings
    generation: Generation


async def next_candidate(settings: Settings, patience_s: float = PATIENCE_S) -> Candidate:
    """The unfinished generation of the same code and settings, or a new one with a number that was never used."""
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
    """Whether the generation begun last is unfinished, still exists, and has the code and settings at hand (`here`)."""
    begun = said.begun
    is_unfinished = begun.number > said.current.number and TopicNames(prefix, begun.number).ledger in topics
    return is_unfinished and (begun.code, begun.grace_days) == (here.code, here.grace_days)


async def begin(candidate: Candidate, announcement: Announcement) -> None:
    """Record the generation's number, and create its topics."""
    await announcement.begun(candidate.generation)
    await make_topics(candidate.settings)
