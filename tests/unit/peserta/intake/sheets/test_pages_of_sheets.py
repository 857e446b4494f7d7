"""The two pages for officers list the same names, words and reasons, in their language, as the tables in the code."""

from pathlib import Path
from typing import Final

import pytest

from peserta.intake.sheets.fields import SYNONYMS, WORDS, normalised
from peserta.intake.sheets.mapping import read_mapping
from peserta.intake.sheets.sentences import OF_ROWS

DOCS: Final = Path(__file__).parents[5] / "docs"
PAGES: Final = {"en": DOCS / "sheets.md", "id": DOCS / "sheets.id.md"}


@pytest.mark.parametrize("language", PAGES)
def test_a_page_lists_every_name_word_and_reason(language: str) -> None:
    text = PAGES[language].read_text(encoding="utf-8")
    flat = " ".join(text.split())
    reasons = [f"`{key}`: {getattr(sentence, language)}" for key, sentence in OF_ROWS.items()]
    assert [reason for reason in reasons if reason not in flat] == []
    spelled = normalised(text)
    names = {name for field, names in SYNONYMS.items() for name in names if field.islower() or field == "JKK"}
    assert [name for name in sorted(names) if normalised(name) not in spelled] == []
    assert [
        word
        for words in WORDS.values()
        for word, value in words.items()
        if word not in spelled and word != normalised(value)
    ] == []


@pytest.mark.parametrize("language", PAGES)
def test_the_mapping_on_a_page_can_be_read(language: str, tmp_path: Path) -> None:
    text = PAGES[language].read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "map.yaml").write_text(text, encoding="utf-8")
    assert read_mapping(tmp_path / "map.yaml").constants == {"type": "hire", "company_id": "C1"}
