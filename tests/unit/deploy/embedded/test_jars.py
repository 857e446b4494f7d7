"""Only jars with their pinned checksum are run. tests/embedded/test_jars_fetched.py covers fetching."""

import hashlib
from pathlib import Path

import pytest
from rich.console import Console

from deploy.embedded.error import StackError
from deploy.embedded.jars import ROOTS, Jar, cache_folder, kafka_jars, pinned_jars

QUIET = Console(quiet=True)


def test_the_lock_names_every_jar_once_with_a_sum() -> None:
    jars = pinned_jars()
    assert len({jar.file_name for jar in jars}) == len(jars) == 45
    assert {len(jar.sha256) for jar in jars} == {64}
    assert {*ROOTS} <= {jar.coordinates for jar in jars}


def pinned(folder: Path, *names: str) -> tuple[Jar, ...]:
    jars = tuple(Jar(hashlib.sha256(name.encode()).hexdigest(), f"org.example:{name}:1.0") for name in names)
    for jar, name in zip(jars, names, strict=True):
        (folder / jar.file_name).write_bytes(name.encode())
    return jars


def test_jars_that_are_there_are_given_in_the_order_of_the_lock(tmp_path: Path) -> None:
    jars = pinned(tmp_path, "b", "a")
    assert kafka_jars(QUIET, folder=tmp_path, jars=jars) == (tmp_path / "b-1.0.jar", tmp_path / "a-1.0.jar")


def test_a_damaged_jar_is_refused_and_named(tmp_path: Path) -> None:
    jars = pinned(tmp_path, "a", "b")
    (tmp_path / "b-1.0.jar").write_bytes(b"other")
    with pytest.raises(StackError, match=r"b-1\.0\.jar is not the org\.example:b:1\.0 .* Delete that file"):
        kafka_jars(QUIET, folder=tmp_path, jars=jars)


def test_the_cache_is_where_the_user_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "peserta"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "peserta"
