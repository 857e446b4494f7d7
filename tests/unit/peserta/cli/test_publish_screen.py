"""`publish` shows an account with every line counted once, and no wider than the terminal."""

import io
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from peserta.cli import publish_screen
from peserta.cli.publish_screen import Refusals, refusal_sentence, show_dry_run, show_published
from peserta.intake.fact_files import Place
from peserta.intake.lines_sent import Fate
from peserta.intake.publishing.account import Account, By, RefusedLine
from peserta.intake.refusal_sentences import OF_REASONS
from schemas.admission import Refusal
from schemas.vocabulary import ID_CONFLICT, TOO_MANY_FACTS
from streams.recorder import DEAD_LETTER
from tests.support.journals import deterministic

COLUMNS = 80
OF_BOOK = {
    Fate.ID_CONFLICT: ID_CONFLICT.removeprefix(DEAD_LETTER),
    Fate.TOO_MANY_FACTS: TOO_MANY_FACTS.removeprefix(DEAD_LETTER),
}
counts = st.integers(0, 10**9)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """Accounts like those that `Publishing` makes."""
    fates = Counter({fate: draw(counts) for fate in Fate})
    account = Account(sent=fates.total(), fates=fates, is_followed=True)
    account.refused[By.DOOR]["decode_error"] = draw(counts)
    account.refused[By.RECORDER]["effective_on_out_of_range"] = fates[Fate.REFUSED_BY_RECORDER]
    for fate, reason in OF_BOOK.items():
        account.refused[By.BOOK][reason] = fates[fate]
    return account


def shown(monkeypatch: pytest.MonkeyPatch, account: Account, show: Any = show_published) -> list[str]:
    out = io.StringIO()
    monkeypatch.setattr(publish_screen, "out", Console(file=out, width=COLUMNS, highlight=False))
    monkeypatch.setattr(publish_screen, "err", Console(file=io.StringIO(), width=COLUMNS))
    show(account, Refusals(as_json=False))
    return out.getvalue().splitlines()


def rows(lines: list[str]) -> dict[str, int]:
    found = [line.strip().rsplit("  ", 1) for line in lines[1:] if line.strip()]
    return {row[0].strip(): int(row[1]) for row in found if row[-1].strip().isdigit()}


@given(account=accounts())
@deterministic
def test_the_rows_add_up_to_the_lines(account: Account) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        lines = shown(monkeypatch, account)
        assert sum(rows(lines).values()) == account.lines
        assert lines[0] == f"{account.sent} published, {account.refusals} refused"
        assert max(map(len, lines)) <= COLUMNS
        assert account.has_refusals == (account.refusals > 0)
        account.is_followed = False
        account.fates, account.refused[By.RECORDER], account.refused[By.BOOK] = (
            Counter({Fate.SENT: account.sent}), Counter(), Counter(),
        )  # fmt: skip
        assert sum(rows(shown(monkeypatch, account)).values()) == account.lines


@given(door=counts, recorder=counts, new=counts, duplicate=counts, conflicts=counts)
@deterministic
def test_the_rows_of_a_dry_run_add_up_to_the_lines(
    door: int, recorder: int, new: int, duplicate: int, conflicts: int
) -> None:
    account = Account(sent=recorder + new + duplicate + conflicts)
    account.fates = Counter({Fate.SENT: new, Fate.DUPLICATE: duplicate, Fate.ID_CONFLICT: conflicts})
    for by, count in ((By.DOOR, door), (By.RECORDER, recorder), (By.BOOK, conflicts)):
        account.refused[by]["id_conflict"] = count
    with pytest.MonkeyPatch.context() as monkeypatch:
        lines = shown(monkeypatch, account, show_dry_run)
        assert sum(rows(lines).values()) == account.lines
        assert lines[0] == f"{new + duplicate} would be published, {account.refusals} refused"


def test_a_refused_line_is_named_as_it_can_be_found() -> None:
    refused = RefusedLine(Place("a.ndjson", 7), By.BOOK, Refusal("id_conflict", "e1", None))
    assert refusal_sentence(refused) == "a.ndjson:7: e1 id_conflict"
    unnamed = RefusedLine(Place("a", 7), By.DOOR, Refusal("national_id", None, None))
    assert refusal_sentence(unnamed) == "a:7: national_id"
    wrong = Refusal("invalid_field", "e1", None, "source", "must be text")
    assert refusal_sentence(RefusedLine(Place("a", 7), By.DOOR, wrong)) == "a:7: e1 invalid_field: source must be text"


def test_every_refused_line_is_an_object_of_its_own(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    Refusals(as_json=True).add(RefusedLine(Place("a.ndjson", 7), By.BOOK, Refusal("id_conflict", "e1", None)))
    found = json.loads(capfdbinary.readouterr().out)
    assert found.pop("message") == OF_REASONS["id_conflict"].en
    assert found == {
        "kind": "refused", "file": "a.ndjson", "line": 7, "event_id": "e1", "by": "book",
        "reason": "id_conflict", "field": None,
    }  # fmt: skip


def test_what_the_recorder_will_refuse_is_no_success_before_it_has() -> None:
    doomed = Counter(effective_on_out_of_range=2)
    assert Account(sent=2, fates=Counter({Fate.SENT: 2}), doomed=doomed).has_refusals
    assert not Account(sent=2, fates=Counter({Fate.APPLIED: 2}), doomed=doomed).has_refusals
