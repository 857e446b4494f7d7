"""The ids under which a schema registry has our schemas: asked at the start, and for an id that comes up later."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay, wait_fixed

from schemas.registry import REGISTERED, Registered
from schemas.topics import TopicNames
from schemas.vocabulary import KINDS
from schemas.wire import BadMagic, split_frame, wire_form
from streams.lane.records import Record
from streams.lane.stop import Refused
from streams.schema_registry.access import RegistryAccess
from streams.schema_registry.client import RegistryAway, RegistryClient
from streams.schema_registry.subjects import Subject, full_name, inbound_subjects, schema_json
from streams.settings import InboundTopic

START_LIMIT_S: Final = 60.0
LATER_LIMIT_S: Final = 30.0
RETRY_S: Final = 1.0
ASKED_AT_ONCE_MAX: Final = 8
OTHERS_KEPT_MAX: Final = 100_000  # ids of schemas that are not ours

INBOUND: Final = tuple(each for each in REGISTERED if each.subject in (*KINDS, "company", "policy"))
FACTS: Final = {each.schema_id: each for each in INBOUND if each.subject in KINDS}

log = logging.getLogger(__name__)


class Asked(Protocol):
    """What is asked of a registry; see RegistryClient."""

    async def find(self, subject: str, schema: str) -> int | None: ...
    async def schema(self, schema_id: int) -> str | None: ...


Connect = Callable[[RegistryAccess], AbstractAsyncContextManager[Asked]]


def other_meaning(entry: Registered, registry_id: int | None) -> Registered | None:
    """The other type of fact that has, with us, the id under which a registry has this type of fact."""
    mine = FACTS.get(registry_id or 0)
    return mine if entry.schema_id in FACTS and mine is not None and mine.subject != entry.subject else None


class RegistryIds:
    """`aliases`: an id of the registry -> our id of the same schema. A schema is the same if it gives the same bytes.

    An id never changes its schema, so the answers are kept. That the registry does not have an id is not kept: it may
    give the id to one of our schemas later.
    """

    def __init__(
        self,
        access: RegistryAccess,
        topics: TopicNames,
        inbound: tuple[InboundTopic, ...],
        connect: Connect = RegistryClient,
    ) -> None:
        self.aliases: dict[int, int] = {}
        self._access, self._connect = access, connect
        self._subjects = inbound_subjects(topics, inbound)
        self._own = {topics.companies: _ids("company"), topics.policies: _ids("policy")}
        self._others: set[int] = set()
        self._by_form = {wire_form(schema_json(each)): each.schema_id for each in INBOUND}

    async def begin(self) -> None:
        """Ask for the ids of our schemas. Waits for a registry that does not answer, and raises RegistryAway after
        START_LIMIT_S. Raises Refused if a schema is not registered, or if an id means two types of facts."""
        log.info("waiting for the schema registry at %s", self._access)
        async for attempt in _patiently(START_LIMIT_S):
            with attempt:
                async with self._connect(self._access) as registry:
                    self.aliases.update(await self._registered(registry))
                    await self._check_ours(registry)
        log.info("the schema registry at %s has our schemas: %d ids of its own", self._access, len(self.aliases))

    async def before_step(self, records: Sequence[Record]) -> None:
        """Call this before these records are read: asks for ids that were never seen.

        Waits for a registry that does not answer, and raises RegistryAway after LATER_LIMIT_S: the records are then
        read again by the next process, and none is refused because the registry was away."""
        unknown = self._unknown(records)
        if not unknown:
            return
        async for attempt in _patiently(LATER_LIMIT_S):
            with attempt:
                async with self._connect(self._access) as registry:
                    await self._learn(registry, sorted(unknown - self._others - self.aliases.keys()))

    def _unknown(self, records: Iterable[Record]) -> set[int]:
        unknown = set()
        for record in records:
            try:
                schema_id = split_frame(record.value)
            except BadMagic:
                continue
            if schema_id not in self._own.get(record.topic, FACTS):
                unknown.add(schema_id)
        return unknown - self.aliases.keys() - self._others

    async def _learn(self, registry: Asked, unknown: Sequence[int]) -> None:
        turns = asyncio.Semaphore(ASKED_AT_ONCE_MAX)

        async def learn(schema_id: int) -> None:
            async with turns:
                text = await registry.schema(schema_id)
            if text is None:
                log.warning("the schema registry at %s has no schema %d", self._access, schema_id)
            elif (ours := self._by_form.get(wire_form(text))) is not None:
                self.aliases[schema_id] = ours
            else:
                if len(self._others) >= OTHERS_KEPT_MAX:
                    self._others.clear()
                self._others.add(schema_id)

        await asyncio.gather(*map(learn, unknown))

    async def _registered(self, registry: Asked) -> dict[int, int]:
        """The registry's ids of our inbound schemas -> ours."""
        found: dict[int, int] = {}
        missing = []
        for subject, entry in _entries(self._subjects):
            registry_id = await registry.find(subject.name, schema_json(entry))
            if registry_id is None:
                missing.append(subject.name)
            elif (other := other_meaning(entry, registry_id)) is not None:
                raise Refused(self._collision(registry_id, full_name(entry), other))
            else:
                found[registry_id] = entry.schema_id
        if missing:
            raise Refused(
                f"the schema registry at {self._access} lacks schemas of this release, in {', '.join(missing)}: run "
                "`peserta schemas register`"
            )
        return found

    async def _check_ours(self, registry: Asked) -> None:
        """Raise Refused if the registry has another form of a fact under an id that is ours."""
        names = {full_name(each) for each in FACTS.values()}
        for schema_id, entry in FACTS.items():
            form = wire_form(await registry.schema(schema_id) or "")
            if form is None or self._by_form.get(form) == schema_id:
                continue
            if any(f'"name":"{name}"' in form for name in names):
                raise Refused(self._collision(schema_id, "another form of a fact", entry))

    def _collision(self, registry_id: int, theirs: str, ours: Registered) -> str:
        return (
            f"the id {registry_id} means {theirs} at the schema registry at {self._access}, and {full_name(ours)} in "
            "this service, for good: values under it could be misread. Register the schemas in a registry, or in a "
            "context of one, whose ids of them are the service's own or above 4"
        )


def _ids(record: str) -> frozenset[int]:
    return frozenset(each.schema_id for each in INBOUND if each.subject == record)


def _entries(subjects: Iterable[Subject]) -> Iterable[tuple[Subject, Registered]]:
    return ((subject, entry) for subject in subjects for entry in subject.versions)


def _say(attempt: RetryCallState) -> None:
    log.warning("%s; asks again in %g s", attempt.outcome and attempt.outcome.exception(), RETRY_S)


def _patiently(limit_s: float) -> AsyncRetrying:
    """Attempts until one does not raise RegistryAway; the last one's error after `limit_s`."""
    return AsyncRetrying(
        retry=retry_if_exception_type(RegistryAway),
        wait=wait_fixed(RETRY_S),
        stop=stop_after_delay(limit_s),
        before_sleep=_say,
        reraise=True,
    )
