"""Every reason for which a fact is refused, and every rule of a field, is said in both languages."""

from typing import Final

import pytest

from peserta.cli.publish_screen import refusal_sentence
from peserta.intake.door import RECORDED_IN_FUTURE
from peserta.intake.fact_files import Place
from peserta.intake.publishing.account import By, RefusedLine
from peserta.intake.refusal_sentences import OF_REASONS, reason_words, rule_words
from peserta.intake.sheets.sentences import LANGUAGES, OF_RULES, RULE
from schemas.admission import FIELD_RULES, REASONS, Refusal, field_and_rule
from schemas.vocabulary import ID_CONFLICT, TOO_MANY_FACTS
from streams.recorder import DEAD_LETTER

BOOK: Final = {each.removeprefix(DEAD_LETTER) for each in (ID_CONFLICT, TOO_MANY_FACTS)}


def test_every_reason_is_said_in_both_languages() -> None:
    assert OF_REASONS.keys() == {*REASONS, *BOOK, RECORDED_IN_FUTURE}
    for reason in OF_REASONS:
        said = {reason_words(reason, language) for language in LANGUAGES}
        assert len(said) == len(LANGUAGES) and all(said), reason


def test_every_rule_of_a_field_is_said_in_both_languages() -> None:
    assert OF_RULES.keys() == {f"{RULE}{field}" for field in FIELD_RULES}
    rules = {(field, rule) for field, rule in FIELD_RULES.items()} | {
        field_and_rule(reason, None) for reason in REASONS
    }
    for field, rule in sorted(rules - {(None, None)}, key=str):
        why = Refusal("invalid_field", None, None, field, rule)
        said = {rule_words(why, language) for language in LANGUAGES}
        assert len(said) == len(LANGUAGES) and all(str(words).startswith(f"{field} ") for words in said), field


def test_a_rule_without_indonesian_words_is_not_said_in_english() -> None:
    why = Refusal("invalid_field", "e1", None, "more", "is no field of type hire")
    refused = RefusedLine(Place("a.xlsx", 7), By.RECORDER, why)
    assert refusal_sentence(refused, "id") == "a.xlsx:7: e1 invalid_field"
    assert refusal_sentence(refused) == "a.xlsx:7: e1 invalid_field: more is no field of type hire"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reason_is_words_for_a_sentence_of_its_own(language: str) -> None:
    assert [reason for reason in OF_REASONS if reason_words(reason, language).endswith(".")] == []  # type: ignore[arg-type]
