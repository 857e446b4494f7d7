"""Deleting topics and tables of every generation except the current one."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import UnknownTopicOrPartitionError, for_code  # type: ignore[import-untyped]
from clickhouse_connect.driver.asyncclient import AsyncClient

from peserta.operations.clickhouse_writing import writing
from peserta.operations.failure import Rejected, Unavailable
from peserta.operations.generations import GenerationRecords, read_generations
from peserta.operations.rebuild.announcement import Announcement
from peserta.operations.rebuild.groups import admin_of, is_kept
from peserta.operations.topic_table import book_topics
from peserta.settings import Settings
from schemas.generation import FIRST
from sinks.clickhouse.migrations import checked, tables_ever_made
from sinks.clickhouse.published_views import publish_views

NOT_THERE: Final[int] = UnknownTopicOrPartitionError.errno
_TABLES = "SELECT name FROM system.tables WHERE database = {database:String} AND engine NOT LIKE '%View'"
_DATABASES = "SELECT name FROM system.databases"


@dataclass(frozen=True)
class Removed:
    """The names of the deleted topics, tables and databases."""

    topics: tuple[str, ...]
    tables: tuple[str, ...]  # of the first generation
    databases: tuple[str, ...]  # of later ones


async def remove_old(settings: Settings) -> Removed:
    """Delete every generation except the current one, including an unfinished one. Raises Failed, and deletes nothing,
    if workers still run on one of them or if another generation becomes current in the meantime."""
    said = await read_generations(settings)
    others = others_than_current(said)
    for number in others:
        if await is_kept(settings.kafka, settings.of_generation(number).stream_settings().bookkeeper_app):
            raise Rejected(
                f"Book-keepers keep generation {number}, or fold it: nothing was deleted. Those of an old generation "
                "end by themselves; a rebuild must have ended."
            )
    # From here on, a rebuild that began before can no longer switch.
    async with await Announcement.open(settings):
        check_unchanged(said, await read_generations(settings))
        return await _remove(settings.of_generation(said.current.number), others)


def others_than_current(said: GenerationRecords) -> list[int]:
    """Every generation number that was ever used, except the current one."""
    last = max(said.begun.number, said.current.number)
    return [number for number in range(FIRST, last + 1) if number != said.current.number]


def check_unchanged(before: GenerationRecords, now: GenerationRecords) -> None:
    """Raise Failed if a rebuild has begun or switched in the meantime."""
    if now != before:
        raise Rejected(
            f"A rebuild ran in the meantime (generation {now.current.number} is current, {now.begun.number} was begun "
            "last): nothing was deleted. Run it again when the rebuild has ended."
        )


async def _remove(current: Settings, others: list[int]) -> Removed:
    if not current.clickhouse_url:
        return Removed(await _remove_topics(current, others), (), ())
    # ClickHouse comes first: if it does not answer, nothing is deleted anywhere.
    async with writing(current) as client:
        tables, databases = await _remove_tables(client, current, others)
        return Removed(await _remove_topics(current, others), tables, databases)


async def _remove_topics(settings: Settings, numbers: list[int]) -> tuple[str, ...]:
    """Delete these generations' topics. The first generation's dead letters stay in the recorder's topic."""
    names = {settings.topic_prefix + topic.name for number in numbers for topic in book_topics(number)}
    async with admin_of(settings.kafka) as admin:
        there = sorted(names & set(await admin.list_topics()))
        if there:
            check_deleted((await admin.delete_topics(there)).topic_error_codes)
    return tuple(there)


def check_deleted(codes: Iterable[tuple[str, int]]) -> None:
    """Raises Failed if Kafka has not deleted a topic. A topic that no longer exists counts as deleted."""
    refused = [f"{name} ({for_code(code).__name__})" for name, code in codes if code not in (0, NOT_THERE)]
    if refused:
        raise Unavailable(
            f"Kafka does not delete these topics: {', '.join(refused)}. Run it again, or delete them by hand.",
        )


async def _remove_tables(
    client: AsyncClient, current: Settings, others: list[int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Delete only what the sink created: the first generation shares its database with analysts' own tables."""
    base, cluster = current.clickhouse_database, current.clickhouse_cluster
    on_cluster = f" ON CLUSTER {checked(cluster)}" if cluster else ""
    tables: tuple[str, ...] = ()
    if FIRST in others:
        await publish_views(client, base, cluster=cluster or None)  # before their tables are gone
        tables = _among(tables_ever_made(), await _names(client, _TABLES, database=base))
    later = [current.of_generation(number).database for number in others if number != FIRST]
    databases = _among(later, await _names(client, _DATABASES))
    for name in tables:
        await client.command(f"DROP TABLE IF EXISTS {checked(base)}.{checked(name)}{on_cluster} SYNC")
    for name in databases:
        await client.command(f"DROP DATABASE IF EXISTS {checked(name)}{on_cluster} SYNC")
    return tables, databases


def _among(names: Iterable[str], there: Container[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in there)


async def _names(client: AsyncClient, query: str, **asked: str) -> tuple[str, ...]:
    found = await client.query(query, parameters=asked)
    return tuple(str(name) for (name,) in found.result_rows)
