"""The screen of `peserta roster`: a comparison, and the fate of its facts."""

from typing import Final

from peserta.cli.roster_words import RosterWords
from peserta.cli.screen import Screen, shown, table
from peserta.intake.lines_sent import Fate
from peserta.intake.publishing.account import Account, RefusedLine
from peserta.intake.refusal_sentences import reason_words
from peserta.intake.rosters.comparison import ChangeKind, Comparison, RosterFact
from peserta.intake.rosters.leavers import LeaversUnconfirmed
from peserta.intake.rosters.sheet import RosterSheet
from peserta.intake.sheets.sentences import Language
from schemas.dates import day_text

LEAVERS_SHOWN_MAX: Final = 100
REFUSALS_SHOWN_MAX: Final = 20


def show_comparison(screen: Screen, words: RosterWords, read: RosterSheet, comparison: Comparison) -> None:
    """Show the number of facts by kind, and the leavers by token."""
    roster = read.roster
    roll, rows = roster.roll, len(roster.rows)
    heading = words.heading.format(company=roll.company_id, day=day_text(roll.day), inside=comparison.inside, rows=rows)
    screen.print(f"{heading} {words.unchanged.format(rows=comparison.unchanged)}")
    counts = comparison.counts
    if counts:
        changes = [(words.of_change[kind], counts[kind]) for kind in ChangeKind if counts[kind]]
        screen.print(table("", words.changes, changes, right=(words.changes[1],)))
    leavers = comparison.leavers
    if leavers:
        screen.print(words.leavers.format(count=len(leavers)))
        for token in leavers[:LEAVERS_SHOWN_MAX]:
            screen.print(f"  {token}")
        if len(leavers) > LEAVERS_SHOWN_MAX:
            screen.print(f"  {words.more_leavers.format(count=len(leavers) - LEAVERS_SHOWN_MAX)}")
    retyped = counts[ChangeKind.TYPE_CHANGED]
    if retyped and not read.layout.has("employment_type"):
        screen.print(words.no_type_column.format(count=retyped))
    if comparison.not_ended:
        screen.print(words.not_ended.format(count=len(comparison.not_ended)))


def unconfirmed(words: RosterWords, error: LeaversUnconfirmed) -> str:
    """The reason why these leavers are not ended, and the option that confirms them."""
    sentence = words.unconfirmed if error.confirmed is None else words.other_number
    return sentence.format(leavers=error.leavers, inside=error.inside, confirmed=error.confirmed)


def show_account(screen: Screen, words: RosterWords, account: Account, *, is_whole: bool) -> None:
    """Show the fate of the facts that were sent; `is_whole`: no row of the roster was refused."""
    rows = [(words.of_fate[fate], account.fates[fate]) for fate in words.of_fate if account.fates[fate]]
    if account.refusals:
        rows.append((words.refused, account.refusals))
    if rows:
        screen.print(table("", words.fates, rows, right=(words.fates[1],)))
    if account.has_refusals:
        screen.print(words.incomplete.format(count=account.refusals + account.still_doomed.total()))
    elif account.fates[Fate.SENT] + account.fates[Fate.RECORDED]:
        screen.print(words.not_yet_known)
    elif account.is_followed:
        screen.print(words.complete if is_whole else words.complete_but_refused)


class RefusedFacts:
    """Collects the refused facts and shows the first of them at the end."""

    def __init__(self, comparison: Comparison) -> None:
        self._facts = comparison.facts
        self._first: list[tuple[RosterFact, RefusedLine]] = []

    def add(self, index: int, refused: RefusedLine) -> None:
        """Add a refused fact."""
        if len(self._first) < REFUSALS_SHOWN_MAX:
            self._first.append((self._facts[index], refused))

    def show(self, screen: Screen, words: RosterWords, language: Language) -> None:
        """Show one line for each: worker, change, reason. Each reason is explained once, below."""
        for each, refused in self._first:
            screen.print(shown(f"{each.fact.worker_id}: {words.of_change[each.change]}: {refused.why.reason}"))
        for reason in sorted({refused.why.reason for _, refused in self._first}):
            screen.print(shown(f"{reason}: {reason_words(reason, language)}."))
