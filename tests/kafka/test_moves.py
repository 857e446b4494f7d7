"""The question `moves` at the edges of its dates, on ClickHouse's own engine."""

from typing import Final, NamedTuple

import pytest

from deploy.embedded.stack import Stack
from peserta.operations import questions_in_turn
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.questions import answer, request
from peserta.settings import Settings, read_settings
from tests.support.sink_database import Database, shared_database
from tests.support.sink_records import fact_entry, inside, journal_values, ledger_record, ledger_value, line

COVERED: Final = inside("daily", "JKK", "JKM")
UNCOVERED: Final = inside("daily")


class Change(NamedTuple):
    """What changed for a worker on a date; `steps`: from - to, where `o` is outside, `u` uncovered and `c` covered."""

    worker_id: str
    company_id: str
    value_on: str
    steps: str


CLASSES: Final = {"o": None, "u": UNCOVERED, "c": COVERED}
PERIOD: Final = {"from": "2025-02-01", "to": "2025-02-28", "within_days": "60"}
CHANGES: Final = [
    # Joined on the first date, sixty days after leaving: counts. The other one left a day earlier.
    Change("w1", "A1", "2023-01-01", "oc"),
    Change("w1", "A1", "2024-12-03", "co"),
    Change("w1", "A2", "2025-02-01", "ou"),
    Change("w2", "A1", "2023-01-01", "oc"),
    Change("w2", "A1", "2024-12-02", "co"),
    Change("w2", "A2", "2025-02-01", "ou"),
    # Joined on the last date, covered on the 31st day there, which is in March. The other one is a day late.
    Change("w3", "B1", "2023-01-01", "ou"),
    Change("w3", "B1", "2025-01-31", "uo"),
    Change("w3", "B2", "2025-02-28", "ou"),
    Change("w3", "B2", "2025-03-30", "uc"),
    Change("w4", "B1", "2023-01-01", "ou"),
    Change("w4", "B1", "2025-01-31", "uo"),
    Change("w4", "B2", "2025-02-28", "ou"),
    Change("w4", "B2", "2025-03-31", "uc"),
    # Joined after the last date.
    Change("w5", "B1", "2023-01-01", "ou"),
    Change("w5", "B1", "2025-01-31", "uo"),
    Change("w5", "B2", "2025-03-01", "ou"),
    # Came back to a company in which it had been covered before.
    Change("w6", "C2", "2023-01-01", "oc"),
    Change("w6", "C2", "2023-06-30", "co"),
    Change("w6", "C1", "2023-07-01", "oc"),
    Change("w6", "C1", "2025-02-01", "co"),
    Change("w6", "C2", "2025-02-01", "ou"),
    # Had been at the second company until a few days before.
    Change("w7", "D2", "2024-06-01", "oc"),
    Change("w7", "D1", "2024-07-01", "ou"),
    Change("w7", "D2", "2025-02-15", "co"),
    Change("w7", "D1", "2025-02-18", "uo"),
    Change("w7", "D2", "2025-02-20", "ou"),
]


async def fill(database: Database) -> None:
    entries, records = [], []
    for number, change in enumerate(CHANGES):
        before, after = (CLASSES[step] for step in change.steps)
        entries.append(fact_entry(number, worker_id=change.worker_id, company_id=change.company_id))
        lines = [line(change.value_on, before, after)]
        records.append(ledger_record(number, lines, company_id=change.company_id))
    await database.put("coverage.journal.v1", journal_values(entries))
    await database.put("coverage.ledger.v1", map(ledger_value, records))


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    name, _ = shared_database(stack.clickhouse_url, fill)
    return read_settings(clickhouse_url=stack.clickhouse_url, clickhouse_database=name)


def moves(settings: Settings, as_of: str) -> dict[tuple[object, ...], tuple[object, ...]]:
    """From and to -> people, covered before, covered after."""
    rows = map(tuple, answer(settings, request(settings, "moves", PERIOD | {"as_of": as_of})).rows)
    return {row[:2]: row[2:] for row in rows}


@pytest.mark.parametrize(
    ("as_of", "covered_after"),
    [
        pytest.param("2025-12-31", (0, 1, 0, 0), id="later"),
        pytest.param("2025-03-29", (0, 0, 0, 0), id="before the 31st day"),
        pytest.param("2025-02-10", (0, 0, 0, 1), id="in the period, before somebody joined"),
        pytest.param("2023-03-01", (0, 0, 1, 0), id="long before"),
    ],
)
def test_moves_are_counted_up_to_the_edges_of_their_dates(
    settings: Settings, as_of: str, covered_after: tuple[int, ...]
) -> None:
    a, b, c, d = covered_after
    assert moves(settings, as_of) == {
        ("A1", "A2"): (1, 1, a),
        ("B1", "B2"): (2, 0, b),
        ("C1", "C2"): (1, 1, c),
        ("D1", "D2"): (1, 0, d),
    }


def test_the_people_of_several_turns_add_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with analyst(settings) as client:
        w3, w4 = client.query(f"SELECT cityHash64(arrayJoin(['w3', 'w4'])) % {len(CHANGES)}").result_columns[0]
    assert w3 != w4, "they would have one turn"
    whole = moves(settings, "2025-12-31")
    monkeypatch.setattr(questions_in_turn, "TURN_RECORDS_MAX", 1)
    assert moves(settings, "2025-12-31") == whole
