"""The jars of Apache Kafka: fetched once by coordinates, pinned by SHA-256, kept in the user's cache folder.

The lock file is `kafka-4.4.0.sha256` next to this file, with one line per jar: `<sha256>
<group>:<artifact>:<version>`. Only jars that it lists are fetched, and only jars with the right sum are run. After the
first start no network is needed. To use a mirror, set it for `jgo` in section `[repositories]` of `~/.config/jgo.conf`.
To move to another version: change the coordinates, run `python -m deploy.embedded.jars > FILE`, review FILE.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import requests
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import Artifact, MavenContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from tenacity import (
    Retrying,
    retry,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_fixed,
)

from deploy.embedded.error import StackError
from deploy.embedded.lock import lock

KAFKA_VERSION = "4.4.0"
LOCK_FILE = Path(__file__).with_name(f"kafka-{KAFKA_VERSION}.sha256")
# Kafka's dependencies include no back end for its logging interface; without one a broker dies silently.
ROOTS = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")

FETCHES_AT_ONCE = 4
FETCH_TRIES = 3
FETCH_TIMEOUT_S = 60
OTHER_FETCHER_LIMIT_S = 600


@dataclass(frozen=True)
class Jar:
    """One pinned jar: `sha256` in hexadecimal, `coordinates` as `group:artifact:version`."""

    sha256: str
    coordinates: str

    @property
    def file_name(self) -> str:
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def pinned_jars(lock_file: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """The jars that the lock file names, in its order."""
    return tuple(Jar(*line.split()) for line in lock_file.read_text("utf-8").splitlines())


def cache_folder() -> Path:
    """The user's folder for fetched files: under XDG_CACHE_HOME if that is set, else ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "peserta"


def kafka_jars(console: Console, *, folder: Path | None = None, jars: Sequence[Jar] | None = None) -> tuple[Path, ...]:
    """The paths of all jars, after fetching missing ones and checking every sum.

    Raises a StackError that names a jar with a wrong sum, or one that could not be fetched.
    """
    jars = pinned_jars() if jars is None else jars
    folder = folder or cache_folder() / f"kafka-{KAFKA_VERSION}"
    if any(_missing(jars, folder)):
        folder.mkdir(parents=True, exist_ok=True)
        with _only_fetcher(folder):
            _fetch(_missing(jars, folder), folder, console)
    for jar in jars:
        _check(jar, folder / jar.file_name)
    return tuple(folder / jar.file_name for jar in jars)


def _missing(jars: Sequence[Jar], folder: Path) -> list[Jar]:
    return [jar for jar in jars if not (folder / jar.file_name).exists()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(jar: Jar, path: Path) -> None:
    found = _sha256(path)
    if found != jar.sha256:
        raise StackError(
            f"{path} is not the {jar.coordinates} that is pinned in {LOCK_FILE.name} (SHA-256 {found}, pinned "
            f"{jar.sha256}), so Kafka is not started. Delete that file and start again: it is then fetched anew."
        )


@contextmanager
def _only_fetcher(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. The system releases it when the holder ends, however it ends."""
    descriptor = _lock(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path) -> int:
    def give_up(_: object) -> NoReturn:
        raise StackError(
            f"Another process has been fetching Kafka into {folder} for {OTHER_FETCHER_LIMIT_S} s. End it."
        )

    locking = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        wait=wait_fixed(0.2),
        stop=stop_after_delay(OTHER_FETCHER_LIMIT_S),
        retry_error_callback=give_up,
    )
    descriptor: int = locking(lock, folder / ".lock")
    return descriptor


def _fetch(jars: Sequence[Jar], folder: Path, console: Console) -> None:
    """Fetch into a staging folder, check the jars there, then move them: the folder never has an incomplete jar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("jars"))
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".staging-") as staging,
        Progress(*columns, console=console) as progress,
        ThreadPoolExecutor(FETCHES_AT_ONCE) as pool,
    ):
        task = progress.add_task(f"Fetching Apache Kafka {KAFKA_VERSION} (once)", total=len(jars))
        maven = _maven(Path(staging))
        try:
            for jar, path in zip(jars, pool.map(lambda jar: _fetch_one(maven, jar), jars), strict=True):
                _check(jar, path)
                path.replace(folder / jar.file_name)
                progress.advance(task)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _maven(repository: Path) -> MavenContext:
    """Maven's repositories, a configured mirror first. Fetched files go below `repository`."""
    remotes = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    return MavenContext(repo_cache=repository, remote_repos=remotes, timeout=FETCH_TIMEOUT_S)


def _fetch_one(maven: MavenContext, jar: Jar) -> Path:
    try:
        return _download(_artifact(maven, jar.coordinates))
    except (requests.RequestException, RuntimeError) as error:
        raise StackError(
            f"{jar.coordinates} could not be fetched ({error}). Kafka's jars are needed once: start again with a way "
            f"to Maven Central, or name a mirror in ~/.config/jgo.conf ([repositories]), or copy the folder "
            f"{cache_folder()} from a machine that has it."
        ) from error


@retry(
    retry=retry_if_exception_type(requests.RequestException),
    stop=stop_after_attempt(FETCH_TRIES),
    wait=wait_exponential(max=10),
    reraise=True,
)
def _download(artifact: Artifact) -> Path:
    half = artifact.cached_path
    if half is not None:  # Left by an earlier attempt; the resolver must create the file itself.
        half.unlink(missing_ok=True)
    return artifact.resolve()


def _artifact(maven: MavenContext, coordinates: str) -> Artifact:
    group, name, version = coordinates.split(":")
    return maven.project(group, name).at_version(version).artifact()


def resolve_pins(repository: Path) -> list[Jar]:
    """Resolve ROOTS with their runtime dependencies, fetch every jar below `repository`, and compute its sum."""
    maven = _maven(repository)
    roots, needed = maven.resolver.resolve([maven.create_dependency(root) for root in ROOTS])
    artifacts = [one.artifact for one in [*roots, *needed] if one.scope in (None, "compile", "runtime")]
    names = sorted({f"{one.groupId}:{one.artifactId}:{one.version}" for one in artifacts})
    return [Jar(_sha256(_artifact(maven, name).resolve()), name) for name in names]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as fresh:
        for pin in resolve_pins(Path(fresh)):
            sys.stdout.write(f"{pin.sha256}  {pin.coordinates}\n")
