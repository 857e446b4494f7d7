"""`peserta clickhouse`: the ClickHouse of the installation, for its administrators."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from peserta.cli.screen import counted, out
from peserta.operations.clickhouse_roles import company_role_statements, role_statements, run_statements
from peserta.operations.discovery import find_installation
from peserta.operations.failure import Rejected
from peserta.operations.generations import current_book
from sinks.clickhouse.access import ANALYST, READER, SINK

Role = StrEnum("Role", {each: each for each in (ANALYST, READER, SINK)})  # type: ignore[misc]

clickhouse = typer.Typer(no_args_is_help=True, help="The ClickHouse of the installation: roles.")


@clickhouse.callback()
def administer() -> None:
    """The ClickHouse of the installation: roles."""


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
