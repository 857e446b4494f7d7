"""Copying the schemas of the topics to a schema registry. What the fixed ids mean does not change."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from peserta.operations.failure import Unavailable, Unfit
from peserta.settings import PREFIX, Settings
from schemas.registry import Registered
from streams.lane.stop import Refused
from streams.schema_registry.access import RegistryAccess
from streams.schema_registry.client import Declined, RegistryAway, RegistryClient
from streams.schema_registry.ids import other_meaning
from streams.schema_registry.subjects import Subject, inbound_subjects, schema_json, written_subjects

# Every version of a record can read every other: `tests/unit/schemas/test_versions.py` checks it.
COMPATIBILITY: Final = "FULL_TRANSITIVE"

REGISTERED_NOW: Final = "registered"
WOULD_REGISTER: Final = "would be registered"
THERE_ALREADY: Final = "there already"
REFUSED: Final = "refused"


@dataclass(frozen=True, slots=True)
class Registration:
    """What became of one schema at a registry: `outcome`, and for REFUSED the registry's `reason`.

    `registry_id` is None for a schema that the registry does not have. `compatibility` is the subject's level.
    """

    subject: str
    entry: Registered
    registry_id: int | None
    outcome: str
    compatibility: str | None
    reason: str = ""


def subjects_of(settings: Settings) -> tuple[Subject, ...]:
    """The subjects of all topics with Avro, for the generation in the settings, in order of our ids."""
    topics = settings.topics
    subjects = (*inbound_subjects(topics, settings.inbound_topics), *written_subjects(topics))
    return tuple(sorted(subjects, key=lambda subject: subject.versions[0].schema_id))


async def register_schemas(settings: Settings, *, dry_run: bool = False) -> tuple[Registration, ...]:
    """Register each schema that its subject lacks; with `dry_run`, only ask. Returns all, in order of our ids.

    A subject without a level of compatibility gets COMPATIBILITY; another level is left. Raises Failed if no registry
    is named, or if it does not answer, or does not accept this client.
    """
    access = _registry_of(settings)
    # Facts last: a registry that is nearly new has then given the ids that are a fact's with us to other schemas.
    subjects = subjects_of(settings)[::-1]
    try:
        async with RegistryClient(access) as client:
            done = [each async for each in _registrations(client, subjects, dry_run)]
            return tuple(sorted(done, key=lambda each: (each.entry.schema_id, each.subject)))
    except RegistryAway as error:
        raise Unavailable(f"{_sentence(error)} Nothing is lost: run the command again.") from error
    except Refused as error:
        raise Unfit(_sentence(error)) from error


def collisions(found: Sequence[Registration]) -> tuple[Registration, ...]:
    """The facts whose id at the registry is our id of another type of fact: a recorder refuses such a registry."""
    return tuple(each for each in found if other_meaning(each.entry, each.registry_id) is not None)


def _registry_of(settings: Settings) -> RegistryAccess:
    access = settings.schema_registry
    if access is None:
        raise Unfit(f"No schema registry is named: set {PREFIX}SCHEMA_REGISTRY_URL, or give --registry.")
    return access


async def _registrations(
    client: RegistryClient, subjects: Sequence[Subject], dry_run: bool
) -> AsyncIterator[Registration]:
    for subject in subjects:
        level = await client.compatibility(subject.name)
        if level is None and not dry_run:
            await client.set_compatibility(subject.name, COMPATIBILITY)
            level = COMPATIBILITY
        for entry in subject.versions:
            found, outcome, reason = await _registered(client, subject.name, schema_json(entry), dry_run)
            yield Registration(subject.name, entry, found, outcome, level, reason)


async def _registered(client: RegistryClient, subject: str, schema: str, dry_run: bool) -> tuple[int | None, str, str]:
    """A schema's id at the registry, the outcome, and the reason of a refusal."""
    found = await client.find(subject, schema)
    if found is not None:
        return found, THERE_ALREADY, ""
    try:
        if not dry_run:
            return await client.register(subject, schema), REGISTERED_NOW, ""
        reason = await client.incompatibility(subject, schema)
    except Declined as error:
        return None, REFUSED, str(error)
    return (None, WOULD_REGISTER, "") if reason is None else (None, REFUSED, reason)


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
