"""`peserta clickhouse`: the ClickHouse of the installation, for its administrators."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from peserta.cli.screen import counted, out, progress
from peserta.operations.clickhouse_roles import company_role_statements, role_statements, run_statements
from peserta.operations.discovery import find_installation
from peserta.operations.failure import Rejected
from peserta.operations.generations import current_book
from sinks.clickhouse.access import ANALYST, READER, SINK

Role = StrEnum("Role", {each: each for each in (ANALYST, READER, SINK)})  # type: ignore[misc]

clickhouse = typer.Typer(no_args_is_help=True, help="The ClickHouse of the installation: migrations, roles.")


@clickhouse.callback()
def administer() -> None:
    """The ClickHouse of the installation: migrations, roles."""


@clickhouse.command("migrate")
def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Bring the tables and views to this version, as the sink does when it starts. Running it again changes nothing.

    Where rows move into a table of another layout it shows how far it is, readers go on reading, and a sink of an
    earlier version is refused. It may be interrupted, and goes on the next time.

    Example: peserta clickhouse migrate --dry-run
    """
    from peserta.operations import clickhouse_migrations  # its HTTP client is large

    settings = find_installation()
    settings = asyncio.run(current_book(settings)) if settings.kafka else settings
    if dry_run:
        missing = asyncio.run(clickhouse_migrations.missing(settings))
        for each in missing:
            moved = " and ".join(f"{counted(rows, 'row')} of {table}" for table, rows in each.moved.items())
            out.print(f"{each.name}: moves {moved}" if moved else each.name)
        out.print(f"{counted(len(missing), 'migration')} to run" if missing else "nothing to do")
        return
    with progress() as bar:
        task = bar.add_task("Moving rows", total=None, visible=False)
        done = asyncio.run(
            clickhouse_migrations.run(
                settings, lambda moved, of: bar.update(task, completed=moved, total=of, visible=True)
            )
        )
    for name in done:
        out.print(name)
    out.print(f"{counted(len(done), 'migration')} run" if done else "nothing to do")


@clickhouse.command("roles")
def roles(
    role: Annotated[list[Role] | None, typer.Option(help="This role alone; again for several.")] = None,
    companies: Annotated[str, typer.Option(help="A role for these companies alone: their ids, with commas.")] = "",
    name: Annotated[str, typer.Option(help="The name of that role, behind the name of the database.")] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Run the statements, as an administrator.")] = False,
) -> None:
    """Print the SQL that makes the roles of a ClickHouse with users, or run it. Running it again changes nothing.

    Example: peserta clickhouse roles --companies C1,C2 --name lampung
    """
    if bool(companies) != bool(name):
        raise Rejected("--companies and --name go together: which companies, and the name of the role for them.")
    if companies and role:
        raise Rejected("--companies makes a role of its own: leave --role out.")
    settings = find_installation()
    settings = asyncio.run(current_book(settings)) if settings.kafka else settings
    if companies:
        statements = company_role_statements(settings, name, [each.strip() for each in companies.split(",")])
    else:
        statements = role_statements(settings, [str(each) for each in role or Role])
    if apply:
        asyncio.run(run_statements(settings, statements))
        out.print(f"{counted(len(statements), 'statement')} run")
        return
    for statement in statements:
        typer.echo(f"{statement};")
