"""The recorder: inbound records -> journal entries and dead letters, in order.

It has no state and decides only whether a record is well formed. The book-keeper decides everything else.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from schemas.admission import (
    INVALID_FIELD,
    KEY_MISMATCH,
    KEY_RULE,
    NATIONAL_ID,
    OVERSIZED,
    RECORD_BYTES_MAX,
    REFERENCE_BYTES_MAX,
    TYPE_NOT_ALLOWED,
    Refusal,
    field_reason,
    range_reason,
    refusal,
)
from schemas.codec import InboundCodec, JournalCodec, OutputCodec, WireError
from schemas.dates import is_instant
from schemas.records import (
    TICK_SOURCE,
    Company,
    CompanySet,
    Coordinates,
    Day,
    DeadLetter,
    Entry,
    Fact,
    FactEntry,
    Instant,
    PolicyEnded,
    PolicySet,
    Tick,
)
from schemas.topics import TopicNames
from schemas.vocabulary import KINDS
from schemas.wire import NO_ALIASES
from streams.core.reference_rules import BrokenRule, broken_rule
from streams.lane.records import Append, Record
from streams.partitioning import partition_of
from streams.settings import REPLAY, StreamSettings

Now = Callable[[], Instant]
OnRecorded = Callable[[str, Mapping[str, int]], None]

RECORDED: Final = "recorded"
DEAD_LETTER: Final = "dead_letter:"
WITHOUT_TIME: Final = BrokenRule("recorded_at", "must be an instant from 2000 to 2199; it is the record's timestamp")


class Recorder:
    """The step of an appending lane. `now` is the wall clock, read only in a book with `clock: wall`.

    After each step it calls `on_recorded(topic, counts)` with the number of records that were `recorded` and that
    became a `dead_letter:<reason>`. `registry_ids` are the ids of a schema registry -> ours; ours win.
    """

    def __init__(
        self,
        settings: StreamSettings,
        now: Now,
        on_recorded: OnRecorded | None = None,
        registry_ids: Mapping[int, int] = NO_ALIASES,
    ) -> None:
        self._topics: TopicNames = settings.topics
        self._partitions = settings.partitions
        self._replay = settings.clock == REPLAY
        self._now = now
        self._on_recorded = on_recorded
        self._refused: Counter[str] = Counter()
        self._kinds = {
            settings.topics.prefix + topic.name: frozenset(map(KINDS.index, topic.types)) for topic in settings.inbound
        }
        self._inbound, self._outputs = InboundCodec(aliases=registry_ids), OutputCodec(aliases=registry_ids)
        self._journal = JournalCodec()

    def step(self, topic: str, partition: int, records: Sequence[Record]) -> list[Append]:
        """The appends for a batch of inbound records, in order."""
        record_one = self._fact
        if topic == self._topics.companies:
            record_one = self._company
        elif topic == self._topics.policies:
            record_one = self._policy
        now = 0 if self._replay else self._now()
        appends = []
        for record in records:
            came_from = Coordinates(topic, partition, record.offset)
            appends += record_one(record, came_from, record.timestamp if self._replay else now)
        self._tell(topic, len(records))
        return appends

    def _tell(self, topic: str, records: int) -> None:
        """Report the step's counts and reset them."""
        refused, self._refused = self._refused, Counter()
        if self._on_recorded is not None:
            self._on_recorded(topic, {RECORDED: records - refused.total(), **refused})

    def ticks(self, on: Day, recorded_at: Instant) -> list[Append]:
        """The Tick of a business date: one entry per journal partition. The book ignores repeats of it."""
        return self._everywhere(Tick(Coordinates(TICK_SOURCE, 0, on), recorded_at, on), TICK_SOURCE.encode())

    def _fact(self, record: Record, came_from: Coordinates, recorded_at: Instant) -> list[Append]:
        read = self._admitted(record, came_from.topic, recorded_at)
        if isinstance(read, Refusal):
            return [self._dead_letter(record, came_from, recorded_at, read)]
        fact, original = read
        key, value = record.key or b"", record.value or b""
        # The journal encodes the common fields of facts with the same bytes, so they are copied unless unusual.
        common = self._inbound.common_bytes(fact, value) if original is None else None
        entry = self._journal.encode_fact(FactEntry(came_from, recorded_at, fact, original), common)
        return [Append(self._topics.journal, partition_of(key, self._partitions), key, entry)]

    def _admitted(self, record: Record, topic: str, recorded_at: Instant) -> tuple[Fact, bytes | None] | Refusal:
        """A record's fact, with its bytes if encoding would not reproduce them; or the refusal (SEMANTICS 2)."""
        if _bytes_of(record) > RECORD_BYTES_MAX:
            return Refusal(OVERSIZED, None, None)
        try:
            fact, canonical = self._inbound.decode(record.value)
        except WireError as error:
            return Refusal(error.reason, None, None)
        reason = field_reason(fact)
        if reason is None:
            if not is_instant(recorded_at):
                return refusal(INVALID_FIELD, fact)._replace(field=WITHOUT_TIME.field, rule=WITHOUT_TIME.rule)
            if record.key != fact.company_id.encode():
                reason = KEY_MISMATCH
            elif fact.kind not in self._kinds[topic]:
                reason = TYPE_NOT_ALLOWED
            else:
                reason = range_reason(fact, recorded_at)
        return refusal(reason, fact) if reason else (fact, None if canonical else record.value)

    def _company(self, record: Record, came_from: Coordinates, recorded_at: Instant) -> list[Append]:
        """The appends for a registry entry; a tombstone removes the company's entry."""
        key = record.key or b""
        try:
            company = self._outputs.decode_company(record.value) if record.value is not None else Company(_text(key))
        except (WireError, UnicodeDecodeError) as error:
            return [self._dead_letter(record, came_from, recorded_at, _undecoded(error))]
        why = self._reference_refusal(record, "company_id", company.company_id, broken_rule(company))
        if why:
            return [self._dead_letter(record, came_from, recorded_at, why)]
        value = self._journal.encode(CompanySet(came_from, recorded_at, company))
        return [Append(self._topics.journal, partition_of(key, self._partitions), key, value)]

    def _policy(self, record: Record, came_from: Coordinates, recorded_at: Instant) -> list[Append]:
        """The appends for a policy, one per journal partition; a tombstone ends the policy."""
        entry: Entry
        try:
            if record.value is None:
                entry = PolicyEnded(came_from, recorded_at, _text(record.key or b""))
                why = None if is_instant(recorded_at) else Refusal(INVALID_FIELD, None, None, *WITHOUT_TIME)
            else:
                policy = self._outputs.decode_policy(record.value)
                entry = PolicySet(came_from, recorded_at, policy)
                why = self._reference_refusal(record, "policy_id", policy.policy_id, broken_rule(policy))
        except (WireError, UnicodeDecodeError) as error:
            why = _undecoded(error)
        if why:
            return [self._dead_letter(record, came_from, recorded_at, why)]
        return self._everywhere(entry, record.key or b"")

    def _reference_refusal(
        self, record: Record, id_field: str, record_id: str, broken: BrokenRule | None
    ) -> Refusal | None:
        if _bytes_of(record) > REFERENCE_BYTES_MAX:
            return Refusal(OVERSIZED, None, None)
        if broken is None and self._replay and not is_instant(record.timestamp):
            broken = WITHOUT_TIME
        if broken is not None:
            return Refusal(INVALID_FIELD, None, None, *broken)
        if record.key != record_id.encode():
            return Refusal(KEY_MISMATCH, None, None, id_field, KEY_RULE)
        return None

    def _everywhere(self, entry: Entry, key: bytes) -> list[Append]:
        value = self._journal.encode(entry)
        return [Append(self._topics.journal, partition, key, value) for partition in range(self._partitions)]

    def _dead_letter(self, record: Record, came_from: Coordinates, recorded_at: Instant, why: Refusal) -> Append:
        """The dead letter with the refused record; a national id is replaced by its length."""
        self._refused[DEAD_LETTER + why.reason] += 1
        secret = why.reason == NATIONAL_ID
        letter = DeadLetter(
            came_from=came_from,
            recorded_at=recorded_at,
            reason=why.reason,
            event_id=why.event_id,
            source=why.source,
            key=None if secret else record.key,
            value=None if secret else record.value,
            key_bytes=len(record.key or b""),
            value_bytes=len(record.value or b""),
            field=why.field,
            rule=why.rule,
        )
        key = letter_key(came_from)
        value = self._outputs.encode_dead_letter(letter)
        return Append(self._topics.dead_letters, came_from.partition % self._partitions, key, value)


def letter_key(came_from: Coordinates) -> bytes:
    """The key of a dead letter: its source coordinates, which identify it."""
    return f"{came_from.topic}/{came_from.partition}/{came_from.offset}".encode()


def _bytes_of(record: Record) -> int:
    return len(record.key or b"") + len(record.value or b"")


def _text(key: bytes) -> str:
    return key.decode("utf-8")


def _undecoded(error: WireError | UnicodeDecodeError) -> Refusal:
    reason = error.reason if isinstance(error, WireError) and error.args == () else WireError.reason
    return Refusal(reason, None, None)
