"""`peserta topics`: the Kafka topics of the installation."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from peserta.cli.screen import counted, out, print_json, table
from peserta.operations.access_rights import PRINCIPAL_KIND, ROLES, Right, grant, rights_of
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.generations import current_book
from peserta.operations.topic_table import topics_of
from peserta.operations.topics import make_topics

Role = StrEnum("Role", {each: each for each in ROLES})  # type: ignore[misc]

topics = typer.Typer(no_args_is_help=True, help="The Kafka topics of the installation.")


@topics.command("create")
def create() -> None:
    """Create the missing topics, each with its settings. Existing topics are not changed.

    Example: peserta topics create
    """
    settings = asyncio.run(current_book(with_kafka(find_installation())))
    made = asyncio.run(make_topics(settings))
    out.print(f"{counted(len(made), 'topic')}, for a book of {counted(settings.partitions, 'partition')}")


@topics.command("list")
def list_topics() -> None:
    """Show what each topic keeps, and for how long.

    Example: peserta topics list
    """
    settings = find_installation()
    rows = []
    for topic in topics_of(asyncio.run(current_book(settings)) if settings.kafka else settings):
        kept = "the last of each key" if topic.cleanup == "compact" else "for ever"
        if topic.cleanup == "delete" and topic.retention_ms >= 0:
            kept = f"{topic.retention_ms // 86_400_000} days"
        rows.append((topic.name, kept, topic.batch_bytes))
    out.print(table("Topics", ("topic", "keeps", "largest batch, bytes"), rows, right=("largest batch, bytes",)))


@topics.command("acls")
def acls(
    role: Annotated[list[Role] | None, typer.Option(help="Of this role alone; again for several.")] = None,
    principal: Annotated[str, typer.Option(help="Who gets them, if not User: and the role.")] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Grant them, as an administrator of the cluster.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    commands: Annotated[bool, typer.Option("--commands", help="Lines for Kafka's own kafka-acls.sh.")] = False,
) -> None:
    """Show what each role may do in Kafka, as its access lists say it, or grant it. Granting again changes nothing.

    Example: peserta topics acls --role sink --principal User:peserta-sink --apply
    """
    settings = find_installation()
    settings = asyncio.run(current_book(settings)) if settings.kafka else settings
    wanted = {each: rights_of(each, settings) for each in role or ROLES}
    who = {each: principal or PRINCIPAL_KIND + each for each in wanted}
    if apply:
        with_kafka(settings)
        for each, rights in wanted.items():
            granted = asyncio.run(grant(settings.kafka, who[each], rights))
            out.print(f"{who[each]}: {counted(granted, 'right')} of a {each}")
        return
    rows = [(each, who[each], right) for each, rights in wanted.items() for right in rights]
    if commands:
        for _, name, right in rows:
            typer.echo(right.command(str(settings.kafka) or "localhost:9092", name))
    elif as_json:
        for each, name, right in rows:
            print_json({"role": each, "principal": name, **_fields(right)})
    else:
        columns = ("role", "principal", "may", "what", "name")
        shown = [(each, name, right.operation.name.lower(), *_words(right)) for each, name, right in rows]
        out.print(table("Rights", columns, shown))


def _fields(right: Right) -> dict[str, str]:
    return {
        "operation": right.operation.name,
        "resource": right.resource.name,
        "pattern": right.pattern.name,
        "name": right.name,
    }


def _words(right: Right) -> tuple[str, str]:
    return right.resource.name.lower().replace("_", " "), right.name + ("*" if right.pattern.name == "PREFIXED" else "")
