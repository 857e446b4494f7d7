"""A journal as files: facts, policies and registry, and the commands with which `simulate` or a new book loads them."""

import asyncio
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from peserta.operations.failure import Rejected
from peserta.operations.kafka_reading import read_to_end
from peserta.operations.yaml_document import written
from peserta.settings import Settings
from schemas.codec import JournalCodec
from schemas.dates import day_text, instant_text, jakarta_day
from schemas.fact_json import line_of
from schemas.kafka.access import Brokers
from schemas.records import (
    Company,
    CompanySet,
    Coordinates,
    Day,
    Entry,
    FactEntry,
    Instant,
    Policy,
    PolicyEnded,
    PolicySet,
    Tick,
)
from streams.core.declared import company_entry, policy_entry

FACTS_FILE: Final = "facts.ndjson"
POLICIES_FILE: Final = "policies.yaml"
COMPANIES_FILE: Final = "companies.yaml"
SCRIPT_FILE: Final = "take-in.sh"


@dataclass(slots=True)
class Exported:
    """What an export found besides the facts.

    `late_rules` counts policies and registry entries that came after a fact, and ends of policies. `simulate` applies
    all rules before the first line, so with late rules its alerts differ. `first_at` is the earliest recording time of
    any entry.
    """

    facts: int = 0
    repeats: int = 0
    policies: dict[str, Policy] = field(default_factory=dict)
    companies: dict[str, Company] = field(default_factory=dict)
    first_at: Instant | None = None
    last_on: Day | None = None
    late_rules: int = 0
    partitions_with_facts: set[int] = field(default_factory=set)


async def entries_of(kafka: Brokers, topic: str, exported: Exported) -> AsyncIterator[tuple[Coordinates, Entry]]:
    """The entries of a journal with their coordinates, without repeats; in order within a partition."""
    async for found in without_repeats(read_to_end(kafka, [topic]), exported):
        yield found


async def without_repeats(records: AsyncIterator[Any], exported: Exported) -> AsyncIterator[tuple[Coordinates, Entry]]:
    """The entries in these journal records with their coordinates; repeats are skipped and counted."""
    codec = JournalCodec()
    seen: dict[tuple[int, str, int], int] = {}
    async for record in records:
        (entry,) = codec.decode([record.value])
        source = record.partition, entry.came_from.topic, entry.came_from.partition
        if entry.came_from.offset <= seen.get(source, -1):
            exported.repeats += 1
            continue
        seen[source] = entry.came_from.offset
        yield Coordinates(record.topic, record.partition, record.offset), entry


def export(settings: Settings, folder: Path) -> Exported:
    """Write the journal as files into a folder, together with a script that loads them into a new book.

    The folder is created if it is missing. Raises Rejected if it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FACTS_FILE).open("w", encoding="utf-8", newline="\n") as facts:
            exported = asyncio.run(export_facts(settings.kafka, settings.topics.journal, facts))
        (folder / POLICIES_FILE).write_text(policies_yaml(list(exported.policies.values())), encoding="utf-8")
        (folder / COMPANIES_FILE).write_text(companies_yaml(list(exported.companies.values())), encoding="utf-8")
        (folder / SCRIPT_FILE).write_text(script(exported, settings.grace_days), encoding="utf-8")
    except OSError as error:
        raise Rejected(f"{folder} cannot be written: {error.strerror}.") from error
    return exported


async def export_facts(kafka: Brokers, topic: str, out: TextIO) -> Exported:
    """Write every fact as a line with its `recorded_at`; everything else goes into the result."""
    exported = Exported()
    async for at, entry in entries_of(kafka, topic, exported):
        if isinstance(entry, FactEntry):
            exported.facts += 1
            exported.partitions_with_facts.add(at.partition)
            out.write(line_of(entry.fact, entry.recorded_at) + "\n")
        else:
            note(exported, entry, at.partition)
        exported.first_at = min(entry.recorded_at, exported.first_at or entry.recorded_at)
        on = jakarta_day(entry.recorded_at)
        exported.last_on = on if exported.last_on is None else max(exported.last_on, on)
    return exported


def note(exported: Exported, entry: Entry, partition: int) -> None:
    """Collect the rules that an entry sets."""
    if isinstance(entry, Tick):
        return
    if partition in exported.partitions_with_facts:
        exported.late_rules += 1
    if isinstance(entry, PolicySet):
        exported.policies[entry.policy.policy_id] = entry.policy
    elif isinstance(entry, PolicyEnded):
        exported.policies.pop(entry.policy_id, None)
        exported.late_rules += 1
    elif isinstance(entry, CompanySet):
        exported.companies[entry.company.company_id] = entry.company


def simulation(exported: Exported, folder: Path, grace_days: int) -> str:
    """The command that folds the files offline; empty for an empty journal."""
    if exported.last_on is None:
        return ""
    policies, companies, facts = (_word(folder / name) for name in (POLICIES_FILE, COMPANIES_FILE, FACTS_FILE))
    rules = f"--policies {policies} --companies {companies} --grace-days {grace_days}"
    return f"peserta simulate {rules} --as-of {day_text(exported.last_on)} {facts}"


def taking_in(exported: Exported, folder: Path) -> list[str]:
    """The commands that load the files into a new book with `clock: replay`, in order.

    Rules are recorded at the time of the earliest entry. The Tick for that date waits until the recorder has recorded
    the rules, so that they precede the first fact.
    """
    if exported.first_at is None or exported.last_on is None:
        return []
    recorded = f"--recorded-at {instant_text(exported.first_at)}"
    commands = ["peserta topics create"]
    if exported.policies:
        commands.append(f"peserta policies apply {recorded} {_word(folder / POLICIES_FILE)}")
    if exported.companies:
        commands.append(f"peserta companies apply {recorded} {_word(folder / COMPANIES_FILE)}")
    commands.append(f"peserta tick {day_text(jakarta_day(exported.first_at))}")
    if exported.facts:
        commands.append(f"peserta publish {_word(folder / FACTS_FILE)}")
    return [*commands, f"peserta tick {day_text(exported.last_on)}"]


def script(exported: Exported, grace_days: int) -> str:
    """The commands of `taking_in` as a shell script, to be stored beside the files."""
    commands = [
        f"{command} || test $? -eq 1" if command.startswith("peserta publish ") else command
        for command in taking_in(exported, Path())
    ]
    return "\n".join(
        (
            "#!/bin/sh",
            "# Takes the files of this folder into a new book, whose workers run with",
            f"# PESERTA_CLOCK=replay PESERTA_GRACE_DAYS={grace_days}.",
            "# `peserta publish` ends with 1 when something is refused: what the old book refused is refused again.",
            "set -eu",
            'cd "$(dirname "$0")"',
            *commands,
            "",
        )
    )


def _word(path: Path) -> str:
    return shlex.quote(str(path))


def policies_yaml(policies: list[Policy]) -> str:
    """Policies as the file that `policies apply` and `simulate` read."""
    return written([policy_entry(policy) for policy in policies])


def companies_yaml(companies: list[Company]) -> str:
    """The registry as the file that `companies apply` and `simulate` read."""
    return written([company_entry(company) for company in companies])
