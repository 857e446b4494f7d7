"""Rows of the journal's topic: facts, registry entries and policies. A Tick has no row."""

from collections.abc import Sequence
from functools import lru_cache

from schemas.records import Company, CompanySet, Entry, FactEntry, Policy, PolicyEnded, PolicySet
from schemas.vocabulary import (
    ACTIONS,
    ALL_PROGRAMMES,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    KINDS,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
    employment_type_names,
    programme_names,
)
from sinks.clickhouse.tables.block import Block, Row, block

FACT_COLUMNS = (
    "company_id",
    "partition",
    "offset",
    "recorded_at",
    "type",
    "event_id",
    "worker_id",
    "effective_on",
    "occurred_at",
    "source",
    "employment_type",
    "reason",
    "action",
    "programmes",
    "corrects",
    "came_from_topic",
    "came_from_partition",
    "came_from_offset",
)
COMPANY_COLUMNS = (
    "company_id",
    "came_from_offset",
    "partition",
    "offset",
    "recorded_at",
    "name",
    "kbli",
    "regency",
    "baseline_on",
    "baseline_active",
    "baseline_covered",
    "baseline_uncovered_new",
    "baseline_required",
)
POLICY_COLUMNS = (
    "policy_id",
    "came_from_offset",
    "partition",
    "offset",
    "recorded_at",
    "ended",
    "version",
    "title",
    "rule",
    "threshold_bp",
    "required",
    "clock",
    "employment_types",
    "scope_company_ids",
    "scope_regencies",
    "scope_kbli_prefixes",
    "min_active",
    "hysteresis_bp",
    "hold_days",
    "effective_from",
    "effective_until",
    "baseline_on",
)
_NO_POLICY: Row = (0, "", "", 0, (), "", (), (), (), (), 0, 0, 0, 0, None, None)


def journal_blocks(partition: int, entries: Sequence[tuple[int, Entry]]) -> list[Block]:
    """The rows of these (offset, entry) of one partition."""
    facts: list[tuple[int, FactEntry]] = []
    companies: list[Row] = []
    policies: list[Row] = []
    for offset, entry in entries:
        if isinstance(entry, FactEntry):
            facts.append((offset, entry))
        elif isinstance(entry, CompanySet):
            at = (entry.came_from.offset, partition, offset, entry.recorded_at)
            companies.append((entry.company.company_id, *at, *_company_parts(entry.company)))
        elif isinstance(entry, PolicySet | PolicyEnded):
            policies.append(_policy_row(partition, offset, entry))
    return [
        *_facts(partition, facts),
        *block("journal_companies", COMPANY_COLUMNS, companies),
        *block("journal_policies", POLICY_COLUMNS, policies),
    ]


def _facts(partition: int, entries: Sequence[tuple[int, FactEntry]]) -> list[Block]:
    """One row per fact, built column by column, because most entries of a journal are facts."""
    if not entries:
        return []
    offsets, facts_recorded = zip(*entries, strict=True)
    came_from, recorded, facts, _ = zip(*facts_recorded, strict=True)
    kinds, details, events, companies, workers, effective, occurred, sources, corrects = zip(*facts, strict=True)
    at = companies, [partition] * len(entries), offsets, recorded
    content = [KINDS[kind] for kind in kinds], events, workers, effective, occurred, sources
    own = zip(*map(_own_fields, kinds, details), strict=True)
    columns = *at, *content, *own, corrects, *zip(*came_from, strict=True)
    return [Block("journal_facts", dict(zip(FACT_COLUMNS, columns, strict=True)))]


@lru_cache(maxsize=512)
def _own_fields(kind: int, detail: int) -> Row:
    """employment_type, reason, action and programmes of a fact."""
    if kind == HIRE:
        return EMPLOYMENT_TYPES[detail], "", "", ()
    if kind == TERMINATION:
        return "", TERMINATION_REASONS[detail], "", ()
    if kind == ENROLLMENT:
        return "", "", ACTIONS[detail >= WITHDRAWN], programme_names(detail & ALL_PROGRAMMES)
    return "", "", "", ()


def _company_parts(company: Company) -> Row:
    baselines = company.baselines
    return (
        company.name,
        company.kbli,
        company.regency,
        [b.on for b in baselines],
        [b.active for b in baselines],
        [b.covered for b in baselines],
        [b.uncovered_new for b in baselines],
        [programme_names(b.required) for b in baselines],
    )


def _policy_row(partition: int, offset: int, entry: PolicySet | PolicyEnded) -> Row:
    at = (entry.came_from.offset, partition, offset, entry.recorded_at)
    if isinstance(entry, PolicyEnded):
        return (entry.policy_id, *at, True, *_NO_POLICY)
    return (entry.policy.policy_id, *at, False, *_policy_parts(entry.policy))


def _policy_parts(policy: Policy) -> Row:
    scope = policy.scope
    return (
        policy.version,
        policy.title,
        policy.rule,
        policy.threshold_bp,
        programme_names(policy.required),
        policy.clock,
        employment_type_names(policy.employment_types),
        scope.company_ids or (),
        scope.regencies or (),
        scope.kbli_prefixes or (),
        policy.min_active,
        policy.hysteresis_bp,
        policy.hold_days,
        policy.effective_from,
        policy.effective_until,
        policy.baseline_on,
    )
