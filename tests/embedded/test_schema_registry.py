"""`peserta schemas` and a schema registry on loopback: what is registered, what is refused, how failures are told."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded.ports import free_ports
from peserta.operations.failure import Unavailable, Unfit
from peserta.operations.schema_registration import (
    COMPATIBILITY,
    REFUSED,
    REGISTERED_NOW,
    THERE_ALREADY,
    WOULD_REGISTER,
    Registration,
    collisions,
    register_schemas,
)
from peserta.settings import Settings, read_settings
from schemas.registry import REGISTERED, schema_text
from schemas.topics import FACTS
from streams.lane.stop import Refused
from streams.schema_registry.client import RegistryAway, RegistryClient
from streams.schema_registry.ids import RegistryIds
from streams.schema_registry.subjects import schema_json
from tests.support.registry_contract import check_registry
from tests.support.schema_registry import LoopbackRegistry

HIRE = f"{FACTS}-id.peserta.Hire"


def settings_of(registry: LoopbackRegistry, **other: str) -> Settings:
    return read_settings(**{"kafka": "", "schema_registry_url": registry.access.url, **other})


def register(registry: LoopbackRegistry, *, dry_run: bool = False, **other: str) -> tuple[Registration, ...]:
    return asyncio.run(register_schemas(settings_of(registry, **other), dry_run=dry_run))


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PESERTA_")}
    return subprocess.run(
        [sys.executable, "-m", "peserta", "schemas", *arguments],
        env=clean | {"PESERTA_DATA_DIR": os.devnull} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_registry_of_the_tests_is_a_registry() -> None:
    with LoopbackRegistry() as registry:
        asyncio.run(check_registry(registry.access))


def test_registering_twice_registers_everything_once_and_a_recorder_can_start() -> None:
    with LoopbackRegistry() as registry:
        would, first, second = register(registry, dry_run=True), register(registry), register(registry)
        settings = settings_of(registry).stream_settings()
        assert settings.registry is not None
        asyncio.run(RegistryIds(settings.registry, settings.topics, settings.inbound).begin())
    assert {each.outcome for each in would} == {WOULD_REGISTER} and {each.registry_id for each in would} == {None}
    assert {each.outcome for each in first} == {REGISTERED_NOW} and {each.outcome for each in second} == {THERE_ALREADY}
    assert sorted(each.entry.schema_id for each in first) == sorted(entry.schema_id for entry in REGISTERED)
    assert [each.registry_id for each in first] == [each.registry_id for each in second]
    assert set(registry.levels.values()) == {COMPATIBILITY} and len(registry.levels) == len(registry.versions)
    assert [registry.schemas[each.registry_id or 0] for each in first] == [schema_json(each.entry) for each in first]


@pytest.mark.parametrize("others", range(12))
def test_facts_get_ids_that_cannot_be_taken_for_the_service_s_own(others: int) -> None:
    with LoopbackRegistry() as registry:
        for number in range(others):
            registry.give(json.dumps({"type": "record", "name": f"Order{number}", "fields": []}))
        assert collisions(register(registry)) == ()


def test_subjects_have_the_prefix_and_the_topics_of_the_installation() -> None:
    with LoopbackRegistry() as registry:
        done = register(registry, topic_prefix="t1.", inbound_topics="hr:hire+termination,agency:enrollment")
        assert {each.subject for each in done if each.entry.schema_id < 10} == {
            "t1.hr-id.peserta.Hire",
            "t1.hr-id.peserta.Termination",
            "t1.agency-id.peserta.Enrollment",
        }


def test_a_schema_that_breaks_the_subject_s_rule_is_refused_with_the_registry_s_reason() -> None:
    hires = schema_text("hire.avsc")
    with LoopbackRegistry(101) as registry:
        registry.give(json.dumps({**hires, "fields": [*hires["fields"], {"name": "grade", "type": "string"}]}), HIRE)
        registry.levels[HIRE] = "FULL"
        for dry_run in (True, False):
            done = register(registry, dry_run=dry_run)
            (refused,) = [each for each in done if each.outcome == REFUSED]
            assert (refused.subject, refused.registry_id, refused.compatibility) == (HIRE, None, "FULL")
            assert "grade" in refused.reason
        said = command("register", "--registry", registry.access.url)
    assert said.returncode == 1 and "refused: " in said.stdout
    assert said.stderr == "peserta: The registry refuses 1 schema; the table says why.\n"


def test_facts_that_were_registered_by_others_under_ids_of_ours_are_named() -> None:
    with LoopbackRegistry() as registry:
        registry.give(schema_json(REGISTERED[1]), "elsewhere")
        assert [each.entry.subject for each in collisions(register(registry))] == ["termination"]
        said = command("register", "--registry", registry.access.url)
    assert said.returncode == 1 and "The registry has termination as 1" in said.stderr


def test_the_commands_show_our_ids_and_the_registry_s() -> None:
    with LoopbackRegistry(101) as registry:
        said = command("register", PESERTA_SCHEMA_REGISTRY_URL=registry.access.url)
    assert (said.returncode, said.stderr) == (0, "")
    _, _, *rows = [line.split() for line in said.stdout.splitlines()]
    last = str(100 + len(REGISTERED))  # facts are registered last, and hires last of them
    assert rows[0] == [HIRE, "1", last, "registered", "FULL_TRANSITIVE"]
    assert len(rows) == len(REGISTERED)
    listed = command("list")
    assert listed.returncode == 0 and f"{HIRE}" in listed.stdout


def test_no_registry_and_an_absent_one_are_told() -> None:
    unnamed = command("register")
    assert unnamed.returncode == 78
    assert unnamed.stderr.startswith("peserta: No schema registry is named: set PESERTA_SCHEMA_REGISTRY_URL")
    absent = command("register", "--registry", f"http://127.0.0.1:{free_ports(1)[0]}")
    assert absent.returncode == 69 and absent.stderr.startswith("peserta: No schema registry at http://127.0.0.1:")


@pytest.mark.parametrize("status", [301, 404, 429, 500, 503])
def test_an_answer_that_no_registry_gives_never_means_that_a_schema_is_absent(status: int) -> None:
    with LoopbackRegistry() as registry:
        registry.status = status
        with pytest.raises(Unavailable, match=f"HTTP {status}"):
            register(registry)
        with pytest.raises(RegistryAway):
            asyncio.run(_schema(registry))


async def _schema(registry: LoopbackRegistry) -> str | None:
    async with RegistryClient(registry.access) as client:
        return await client.schema(1)


@pytest.mark.parametrize("status", [401, 403])
def test_a_registry_that_does_not_accept_the_client_is_refused_for_good(status: int, tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text("a-secret\n", encoding="utf-8")
    word.chmod(0o600)
    with LoopbackRegistry() as registry:
        registry.status = status
        with pytest.raises(Unfit, match="this client without a user"):
            register(registry)
        address = registry.access.url.replace("//", "//reader@")
        with pytest.raises(Unfit, match="the user reader") as refused:
            register(registry, schema_registry_url=address, schema_registry_password_file=str(word))
        assert registry.authorization == "Basic cmVhZGVyOmEtc2VjcmV0"
        assert "a-secret" not in str(refused.value)
        ids = settings_of(registry).stream_settings()
        assert ids.registry is not None
        with pytest.raises(Refused):
            asyncio.run(RegistryIds(ids.registry, ids.topics, ids.inbound).begin())
