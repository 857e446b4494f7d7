"""The reference of views in docs/analysts.md: columns and types from the engine, words from the table below.

`python -m tests.support.view_reference` writes it anew, on an embedded ClickHouse of its own.
"""

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.embedded.stack import Stack
from sinks.clickhouse.migrations import migrate
from tests.support.sink_database import made_database

PAGE: Final = Path(__file__).parents[2] / "docs" / "analysts.md"
BEGIN: Final = "<!-- views: written by `python -m tests.support.view_reference` -->\n"
END: Final = "<!-- end of views -->\n"

# View -> one row for each, and columns that need words beyond their name and type.
VIEWS: Final[dict[str, tuple[str, Mapping[str, str]]]] = {
    "coverage_current": ("company: figures on its business date", {}),
    "coverage_daily": (
        "company and date, from its first value date (at most a year before its first recording) to its business date",
        {"date": "business date"},
    ),
    "coverage_as_of": ("company: figures as of a date, as known at a time; takes `as_of` and `known_at`", {}),
    "policy_status": ("company and policy", {"threshold": "as `threshold_bp`", "since": "business date of the state"}),
    "journal": ("fact of the journal that has a disposition", {"disposition": "what became of it"}),
    "ledger": ("posting", {"quantity": "+1, or -1 for a reversal", "posting": "number within the entry, from 1"}),
    "alerts": ("alert: `alert_id` and `status`", {"cause": "fact, date, policy, company"}),
    "dead_letters": (
        "refused record, never its content",
        {"field": "the field that breaks a rule", "rule": "the rule"},
    ),
    "companies": ("registry entry", {}),
    "policies": ("policy", {"ended": "whether it was withdrawn"}),
}
# Beginning or whole of a column's name -> its words; the first that fits.
WORDS: Final = (
    ("active_", "active workers of this employment type"),
    ("covered_", "covered workers of this employment type"),
    ("active", "active workers"),
    ("covered", "of them enrolled in JKK and JKM"),
    ("uncovered_new", "not covered, within their grace period"),
    ("uncovered", "not covered: the statutory gap"),
    ("enrolled_", "active workers enrolled in this programme"),
    ("coverage_bp", "basis points, rounded down; null for nobody"),
    ("coverage_due_bp", "basis points without new uncovered workers"),
    ("joined_", "workers who joined in so many days"),
    ("left_", "workers who left in so many days"),
    ("gained_cover_", "workers who became covered in so many days"),
    ("lost_cover_", "workers who lost cover in so many days"),
    ("mean_coverage_bp_", "basis points over so many days"),
    ("min_coverage_bp_", "lowest day, basis points"),
    ("as_of", "business date of the figures"),
    ("recorded_at", "when the entry was recorded, UTC"),
    ("value_on", "business date on which it counts"),
    ("new_", "within the grace period"),
    ("gap_people", "people still missing"),
    ("threshold_bp", "basis points"),
)


def words_of(view: str, column: str) -> str:
    """What a column says, in a few words; nothing where its name says it."""
    own = VIEWS[view][1].get(column)
    if own is not None:
        return own
    exact = [text for name, text in WORDS if name == column]
    return next(iter(exact or [text for name, text in WORDS if name.endswith("_") and column.startswith(name)]), "")


def rendered(columns: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """The reference as Markdown: view -> (column, type)."""
    parts = []
    for view, (row, _) in VIEWS.items():
        rows = [f"| `{name}` | {kind} | {words_of(view, name)} |" for name, kind in columns[view]]
        parts.append("\n".join([f"### {view}", "", f"One row for each {row}.", "", "| column | type | meaning |",
                                "|---|---|---|", *rows, ""]))  # fmt: skip
    return "\n".join(parts)


async def columns_of(clickhouse_url: str, database: str) -> dict[str, list[tuple[str, str]]]:
    """Each view's columns and types, asked of the engine."""
    async with made_database(clickhouse_url, database) as made:
        await migrate(made.client)
        found = {}
        for view in VIEWS:
            call = f"{view}(as_of='2025-01-01', known_at='2025-01-01T00:00:00Z')" if view == "coverage_as_of" else view
            described = await made.rows(f"DESCRIBE (SELECT * FROM {call})")
            found[view] = [(str(row["name"]), str(row["type"]).replace("|", "\\|")) for row in described]
        return found


def page_with(text: str, reference: str) -> str:
    """The page with this reference between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{reference}\n{END}{after}"


def main() -> None:
    """Write the page anew."""
    with tempfile.TemporaryDirectory(prefix="peserta-views-") as folder, Stack(Path(folder), kafka=False) as stack:
        reference = rendered(asyncio.run(columns_of(stack.clickhouse_url, "view_reference")))
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), reference), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} has {len(VIEWS)} views\n")


if __name__ == "__main__":
    main()
