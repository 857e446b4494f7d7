"""The story is written as three files with the same bytes each time."""

from pathlib import Path

from peserta.demo.story import Story, write


def test_the_files_hold_the_story(told: Story, tmp_path: Path) -> None:
    files = write(told, tmp_path / "new" / "folder")
    assert [path.name for path in files] == ["facts.ndjson", "policies.yaml", "companies.yaml"]
    assert files.facts.read_bytes().decode() == "\n".join(told.facts) + "\n"
    assert files.policies.read_bytes().decode() == told.policies_yaml
    assert files.companies.read_bytes().decode() == told.companies_yaml


def test_writing_again_replaces_them(told: Story, tmp_path: Path) -> None:
    files = write(told, tmp_path)
    files.facts.write_text("something else")
    assert write(told, tmp_path) == files
    assert files.facts.read_bytes().count(b"\n") == len(told.facts)
