"""The installed client is a small wheel, and works beside foreign packages with the names of our packages."""

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

TOP: Final = Path(__file__).parents[3]
CLIENT: Final = TOP / "clients/python"
WHEEL_BYTES_MAX: Final = 100_000
PYTHON_OLDEST: Final = (3, 10)
LIMIT_S: Final = 120

# A script of a project that has its own packages with our names.
PROGRAM: Final = """
import datetime, json, sys
import schemas, streams
import peserta_client, peserta_client.tokens, peserta_client.outbox
fact = peserta_client.Hire(
    event_id=peserta_client.new_event_id(), company_id="C1", worker_id="w1", effective_on=datetime.date(2025, 9, 1),
    occurred_at=datetime.datetime.now(datetime.timezone.utc), source="payroll", employment_type="permanent",
)
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps({
    "own": [schemas.WHOSE, streams.WHOSE], "fact": json.loads(fact.to_json())["type"],
    "files": [file for file in files if file], "names": sorted(sys.modules),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=CLIENT, check=True, capture_output=True, timeout=LIMIT_S)
    (made,) = folder.iterdir()
    return made


def test_the_wheel_is_small_and_has_one_name(wheel: Path) -> None:
    assert wheel.stat().st_size < WHEEL_BYTES_MAX
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert {name.split("/")[0] for name in names} == {"peserta_client", "peserta_client-0.1.0.dist-info"}
    assert "peserta_client/py.typed" in names and any(name.endswith("LICENSE") for name in names)
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra" not in line]
    assert required == ["Requires-Dist: httpx2<3,>=2.10"]


def test_it_is_installed_beside_packages_with_the_names_of_ours(wheel: Path, tmp_path: Path) -> None:
    site, project = tmp_path / "site", tmp_path / "project"
    for name in ("schemas", "streams"):
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text("WHOSE = 'theirs'\n")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", str(site)]
    subprocess.run([sys.executable, *install, str(wheel)], check=True, capture_output=True, timeout=LIMIT_S)
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=project, env={**os.environ, "PYTHONPATH": os.pathsep.join((str(project), str(site)))},
        capture_output=True, text=True, check=True, timeout=LIMIT_S,
    )  # fmt: skip
    found = json.loads(run.stdout)
    assert (found["own"], found["fact"]) == (["theirs", "theirs"], "hire")
    assert str(site / "peserta_client/__init__.py") in found["files"]
    environment = Path(sys.prefix)
    ours = [file for file in found["files"] if TOP in Path(file).parents and environment not in Path(file).parents]
    assert ours == []
    assert not {"aiokafka", "fastavro", "peserta"} & set(found["names"])


def test_its_syntax_is_that_of_the_oldest_python_it_is_for() -> None:
    for path in CLIENT.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=PYTHON_OLDEST)
