"""`peserta schemas`: the Avro schemas of the topics, and a schema registry that has them too."""

import asyncio
from typing import Annotated, Final

import typer

from peserta.cli.screen import counted, out, table
from peserta.operations.discovery import find_installation
from peserta.operations.failure import NotAsAsked
from peserta.operations.generations import current_book
from peserta.operations.schema_registration import REFUSED, Registration, collisions, register_schemas, subjects_of
from peserta.settings import Settings

HELP: Final = "The Avro schemas of the topics, and a schema registry that has them too."

schemas = typer.Typer(no_args_is_help=True, help=HELP)


@schemas.command("list")
def list_schemas() -> None:
    """Show the schemas of each topic's values: subject, id, version, record.

    Example: peserta schemas list
    """
    rows = [
        (subject.name, entry.schema_id, entry.version, entry.file)
        for subject in subjects_of(_settings())
        for entry in subject.versions
    ]
    out.print(table("Schemas", ("subject", "id", "version", "file"), rows, records=True))


@schemas.command("register")
def register(
    registry: Annotated[
        str | None, typer.Option(help="Address of the registry, instead of the setting's.", metavar="URL")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask the registry, and register nothing.")] = False,
) -> None:
    """Register the schemas of all topics at a schema registry with Confluent's interface. Again, it changes nothing.

    The ids that the service writes stay what they are. The exit code is 1 if the registry refuses a schema, or if its
    ids cannot be told from the service's own.

    Example: peserta schemas register --registry http://localhost:8081 --dry-run
    """
    found = asyncio.run(register_schemas(_settings(registry), dry_run=dry_run))
    columns = ("subject", "our id", "registry id", "what was done", "compatibility")
    out.print(table("Schemas", columns, map(_row, found), prose=("what was done",), records=True))
    refused = [each for each in found if each.outcome == REFUSED]
    if clashes := collisions(found):
        named = ", ".join(f"{each.entry.subject} as {each.registry_id}" for each in clashes)
        raise NotAsAsked(
            f"The registry has {named}, and these ids are other types of facts in this service: a recorder will "
            "refuse this registry. Register in another one, or in a context of it, whose ids of facts are the "
            "service's own or above 4."
        )
    if refused:
        raise NotAsAsked(f"The registry refuses {counted(len(refused), 'schema')}; the table says why.")


def _settings(registry: str | None = None) -> Settings:
    settings = find_installation(schema_registry_url=registry)
    return asyncio.run(current_book(settings)) if settings.kafka else settings


def _row(each: Registration) -> tuple[object, ...]:
    done = f"{each.outcome}: {each.reason}" if each.reason else each.outcome
    return each.subject, each.entry.schema_id, each.registry_id, done, each.compatibility
