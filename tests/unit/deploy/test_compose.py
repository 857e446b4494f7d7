"""docker-compose.yml and deploy/Dockerfile match the code. The tests need no container engine, so they run anywhere."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from typer.main import get_group

from deploy.embedded.broker import Cluster, Node
from deploy.embedded.jars import KAFKA_VERSION
from peserta.cli.deferred import every_command
from peserta.cli.main import app
from peserta.operations.topic_table import topic_table
from peserta.settings import PREFIX, Settings, read_settings
from streams.settings import StreamSettings

TOP = Path(__file__).parents[3]
LOCK = TOP / "requirements.lock"
IMAGE_LOCK = TOP / "deploy" / "requirements.lock"
OFFICIAL = ("kafka", "clickhouse")
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
SECRET = re.compile(r"password|secret|token|credential", re.IGNORECASE)

compose: dict[str, Any] = yaml.safe_load((TOP / "docker-compose.yml").read_text(encoding="utf-8"))
services: dict[str, dict[str, Any]] = compose["services"]
ours = {name: service for name, service in services.items() if name not in OFFICIAL}
dockerfile = (TOP / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def interpolated(value: object) -> str:
    """The value that compose passes on when the caller's environment does not set the variable."""
    return VARIABLE.sub(lambda match: match[2], str(value))


EVERY: Final = dict(every_command(get_group(app)))


def command_at(words: list[str]) -> Any:
    """The command of the command line with these words; None if there is none."""
    return EVERY.get(tuple(words))


# ---------------------------------------------------------------- services


def test_the_whole_is_there() -> None:
    assert set(services) == {"kafka", "clickhouse", "topics", "recorder", "bookkeeper", "sink", "notifier", "api"}


@pytest.mark.parametrize("name", ours)
def test_settings_are_fields_and_read_well(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = ours[name]["environment"]
    assert {variable.removeprefix(PREFIX).lower() for variable in environment} <= set(Settings.model_fields)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, interpolated(value))
    settings = read_settings()
    assert str(settings.kafka) == "kafka:9092"
    assert settings.clickhouse_url == "http://clickhouse:8123"


@pytest.mark.parametrize("name", ours)
def test_what_a_caller_may_set_has_the_usual_name_and_the_usual_value(name: str) -> None:
    for variable, value in ours[name]["environment"].items():
        for asked, default in VARIABLE.findall(str(value)):
            assert asked == variable
            assert default == str(Settings.model_fields[variable.removeprefix(PREFIX).lower()].default)


@pytest.mark.parametrize("name", ours)
def test_commands_are_real(name: str) -> None:
    command = command_at(ours[name]["command"])
    assert command is not None
    assert not getattr(command, "commands", {})


@pytest.mark.parametrize("name", sorted(set(ours) - {"topics"}))
def test_a_worker_is_asked_for_its_own_health(name: str) -> None:
    assert services[name]["healthcheck"]["test"] == ["CMD", "peserta", "health", name]
    assert command_at(["health"]) is not None


def test_a_command_that_is_none_would_be_found() -> None:
    assert command_at(["worker", "bookeeper"]) is None
    assert command_at(["topics", "create", "all"]) is None


def test_workers_run_after_the_topics_and_the_sink_after_clickhouse() -> None:
    done, healthy = {"condition": "service_completed_successfully"}, {"condition": "service_healthy"}
    assert services["topics"]["depends_on"] == {"kafka": healthy}
    assert services["recorder"]["depends_on"] == services["bookkeeper"]["depends_on"] == {"topics": done}
    assert services["sink"]["depends_on"] == {"topics": done, "clickhouse": healthy}


def test_what_others_wait_for_tells_its_health() -> None:
    waited_for = {
        name
        for service in services.values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_healthy"
    }
    assert waited_for == set(OFFICIAL)
    assert all("test" in services[name]["healthcheck"] for name in waited_for)


@pytest.mark.parametrize("name", ours)
def test_a_worker_that_failed_is_started_again_and_one_that_ended_well_is_not(name: str) -> None:
    assert ours[name]["restart"] == "on-failure"


def test_ports_are_published_on_loopback_only() -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert len(ports) == 3
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)


def test_data_is_in_named_volumes() -> None:
    for name in OFFICIAL:
        (volume,) = services[name]["volumes"]
        assert volume.split(":")[0] in compose["volumes"]


def test_no_secret_is_written_down() -> None:
    names = [name for service in services.values() for name in service.get("environment", {})]
    assert names
    assert not [name for name in names if SECRET.search(name)]
    assert "@" not in interpolated(services["sink"]["environment"]["PESERTA_CLICKHOUSE_URL"])


# ---------------------------------------------------------------- Kafka and ClickHouse


def test_images_have_fixed_versions() -> None:
    assert services["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert re.fullmatch(r"clickhouse/clickhouse-server:26\.\d+", services["clickhouse"]["image"])


def kafka_properties() -> dict[str, str]:
    """The broker's settings under Kafka's names. By the image's rule KAFKA_A_B sets a.b."""
    environment = services["kafka"]["environment"].items()
    return {name.removeprefix("KAFKA_").lower().replace("_", "."): str(value) for name, value in environment}


def test_the_broker_is_set_as_the_embedded_one() -> None:
    node = Node(1, 29092, 9093, Path("/data"))
    embedded = dict(line.split("=", 1) for line in Cluster((node,)).properties(node).splitlines())
    shared = kafka_properties().keys() & embedded.keys()
    of_the_place = {name for name in shared if "listener" in name or name in ("controller.quorum.voters", "log.dirs")}
    assert {name: kafka_properties()[name] for name in shared - of_the_place} == {
        name: embedded[name] for name in shared - of_the_place
    }
    assert not {name for name in kafka_properties() if name not in embedded}


def test_topics_are_made_by_the_command_and_by_nobody_else() -> None:
    assert kafka_properties()["auto.create.topics.enable"] == "false"
    assert services["topics"]["command"] == ["topics", "create"]
    streams = StreamSettings(kafka="kafka:9092", data_dir=Path("/data"))
    assert streams.changelog in {topic.name for topic in topic_table()}


def test_clients_reach_the_broker_where_it_says_it_is() -> None:
    advertised = dict(each.split("://") for each in kafka_properties()["advertised.listeners"].split(","))
    assert advertised["INSIDE"] == services["recorder"]["environment"]["PESERTA_KAFKA"]
    assert f"{advertised['OUTSIDE']}:29092" in services["kafka"]["ports"]


# ---------------------------------------------------------------- the image


def instructions() -> Iterator[tuple[str, str]]:
    """(name, rest) of each instruction of the Dockerfile, continued lines joined."""
    for line in dockerfile.replace("\\\n", " ").splitlines():
        name, _, rest = line.partition(" ")
        if name.isupper():
            yield name, " ".join(rest.split())


def pyproject() -> dict[str, Any]:
    return tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_python_of_the_image_is_allowed() -> None:
    ((_, image),) = [each for each in instructions() if each[0] == "FROM"]
    match = re.fullmatch(r"python:(3\.\d+)-slim", image)
    assert match
    assert match[1] in SpecifierSet(pyproject()["project"]["requires-python"])


def test_every_package_is_in_the_image() -> None:
    packages = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = [rest.split() for name, rest in instructions() if name == "COPY"]
    ignored = (TOP / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert set(packages) == {path.parent.name for path in TOP.glob("*/__init__.py")} - {"tests"}
    for package in packages:
        assert [package, package] in copied
        assert f"!{package}" in ignored


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    ignored = (TOP / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name, rest in instructions():
        for source in rest.split()[:-1] if name == "COPY" else ():
            assert (TOP / source).exists()
            assert f"!{source.split('/')[0]}" in ignored


def test_the_image_runs_the_command_as_somebody_without_rights() -> None:
    named = dict(instructions())
    assert named["ENTRYPOINT"] == '["peserta"]'
    assert named["USER"] == "peserta"
    assert pyproject()["project"]["scripts"] == {"peserta": "peserta.cli.main:main"}
    assert "--require-hashes" in dockerfile


@pytest.mark.parametrize("name", ours)
def test_the_image_is_built_from_this_file(name: str) -> None:
    build = ours[name]["build"]
    assert build == {"context": ".", "dockerfile": "deploy/Dockerfile"}
    assert ours[name]["image"] == f"peserta:{pyproject()['project']['version']}"


def pins(lock: Path) -> dict[str, str]:
    """Package -> version in a lock file. Each entry must have a hash."""
    text = lock.read_text(encoding="utf-8")
    entries = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)[^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE))
    return {canonicalize_name(name): version for name, version in entries}


def test_the_lock_of_the_image_is_part_of_the_lock_and_holds_every_dependency() -> None:
    whole, image = pins(LOCK), pins(IMAGE_LOCK)
    assert image.items() <= whole.items()
    project = pyproject()["project"]
    extras = [text for extra in ("api", "notices", "sheets") for text in project["optional-dependencies"][extra]]
    for text in [*project["dependencies"], *extras, *pyproject()["build-system"]["requires"]]:
        requirement = Requirement(text)
        assert image[canonicalize_name(requirement.name)] in requirement.specifier


def test_tools_and_the_embedded_stack_stay_out_of_the_image() -> None:
    left_out = [*pyproject()["dependency-groups"]["dev"], *pyproject()["project"]["optional-dependencies"]["embedded"]]
    names = {canonicalize_name(Requirement(text).name) for text in left_out}
    # hatchling builds the project; lz4 is a dependency of ClickHouse's client, uvicorn and starlette are those of the
    # HTTP door, requests is one of the channel `chat`.
    assert names & pins(IMAGE_LOCK).keys() == {"hatchling", "lz4", "uvicorn", "starlette", "requests"}
