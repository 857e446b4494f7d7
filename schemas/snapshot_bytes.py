"""The bytes of a snapshot: seventy numbers for each company of each batch, assembled without fastavro."""

from typing import Final

from schemas.fact_bytes import repeated_string
from schemas.records import WINDOW_DAYS, Figures, PolicyStatus, Snapshot, Window
from schemas.vocabulary import PROGRAMMES, STATES, WHY_NOT_EVALUABLE
from schemas.wire import END, NULL, SOME, zigzag

_PROGRAMMES: Final = tuple(map(zigzag, range(len(PROGRAMMES))))
_DAYS: Final = tuple(map(zigzag, WINDOW_DAYS))
_STATE: Final = {state: zigzag(i) for i, state in enumerate(STATES)}
_WHY: Final[dict[str | None, bytes]] = {None: NULL}
_WHY.update((why, SOME + zigzag(i)) for i, why in enumerate(WHY_NOT_EVALUABLE))


def snapshot_content(snapshot: Snapshot) -> bytes:
    """The record without its frame, field by field as its schema has them."""
    f = snapshot.figures
    numbers = f.as_of, snapshot.partition, snapshot.offset, snapshot.recorded_at, f.active, f.covered, f.uncovered_new
    return b"".join(
        (
            repeated_string(f.company_id),
            *map(zigzag, numbers),
            *_enrolled(f),
            *_by_employment_type(f),
            _maybe(f.coverage_bp),
            _maybe(f.coverage_due_bp),
            zigzag(len(f.windows)),
            *map(_window, _DAYS, f.windows),
            END,
            *_policies(f),
        )
    )


def _maybe(number: int | None) -> bytes:
    """A number in a union with null."""
    return NULL if number is None else SOME + zigzag(number)


def _enrolled(f: Figures) -> list[bytes]:
    parts = [zigzag(len(f.enrolled))]
    for programme, workers in zip(_PROGRAMMES, f.enrolled, strict=True):
        parts += (programme, zigzag(workers))
    return [*parts, END]


def _by_employment_type(f: Figures) -> list[bytes]:
    if not f.by_employment_type:
        return [END]
    parts = [zigzag(len(f.by_employment_type))]
    for counts in f.by_employment_type:
        parts += map(zigzag, counts)
    return [*parts, END]


def _window(days: bytes, window: Window) -> bytes:
    *moves, mean_bp, min_bp = window
    return b"".join((days, *map(zigzag, moves), _maybe(mean_bp), _maybe(min_bp)))


def _policies(f: Figures) -> list[bytes]:
    return [zigzag(len(f.policies)), *map(_status, f.policies), END] if f.policies else [END]


def _status(status: PolicyStatus) -> bytes:
    policy_id, version, threshold_bp, state, since, gap_people, covered, divisor, why = status
    known = repeated_string(policy_id), zigzag(version), zigzag(threshold_bp), _STATE[state]
    return b"".join((*known, _maybe(since), _maybe(gap_people), _maybe(covered), _maybe(divisor), _WHY[why]))
