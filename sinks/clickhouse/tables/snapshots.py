"""Rows of the snapshots' topic: the last figures of each company."""

from collections.abc import Sequence
from itertools import chain

from schemas.records import WINDOW_DAYS, Figures, Snapshot
from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES
from sinks.clickhouse.tables.block import Block, Row, block

WINDOW_FIGURES = ("joined", "left", "gained_cover", "lost_cover", "mean_coverage_bp", "min_coverage_bp")
COLUMNS = (
    "company_id",
    "partition",
    "offset",
    "recorded_at",
    "as_of",
    "active",
    "covered",
    "uncovered",
    "uncovered_new",
    *(f"enrolled_{programme.lower()}" for programme in PROGRAMMES),
    *(f"{figure}_{name}" for name in EMPLOYMENT_TYPES for figure in ("active", "covered")),
    "coverage_bp",
    "coverage_due_bp",
    *(f"{figure}_{days}" for days in WINDOW_DAYS for figure in WINDOW_FIGURES),
    "policy_ids",
    "policy_versions",
    "policy_thresholds_bp",
    "policy_states",
    "policy_since",
    "policy_gap_people",
    "policy_baseline_covered",
    "policy_baseline_divisor",
    "policy_why",
)


def snapshot_blocks(snapshots: Sequence[Snapshot]) -> list[Block]:
    """One row per company, from its newest snapshot, which would replace the others anyway."""
    # Newest by journal offset and not by position here: a book that is rebuilt writes old snapshots late.
    newest = {s.figures.company_id: s for s in sorted(snapshots, key=lambda s: s.offset)}
    return list(block("snapshots", COLUMNS, [_row(snapshot) for snapshot in newest.values()]))


def _row(s: Snapshot) -> Row:
    f = s.figures
    return (
        f.company_id,
        s.partition,
        s.offset,
        s.recorded_at,
        f.as_of,
        f.active,
        f.covered,
        f.uncovered,
        f.uncovered_new,
        *f.enrolled,
        *_by_employment_type(f),
        f.coverage_bp,
        f.coverage_due_bp,
        *chain.from_iterable(f.windows),
        *_policies(f),
    )


def _by_employment_type(f: Figures) -> list[int]:
    counts = {number: (active, covered) for number, active, covered in f.by_employment_type}
    return [count for number in range(len(EMPLOYMENT_TYPES)) for count in counts.get(number, (0, 0))]


def _policies(f: Figures) -> Row:
    return (
        [p.policy_id for p in f.policies],
        [p.version for p in f.policies],
        [p.threshold_bp for p in f.policies],
        [p.state for p in f.policies],
        [p.since for p in f.policies],
        [p.gap_people for p in f.policies],
        [p.baseline_covered for p in f.policies],
        [p.baseline_divisor for p in f.policies],
        [p.why for p in f.policies],
    )
