"""`peserta topics`: the Kafka topics of the installation."""

import asyncio

import typer

from peserta.cli.screen import counted, out, table
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.generations import current_book
from peserta.operations.topic_table import topics_of
from peserta.operations.topics import make_topics

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
