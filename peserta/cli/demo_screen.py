"""The result of a demo run, for people: coverage, alerts, refused facts, three questions, times, the proof."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from peserta.cli.alerts import alert_sentence
from peserta.cli.findings_table import findings_table, named
from peserta.cli.screen import bar, percent, sparkline, table
from peserta.cli.tables import Sheet
from peserta.demo.evidence import Evidence
from peserta.demo.questions import Answer, Asked, ask
from peserta.demo.run import Sent
from peserta.demo.stage_times import Work
from peserta.operations.audit.findings import Finding
from peserta.settings import Settings
from schemas.admission import REASONS, Refusal, sentence
from schemas.records import DeadLetter

BOOK_REASONS: Final = {
    "id_conflict": "the same event_id came again with other content",
    "too_many_facts": "the worker has 1,000 remembered facts",
}
MARKS: Final = {
    "met": Text("● met", style="green"),
    "breached": Text("▲ breached", style="red"),
    "pending": Text("◌ pending", style="yellow"),
    "not_evaluable": Text("–", style="dim"),
}


def show(console: Console, settings: Settings, sent: Sent, evidence: Evidence, checks: Sequence[Finding]) -> None:
    """Show everything, in the order in which a reader would ask."""
    asked = ask(settings)
    console.print(_coverage(asked, evidence), "")
    _alerts(console, evidence)
    console.print(_refused(sent, evidence), "")
    for answer in asked.answers:
        _answer(console, answer)
    console.print(_times(sent), "")
    console.print(findings_table("Proof", checks))
    for difference in named(checks):
        console.print(difference, style="red", markup=False, soft_wrap=True)


def _coverage(asked: Asked, evidence: Evidence) -> Sheet:
    policies = sorted(evidence.exported.policies)
    columns = ("company", "name", "regency", "active", "covered", "gap", "coverage", "", "months", *policies)
    rows = []
    for company_id, company in sorted(evidence.companies.items()):
        states = {p["policy_id"]: p["state"] for p in company["policies"]}
        registered = asked.companies.get(company_id, {})
        rows.append(
            (
                company_id,
                registered.get("name"),
                registered.get("regency"),
                company["active"],
                company["covered"],
                company["uncovered"],
                percent(company["coverage_bp"]),
                bar(company["coverage_bp"], 10),
                sparkline(asked.months.get(company_id, ())),
                *(MARKS[states[policy]] for policy in policies),
            )
        )
    title = f"Coverage with work-accident (JKK) and death cover (JKM) on {_as_of(evidence)}"
    prose, drawn = ("name", "regency"), ("", "months")
    return table(title, columns, rows, right=("coverage",), prose=prose, drawn=drawn, spare=(*drawn, "regency", "name"))


def _as_of(evidence: Evidence) -> str:
    return max((company["as_of"] for company in evidence.companies.values()), default="–")


def _alerts(console: Console, evidence: Evidence) -> None:
    firing = sum(alert.status == "firing" for alert in evidence.alerts)
    console.print(
        f"[bold]Alerts: {firing} firing, {len(evidence.alerts) - firing} resolved[/bold], each with its cause: a fact, "
        "or time (a hold or a grace period ended, a contract or a policy began)",
        markup=True,
    )
    in_order = sorted(evidence.alerts, key=lambda a: (a.business_date, a.company_id, a.policy_id))
    for alert in in_order:
        console.print(alert_sentence(alert), soft_wrap=True)
    console.print()


def _refused(sent: Sent, evidence: Evidence) -> Sheet:
    """The facts that are not in force, with the reasons."""
    counted: Counter[str] = Counter(letter.reason for letter in evidence.dead_letters.values())
    counted.update(refusal.reason for refusal in sent.refused.values())
    first = {letter.reason: at for at, letter in sorted(evidence.dead_letters.items(), reverse=True)}
    unsent = {refusal.reason: refusal for _, refusal in sorted(sent.refused.items(), reverse=True)}
    rows: list[tuple[Any, ...]] = []
    for reason, count in sorted(counted.items()):
        at = first.get(reason)
        where = f"partition {at.partition}, offset {at.offset}" if at else "not published"
        why = _why(evidence.dead_letters[at]) if at else sentence(unsent[reason], of_line=True)
        rows.append((reason, count, where, why))
    by_book = Counter(record.disposition for record in evidence.ledger.values())
    for disposition, why in (("duplicate", "known already: counted once"), ("no_effect", "remembered, posts nothing")):
        if by_book[disposition]:
            rows.append((disposition, by_book[disposition], "", why))
    return table(
        "Refused, repeated, without effect",
        ("what", "records", "first", "why"),
        rows,
        right=("records",),
        prose=("first", "why"),
    )


def _why(letter: DeadLetter) -> str:
    """The reason why the recorder or the book-keeper refused a record."""
    if letter.reason not in REASONS:
        return BOOK_REASONS.get(letter.reason, "")
    return sentence(Refusal(letter.reason, letter.event_id, letter.source, letter.field, letter.rule))


def _answer(console: Console, answer: Answer) -> None:
    console.print(answer.question.text, style="bold")
    console.print(answer.question.sql, style="dim")
    console.print(table("", answer.columns, answer.rows), "")


def _times(sent: Sent) -> Sheet:
    """The times of the stages. Stages overlap, so each rate counts only the time in which the stage worked."""
    rows = [(stage, f"{seconds:.1f} s", *_work(sent.work.get(stage))) for stage, seconds in sent.seconds.items()]
    rows.append(("together", f"{sum(sent.seconds.values()):.1f} s", "", "", ""))
    numbers = ("time", "records", "busy", "records a second, busy")
    caption = "busy: with something under way, waiting for acknowledgements included"
    return table("Where the time went", ("stage", *numbers), rows, right=numbers, caption=caption)


def _work(work: Work | None) -> tuple[str, str, str]:
    if work is None or work.busy_s == 0:
        return "", "", ""
    return f"{work.records:,}", f"{work.busy_s:.1f} s", f"{work.records / work.busy_s:,.0f}"


def summary(sent: Sent, evidence: Evidence, checks: Sequence[Finding]) -> str:
    """One sentence that sums up the run."""
    told = Counter(notice.state for notice in evidence.notices)
    fates = ", ".join(f"{count} {state}" for state, count in sorted(told.items())) or "none"
    published = (
        f"{sent.records:,} records, {len(evidence.companies)} companies, {len(evidence.alerts)} alerts, "
        f"notices: {fates}"
    )
    if all(check.holds for check in checks):
        return f"[bold green]Everything agrees:[/bold green] {published}, {len(checks)} checks."
    return f"[bold red]{sum(not check.holds for check in checks)} of {len(checks)} checks fail:[/bold red] {published}."
