"""The story as files, in the forms that the offline book reads."""

from pathlib import Path
from typing import NamedTuple

from peserta.demo.story.telling import Story


class StoryFiles(NamedTuple):
    """The paths of a written story."""

    facts: Path
    policies: Path
    companies: Path


def write(story: Story, folder: Path) -> StoryFiles:
    """Write facts.ndjson, policies.yaml and companies.yaml into the folder, which is created if missing.

    The broken records are not included: they exist only as Kafka records.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = StoryFiles(folder / "facts.ndjson", folder / "policies.yaml", folder / "companies.yaml")
    for path, text in zip(files, story_texts(story), strict=True):
        path.write_text(text, encoding="utf-8", newline="\n")
    return files


def story_texts(story: Story) -> tuple[str, str, str]:
    """The contents of the three files, in the order of StoryFiles."""
    return "".join(f"{line}\n" for line in story.facts), story.policies_yaml, story.companies_yaml
