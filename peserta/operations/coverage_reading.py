"""Coverage from ClickHouse's views: figures now or as of a date, and how a company stands under each policy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from peserta.operations.clickhouse_reading import analyst
from peserta.settings import Settings
from schemas.dates import EPOCH_ORDINAL, INSTANT_END, day_text, instant_text
from schemas.records import Baseline, Company, Day, Instant, Policy, Scope
from schemas.vocabulary import EMPLOYMENT_TYPE_NUMBER, SETTLED_CLASS, programme_set
from streams.core.company import Balances
from streams.core.counting import count
from streams.core.evaluability import why_not_evaluable
from streams.core.policy_state import NOT_EVALUABLE
from streams.core.tally import Counts
from streams.core.watch import declared

EVERYTHING_KNOWN: Final[Instant] = INSTANT_END - 1

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnderPolicy:
    """How a company stands under a policy. `counts` and `baseline` are counted as the policy counts; `baseline` is null
    where the rule has none or its date is ahead, `declared` says that the registry gave it. `why` is a reason of
    streams.core.evaluability, null for a company that is evaluable."""

    policy: Policy
    state: str
    since: date | None
    gap_people: int | None
    counts: Counts
    baseline: Counts | None
    declared: bool
    why: str | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """The figures of all companies or of one, as rows of `coverage_current` or `coverage_as_of`, and the policies of
    that one. `is_known` is false for a company that the book has never heard of; then both are empty."""

    rows: tuple[Row, ...]
    policies: tuple[UnderPolicy, ...]
    is_known: bool


def coverage(
    settings: Settings,
    company_id: str | None = None,
    as_of: Day | None = None,
    known_at: Instant | None = None,
    *,
    with_policies: bool = True,
) -> Coverage:
    """The figures now; as of a business date or as known at an instant, when one is given. Policies are those of one
    company, and only of now. Failed when ClickHouse does not answer."""
    is_past = as_of is not None or known_at is not None
    with analyst(settings) as client:
        found = coverage_then(client, company_id, as_of, known_at) if is_past else coverage_now(client, company_id)
        is_known = bool(found) or company_id is None or is_company(client, company_id)
        policies = under_policies(client, company_id) if company_id and not is_past and with_policies else []
    return Coverage(tuple(found), tuple(policies), is_known)


def coverage_now(client: Client, company_id: str | None) -> list[Row]:
    """The rows of `coverage_current`: of all companies, or of one."""
    return _rows(client, f"SELECT * FROM coverage_current{_of(company_id)} ORDER BY company_id", company=company_id)


def coverage_then(client: Client, company_id: str | None, as_of: Day | None, known_at: Instant | None) -> list[Row]:
    """The figures as of a business date (default: the latest of any company) as known at an instant (default: all that
    is recorded), with name, regency and KBLI number as they are registered now."""
    if as_of is None:
        as_of = latest_as_of(client)
    return _rows(
        client,
        f"""SELECT f.*, c.name AS name, c.regency AS regency, c.kbli AS kbli
        FROM coverage_as_of(as_of = {{as_of:String}}, known_at = {{known_at:String}}) AS f
        LEFT JOIN companies AS c USING (company_id){_of(company_id)} ORDER BY company_id""",
        company=company_id,
        as_of=day_text(as_of),
        known_at=_known_at(EVERYTHING_KNOWN if known_at is None else known_at),
    )


def latest_as_of(client: Client) -> Day:
    """The latest business date of any company; 1 January 1970 without one."""
    ((latest,),) = client.query("SELECT max(as_of) FROM coverage_current").result_rows
    return _day(latest)


def _known_at(at: Instant) -> str:
    """An instant as the view takes it."""
    return instant_text(at)


def is_company(client: Client, company_id: str) -> bool:
    """Whether the book has figures or a registry entry of this company."""
    query = """SELECT count() FROM (SELECT company_id FROM coverage_current UNION ALL SELECT company_id FROM companies)
    WHERE company_id = {company:String}"""
    ((found,),) = client.query(query, parameters={"company": company_id}).result_rows
    return bool(found)


def under_policies(client: Client, company_id: str) -> list[UnderPolicy]:
    """How the company stands under every policy, in order of policy_id."""
    by_id = {row["policy_id"]: row for row in _rows(client, "SELECT * FROM policies")}
    entries = _rows(client, f"SELECT * FROM companies{_of(company_id)}", company=company_id)
    registered = company_from(entries[0]) if entries else None
    rows = _rows(client, f"SELECT * FROM policy_status{_of(company_id)} ORDER BY policy_id", company=company_id)
    policies = {row["policy_id"]: policy_from(by_id[row["policy_id"]]) for row in rows if row["policy_id"] in by_id}
    as_of = {_day(row["as_of"]) for row in rows}
    dates = as_of | {policy.baseline_on for policy in policies.values() if policy.baseline_on is not None}
    balances = {on: _balances(client, company_id, on) for on in dates}
    return [
        _under(row, policies[policy_id], bool(by_id[policy_id]["ended"]), company_id, registered, balances)
        for row in rows
        if (policy_id := row["policy_id"]) in policies
    ]


def _under(
    row: Row, policy: Policy, ended: bool, company_id: str, registered: Company | None, balances: dict[Day, Balances]
) -> UnderPolicy:
    on = _day(row["as_of"])
    counts = count(balances[on], policy.required, policy.employment_types)
    baseline = said = None
    if policy.rule != "level" and policy.baseline_on is not None and policy.baseline_on <= on:
        said = declared(policy, registered)
        baseline = said or count(balances[policy.baseline_on], policy.required, policy.employment_types)
    people, divisor = count(balances[on]).active, counts.divisor(policy.clock)
    before = baseline.divisor(policy.clock) if baseline else 0
    why = row["why"]
    if why is None and row["state"] == NOT_EVALUABLE:  # a snapshot of an earlier release does not say it
        why = why_not_evaluable(policy, ended, company_id, registered, on, people, divisor, before)
    return UnderPolicy(policy, row["state"], row["since"], row["gap_people"], counts, baseline, said is not None, why)


def policy_from(row: Row) -> Policy:
    """A row of the view `policies` as a policy; an empty list of its scope is one that was not given."""
    scope = (tuple(row[f"scope_{name}"]) or None for name in ("company_ids", "regencies", "kbli_prefixes"))
    return Policy(
        policy_id=row["policy_id"],
        threshold_bp=row["threshold_bp"],
        effective_from=_day(row["effective_from"]),
        version=row["version"],
        title=row["title"],
        rule=row["rule"],
        required=programme_set(tuple(row["required"])),
        clock=row["clock"],
        employment_types=_types(row["employment_types"]),
        scope=Scope(*scope),
        min_active=row["min_active"],
        hysteresis_bp=row["hysteresis_bp"],
        hold_days=row["hold_days"],
        effective_until=None if row["effective_until"] is None else _day(row["effective_until"]),
        baseline_on=None if row["baseline_on"] is None else _day(row["baseline_on"]),
    )


def company_from(row: Row) -> Company:
    """A row of the view `companies` as a registry entry (contacts are not there)."""
    names = ("on", "active", "covered", "uncovered_new", "required")
    baselines = zip(*(row[f"baseline_{name}"] for name in names), strict=True)
    return Company(
        row["company_id"],
        row["name"],
        row["kbli"],
        row["regency"],
        tuple(
            Baseline(_day(on), active, covered, new, programme_set(tuple(required)))
            for on, active, covered, new, required in baselines
        ),
    )


def _balances(client: Client, company_id: str, on: Day) -> Balances:
    """The heads in each class at the end of a date, from the ledger; OUTSIDE is left out."""
    query = """SELECT employment_type, programmes, new, sum(heads) FROM (
        SELECT employment_type_after AS employment_type, programmes_after AS programmes, new_after AS new,
            quantity AS heads
        FROM ledger WHERE company_id = {company:String} AND value_on <= {on:Date32}
        UNION ALL
        SELECT employment_type_before, programmes_before, new_before, -quantity
        FROM ledger WHERE company_id = {company:String} AND value_on <= {on:Date32}
    ) WHERE employment_type != '' GROUP BY ALL"""
    found = client.query(query, parameters={"company": company_id, "on": day_text(on)}).result_rows
    return {
        SETTLED_CLASS[EMPLOYMENT_TYPE_NUMBER[employment_type], programme_set(tuple(programmes))] + bool(new): heads
        for employment_type, programmes, new, heads in found
    }


def _types(names: Iterable[str]) -> int:
    return sum(1 << EMPLOYMENT_TYPE_NUMBER[name] for name in set(names))


def _day(on: date) -> Day:
    return on.toordinal() - EPOCH_ORDINAL


def _of(company_id: str | None) -> str:
    return "" if company_id is None else " WHERE company_id = {company:String}"


def _rows(client: Client, query: str, **parameters: Any) -> list[Row]:
    return list(client.query(query, parameters=parameters).named_results())
