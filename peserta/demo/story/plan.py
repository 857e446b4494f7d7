"""The plan of an invented company: its people, its habits and its chapters, as data."""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

FIRST_ON: Final = date(2024, 10, 1)
LAST_ON: Final = date(2025, 12, 31)
BASELINE_ON: Final = date(2025, 9, 11)

BASIC: Final = ("JKK", "JKM")
OLD_AGE: Final = ("JHT", "JP")
APP: Final = ("JMO",)


class Archetype(Enum):
    """The behaviour of a company; the value says what a reader of the demonstration should see."""

    KEEPER = "keeps the pact: campaigns after 11 September 2025 lift its coverage by more than 20 points"
    LAGGARD = "does not keep it: its coverage hardly moves and its alerts stay open"
    LATE_REPORTER = "reports three to eight weeks late: its past days are restated again and again"
    SEASONAL = "hires daily workers in waves: coverage falls, and recovers when they are enrolled near the end of grace"
    DROPPER = "withdraws cover before the baseline date and gives it back after: its declared baseline shows it"
    JMO_CHAMPION = "nearly everybody is covered and has the app: it can meet the pact only by covering everybody"
    SMALL = "starts with three people, too few to be evaluated, then opens its hall"
    CLOSING = "lays everybody off: its alerts end as not evaluable, not as recovered"
    DOUBLE_UPLOADER = "sends a whole file twice: its figures do not move"
    SHEDDER = "meets the pact by dismissing those without cover: nobody gained any"


@dataclass(frozen=True)
class Wave:
    """People hired evenly over some days; some of them worked here before (`recalled_pct`)."""

    first_on: date
    last_on: date
    hires: int
    employment_type: str = "daily"
    contract_days: int = 75
    enrolled_pct: int = 85
    enrolled_after_days: tuple[int, int] = (24, 40)
    recalled_pct: int = 0
    reported_on: date | None = None
    """The date on which the contracts are reported ahead; None: by the company's habit."""


@dataclass(frozen=True)
class Campaign:
    """`pct` of those inside who lack one of the programmes are enrolled in them, evenly over some days."""

    first_on: date
    last_on: date
    pct: int
    programmes: tuple[str, ...] = BASIC


@dataclass(frozen=True)
class Withdrawal:
    """`pct` of those inside who have all the programmes lose them, evenly over some days."""

    first_on: date
    last_on: date
    pct: int
    programmes: tuple[str, ...] = BASIC


@dataclass(frozen=True)
class Layoff:
    """`pct` of those inside are dismissed, evenly over some days; all of them, or only those without cover."""

    first_on: date
    last_on: date
    pct: int
    uncovered_only: bool = False


Chapter = Wave | Campaign | Withdrawal | Layoff


@dataclass(frozen=True)
class Baseline:
    """Declared figures of a company for BASELINE_ON (workers)."""

    active: int
    covered: int


@dataclass(frozen=True)
class Company:
    """One made-up company. Headcounts are workers at scale 1, shares are per cent."""

    company_id: str
    name: str
    regency: str
    kbli: str
    archetype: Archetype
    staff: int
    """Workers on FIRST_ON, all reported in its first upload; of them covered, and with the app:"""
    covered_pct: int
    app_pct: int
    joiners_a_month: int
    leavers_a_month_pct: int
    enrolled_pct: int
    """Newcomers who are enrolled, and how many days after their hire:"""
    enrolled_after_days: tuple[int, int] = (3, 28)
    reported_after_days: tuple[int, int] = (0, 2)
    source: str = "hris"
    upload_hour: int = 17
    """Asia/Jakarta; 0 is just after midnight."""
    chapters: tuple[Chapter, ...] = ()
    declared: Baseline | None = None
    scales: bool = True
    """Whether the scale of the story changes its headcounts."""
