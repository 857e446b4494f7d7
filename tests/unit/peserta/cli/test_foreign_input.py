"""Foreign input is shown as plain text, and refused before anything is sent."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from peserta.cli.screen import shown, table
from peserta.intake.reference import TooLarge, changes, send
from peserta.operations.ticking import NoSuchDate, tick
from schemas.dates import day
from schemas.records import Policy, Scope
from streams.settings import StreamSettings

NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize("text", ["C[/b]", "[w1]", "[red]C[/red]"])
def test_a_cell_that_looks_like_markup_is_shown_as_it_is(text: str) -> None:
    out = Console(file=io.StringIO(), width=80)
    out.print(table("", ("company",), [(text,)]))
    assert isinstance(out.file, io.StringIO)
    assert text in out.file.getvalue()


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in shown("C\x1b[31m")


@pytest.mark.parametrize("on", ["1970-01-01", "2000-01-01", "2200-01-02", "9999-12-31"])
async def test_a_date_out_of_bounds_does_not_begin(on: str, tmp_path: Path) -> None:
    with pytest.raises(NoSuchDate, match="a date lies in 2000-01-02 to 2200-01-01"):
        await tick(StreamSettings(NOWHERE, tmp_path), day(on), today=day(on), allow_future=True)


async def test_a_policy_that_the_recorder_would_not_take_is_named_and_not_sent() -> None:
    wide = Scope(company_ids=tuple(f"{n:064d}" for n in range(10_000)))
    policy = Policy("wide", 5000, 20_000, scope=wide)
    with pytest.raises(TooLarge, match="wide"):
        await send(NOWHERE, "policies", changes([policy], {}))
