"""Roles of a ClickHouse that has users: the SQL of each role is a file beside this one, filled with a book's names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from sinks.clickhouse.migrations import checked
from sinks.clickhouse.published_views import analysts_of
from sinks.clickhouse.refusals import Refused

FOLDER: Final = Path(__file__).parent
ANALYST, READER, SINK, LIMITS, COMPANIES = "analyst", "reader", "sink", "limits", "companies"
# In this order: the limits are those of the role of analysts.
ROLES: Final = (ANALYST, LIMITS, READER, SINK)
COMPANIES_MAX: Final = 1000
_COMPANY_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_STATEMENT_END: Final = re.compile(r";[ \t]*(?:\n|\Z)")
_COMMENT: Final = re.compile(r"^--.*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Book:
    """The names of a book in ClickHouse: the database in which readers find it, and that of its current generation."""

    database: str
    generation: str
    cluster: str | None = None

    def statements(self, role: str) -> list[str]:
        """What makes a role of ROLES and grants its rights. Every statement can be run again."""
        return self._filled(role)

    def statements_of_companies(self, name: str, companies: Sequence[str]) -> list[str]:
        """What makes the role `<database>_<name>`, for analysts of these companies alone. Raises Refused."""
        if checked(name) in (*ROLES, COMPANIES):
            raise Refused(f"{name!r} is the name of another role: choose one for these companies.")
        if not companies or len(companies) > COMPANIES_MAX:
            raise Refused(f"A role is for 1 to {COMPANIES_MAX:,} companies, and {len(companies):,} are named.")
        wrong = [place for place, each in enumerate(companies, 1) if not _COMPANY_ID.fullmatch(each)]
        if wrong:
            raise Refused(f"Company {wrong[0]} of the list is no company id: 1 to 64 of A-Z a-z 0-9 . _ : -")
        return self._filled(COMPANIES, name=name, companies=", ".join(f"'{each}'" for each in companies))

    def _filled(self, file: str, **more: str) -> list[str]:
        text = Template((FOLDER / f"{file}.sql").read_text(encoding="utf-8")).substitute(
            database=checked(self.database),
            generation=checked(self.generation),
            analysts=checked(analysts_of(self.database)),
            on_cluster=f"ON CLUSTER {checked(self.cluster)}" if self.cluster else "",
            **more,
        )
        parts = (_COMMENT.sub("", part) for part in _STATEMENT_END.split(text))
        # The first generation has its tables in the book's own database: two statements are one.
        return list(dict.fromkeys(" ".join(part.split()) for part in parts if part.strip()))
