"""What a finding names is printed as it is, and names no worker; findings add up by claim."""

import pytest

from peserta.cli.audit import _show
from peserta.cli.screen import out
from peserta.operations.audit.findings import NAMED_MAX, Finding, by_claim, row_name
from peserta.operations.audit.report import Report

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
