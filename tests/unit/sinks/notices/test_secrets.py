"""Secrets of subscriptions: found by name, read at each use, and never quoted."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.notices.secrets import NoSecret, Secrets, variable_of


def write(path: Path, content: str) -> Path:
    path.write_text(content)
    path.chmod(0o600)
    return path


def test_a_changed_secret_holds_at_the_next_use(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    for word in ("first", "second"):
        write(tmp_path / "hook", f"{word}\n")
        assert secrets.read("hook") == word


def test_a_variable_names_a_file_and_comes_before_the_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "chat.team-1", "from the folder")
    elsewhere = write(tmp_path / "elsewhere", "from the variable")
    assert variable_of("chat.team-1") == "PESERTA_NOTICE_SECRET_CHAT_TEAM_1_FILE"
    assert Secrets(tmp_path / "folder").read("chat.team-1") == "from the folder"
    both = Secrets(tmp_path / "folder", {variable_of("chat.team-1"): str(elsewhere)})
    assert both.read("chat.team-1") == "from the variable"


def test_a_missing_secret_is_named_and_nothing_of_it_quoted(tmp_path: Path) -> None:
    write(tmp_path / "open", "value").chmod(0o644)
    write(tmp_path / "long", "value\nvalue")
    words = []
    for secrets, name in ((Secrets(), "a"), *((Secrets(tmp_path), name) for name in ("none", "open", "long"))):
        with pytest.raises(NoSecret) as missing:
            secrets.read(name)
        words.append(str(missing.value))
    assert words == [
        "secret a: no folder of secrets is set, and no variable PESERTA_NOTICE_SECRET_A_FILE",
        "secret none: its file cannot be read: No such file or directory",
        "secret open: its file is open to every user of this machine: chmod o-rw its file",
        "secret long: its file must hold the secret alone, in one line of at most 65536 bytes",
    ]


@given(st.sampled_from(["../key", "/etc/passwd", "", ".", "..", ".hidden", "a/b", "a\x00", "a\n"]) | st.text())
def test_no_name_leads_out_of_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "secrets"
    folder.mkdir(exist_ok=True)
    write(folder.parent / "key", "outside")
    with pytest.raises(NoSecret):
        Secrets(folder).read(name)
