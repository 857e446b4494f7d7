"""Roles in a ClickHouse that has users: the statements for a book, and running them as an administrator."""

from collections.abc import Sequence
from typing import Final

from clickhouse_connect.driver.exceptions import DatabaseError

from peserta.operations.failure import Rejected, Unfit
from peserta.settings import Settings
from sinks.clickhouse.access import ANALYST, LIMITS, ROLES, Book
from sinks.clickhouse.refusals import Refused

NO_RIGHT_CODE: Final = 497
NO_STORAGE_CODE: Final = 514


def role_statements(settings: Settings, roles: Sequence[str] = ROLES) -> list[str]:
    """What makes these roles for the book of the settings' generation; every statement can be run again.

    The limits of analysts come with their role.
    """
    wanted = [role for role in ROLES if role in roles or (role == LIMITS and ANALYST in roles)]
    return [statement for role in wanted for statement in _book(settings).statements(role)]


def company_role_statements(settings: Settings, name: str, companies: Sequence[str]) -> list[str]:
    """What makes a role for analysts of these companies alone. The role of analysts comes first, for its limits.

    Raises Rejected for a name or a company that cannot be one.
    """
    try:
        own = _book(settings).statements_of_companies(name, companies)
    except Refused as error:
        raise Rejected(str(error)) from error
    return role_statements(settings, (ANALYST,)) + own


async def run_statements(settings: Settings, statements: Sequence[str]) -> None:
    """Run them as the user of the settings. Raises Failed."""
    if not settings.clickhouse_url:
        raise Unfit("Roles need PESERTA_CLICKHOUSE_URL, with an administrator of ClickHouse as its user.")
    from peserta.operations.clickhouse_writing import writing  # its HTTP client is large, and printing needs none

    async with writing(settings) as client:
        try:
            for statement in statements:
                await client.command(statement, use_database=False)
        except DatabaseError as error:
            if error.code == NO_RIGHT_CODE:
                raise Unfit(
                    "The user in PESERTA_CLICKHOUSE_URL may not make roles. Run it as an administrator of ClickHouse "
                    "(`access_management`), or give one what it prints without --apply. The ClickHouse that "
                    "`peserta up` starts has no users, and takes no roles.",
                ) from error
            if error.code == NO_STORAGE_CODE:
                raise Unfit("This ClickHouse has no `user_directories` in which it could keep roles.") from error
            raise


def _book(settings: Settings) -> Book:
    return Book(settings.clickhouse_database, settings.database, settings.clickhouse_cluster or None)
