"""Records that a sloppy publisher would send, as data: at least one for each reason for which the recorder refuses."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final, NamedTuple

from peserta.demo.story.notes import Note, Planted
from peserta.demo.story.reporting import instant, moment
from schemas.records import Fact
from schemas.vocabulary import EMPLOYMENT_TYPE_NUMBER, HIRE

EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
ID_BYTES: Final = 4
"""Schema id of the Confluent wire format, after the magic byte."""
UNKNOWN_SCHEMA_ID: Final = 999_999_999
CUT_BYTES: Final = 3
RECORD_BYTES_MAX: Final = 16_384
"""Key and value together, the limit above which a record is `oversized`."""
TOO_LONG: Final = "page " * (RECORD_BYTES_MAX // 5 + 1)
IMPOSSIBLE_NIK: Final = "9" * 16
IMPOSSIBLE_KPJ: Final = "9" * 11
"""There is no province 99: these are nobody's numbers."""


class Mutation(Enum):
    """The damage done to a well encoded value."""

    NONE = "sent as encoded"
    JSON = "a JSON text is sent in place of Avro"
    WRONG_MAGIC = "the first byte is 1 in place of 0"
    UNKNOWN_SCHEMA = "the schema id is one that nobody registered"
    CUT = f"the last {CUT_BYTES} bytes are missing"
    HEAD_ONLY = "only the magic byte and the schema id are sent"


@dataclass(frozen=True)
class BrokenRecord:
    """A record to be refused for `reason` (SEMANTICS 2): a fact that need not obey its rules, its key, a mutation."""

    recorded_at: int
    """Milliseconds since 1970-01-01T00:00Z: the timestamp of the Kafka record."""
    reason: str
    explanation: str
    fact: Fact
    key: str
    mutation: Mutation = Mutation.NONE


class KafkaRecord(NamedTuple):
    """A record as sent to the inbound topic."""

    timestamp_ms: int
    key: bytes
    value: bytes


def kafka_record(broken: BrokenRecord, encode: Callable[[Fact], bytes]) -> KafkaRecord:
    """The raw record; `encode` gives the Confluent wire format and does not look at the rules of the fields."""
    return KafkaRecord(broken.recorded_at, broken.key.encode(), mutated(encode(broken.fact), broken.mutation))


def mutated(value: bytes, mutation: Mutation) -> bytes:
    head = 1 + ID_BYTES
    match mutation:
        case Mutation.NONE:
            return value
        case Mutation.JSON:
            return b'{"type":"hire","note":"exported by hand"}'
        case Mutation.WRONG_MAGIC:
            return b"\x01" + value[1:]
        case Mutation.UNKNOWN_SCHEMA:
            return value[:1] + UNKNOWN_SCHEMA_ID.to_bytes(ID_BYTES, "big") + value[head:]
        case Mutation.CUT:
            return value[:-CUT_BYTES]
        case Mutation.HEAD_ONLY:
            return value[:head]


def broken_records() -> tuple[BrokenRecord, ...]:
    """The broken records of the story, in order of recorded_at; they are the same for every seed and scale."""
    out_of_range = "effective_on_out_of_range"
    spoilt = (
        spoil("JT-0002-A", date(2024, 11, 6), "bad_magic", "A JSON text where Avro is due.", Mutation.JSON),
        spoil("JT-0010-A", date(2024, 11, 20), "unknown_schema", "A schema of a test system.", Mutation.UNKNOWN_SCHEMA),
        spoil("JT-0005-A", date(2024, 12, 12), "decode_error", "The line was cut in transfer.", Mutation.CUT),
        spoil("JT-0003-A", date(2025, 1, 9), "national_id", "A NIK where a token is due.", worker_id=IMPOSSIBLE_NIK),
        spoil("JT-0003-A", date(2025, 1, 10), "national_id", "A card number (KPJ).", worker_id=IMPOSSIBLE_KPJ),
        spoil("JT-0008-A", date(2025, 2, 17), "invalid_field", "The source is an empty text.", source=""),
        spoil("JT-0011-A", date(2025, 3, 4), "invalid_field", "The worker_id has a blank in it.", worker_id="w 17"),
        spoil("JT-0001-B", date(2025, 4, 15), "key_mismatch", "Division B under the key of A.", key="JT-0001-A"),
        spoil("JT-0009-A", date(2025, 5, 21), "key_mismatch", "The key is in small letters.", key="jt-0009-a"),
        spoil("JT-0007-A", date(2025, 6, 3), out_of_range, "2052 for 2025.", effective_on=date(2052, 6, 2)),
        spoil("JT-0006-A", date(2025, 6, 19), out_of_range, "1925 for 2025.", effective_on=date(1925, 6, 2)),
        spoil("JT-0004-A", date(2025, 7, 8), "oversized", "A whole page as the source.", source=TOO_LONG),
        spoil("JT-0010-A", date(2025, 9, 2), "bad_magic", "A magic byte of another format.", Mutation.WRONG_MAGIC),
        spoil("JT-0002-A", date(2025, 10, 7), "decode_error", "Only the head of a value.", Mutation.HEAD_ONLY),
    )
    return tuple(sorted(spoilt, key=lambda broken: broken.recorded_at))


def broken_notes() -> tuple[Note, ...]:
    """A note for each broken record, in the same order; the company is the one that meant to send it."""
    return tuple(
        Note(Planted.BROKEN_RECORD, b.fact.company_id, moment(b.recorded_at).date(), f"{b.reason}: {b.explanation}")
        for b in broken_records()
    )


def spoil(
    company_id: str,
    on: date,
    reason: str,
    explanation: str,
    mutation: Mutation = Mutation.NONE,
    *,
    key: str | None = None,
    worker_id: str | None = None,
    source: str = "new-interface",
    effective_on: date | None = None,
) -> BrokenRecord:
    """A hire of somebody by this company, recorded on this date at ten, with one thing wrong."""
    name = f"broken-{on:%Y%m%d}"
    fact = Fact(
        kind=HIRE,
        detail=EMPLOYMENT_TYPE_NUMBER["daily"],
        event_id=name,
        company_id=company_id,
        worker_id=worker_id or f"w-{name}",
        effective_on=day(effective_on or on),
        occurred_at=instant(on, hour=9),
        source=source,
        corrects="",
    )
    return BrokenRecord(instant(on, hour=10), reason, explanation, fact, key or company_id, mutation)


def day(on: date) -> int:
    return on.toordinal() - EPOCH_DAY
