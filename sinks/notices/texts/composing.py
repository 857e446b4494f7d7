"""Subject and text of a message: what SEMANTICS 13 asks every text to say, in one order for both languages.

Only figures, names of companies and titles of policies go in: nothing that an alert knows of a single worker.
"""

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from schemas.notices import DIGEST, REMINDER, SAMPLE, AlertFacts, Message
from schemas.public_json import JsonObject
from schemas.subscriptions import FIRING
from sinks.notices.texts.catalogue import Catalogue, catalogue

SUBJECT_LENGTH_MAX: Final = 120
LINE_LENGTH_MAX: Final = 70  # a longer word, and the link, stand alone on a line
NAME_LENGTH_MAX: Final = 80  # of a company or policy, in the text
COMPANY_IN_SUBJECT_MAX: Final = 40
POLICY_IN_SUBJECT_MAX: Final = 40
PENDING: Final = "pending"

Link = Callable[[JsonObject], str | None]  # an alert -> the page that shows it


def no_link(alert: JsonObject) -> str | None:
    """There is no console to point to."""
    return None


class Texts:
    """Composes messages. `link` gives an alert's page, or None."""

    def __init__(self, link: Link = no_link) -> None:
        self._link = link

    def compose(self, message: Message) -> Message:
        """The message with subject and text. The same message gives the same words."""
        words = catalogue(message.language)
        subject = _cut(_subject(words, message), SUBJECT_LENGTH_MAX)
        return replace(message, subject=subject, text=self._text(words, message))

    def _text(self, words: Catalogue, message: Message) -> str:
        lines = [words.say("head.sample"), ""] if message.kind == SAMPLE else []
        if message.kind == DIGEST:
            lines += self._digest(words, message)
        else:
            for facts in message.alerts:
                lines += [_head(words, message, facts), ""]
                lines += [words.say("head.superseding"), ""] if message.superseding else []
                lines += sentences(words, facts)
                lines += self._links(words, facts)
        return "\n".join(wrapped for line in lines for wrapped in _wrap(line)).rstrip("\n") + "\n"

    def _digest(self, words: Catalogue, message: Message) -> list[str]:
        lines = [words.count("head.digest", len(message.alerts), on=message.on or 0)]
        for group in _by_company(message.alerts):
            lines += ["", _company(group[0])]
            for facts in group:
                item = " ".join([words.say(f"item.{_kind(facts.alert)}"), *sentences(words, facts)])
                lines += ["", *textwrap.indent("\n".join(_wrap(item, LINE_LENGTH_MAX - 2)), "  ").split("\n")]
                lines += [f"  {line}" for line in self._links(words, facts)]
        return lines

    def _links(self, words: Catalogue, facts: AlertFacts) -> list[str]:
        url = self._link(facts.alert)
        return [] if url is None else [words.say("link.more", url=url)]


compose: Final = Texts().compose


# ---------------------------------------------------------------- parts


def sentences(words: Catalogue, facts: AlertFacts) -> list[str]:
    """What is said of every alert, a line each."""
    alert = facts.alert
    return [
        " ".join(_policy(words, facts)),
        " ".join(_covered(words, alert)),
        _missing(words, alert),
        _since(words, alert),
        f"{words.say(f'why.{_why(alert)}')} {words.say('cause.' + alert['cause'])}",
        _law(words, alert),
        words.say(
            "days.thirty",
            joined=alert["joined_30"],
            left=alert["left_30"],
            gained=alert["gained_cover_30"],
            lost=alert["lost_cover_30"],
        ),
        words.say("data.as_of", on=alert["business_date"], at=alert["recorded_at"]),
    ]


def _policy(words: Catalogue, facts: AlertFacts) -> list[str]:
    alert = facts.alert
    found = [
        words.say("policy.title", policy=_cut(_title(facts), NAME_LENGTH_MAX).rstrip(".")),
        words.say(f"policy.{alert['rule']}", threshold=alert["threshold_bp"]),
    ]
    if alert["baseline_covered"] is not None and alert["baseline_divisor"] is not None:
        baseline = {"covered": alert["baseline_covered"], "divisor": alert["baseline_divisor"]}
        found.append(words.say("policy.baseline", **baseline))
    return found


def _covered(words: Catalogue, alert: JsonObject) -> list[str]:
    figures = {"covered": alert["covered"], "divisor": alert["divisor"]}
    if alert["coverage_bp"] is None:
        found = [words.say("covered.nobody", **figures)]
    else:
        found = [words.say("covered.share", **figures, share=alert["coverage_bp"])]
    left_out = alert["active"] - alert["divisor"]
    return [*found, words.count("covered.left_out", left_out, active=alert["active"])] if left_out else found


def _missing(words: Catalogue, alert: JsonObject) -> str:
    gap, kind = alert["gap_people"], _kind(alert)
    if kind == "not_evaluable":
        return words.say("missing.not_evaluable")
    if gap is None and kind == FIRING:
        return words.say("missing.unreachable")
    return words.count("missing.some", gap) if gap else words.say("missing.nobody")


def _since(words: Catalogue, alert: JsonObject) -> str:
    if alert["status"] == FIRING:
        return words.say("since.firing", start=alert["episode_start"])
    return words.say("since.resolved", start=alert["episode_start"], end=alert["business_date"])


def _why(alert: JsonObject) -> str:
    """The key of the reason; a breach that lasted for the policy's hold has one of its own."""
    is_held = alert["reason"] == "crossed" and alert["previous_state"] == PENDING
    return "held" if is_held else str(alert["reason"])


def _law(words: Catalogue, alert: JsonObject) -> str:
    uncovered = alert["uncovered"]
    return words.count("law.some", uncovered) if uncovered else words.say("law.nobody")


def _head(words: Catalogue, message: Message, facts: AlertFacts) -> str:
    if message.kind == REMINDER:
        return words.say("head.reminder", number=message.number or 1, company=_company(facts))
    return words.say(f"head.{_kind(facts.alert)}", company=_company(facts))


def _subject(words: Catalogue, message: Message) -> str:
    if message.kind == DIGEST:
        return words.count("subject.digest", len(message.alerts), on=message.on or 0)
    about = _about(words, message.alerts[0]) if message.alerts else words.say("subject.nothing")
    if message.kind == REMINDER:
        return words.say("subject.reminder", number=message.number or 1, subject=about)
    return words.say("subject.sample", subject=about) if message.kind == SAMPLE else about


def _about(words: Catalogue, facts: AlertFacts) -> str:
    alert, kind = facts.alert, _kind(facts.alert)
    names = {
        "company": _cut(_clean(facts.company_name or "") or _clean(alert["company_id"]), COMPANY_IN_SUBJECT_MAX),
        "policy": _cut(_title(facts), POLICY_IN_SUBJECT_MAX),
    }
    if kind == FIRING and alert["gap_people"]:
        return words.count("subject.missing", alert["gap_people"], **names)
    return words.say(f"subject.{kind}", **names)


def _kind(alert: JsonObject) -> str:
    """`firing`, or how it ended."""
    return FIRING if alert["status"] == FIRING else str(alert["reason"])


def _by_company(alerts: Iterable[AlertFacts]) -> list[list[AlertFacts]]:
    """The alerts of each company together, the newest last, and the company with the newest last."""
    groups: dict[str, list[AlertFacts]] = {}
    for facts in sorted(alerts, key=lambda one: str(one.alert["recorded_at"])):
        company_id = facts.alert["company_id"]
        groups[company_id] = [*groups.pop(company_id, []), facts]
    return list(groups.values())


def _company(facts: AlertFacts) -> str:
    """Name and id, or the id alone."""
    name, company_id = _cut(_clean(facts.company_name or ""), NAME_LENGTH_MAX), _clean(facts.alert["company_id"])
    return f"{name} ({company_id})" if name and name != company_id else company_id


def _title(facts: AlertFacts) -> str:
    return _clean(facts.policy_title) or _clean(facts.alert["policy_id"])


def _clean(text: str) -> str:
    """On one line, and without characters that nobody sees."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _wrap(line: str, width: int = LINE_LENGTH_MAX) -> list[str]:
    """Lines of this width; an empty or indented line stays as it is, like one that is a single long word."""
    if not line or line.startswith(" "):
        return [line]
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
