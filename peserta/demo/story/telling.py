"""The story: every company's reports and the planted disorder, in one order of recording."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from random import Random
from typing import Final

from peserta.demo.story.broken import BrokenRecord, broken_notes, broken_records
from peserta.demo.story.companies import COMPANIES, companies_yaml
from peserta.demo.story.notes import Note
from peserta.demo.story.payroll import Payroll
from peserta.demo.story.plan import LAST_ON, Archetype, Company
from peserta.demo.story.planted import (
    Plant,
    back_dated,
    correction_first,
    corrections,
    double_upload,
    future_dated,
    id_conflict,
    nobody_there,
    rehire,
    renewals,
    unknown_target,
)
from peserta.demo.story.policies import POLICIES_YAML
from peserta.demo.story.reporting import Report, reports

DEFAULT_SEED: Final = 20250911
SCALE_MAX: Final = 50.0
"""Above it the first uploads would not end on their day."""
GRACE_DAYS: Final = 30

PLANTS: Final[tuple[tuple[Archetype, Callable[[list[Report], Random], Plant]], ...]] = (
    (Archetype.DOUBLE_UPLOADER, lambda own, rng: double_upload(own)),
    (Archetype.LAGGARD, id_conflict),
    (Archetype.LAGGARD, corrections),
    (Archetype.SEASONAL, nobody_there),
    (Archetype.SEASONAL, lambda own, rng: rehire(own)),
    (Archetype.LATE_REPORTER, lambda own, rng: back_dated(own)),
    (Archetype.LATE_REPORTER, nobody_there),
    (Archetype.KEEPER, lambda own, rng: future_dated(own)),
    (Archetype.KEEPER, corrections),
    (Archetype.SHEDDER, unknown_target),
    (Archetype.DROPPER, correction_first),
    (Archetype.DROPPER, corrections),
    (Archetype.SHEDDER, correction_first),
    (Archetype.JMO_CHAMPION, renewals),
    (Archetype.SHEDDER, renewals),
)
"""Which disorder is found with which companies; the functions do not see each other's reports."""


@dataclass(frozen=True)
class Story:
    """Everything that the demonstration needs, as text and data."""

    facts: tuple[str, ...]
    """NDJSON lines (JSON form with `recorded_at`), in order of recorded_at, without their ends."""
    broken: tuple[BrokenRecord, ...]
    policies_yaml: str
    companies_yaml: str
    as_of: str
    grace_days: int
    notes: tuple[Note, ...]
    """What is planted where, by date."""


def story(seed: int = DEFAULT_SEED, scale: float = 1.0) -> Story:
    """The story from one seed: same seed and scale, same bytes. `scale` multiplies headcounts, at most SCALE_MAX."""
    if not 0 < scale <= SCALE_MAX:
        raise ValueError(f"scale {scale} is not above 0 and at most {SCALE_MAX}")
    told = [tell(company, scale, seed) for company in COMPANIES]
    all_reports = sorted((r for plant in told for r in plant.reports), key=attrgetter("recorded_at"))
    notes = [n for plant in told for n in plant.notes] + list(broken_notes())
    return Story(
        facts=tuple(report.line() for report in all_reports),
        broken=broken_records(),
        policies_yaml=POLICIES_YAML,
        companies_yaml=companies_yaml(scale),
        as_of=LAST_ON.isoformat(),
        grace_days=GRACE_DAYS,
        notes=tuple(sorted(notes, key=attrgetter("on"))),
    )


def tell(company: Company, scale: float, seed: int) -> Plant:
    """One company's reports with its planted disorder; the result does not depend on the other companies."""
    rng = Random(f"{seed}/{company.company_id}")
    own = reports(company, Payroll(company, scale, rng).run(), rng)
    plants = [plant(own, rng) for archetype, plant in PLANTS if archetype is company.archetype]
    return Plant(
        (*own, *(report for plant in plants for report in plant.reports)),
        tuple(note for plant in plants for note in plant.notes),
    )
