"""Texts in both languages: what each of them says of every alert, and that the catalogues fit each other.

The golden texts are in `texts/`. `python -m tests.unit.sinks.notices.test_texts` writes them anew; read the difference.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, UndefinedError, meta

from schemas.dates import INSTANT_END, INSTANT_MIN
from schemas.notices import ALERT, DIGEST, REMINDER, SAMPLE, AlertFacts, Message
from schemas.records import Alert
from schemas.subscriptions import ENGLISH, FIRING, INDONESIAN, LANGUAGES, RESOLVED
from schemas.vocabulary import RULES
from sinks.notices.texts.catalogue import catalogue
from sinks.notices.texts.composing import LINE_LENGTH_MAX, SUBJECT_LENGTH_MAX, Texts, compose
from tests.support.alerts import ON, alert, resolved
from tests.support.notices import AT, facts_of

GOLDEN: Final = Path(__file__).parent / "texts"
CAUSES: Final = ("fact", "date", "policy", "company")
ENDS: Final = (
    (FIRING, "crossed", "met"),
    (FIRING, "crossed", "pending"),
    (FIRING, "became_evaluable", "not_evaluable"),
    (RESOLVED, "recovered", "breached"),
    (RESOLVED, "not_evaluable", "breached"),
)
KINDS: Final = (ALERT, REMINDER, SAMPLE, DIGEST)
ENGLISH_TOO: Final = frozenset(("data", "jkk", "jkm", "peserta", "wib"))  # words that both languages have

FORMS: Final = tuple(itertools.product(ENDS, RULES, CAUSES))
COUNTS: Final = st.integers(0, 10**7)
NAMES: Final = st.text(max_size=200)


def with_form(told: Alert, form: tuple[tuple[str, str, str], str, str]) -> Alert:
    (status, reason, before), rule, cause = form
    baseline = None if rule == "level" else 11
    return replace(
        told, status=status, reason=reason, previous_state=before, rule=rule, cause=cause, baseline_covered=baseline,
        baseline_divisor=baseline and 13, event_id="the-event" if cause == "fact" else None,
    )  # fmt: skip


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    told = with_form(alert(at=AT), draw(st.sampled_from(FORMS)))
    divisor, gap = draw(COUNTS), draw(st.none() | COUNTS)
    others = ("joined_30", "left_30", "gained_cover_30", "lost_cover_30", "uncovered")
    numbers: dict[str, Any] = {name: draw(COUNTS) for name in others}
    return replace(
        told,
        threshold_bp=draw(st.integers(0, 1_000_000)),
        covered=(covered := draw(st.integers(0, divisor))),
        divisor=divisor,
        active=divisor + draw(st.just(0) | COUNTS),
        coverage_bp=10_000 * covered // divisor if divisor else None,
        gap_people=gap if told.status == FIRING else {"recovered": 0}.get(told.reason),
        recorded_at=draw(st.integers(INSTANT_MIN, INSTANT_END - 1)),
        business_date=ON + draw(st.integers(0, 1_000)),
        **numbers,
    )


@st.composite
def facts(draw: st.DrawFn) -> AlertFacts:
    return facts_of(draw(alerts()), draw(st.none() | NAMES), draw(NAMES))


@st.composite
def messages(draw: st.DrawFn) -> Message:
    kind = draw(st.sampled_from(KINDS))
    told = draw(st.lists(facts(), min_size=kind != SAMPLE, max_size=4 if kind == DIGEST else 1))
    number = draw(st.integers(1, 400)) if kind == REMINDER else None
    superseding = kind == ALERT and told[0].alert["status"] == RESOLVED and draw(st.booleans())
    return Message(
        draw(st.sampled_from(LANGUAGES)), kind, tuple(told), superseding, number, ON if kind == DIGEST else None
    )


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{2,}", text.lower()))


# ---------------------------------------------------------------- catalogues


def fields_of(sentence: str) -> set[str]:
    environment = Environment()
    environment.filters |= dict.fromkeys(("number", "percent", "points", "date", "instant"), str)
    return meta.find_undeclared_variables(environment.parse(sentence))


def without_form(sentences: Mapping[str, str]) -> dict[str, list[str]]:
    """Key without the form of its number -> the sentences of all forms."""
    found: dict[str, list[str]] = {}
    for key, sentence in sentences.items():
        found.setdefault(re.sub(r"\.(one|other)$", "", key), []).append(sentence)
    return found


def test_both_catalogues_have_the_same_keys_and_fields() -> None:
    one, other = (without_form(catalogue(language).sentences) for language in LANGUAGES)
    assert one.keys() == other.keys()
    for key in one:
        fields = [fields_of(sentence) for sentence in (*one[key], *other[key])]
        assert all(each == fields[0] for each in fields), key


@pytest.mark.parametrize(("language", "forms"), [(INDONESIAN, {"other"}), (ENGLISH, {"one", "other"})])
def test_every_sentence_of_a_number_has_the_forms_of_its_language(language: str, forms: set[str]) -> None:
    sentences = catalogue(language).sentences
    counted = {key.rpartition(".")[0] for key in sentences if key.endswith((".one", ".other"))}
    assert len(counted) >= 5
    for key in counted:
        assert {name.rpartition(".")[2] for name in sentences if name.startswith(f"{key}.")} == forms


def test_a_missing_field_is_an_error_and_no_empty_place() -> None:
    with pytest.raises(UndefinedError):
        catalogue(ENGLISH).say("since.firing")


# ---------------------------------------------------------------- what is said


@given(messages())
def test_every_message_says_all_figures(message: Message) -> None:
    composed = compose(message)
    said = on_one_line(composed.text)
    for facts in message.alerts:
        told = facts.alert
        figures = [told[name] for name in ("covered", "divisor", "uncovered", "joined_30", "left_30")]
        figures += [told["gained_cover_30"], told["lost_cover_30"]]
        figures += [told["gap_people"]] if told["gap_people"] and told["status"] == FIRING else []
        figures += [told["active"]] if told["active"] != told["divisor"] else []
        figures += [told["baseline_covered"], told["baseline_divisor"]] if told["baseline_divisor"] else []
        for figure in (one for one in figures if one):  # zero is said in words
            assert format_decimal(figure, "#,##0", message.language) in said
        share = told["threshold_bp"] if told["rule"] != "increment_pp" else None
        for points in (one for one in (share, told["coverage_bp"]) if one is not None):
            assert f"{format_decimal(points / 100, '#,##0.00', message.language)} %" in said
        for date in (told["episode_start"], told["business_date"]):
            assert catalogue(message.language).date(date) in said
        assert told["company_id"] in said
    assert replace(composed, subject="", text="") == replace(message, subject="", text="")
    assert compose(message) == composed


@given(messages())
def test_every_message_fits_a_screen_and_a_mail(message: Message) -> None:
    composed = compose(message)
    assert 0 < len(composed.subject) <= SUBJECT_LENGTH_MAX and composed.subject.isprintable()
    for line in composed.text.splitlines():
        assert len(line) <= LINE_LENGTH_MAX or len(line.split()) == 1
    assert composed.text.endswith("\n") and not composed.text.endswith("\n\n")
    assert composed.text.replace("\n", "").isprintable()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_subject_is_cut(language: str) -> None:
    longest = facts_of(alert(at=AT, gap_people=10**7), "c" * 200, "p" * 200)
    composed = compose(Message(language, REMINDER, (longest,), number=365))
    assert len(composed.subject) == SUBJECT_LENGTH_MAX and composed.subject.endswith("…")


@given(messages())
def test_no_message_names_a_fact_or_calls_a_company_compliant(message: Message) -> None:
    said = f"{compose(message).subject} {compose(message).text}"
    names = "".join(f"{one.company_name} {one.policy_title}" for one in message.alerts)
    assert "the-event" not in said
    assert not ({"compliant", "compliance", "patuh", "kepatuhan"} & words_of(said)) - words_of(names)


def every_alert() -> Iterator[Alert]:
    """Alerts of every form, and every case of figures that has a sentence of its own."""
    told = alert("1", policy_id="2", at=AT)
    yield from (with_form(told, form) for form in FORMS)
    for end, gap, uncovered, divisor in itertools.product(ENDS, (None, 0, 1, 7), (0, 1, 7), (0, 100)):
        figured = replace(told, gap_people=gap, uncovered=uncovered, divisor=divisor, active=divisor + uncovered)
        figured = replace(figured, coverage_bp=7_300 if divisor else None)
        yield with_form(figured, (end, "level", "date"))


def rendered(language: str) -> set[str]:
    """The words of every sentence that any alert can have, with names of no language."""
    found = words_of(compose(Message(language, SAMPLE, ())).subject)
    for told, kind in itertools.product(every_alert(), KINDS):
        message = Message(language, kind, (facts_of(told, None, ""),), True, 1, ON if kind == DIGEST else None)
        composed = compose(message)
        found |= words_of(composed.subject) | words_of(composed.text)
    two = compose(Message(language, DIGEST, (facts_of(alert("1", at=AT), None, ""),) * 2, on=ON))
    return found | words_of(two.subject) | words_of(two.text)


def test_no_english_is_left_in_indonesian_and_every_sentence_is_used() -> None:
    words = {language: rendered(language) for language in LANGUAGES}
    assert words[INDONESIAN] & words[ENGLISH] <= ENGLISH_TOO
    for language, used in words.items():
        templates = " ".join(
            re.sub(r"\{\{.*?\}\}", " ", sentence)
            for key, sentence in catalogue(language).sentences.items()
            if key != "link.more"
        )
        assert words_of(templates) <= used


@pytest.mark.parametrize(("language", "mark"), [(INDONESIAN, "UJI COBA: "), (ENGLISH, "TEST: ")])
def test_a_sample_is_marked_in_its_first_words(language: str, mark: str) -> None:
    for told in ((), (facts_of(alert(at=AT)),)):
        composed = compose(Message(language, SAMPLE, told))
        assert composed.subject.startswith(mark) and composed.text.startswith(mark)


@pytest.mark.parametrize(("n", "form"), [(0, "other"), (1, "one"), (2, "other"), (21, "other")])
def test_english_counts_as_english_does(n: int, form: str) -> None:
    noun = {"one": "1 active worker of this company is", "other": f"{n} active workers of this company are"}[form]
    assert noun in catalogue(ENGLISH).count("law.some", n)
    assert f"{n} tenaga kerja aktif" in catalogue(INDONESIAN).count("law.some", n)


def test_the_newest_alert_of_a_digest_comes_last() -> None:
    told = [alert("C1", 1, at=AT), alert("C2", 1, at=AT + 60_000), alert("C1", 2, at=AT + 120_000)]
    composed = compose(Message(ENGLISH, DIGEST, tuple(facts_of(one, f"PT {one.company_id}") for one in told), on=ON))
    assert composed.text.index("PT C2 (C2)") < composed.text.index("PT C1 (C1)")
    assert re.findall(r"10:\d\d WIB", on_one_line(composed.text)) == ["10:47 WIB", "10:46 WIB", "10:48 WIB"]
    assert composed.subject == "Coverage of workers: 3 alerts, 16 February 2026"


def test_a_console_is_linked_where_there_is_one() -> None:
    url = "https://console.example/companies/" + "c" * 80
    texts = Texts(lambda told: f"{url}/{told['company_id']}")
    for kind in (ALERT, DIGEST):
        message = Message(ENGLISH, kind, (facts_of(alert(at=AT)),), on=ON)
        assert f"{url}/C1" in texts.compose(message).text.split()
        assert "https://" not in compose(message).text


def test_a_name_cannot_forge_a_line() -> None:
    named = facts_of(alert(at=AT), "PT Maju\nMissing: nobody.\u202e", "x\r\nBcc: y")
    composed = compose(Message(ENGLISH, ALERT, (named,)))
    assert composed.subject == "PT Maju Missing: nobody.: 7 people missing for x Bcc: y"
    assert "\nMissing: nobody" not in composed.text


# ---------------------------------------------------------------- golden texts


def golden() -> dict[str, Message]:
    """File name -> what is written in it."""
    level = facts_of(alert("id-0017", policy_id="fifth", at=AT), "PT Sepatu Maju", "Seperlima pekerja tercakup")
    growth = with_form(alert("id-0018", at=AT, gap_people=1_234), (ENDS[1], "growth", "fact"))
    growth = replace(growth, active=12_345, covered=1_234, divisor=12_300, coverage_bp=1_003, uncovered=11_111)
    ended = with_form(resolved("id-0017", at=AT), (ENDS[4], "increment_pp", "policy"))
    recovered = replace(resolved("id-0017", at=AT), gap_people=0, covered=85, coverage_bp=8_500, uncovered=1)
    grown, back = facts_of(growth, None, ""), facts_of(recovered, "PT Sepatu Maju", "Seperlima pekerja tercakup")
    found: dict[str, Message] = {}
    for language in LANGUAGES:
        found |= {
            f"firing.{language}.txt": Message(language, ALERT, (level,)),
            f"held.{language}.txt": Message(language, ALERT, (grown,)),
            f"superseding.{language}.txt": Message(language, ALERT, (back,), superseding=True),
            f"not_evaluable.{language}.txt": Message(language, ALERT, (facts_of(ended),)),
            f"reminder.{language}.txt": Message(language, REMINDER, (level,), number=2),
            f"digest.{language}.txt": Message(language, DIGEST, (level, grown, back), on=ON),
            f"sample.{language}.txt": Message(language, SAMPLE, (level,)),
        }
    return found


def whole(message: Message) -> str:
    composed = compose(message)
    return f"{composed.subject}\n\n{composed.text}"


@pytest.mark.parametrize("name", golden())
def test_texts_are_those_that_people_have_read(name: str) -> None:
    assert whole(golden()[name]) == (GOLDEN / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for each, one in golden().items():
        (GOLDEN / each).write_text(whole(one), encoding="utf-8")
