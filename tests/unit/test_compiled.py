"""`make compiled` is not part of `make test`; that mypyc takes the modules named for it is: it refuses some Python."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.compiled import TOP, modules_to_compile

# hatch-mypyc 0.16 asks pathspec by an old name.
pytestmark = pytest.mark.filterwarnings("ignore:GitWildMatchPattern")

TRANSLATE = """
import sys
from mypyc.build import mypycify
mypycify(sys.argv[2:], target_dir=sys.argv[1])
"""


def test_the_hot_path_is_named() -> None:
    modules = set(modules_to_compile())
    assert {"streams/core/book.py", "streams/core/worker.py", "schemas/fact_bytes.py", "schemas/codec.py"} <= modules
    assert not any(module.endswith("__init__.py") for module in modules)


def test_mypyc_translates_the_hot_path(tmp_path: Path) -> None:
    arguments = [str(tmp_path), f"--cache-dir={tmp_path / 'cache'}", *modules_to_compile()]
    done = subprocess.run(
        [sys.executable, "-c", TRANSLATE, *arguments], cwd=TOP, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, f"mypyc refuses:\n{done.stdout}{done.stderr}"
    assert any(tmp_path.glob("**/*.c"))
