"""`peserta simulate`: the offline book."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.arguments import AsOf, CompaniesFile, FactFiles, GraceDays, PoliciesFile, rules_of
from deploy.commands.screen import err
from deploy.failure import CommandFailed
from schemas.dates import day
from schemas.fact_json import json_line, numbered
from streams.core.book import GRACE_DAYS_DEFAULT
from streams.core.simulate import DateTooEarly
from streams.core.simulate import simulate as fold
from streams.intake.doubts import unmatched_scopes

LINES_PER_WRITE = 1_000


def simulate(
    files: FactFiles,
    as_of: AsOf,
    policies: PoliciesFile = None,
    companies: CompaniesFile = None,
    grace_days: GraceDays = GRACE_DAYS_DEFAULT,
    dump: Annotated[str | None, typer.Option(help="ledger: print the postings and nothing else.")] = None,
) -> None:
    """Fold files of facts offline, with the same rules as the service, and print what it would say.

    Prints JSON lines: dispositions that are not `applied`, alerts, and the figures of each company on a date.

    Example: peserta simulate --policies policies.yaml --as-of 2025-12-31 facts.ndjson
    """
    if dump not in (None, "ledger"):
        raise CommandFailed(f"--dump takes `ledger`, not `{dump}`.")
    rules = rules_of(policies, companies, grace_days)
    for doubt in unmatched_scopes(rules.policies, rules.companies):
        err.print(f"Note: {doubt}.", markup=False, soft_wrap=True)
    said = fold(lines_of(files), rules, day(as_of), dump_ledger=dump is not None)
    try:
        waiting = []
        for fields in said:
            waiting.append(json_line(fields))
            if len(waiting) >= LINES_PER_WRITE:
                write_lines(waiting)
        write_lines(waiting)
    except DateTooEarly as error:
        raise CommandFailed(f"{error}.") from error


def write_lines(lines: list[str]) -> None:
    """Write lines as UTF-8, whatever the terminal's encoding, and empty the list."""
    sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode())
    sys.stdout.buffer.flush()
    lines.clear()


def lines_of(files: list[Path]) -> Iterator[tuple[int, bytes]]:
    """(number, line) of every line that is not blank, numbered over all files; CommandFailed for an unreadable file."""
    read = 0
    for path in files:
        try:
            with path.open("rb") as file:
                counted = _Counted(file)
                yield from numbered(counted, read + 1)
                read += counted.lines
        except OSError as error:
            raise CommandFailed(f"{path} cannot be read: {error.strerror}.") from error


class _Counted:
    """The lines of a file, counted as they pass."""

    def __init__(self, file: Iterator[bytes]) -> None:
        self._file = file
        self.lines = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._file:
            self.lines += 1
            yield line
