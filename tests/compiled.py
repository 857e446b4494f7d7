"""`make compiled`: the hot path as machine code, from the same source; the same tests; and what it brings.

An option for who wants the speed and has a C compiler. Which modules are compiled stands in pyproject.toml. They are
built in a folder of their own, because Python would prefer what lies beside a source to the source.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Annotated
from zipfile import ZipFile

import typer
from hatch_mypyc.plugin import MypycBuildHook  # type: ignore[import-untyped]
from hatchling.builders.wheel import WheelBuilder
from rich.console import Console

from tests.bench import compare

TOP = Path(__file__).parents[1]
FOLDER = TOP / "var/compiled"
SWITCH = "HATCH_BUILD_HOOK_ENABLE_MYPYC"
LIBRARY = sysconfig.get_config_var("EXT_SUFFIX")
ROUNDS = 7
console = Console(width=110)


def main(
    tests: Annotated[str, typer.Option(help="The tests to run; without it all.")] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Processes that share the tests.")] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of the comparison.")] = ROUNDS,
) -> None:
    """Compile the hot path, run the tests on it, and compare it with plain Python."""
    need_compiler()
    wheel = build(FOLDER)
    modules = list(FOLDER.glob(f"*/**/*{LIBRARY}"))
    console.print(f"{len(modules)} modules are machine code in {FOLDER.relative_to(TOP)}. Now the tests on them.")
    run_tests(FOLDER, shlex.split(tests), jobs)
    console.print(compare.compared(TOP, FOLDER, rounds=rounds, title="Compiled against plain Python"))
    console.print("To use it:")
    console.print(f"pip install --no-deps --force-reinstall {wheel.relative_to(TOP)}", soft_wrap=True)


def need_compiler() -> None:
    command = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(command) is None:
        console.print(
            f"There is no C compiler: Python was built with {command}, which is not there. Install it "
            "(Debian, Ubuntu: apt install gcc python3-dev; macOS: xcode-select --install). Peserta works without."
        )
        raise typer.Exit(1)


def modules_to_compile() -> list[str]:
    """What pyproject.toml names, as the build itself finds it: paths from the top."""
    builder = WheelBuilder(str(TOP))
    hook = MypycBuildHook(
        builder.root,
        builder.metadata.hatch.build_targets["wheel"]["hooks"]["mypyc"],
        builder.config,
        builder.metadata,
        str(FOLDER),
        "wheel",
    )
    return list(hook.included_files)


def build(folder: Path) -> Path:
    """A copy of the tree with compiled modules beside their sources; the wheel that brought them."""
    if folder.exists():
        shutil.rmtree(folder)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=TOP, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (TOP / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, folder / name)
    for command in (["init", "--quiet"], ["add", "."]):  # for the tests that ask git what belongs to the project
        subprocess.run(["git", *command], cwd=folder, check=True)
    console.print("Compiling (about a minute)")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    # The build asks for mypyc by name: the one beside this Python.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        [*pip, "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--wheel-dir", "dist", "."],
        cwd=folder,
        check=False,
        env={**os.environ, SWITCH: "true", "PATH": path},
    )
    if done.returncode:
        console.print("It does not compile: what the compiler said stands above.")
        raise typer.Exit(1)
    (wheel,) = (folder / "dist").glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return wheel


def run_tests(folder: Path, tests: list[str], jobs: int) -> None:
    """All of the tests in the folder, whose code comes before the one that is installed, in every process."""
    share = ["-n", str(jobs), "--dist", "loadfile", "--no-loadscope-reorder"]
    env = {**os.environ, "PYTHONPATH": str(folder)}
    where = subprocess.run(
        [sys.executable, "-c", "import streams.core.book as book; print(book.__file__)"],
        cwd=folder, env=env, check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    assert where.endswith(LIBRARY), where
    done = subprocess.run([sys.executable, "-m", "pytest", *share, *tests], cwd=folder, check=False, env=env)
    if done.returncode:
        raise typer.Exit(done.returncode)


if __name__ == "__main__":
    typer.run(main)
