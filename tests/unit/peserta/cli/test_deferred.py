"""A command whose libraries are an extra of the distribution says which extra is missing."""

import sys
from pathlib import Path

import pytest

from peserta.cli.deferred import EXTRAS, Deferred
from peserta.operations.failure import Unfit


def command(library: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Deferred:
    """A command of a module that imports this library, which is not installed."""
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.syspath_prepend(folder)
    place = f"command_with_{library}"
    (folder / f"{place}.py").write_text(f"import {library}\n", encoding="utf-8")
    return Deferred("import", "Publish", f"{place}:run", "Import.")


@pytest.mark.parametrize("library", EXTRAS)
def test_a_missing_extra_is_named(library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unfit, match=rf"`peserta import` needs {library}.*'peserta\[{EXTRAS[library]}\]'"):
        command(library, tmp_path, monkeypatch).load()


def test_any_other_missing_module_is_a_defect_and_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModuleNotFoundError):
        command("no_library_of_ours", tmp_path, monkeypatch).load()
