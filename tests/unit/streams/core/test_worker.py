"""One worker's facts (SEMANTICS 2 to 4): dispositions, hand-computed lines, and the limit of facts."""

import pytest

from schemas.dates import day, day_text
from schemas.ledger_lines import posting
from schemas.records import Fact
from streams.core.worker import _HEAD, FACTS_PER_WORKER_MAX, remember, unpacked
from tests.support.facts import correction, enrollment, hire, termination
from tests.support.naive_timeline import WorkerClass, worker_class

GRACE_DAYS = 30
Said = tuple[str, str | None, str | None, int]


def short(worker: WorkerClass | None) -> str | None:
    """`permanent+JKK+new`; None is OUTSIDE."""
    if worker is None:
        return None
    return "+".join((worker.employment_type, *worker.programmes, *(["new"] if worker.new else [])))


def remembered(sent: list[Fact], grace_days: int = GRACE_DAYS) -> tuple[bytes | None, list[tuple[str, list[Said]]]]:
    """The row after these facts, and the disposition and lines of each fact."""
    row, said = None, []
    for fact in sent:
        disposition, new_row, numbers = remember(row, fact, grace_days)
        row = new_row if new_row is not None else row
        lines = [
            (day_text(p.value_on), short(worker_class(p.before)), short(worker_class(p.after)), p.quantity)
            for p in map(posting, numbers)
        ]
        said.append((disposition, lines))
    return row, said


P, NEW = "permanent", "permanent+new"
COVERED_NEW = "permanent+JKK+JKM+new"

CASES = [
    pytest.param(
        [hire("e1", "2025-01-01")],
        [("2025-01-01", None, NEW, 1), ("2025-01-31", NEW, P, 1)],
        id="a hire: inside and new, settled after the grace period",
    ),
    pytest.param([hire("e0", "2025-01-01"), hire("e1", "2025-01-02")], [], id="hired again into the same type"),
    pytest.param(
        [hire("e0", "2025-01-01"), hire("e1", "2025-03-01", "daily")],
        [("2025-03-01", P, "daily", 1)],
        id="another type: the spell goes on, nobody is new",
    ),
    pytest.param([termination("e1", "2025-01-01")], [], id="a termination of somebody not employed"),
    pytest.param([enrollment("e1", "2025-01-01")], [], id="an enrollment before the hire posts nothing yet"),
    pytest.param(
        [enrollment("e0", "2025-01-01"), hire("e1", "2025-01-01")],
        [("2025-01-01", None, COVERED_NEW, 1), ("2025-01-31", COVERED_NEW, "permanent+JKK+JKM", 1)],
        id="... and counts when the hire comes",
    ),
    pytest.param(
        [
            enrollment("e0", "2025-01-01"),
            termination("e1", "2025-01-02"),
            hire("e2", "2025-01-03", at="2025-01-03T00:00:00Z"),
        ],
        [("2025-01-03", None, COVERED_NEW, 1), ("2025-02-02", COVERED_NEW, "permanent+JKK+JKM", 1)],
        id="a termination of somebody outside ends no programmes",
    ),
    pytest.param(
        [
            hire("e0", "2025-01-01"),
            enrollment("e1", "2025-01-01"),
            termination("e2", "2025-02-02"),
            hire("e3", "2025-03-01"),
        ],
        [("2025-03-01", None, NEW, 1), ("2025-03-31", NEW, P, 1)],
        id="a termination of somebody inside ends them; a new spell is new",
    ),
    pytest.param(
        [hire("e0", "2025-01-01"), termination("e1", "2025-01-10")],
        [("2025-01-10", NEW, None, 1), ("2025-01-31", NEW, P, -1)],
        id="leaving in the grace period takes back its end",
    ),
    pytest.param(
        [hire("e0", "2025-01-01"), termination("e1", "2025-01-01", at="2025-01-01T01:00:00Z")],
        [],
        id="termination before hire within a day, by the moment: nobody to leave",
    ),
    pytest.param(
        [hire("e0", "2025-01-01"), termination("e1", "2025-01-01", at="2025-01-01T09:00:00Z")],
        [("2025-01-01", None, NEW, -1), ("2025-01-31", NEW, P, -1)],
        id="hired and gone on one day: never there at the end of a day",
    ),
    pytest.param(
        [hire("e0", "2025-03-01"), hire("e1", "2025-01-01")],
        [
            ("2025-01-01", None, NEW, 1),
            ("2025-01-31", NEW, P, 1),
            ("2025-03-01", None, NEW, -1),
            ("2025-03-31", NEW, P, -1),
        ],
        id="a late hire moves the beginning of the spell",
    ),
    pytest.param(
        [hire("e0", "2025-01-01"), correction("e1", "e0")],
        [("2025-01-01", None, NEW, -1), ("2025-01-31", NEW, P, -1)],
        id="a correction reverses",
    ),
    pytest.param([correction("e0", "e1"), hire("e1", "2025-01-01")], [], id="void before it came"),
    pytest.param([hire("e0", "2025-01-01"), correction("e1", "e")], [], id="a correction of a part of an id"),
    pytest.param(
        [hire("e0", "2025-01-01"), correction("e1", "e0"), correction("e2", "e1")],
        [],
        id="corrections are not corrected",
    ),
    pytest.param(
        [hire("e0", "2025-01-01"), enrollment("e1", "2025-01-05", "JMO", withdrawn=True)],
        [],
        id="withdrawn from nothing",
    ),
]


@pytest.mark.parametrize(("sent", "lines"), CASES)
def test_the_last_fact_posts(sent: list[Fact], lines: list[Said]) -> None:
    assert remembered(sent)[1][-1] == ("applied" if lines else "no_effect", lines)


FIRST = hire("e1", "2025-01-01")
OTHERS = [
    pytest.param(FIRST._replace(source="other"), id="another source"),
    pytest.param(FIRST._replace(occurred_at=FIRST.occurred_at + 1), id="a millisecond later"),
    pytest.param(FIRST._replace(effective_on=FIRST.effective_on + 1), id="a day later"),
    pytest.param(hire("e1", "2025-01-01", "daily"), id="another employment type"),
    pytest.param(termination("e1", "2025-01-01"), id="another kind"),
    pytest.param(enrollment("e1", "2025-01-01", "JHT"), id="an enrollment"),
    pytest.param(correction("e1", "e1"), id="a correction of itself"),
]


def test_the_same_content_again_is_a_duplicate() -> None:
    for one in (FIRST, termination("e1", "2025-01-01"), enrollment("e1", "2025-01-01"), correction("e1", "e9")):
        row, said = remembered([one, one])
        assert said[1] == ("duplicate", [])
        assert row == remembered([one])[0]


@pytest.mark.parametrize("other", OTHERS)
def test_another_content_under_the_same_id_is_a_conflict(other: Fact) -> None:
    row, said = remembered([FIRST, other])
    assert said[1] == ("dead_letter:id_conflict", [])
    assert row == remembered([FIRST])[0]


def test_a_conflict_stays_one_when_the_first_fact_is_void() -> None:
    voided = [FIRST, correction("e2", "e1")]
    assert remembered([*voided, FIRST])[1][-1] == ("duplicate", [])
    assert remembered([*voided, hire("e1", "2025-01-02")])[1][-1] == ("dead_letter:id_conflict", [])


def test_a_correction_and_its_source_are_told_apart() -> None:
    one = correction("e1", "a")._replace(source="b c")
    assert remembered([one, one._replace(source="b")])[1][-1][0] == "dead_letter:id_conflict"
    assert remembered([one, one._replace(corrects="b")])[1][-1][0] == "dead_letter:id_conflict"


@pytest.mark.parametrize(
    "filler",
    [
        pytest.param(lambda n: hire(f"f{n}", "2025-01-01"), id="hires"),
        pytest.param(lambda n: correction(f"f{n}", "nothing"), id="corrections"),
    ],
)
def test_a_worker_has_at_most_1000_facts(filler: object) -> None:
    assert callable(filler)
    full, said = remembered([filler(n) for n in range(FACTS_PER_WORKER_MAX - 1)])
    assert FACTS_PER_WORKER_MAX == 1000 and {d for d, _ in said} <= {"applied", "no_effect"}
    last = termination("last", "2025-04-01")
    disposition, row, _ = remember(full, last, GRACE_DAYS)
    assert disposition in ("applied", "no_effect") and row is not None and len(unpacked(row)) == 1000
    # Send the thousand-and-first fact of every kind, in order and late. The earlier facts must stay known.
    for fact in (hire("x", "2025-04-02"), hire("x", "2024-01-01"), correction("x", "last"), correction("x", "unknown")):
        assert remember(row, fact, GRACE_DAYS) == ("dead_letter:too_many_facts", None, [])
    assert remember(row, last, GRACE_DAYS)[0] == "duplicate"
    assert remember(row, last._replace(source="other"), GRACE_DAYS)[0] == "dead_letter:id_conflict"


def test_a_row_keeps_the_facts_as_they_came_with_the_longest_values() -> None:
    long = hire("e" * 64, "2025-01-01")._replace(source="日" * 64)
    row, _ = remembered([long, correction("c" * 64, "d" * 64)._replace(source="日" * 64)])
    assert row is not None
    assert [(fact[3], fact[5]) for fact in unpacked(row)] == [
        (b"e" * 64, ("日" * 64).encode()),
        (b"c" * 64, b"d" * 64 + b" " + ("日" * 64).encode()),
    ]
    assert _HEAD.unpack_from(row)[0] == day("2025-01-01")


def test_without_a_grace_period_nobody_is_new() -> None:
    assert remembered([hire("e1", "2025-01-01")], 0)[1] == [("applied", [("2025-01-01", None, P, 1)])]


def test_a_grace_period_of_a_day_ends_on_the_next() -> None:
    lines = [("2025-01-01", None, NEW, 1), ("2025-01-02", NEW, P, 1)]
    assert remembered([hire("e1", "2025-01-01")], 1)[1] == [("applied", lines)]
