"""The input of a demonstration: lines of facts, raw broken records, rules, and a date."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from peserta.demo.story import BrokenRecord, Story, kafka_record, story_texts
from peserta.intake.fact_files import FactFiles
from peserta.intake.reference_files import read_rules
from peserta.operations.failure import Rejected
from schemas.admission import Refusal
from schemas.codec import InboundCodec
from schemas.dates import day, day_text, jakarta_day
from schemas.fact_json import admit, read_record
from schemas.records import Day, Instant
from streams.core.simulate import DateTooEarly, Latest, Rules

Line = tuple[int, bytes]


@dataclass(frozen=True)
class RawRecord:
    """A raw record, and the reason for which it must be refused."""

    timestamp: Instant
    key: bytes
    value: bytes
    reason: str


@dataclass(frozen=True)
class Material:
    """Numbered lines in publishing order, and the rules that apply before the first."""

    lines: Sequence[Line]
    rules: Rules
    as_of: Day
    raw_records: Sequence[RawRecord] = ()
    told: Story | None = None
    starts_at: Instant = field(init=False)

    def __post_init__(self) -> None:
        """Raises Failed if `as_of` is before the business date of a fact."""
        recorded = [fact.recorded_at for _, line in self.lines if not isinstance(fact := read_record(line), Refusal)]
        latest = max(_dates(self.lines), key=attrgetter("on"), default=None)
        if latest is not None and self.as_of < latest.on:
            raise Rejected(f"{DateTooEarly(self.as_of, latest)}.")
        earliest = min([*recorded, *(raw.timestamp for raw in self.raw_records)], default=0)
        object.__setattr__(self, "starts_at", earliest)


def _dates(lines: Sequence[Line]) -> Iterator[Latest]:
    """The business date that each fact of these lines sets."""
    for number, line in lines:
        if not isinstance(read := admit(line), Refusal):
            yield Latest(jakarta_day(read.recorded_at), read.fact.company_id, number)


def from_story(told: Story) -> Material:
    """The story as material, with the same texts as its files."""
    with TemporaryDirectory(prefix="peserta-story-") as folder:
        paths = [Path(folder) / name for name in ("facts.ndjson", "policies.yaml", "companies.yaml")]
        for path, text in zip(paths, story_texts(told), strict=True):
            path.write_text(text, encoding="utf-8")
        rules = read_rules(paths[1], paths[2], told.grace_days)
        lines = list(FactFiles(paths[:1]))
    return Material(lines, rules, day(told.as_of), [_raw(broken) for broken in told.broken], told)


def _raw(broken: BrokenRecord) -> RawRecord:
    timestamp, key, value = kafka_record(broken, InboundCodec().encode)
    return RawRecord(timestamp, key, value, broken.reason)


def from_files(files: list[Path], rules: Rules, as_of: str | None) -> Material:
    """A user's files as material; without `as_of`, the date of the last recording."""
    lines = list(FactFiles(files))
    return Material(lines, rules, day(as_of or last_recorded_on(lines)))


def last_recorded_on(lines: Sequence[Line]) -> str:
    """The latest business date of a line that is a fact. Raises Failed if there is none."""
    recorded = [fact.recorded_at for _, line in lines if not isinstance(fact := admit(line), Refusal)]
    if not recorded:
        raise Rejected("No line of these files is a fact: say --as-of DATE.")
    return day_text(max(map(jakarta_day, recorded)))
