"""Any number of simple workers. Each has the same five facts on different days, so they are cheap to make."""

from collections.abc import Iterator
from typing import Final

from schemas.dates import DAY_MS, day, jakarta_midnight
from schemas.records import Day, Fact, FactEntry
from schemas.vocabulary import ENROLLMENT, HIRE, REQUIRED_DEFAULT, TERMINATION, WITHDRAWN, programme_set
from tests.support.facts import entry

JMO: Final = programme_set(("JMO",))
LIFE: Final = (
    (0, HIRE, 1),
    (9, ENROLLMENT, REQUIRED_DEFAULT),
    (60, ENROLLMENT, JMO),
    (150, ENROLLMENT, WITHDRAWN | JMO),
    (170, TERMINATION, 2),
)  # (days after the hire, kind, detail)
FIRST_ON: Final = day("2024-11-01")
LARGEST: Final = "JT-LARGEST-A"
HIRING_DAYS: Final = 230  # the hires are spread over these days


def life_of(company_id: str, number: int) -> list[Fact]:
    """All facts of a worker, in order."""
    hired_on = FIRST_ON + number % HIRING_DAYS
    return [fact_of(company_id, number, sequence, hired_on) for sequence in range(len(LIFE))]


def fact_of(company_id: str, number: int, sequence: int, hired_on: Day) -> Fact:
    """One fact of a worker."""
    after, kind, detail = LIFE[sequence]
    event_id = f"0199d2a4-7e5c-7b1e-{sequence:04x}-{number:012x}"
    at = jakarta_midnight(hired_on + after) + number * 1_000 % DAY_MS
    return Fact(kind, detail, event_id, company_id, f"w-{number:08x}", hired_on + after, at, "payroll-batch", "")


def employer(number: int, companies: int, one_in: int = 0) -> str:
    """The company of a worker. Every `one_in`-th worker belongs to LARGEST."""
    return LARGEST if one_in and number % one_in == 0 else f"JT-{number % companies:05}-A"


def journal(companies: int, workers: int, one_in: int = 0) -> Iterator[FactEntry]:
    """All facts of so many workers, spread over so many companies, in order of their days."""
    offset = 0
    for on in range(FIRST_ON, FIRST_ON + HIRING_DAYS + LIFE[-1][0]):
        for sequence, (after, _, _) in enumerate(LIFE):
            slot = on - after - FIRST_ON
            for number in range(slot, workers, HIRING_DAYS) if 0 <= slot < HIRING_DAYS else ():
                yield entry(fact_of(employer(number, companies, one_in), number, sequence, on - after), offset)
                offset += 1
