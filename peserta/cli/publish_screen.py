"""The screen of `peserta publish`: progress, the refused lines, and the account of all lines."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from peserta.cli.screen import err, out, print_json, shown, table
from peserta.intake.lines_sent import Fate
from peserta.intake.publishing.account import Account, By, RefusedLine
from peserta.intake.refusal_sentences import reason_words, rule_words
from peserta.intake.sheets.sentences import Language, Sentence
from schemas.admission import Refusal

REFUSALS_SHOWN_MAX: Final = 20
LINES_PER_LOOK: Final = 100  # lines between two updates of the bar

REFUSED_BY: Final = {
    By.DOOR: Sentence("refused, not sent", "ditolak, tidak dikirim"),
    By.RECORDER: Sentence("refused by the recorder", "ditolak pencatat"),
    By.BOOK: Sentence("refused by the book", "ditolak buku"),
}
_DUPLICATE: Final = Sentence("known already (duplicate)", "sudah dikenal (duplikat)")
PUBLISHED: Final = (
    (Sentence("applied", "diterapkan"), Fate.APPLIED),
    (Sentence("no effect", "tanpa pengaruh"), Fate.NO_EFFECT),
    (_DUPLICATE, Fate.DUPLICATE),
)
FORESEEN: Final = ((Sentence("new", "baru"), Fate.SENT), (_DUPLICATE, Fate.DUPLICATE))
NOT_YET_KNOWN: Final = Sentence(
    "Some lines have no disposition yet. They are safe in Kafka, and enter the book when recorder and book-keeper "
    "process them: `peserta health` shows whether both are working.",
    "Nasib sebagian baris belum diketahui. Baris itu aman di Kafka, dan masuk buku begitu pencatat dan pemegang buku "
    "sampai padanya: `peserta health` menunjukkan apakah keduanya bekerja.",
)
_ACCOUNT: Final = Sentence("{sent} published, {refused} refused", "{sent} dikirim, {refused} ditolak")
_FATES: Final = (Sentence("what became of the lines", "hasil pengiriman"), Sentence("lines", "baris"))
_SENT: Final = Sentence("sent", "dikirim")
_NOT_RECORDED: Final = Sentence("not yet recorded", "belum dicatat")
_NOT_IN_BOOK: Final = Sentence("recorded, not yet in the book", "dicatat, belum masuk buku")
_REFUSED: Final = Sentence("Refused", "Ditolak")
_FIRST: Final = Sentence(" (the first {count})", " ({count} pertama)")
_DOOMED: Final = Sentence(
    "The recorder will refuse {count} of them: {reason}.", "Pencatat akan menolak {count} di antaranya: {reason}."
)


class Measured(Protocol):
    """Lines with the number of bytes read, and the number of all bytes if it is known."""

    bytes_read: int
    bytes_total: int | None


class LineProgress:
    """A bar of bytes if the size of the files is known, else a pulse; and the number of lines."""

    def __init__(self, lines: Measured, progress: Progress, description: str) -> None:
        self._lines, self._progress, self._seen = lines, progress, 0
        self._task = progress.add_task(description, total=lines.bytes_total, what="")

    def on_line(self) -> None:
        """Count a line."""
        self._seen += 1
        if self._seen < LINES_PER_LOOK or self._seen % LINES_PER_LOOK == 0:
            self._progress.update(self._task, completed=self._lines.bytes_read, what=f"{self._seen:,} lines")

    def stage(self, description: str) -> Callable[[int, int], None]:
        """Show a stage after all lines: a pulse, until the returned function is called with (done, total)."""
        self._progress.remove_task(self._task)
        task = self._task = self._progress.add_task(description, total=None, what="")

        def on_done(done: int, total: int) -> None:
            self._progress.update(task, completed=done, total=total, what=f"{done:,} of {total:,}")

        return on_done


@contextmanager
def line_progress(lines: Measured, description: str) -> Iterator[LineProgress]:
    """Progress on standard error, removed at the end. Nothing is shown without a terminal."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[what]}")
    with Progress(*columns, TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal) as progress:
        yield LineProgress(lines, progress, description)


@dataclass(slots=True)
class Refusals:
    """The refused lines: printed at once as JSON; for people, the first of them at the end, in their language."""

    as_json: bool
    language: Language = "en"
    first: list[RefusedLine] = field(default_factory=list)

    def add(self, refused: RefusedLine) -> None:
        """Add a refused line."""
        if self.as_json:
            print_json(
                {
                    "kind": "refused",
                    "file": refused.place.file,
                    "line": refused.place.line,
                    "event_id": refused.why.event_id,
                    "by": refused.by,
                    "reason": refused.why.reason,
                    "field": refused.why.field,
                    "message": _words(refused.why),
                }
            )
        elif len(self.first) < REFUSALS_SHOWN_MAX:
            self.first.append(refused)


def refusal_sentence(refused: RefusedLine, language: Language = "en") -> str:
    """One line about a refused line: where, which, why. Each reason is explained once, after all lines."""
    why, rule = refused.why, rule_words(refused.why, language)
    event_id = "" if why.event_id is None else f" {why.event_id}"
    return f"{refused.place.file}:{refused.place.line}:{event_id} {why.reason}" + ("" if rule is None else f": {rule}")


def _words(why: Refusal) -> str:
    """The reason of a refusal: the field and rule that the line broke, else the general reason."""
    return rule_words(why, "en") or reason_words(why.reason, "en")


def show_published(account: Account, refusals: Refusals) -> None:
    """Show the dispositions of the lines."""
    language = refusals.language
    if refusals.as_json:
        print_json(_summary(account) | _fates(account))
    else:
        out.print(_ACCOUNT.in_words(language).format(sent=account.sent, refused=account.refusals))
        rows = [(name, account.fates[fate]) for name, fate in PUBLISHED] if account.is_followed else []
        sent = _NOT_RECORDED if account.is_followed else _SENT
        not_yet = [(sent, account.fates[Fate.SENT]), (_NOT_IN_BOOK, account.fates[Fate.RECORDED])]
        _show_account(account, refusals, [*rows, *_refused_rows(account), *(row for row in not_yet if row[1])])
    for reason, count in sorted(account.still_doomed.items()):
        err.print(_DOOMED.in_words(language).format(count=count, reason=reason), markup=False)
    if account.is_followed and account.fates[Fate.SENT] + account.fates[Fate.RECORDED]:
        err.print(NOT_YET_KNOWN.in_words(language), markup=False, soft_wrap=True)


def show_dry_run(account: Account, refusals: Refusals) -> None:
    """Show the dispositions that the lines would have."""
    if refusals.as_json:
        duplicate = {"new": account.fates[Fate.SENT], "duplicate": account.fates[Fate.DUPLICATE]}
        print_json(_summary(account) | duplicate | {"is_dry_run": True, "is_compared": account.is_compared})
        return
    out.print(f"{account.lines - account.refusals} would be published, {account.refusals} refused")
    rows = [(name, account.fates[fate]) for name, fate in FORESEEN]
    _show_account(account, refusals, [*rows, *_refused_rows(account)])


def _show_account(account: Account, refusals: Refusals, rows: list[tuple[Sentence, int]]) -> None:
    language = refusals.language
    if account.lines:
        names = tuple(name.in_words(language) for name in _FATES)
        counts = [(name.in_words(language), count) for name, count in rows]
        out.print(table("", names, counts, right=(names[1],)))
    if refusals.first:
        more = account.refusals - len(refusals.first)
        first = _FIRST.in_words(language).format(count=len(refusals.first)) if more > 0 else ""
        out.print(_REFUSED.in_words(language) + first, style="bold")
        for refused in refusals.first:
            out.print(shown(refusal_sentence(refused, language)), soft_wrap=True)
    reasons: Counter[str] = sum(account.refused.values(), Counter())
    for reason, count in sorted(reasons.items()):
        err.print(f"{reason} ({count}): {reason_words(reason, language)}.", markup=False, soft_wrap=True)


def _refused_rows(account: Account) -> list[tuple[Sentence, int]]:
    counts = [(REFUSED_BY[by], reasons.total()) for by, reasons in account.refused.items()]
    return [(name, count) for name, count in counts if count]


def _summary(account: Account) -> dict[str, Any]:
    refused = {str(by): dict(reasons) for by, reasons in account.refused.items()}
    return {"kind": "summary", "lines": account.lines, "refused": refused, "empty_files": account.empty_files}


def _fates(account: Account) -> dict[str, Any]:
    """Counts of the sent lines by disposition; null if the command did not wait for dispositions."""
    names = {"applied": Fate.APPLIED, "no_effect": Fate.NO_EFFECT, "duplicate": Fate.DUPLICATE,
             "not_in_book": Fate.RECORDED, "not_recorded": Fate.SENT}  # fmt: skip
    counts = {name: account.fates[fate] if account.is_followed else None for name, fate in names.items()}
    return {"sent": account.sent, "still_doomed": dict(account.still_doomed), **counts}
