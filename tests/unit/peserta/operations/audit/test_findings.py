"""Findings print their names unchanged, name no worker, and are summed by claim."""

import pytest

from peserta.cli.audit import _show
from peserta.cli.screen import out
from peserta.operations.audit.findings import NAMED_MAX, Finding, by_claim, compare, out_of_order, row_name
from peserta.operations.audit.report import Report
from peserta.operations.audit.tables import each_by

TOKEN = "tkn-9f3c"
NAMES = {
    "a worker": (f"wC1 {TOKEN}".encode(), "wC1 (worker "),
    "a company": (b"cC1", "cC1"),
    "bytes of somebody else": (b"c\xff", "c\\xff"),
}


@pytest.mark.parametrize(("key", "begins"), NAMES.values(), ids=NAMES)
def test_a_row_is_named_without_its_worker(key: bytes, begins: str) -> None:
    assert row_name(key).startswith(begins)
    assert TOKEN not in row_name(key)


def test_two_workers_have_two_names() -> None:
    assert row_name(b"wC1 one") != row_name(b"wC1 two")


def test_a_name_with_brackets_is_printed() -> None:
    finding = Finding("claim", "partition 0")
    finding.wrong("extra", "c[/red][bold]C1")
    with out.capture() as printed:
        _show(Report(findings=[finding]))
    assert "extra: c[/red][bold]C1" in printed.get()


def test_findings_of_all_places_add_up_by_claim() -> None:
    right, wrong, other = (
        Finding("ledger", "partition 0", 3),
        Finding("ledger", "partition 1", 4),
        Finding("state", "", 1),
    )
    for kind in ("missing", "extra", "extra", "different", "different", "different"):
        wrong.wrong(kind, kind)
    ledger, state = by_claim([right, other, wrong])
    assert (ledger.claim, ledger.compared, ledger.missing, ledger.extra, ledger.different) == ("ledger", 7, 1, 2, 3)
    assert not ledger.holds and len(ledger.named) == NAMED_MAX
    assert state.holds and (state.claim, state.compared) == ("state", 1)
    assert (right.compared, wrong.compared) == (3, 4)


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        pytest.param("a1 b1 a2 a3 b2", [], id="in order"),
        pytest.param("b1 a1 b2 a2 a3", [], id="groups may stand otherwise among each other"),
        pytest.param("a1 b1 a3 a2 b2", ["a3"], id="two of a group changed places: the first is named"),
        pytest.param("a2 a1 b2 b1 a3", ["a2", "b2"], id="of each group"),
        pytest.param("a1 a3 b1 b2", [], id="one is missing, which is not a matter of order"),
        pytest.param("a1 c1 a2 b1 a3 b2", [], id="one is extra"),
    ],
)
def test_of_each_group_what_stands_out_of_order_is_named_once(found: str, wrong: list[str]) -> None:
    group_of = {one: one[0] for one in ["a1", "b1", "a2", "a3", "b2"]}
    assert list(out_of_order(group_of, found.split())) == wrong


def test_a_row_that_clickhouse_has_twice_is_one_too_many() -> None:
    rows = [("line 1", 2), ("line 2", 3), ("line 2", 3)]
    finding = compare("", "", {"line 1": ("line 1", 2), "line 2": ("line 2", 3)}, each_by(lambda row: row[0], rows))
    assert (finding.missing, finding.extra, finding.different) == (0, 1, 0)
