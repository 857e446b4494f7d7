"""The answers to the questions of companies, computed slowly from the naive book: SEMANTICS 14, worker by worker."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from schemas.dates import EPOCH_ORDINAL, day, instant, jakarta_day
from schemas.records import Day, Instant
from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES
from tests.support.naive_timeline import STANDARD, Facts, WorkerClass, class_on, timeline_of
from tests.support.question_books import FIRST, GRACE_DAYS, QuestionBook
from tests.support.sink_figures import share_bp

Values = dict[str, str]
Rows = list[tuple[Any, ...]]
Answer = Callable[[QuestionBook, Values], Rows]


def iso(on: Day) -> date:
    return date.fromordinal(on + EPOCH_ORDINAL)


def moment(at: Instant) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)


def at_of(values: Values) -> Instant:
    return instant(values["known_at"])


def is_covered(worker: WorkerClass | None) -> bool:
    return worker is not None and set(worker.programmes) >= STANDARD


def class_at(facts: Facts, on: Day) -> WorkerClass | None:
    return class_on(facts, on, GRACE_DAYS)


def coverage(book: QuestionBook, values: Values) -> Rows:
    on, known = day(values["as_of"]), book.known(at_of(values))
    rows = []
    for company in book.appearing(on, at_of(values)):
        heads, registered = known[company].heads(on), book.registered(company)
        uncovered, due = heads.active - heads.covered, heads.active - heads.uncovered_new
        shares = share_bp(heads.covered, heads.active), share_bp(heads.covered, due)
        figures = heads.active, heads.covered, uncovered, heads.uncovered_new
        rows.append((company, registered.name, registered.regency, *figures, *shares))
    return rows


def app(book: QuestionBook, values: Values) -> Rows:
    on, known = day(values["as_of"]), book.known(at_of(values))
    rows = []
    for company in book.appearing(on, at_of(values)):
        active, jmo = known[company].heads(on).active, known[company].enrolled(on)[PROGRAMMES.index("JMO")]
        rows.append((company, active, jmo, share_bp(jmo, active)))
    return rows


def employment(book: QuestionBook, values: Values) -> Rows:
    on, known = day(values["as_of"]), book.known(at_of(values))
    rows = [
        (company, EMPLOYMENT_TYPES[number], active, covered, share_bp(covered, active))
        for company, workforce in known.items()
        for number, active, covered in workforce.by_employment_type(on)
    ]
    return sorted(rows)


def programmes(book: QuestionBook, values: Values) -> Rows:
    on = day(values["as_of"])
    rows = []
    for company, workforce in book.known(at_of(values)).items():
        held = Counter("+".join(worker.programmes) for worker in workforce.on(on) if worker is not None)
        rows += [(company, programmes, people) for programmes, people in held.items()]
    return sorted(rows, key=lambda row: (row[0], -row[2], row[1]))


def restated(book: QuestionBook, values: Values) -> Rows:
    on, then, now = day(values["as_of"]), book.known(at_of(values)), book.known(1 << 60)
    rows = []
    for company in book.appearing(on, 1 << 60):
        before = then[company].heads(on)[:2] if company in then else (0, 0)
        after = now[company].heads(on)[:2]
        rows += [(company, *before, *after)] if before != after else []
    return rows


def movement(book: QuestionBook, values: Values) -> Rows:
    first, last, known = day(values["from"]), day(values["to"]), book.known(at_of(values))
    rows = []
    for company in book.appearing(last, at_of(values)):
        was, now = known[company].heads(first), known[company].heads(last)
        moves = known[company].moves(last, last - first)
        was_bp, now_bp = share_bp(was.covered, was.active), share_bp(now.covered, now.active)
        change = by_cover = rest = None
        if was_bp is not None and now_bp is not None:
            change, by_cover = now_bp - was_bp, 10_000 * (now.covered - was.covered) // now.active
            rest = change - by_cover
        counted = [moves.get(name, 0) for name in ("joined", "left", "gained_cover", "lost_cover")]
        shares = (was_bp, now_bp, change, by_cover, rest)
        rows.append((company, *was[:2], *counted, *now[:2], *shares))
    return rows


def turnover(book: QuestionBook, values: Values) -> Rows:
    first, last, known = day(values["from"]), day(values["to"]), book.known(at_of(values))
    rows = []
    for company in book.appearing(last, at_of(values)):
        if values["company"] not in ("", company):
            continue
        joined = left = rehired = worked = 0
        for facts in known[company].facts.values():
            for on, before, after in timeline_of(facts, GRACE_DAYS):
                if first < on <= last:
                    joined += before is None
                    left += after is None
                    rehired += before is None and any(class_at(facts, d) for d in range(FIRST - 90, on))
            worked += sum(class_at(facts, on) is not None for on in range(first + 1, last + 1))
        mean = worked // (last - first) if last > first else None
        rows.append((company, joined, left, rehired, mean, share_bp(left, mean or 0)))
    return rows


def disagreement(book: QuestionBook, values: Values) -> Rows:
    rows = []
    for company in sorted(book.business_dates):
        states = {each.policy_id: each.state for each in book.book_of(company).figures(company).policies}
        met = sorted(name for name, state in states.items() if state == "met")
        not_met = sorted(name for name, state in states.items() if state in ("pending", "breached"))
        rows += [(company, met, not_met)] if met and not_met else []
    return rows


def episodes(book: QuestionBook, values: Values) -> Rows:
    alerts = [alert for each in book.books for alert in each.alerts]
    ends = {alert.alert_id: alert for alert in alerts if alert.status == "resolved"}
    rows = []
    for alert in alerts:
        if alert.status == "firing" and day(values["from"]) <= alert.business_date <= day(values["to"]):
            end = ends.get(alert.alert_id)
            ended = (
                (iso(end.business_date), end.reason, end.business_date - alert.business_date) if end else (None,) * 3
            )
            ids = alert.alert_id, alert.company_id, alert.policy_id
            rows.append((*ids, iso(alert.business_date), alert.reason, *ended))
    return sorted(rows, key=lambda row: (row[3], row[0]))


def refused(book: QuestionBook, values: Values) -> Rows:
    found: dict[tuple[str, str | None, str], list[Instant]] = {}
    for letter in book.letters:
        if day(values["from"]) <= jakarta_day(letter.recorded_at) <= day(values["to"]):
            found.setdefault((letter.reason, letter.source, letter.came_from.topic), []).append(letter.recorded_at)
    rows = [(*key, len(times), moment(min(times)), moment(max(times))) for key, times in found.items()]
    return sorted(rows, key=lambda row: (-row[3], row[0], row[1] is None, row[1] or "", row[2]))


def smallest_not_exceeded(values: list[int], parts: int, of: int) -> int | None:
    """The smallest value that at least `parts` of `of` do not exceed."""
    fitting = (v for v in sorted(values) if of * sum(other <= v for other in values) >= parts * len(values))
    return next(fitting, None)


def freshness(book: QuestionBook, values: Values) -> Rows:
    on = day(values["as_of"])
    rows = []
    counted = [r for r in book.recorded if jakarta_day(r.at) <= on and r.disposition in ("applied", "no_effect")]
    for source in {each.fact.source for each in counted}:
        mine = [each for each in counted if each.fact.source == source]
        late = [jakarta_day(each.at) - each.fact.effective_on for each in mine]
        last = max(each.at for each in mine)
        shares = smallest_not_exceeded(late, 1, 2), smallest_not_exceeded(late, 95, 100)
        rows.append((source, len(mine), moment(last), on - jakarta_day(last), *shares))
    return sorted(rows, key=lambda row: (-row[3], row[0]))


def gaps(book: QuestionBook, values: Values) -> Rows:
    rows = []
    for name in sorted(book.business_dates):
        naive, company = book.book_of(name), book.book_of(name).companies[name]
        status = next((s for s in naive.figures(name).policies if s.policy_id == values["policy"]), None)
        if status is None:
            continue
        active = company.workforce.heads(company.today)
        since = None if status.since is None else iso(status.since)
        uncovered = active.active - active.covered
        missing = status.gap_people, status.baseline_covered, status.baseline_divisor
        rows.append((name, status.state, status.why, since, *missing, uncovered, status.threshold_bp))
    return sorted(rows, key=lambda row: (row[4] is None, -(row[4] or 0), row[0]))


def forecast(book: QuestionBook, values: Values) -> Rows:
    rows = []
    for name, today in book.business_dates.items():
        figures = book.book_of(name).figures(name)
        pace = figures.windows[2].gained_cover - figures.windows[2].lost_cover
        for status in figures.policies:
            if status.policy_id == values["policy"] and status.state != "not_evaluable":
                days = None
                if status.gap_people == 0:
                    days = 0
                elif status.gap_people is not None and pace > 0:
                    days = -(-90 * status.gap_people // pace)
                on = None if days is None else iso(today + days)
                rows.append((name, status.state, status.gap_people, pace, days, on))
    return sorted(rows, key=lambda row: (row[5] is None, row[5] or date.min, row[0]))


def month_ends(first: Day, last: Day) -> list[Day]:
    ends = [on for on in range(first, last) if iso(on).month != iso(on + 1).month]
    return [*ends, last]


def size_of(active: int) -> str | None:
    sizes = {"1-19": range(1, 20), "20-99": range(20, 100), "100-999": range(100, 1000)}
    return next((name for name, span in sizes.items() if active in span), "1000+" if active else None)


def trend(book: QuestionBook, values: Values) -> Rows:
    known, by, rows = book.known(at_of(values)), values["by"], []
    for on in month_ends(day(values["from"]), day(values["to"])):
        parts: dict[str | None, list[tuple[int, int]]] = {None: []} if by == "none" else {}
        for company in book.appearing(on, at_of(values)):
            active, covered, _ = known[company].heads(on)
            registered = book.registered(company)
            if by == "employment_type":
                for number, *heads in known[company].by_employment_type(on):
                    parts.setdefault(EMPLOYMENT_TYPES[number], []).append((heads[0], heads[1]))
            elif by != "size" or active:
                key = {"none": None, "regency": registered.regency, "kbli": registered.kbli, "size": size_of(active)}[
                    by
                ]
                parts.setdefault(key, []).append((active, covered))
        for key in sorted(parts, key=lambda name: (name is None, name or "")):
            people, covers = (sum(heads[n] for heads in parts[key]) for n in (0, 1))
            companies = sum(heads[0] > 0 for heads in parts[key])
            rows.append((iso(on), key, companies, people, covers, share_bp(covers, people)))
    return rows


OF_COMPANIES: Final = (coverage, app, employment, programmes, restated, movement, turnover, trend, gaps, forecast)
OF_RECORDS: Final = (disagreement, episodes, refused, freshness)
ANSWERS: Final[dict[str, Answer]] = {each.__name__: each for each in (*OF_COMPANIES, *OF_RECORDS)}
