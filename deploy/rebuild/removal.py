"""Deleting what no longer stands: topics and tables of every generation but the standing one."""

import re
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.asyncclient import AsyncClient

from deploy.failure import CommandFailed
from deploy.generations import read_said
from deploy.rebuild.groups import admin_of, is_kept
from deploy.settings import Settings
from deploy.topics import book_topics
from sinks.migrations import checked
from sinks.showing import show
from sinks.warehouse import open_client

FIRST: Final = 1
_TABLES = "SELECT name FROM system.tables WHERE database = {database:String} AND engine NOT LIKE '%View'"
_DATABASES = "SELECT name FROM system.databases WHERE startsWith(name, {base:String})"


@dataclass(frozen=True)
class Removed:
    """Names of what was deleted."""

    topics: tuple[str, ...]
    tables: tuple[str, ...]  # of the first generation
    databases: tuple[str, ...]  # of later ones


async def remove_old(settings: Settings) -> Removed:
    """Delete every generation but the standing one, an unfinished one too. CommandFailed when one is still kept."""
    said = await read_said(settings)
    others = [n for n in range(FIRST, max(said.begun.number, said.standing.number) + 1) if n != said.standing.number]
    for number in others:
        if await is_kept(settings.kafka, settings.of_generation(number).stream_settings().bookkeeper_app):
            raise CommandFailed(
                f"Book-keepers keep generation {number}, or fold it: nothing was deleted. Those of an old generation "
                "end by themselves; a rebuild must have ended."
            )
    standing = settings.of_generation(said.standing.number)
    topics = await _remove_topics(settings, others)
    tables, databases = await _remove_tables(standing) if settings.clickhouse_url else ((), ())
    return Removed(topics, tables, databases)


async def _remove_topics(settings: Settings, numbers: list[int]) -> tuple[str, ...]:
    """The first generation's dead letters stay: they are in the recorder's topic."""
    names = {settings.topic_prefix + topic.name for number in numbers for topic in book_topics(number)}
    async with admin_of(settings.kafka) as admin:
        there = sorted(names & set(await admin.list_topics()))
        if there:
            await admin.delete_topics(there)
    return tuple(there)


async def _remove_tables(standing: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    client = await open_client(standing.sink_settings())
    base, cluster = standing.clickhouse_database, standing.clickhouse_cluster
    on_cluster = f" ON CLUSTER {checked(cluster)}" if cluster else ""
    try:
        tables: tuple[str, ...] = ()
        if standing.generation != FIRST:
            await show(client, base, cluster=cluster or None)  # before what they showed is gone
            tables = await _names(client, _TABLES, database=base)
        later = re.compile(rf"{base}_g\d+")
        databases = tuple(
            name
            for name in await _names(client, _DATABASES, base=base)
            if later.fullmatch(name) and name != standing.database
        )
        for name in tables:
            await client.command(f"DROP TABLE IF EXISTS {base}.{checked(name)}{on_cluster} SYNC")
        for name in databases:
            await client.command(f"DROP DATABASE IF EXISTS {checked(name)}{on_cluster} SYNC")
    finally:
        await client.close()
    return tables, databases


async def _names(client: AsyncClient, query: str, **asked: str) -> tuple[str, ...]:
    found = await client.query(query, parameters=asked)
    return tuple(str(name) for (name,) in found.result_rows)
