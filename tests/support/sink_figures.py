"""Figures by brute force: those of a company from its postings, class by class and day by day."""

from collections import Counter
from collections.abc import Iterable, Mapping

from schemas.records import WINDOW_DAYS, Posting
from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES, REQUIRED_DEFAULT, ClassParts

DAILY_DAYS = 3_653  # ten years of days, each of which has a row in coverage_daily


def is_covered(parts: ClassParts | None) -> bool:
    return parts is not None and parts.programmes & REQUIRED_DEFAULT == REQUIRED_DEFAULT


def balances(lines: Iterable[Posting], on: int) -> Counter[ClassParts]:
    """Workers in each class at the end of a day."""
    workers: Counter[ClassParts] = Counter()
    for line in lines:
        if line.value_on <= on:
            for parts, sign in ((line.before, -1), (line.after, 1)):
                if parts is not None:
                    workers[parts] += sign * line.quantity
    return workers


def counts(lines: Iterable[Posting], on: int) -> dict[str, int]:
    """active, covered, uncovered_new, enrolled_*, and active and covered of each employment type."""
    workers = balances(lines, on)
    found = {
        "active": sum(workers.values()),
        "covered": sum(n for c, n in workers.items() if is_covered(c)),
        "uncovered_new": sum(n for c, n in workers.items() if c.new and not is_covered(c)),
    }
    for bit, name in enumerate(PROGRAMMES):
        found[f"enrolled_{name.lower()}"] = sum(n for c, n in workers.items() if c.programmes >> bit & 1)
    for number, name in enumerate(EMPLOYMENT_TYPES):
        of_type = {c: n for c, n in workers.items() if c.employment_type == number}
        found[f"active_{name}"] = sum(of_type.values())
        found[f"covered_{name}"] = sum(n for c, n in of_type.items() if is_covered(c))
    return found


def daily_days(value_dates: Iterable[int], as_of: int) -> list[int]:
    """The days that coverage_daily has: the last ones from the first value date on, and value dates before them."""
    changed = sorted({on for on in value_dates if on <= as_of})
    if not changed:
        return []
    begin = as_of - DAILY_DAYS + 1
    return [*(on for on in changed if on < begin), *range(max(begin, changed[0]), as_of + 1)]


def figures(lines: list[Posting], on: int) -> dict[str, int | None]:
    """All figures of SEMANTICS 5 on a day, by the names of the columns."""
    found: dict[str, int | None] = {**(now := counts(lines, on))}
    found["uncovered"] = now["active"] - now["covered"]
    found["coverage_bp"] = share_bp(now["covered"], now["active"])
    found["coverage_due_bp"] = share_bp(now["covered"], now["active"] - now["uncovered_new"])
    for days in WINDOW_DAYS:
        found |= {f"{name}_{days}": value for name, value in window(lines, on, days).items()}
    return found


def window(lines: list[Posting], on: int, days: int) -> Mapping[str, int | None]:
    inside = [line for line in lines if on - days < line.value_on <= on]
    ends = [counts(lines, d) for d in range(on - days + 1, on + 1)]
    peopled = [end for end in ends if end["active"] > 0]
    return {
        "joined": sum(x.quantity for x in inside if x.before is None and x.after is not None),
        "left": sum(x.quantity for x in inside if x.before is not None and x.after is None),
        "gained_cover": sum(x.quantity for x in inside if not is_covered(x.before) and is_covered(x.after)),
        "lost_cover": sum(x.quantity for x in inside if is_covered(x.before) and not is_covered(x.after)),
        "mean_coverage_bp": share_bp(sum(e["covered"] for e in peopled), sum(e["active"] for e in peopled)),
        "min_coverage_bp": min((10000 * e["covered"] // e["active"] for e in peopled), default=None),
    }


def share_bp(part: int, whole: int) -> int | None:
    return 10000 * part // whole if whole else None
