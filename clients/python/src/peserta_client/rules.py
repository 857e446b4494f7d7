"""The rules for each field of a fact (SEMANTICS 1), and the error that names a field and its rule.

No error repeats a value: it may be personal.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Final, Literal, get_args

EmploymentType = Literal["daily", "fixed_term", "outsourced", "permanent", "unspecified"]
Reason = Literal["resigned", "dismissed", "contract_ended", "retired", "deceased", "other", "unspecified"]
Action = Literal["enrolled", "withdrawn"]
Programme = Literal["JHT", "JKK", "JKM", "JKP", "JMO", "JP"]

TEXT_LENGTH_MAX: Final = 64  # code points of an id or a source
EFFECTIVE_FIRST: Final = date(1970, 1, 1)
YEARS_AHEAD_MAX: Final = 1  # limit of effective_on after the date of recording
EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
INSTANT_MIN: Final = datetime(2000, 1, 1, tzinfo=timezone.utc)
INSTANT_END: Final = datetime(2200, 1, 1, tzinfo=timezone.utc)
MILLISECOND: Final = timedelta(milliseconds=1)
JAKARTA: Final = timezone(timedelta(hours=7), "WIB")  # the year round

OVERSIZED: Final = "oversized"
DECODE_ERROR: Final = "decode_error"
NATIONAL_ID: Final = "national_id"
INVALID_FIELD: Final = "invalid_field"
EFFECTIVE_ON_OUT_OF_RANGE: Final = "effective_on_out_of_range"

TOKEN_RULE: Final = "must be an opaque token, no national id (16 digits) or participant number (11)"
RANGE_RULE: Final = "must lie from 1 January 1970 to 1 year after the recording"

_EVENT_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_NATIONAL_ID: Final = re.compile(r"\d{16}|\d{11}", re.ASCII)
_WORD: Final = re.compile(r"[^\s\ud800-\udfff]{1,64}")
_TEXT: Final = re.compile(r"[^\ud800-\udfff]{1,64}")


class InvalidFact(ValueError):
    """A fact that the service would refuse. `reason` is one of SEMANTICS 2; `field` is None if the whole line is wrong.

    The message names the field and its rule, and never the value.
    """

    def __init__(self, reason: str, field: str | None, rule: str) -> None:
        super().__init__(reason, field, rule)
        self.reason, self.field, self.rule = reason, field, rule

    def __str__(self) -> str:
        return self.rule if self.field is None else f"{self.field} {self.rule}"


@dataclass(frozen=True)
class Rule:
    """A field's rule. `words` follow the field's name; `taken` returns the value as stored, or raises ValueError."""

    words: str
    taken: Callable[[object], object]


def is_national_id(value: object) -> bool:
    """Whether a value is exactly 16 ASCII digits (NIK) or 11 (KPJ)."""
    return isinstance(value, str) and _NATIONAL_ID.fullmatch(value) is not None


def is_word(value: object) -> bool:
    """Whether a value can be a `company_id`."""
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def taken(field: str, value: object) -> object:
    """The value as a fact stores it. Raises InvalidFact if it breaks the field's rule."""
    rule = RULES[field]
    try:
        return rule.taken(value)
    except ValueError:
        raise InvalidFact(INVALID_FIELD, field, rule.words) from None


def effective_last(today: date) -> date:
    """The last effective_on of a fact that is recorded on this date; a year after 29 February is 28 February."""
    year = today.year + YEARS_AHEAD_MAX
    try:
        return today.replace(year=year)
    except ValueError:
        return today.replace(year=year, day=28)


def check_range(effective_on: date, now: datetime) -> None:
    """Raises InvalidFact if the date of a fact that is recorded at `now` would be out of range."""
    if not EFFECTIVE_FIRST <= effective_on <= effective_last(now.astimezone(JAKARTA).date()):
        raise InvalidFact(EFFECTIVE_ON_OUT_OF_RANGE, "effective_on", RANGE_RULE)


def _matching(pattern: "re.Pattern[str]") -> Callable[[object], str]:
    def text(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError("another text")
        return str(value)

    return text


def _one_of(names: tuple[str, ...]) -> Rule:
    def name(value: object) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError("another word")
        return str(value)

    return Rule(f"must be one of {', '.join(names)}", name)


def _date(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("no date")
    return value


def _instant(value: object) -> datetime:
    """The instant in UTC, cut to milliseconds."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError("no instant")
    since = value - EPOCH
    if not INSTANT_MIN - EPOCH <= since < INSTANT_END - EPOCH:
        raise ValueError("another century")
    return EPOCH + since // MILLISECOND * MILLISECOND


def _programmes(value: object) -> frozenset[str]:
    if not isinstance(value, Collection) or isinstance(value, (str, bytes, Mapping)):
        raise ValueError("no collection of names")
    names = list(value)
    if not names or not all(isinstance(name, str) and name in PROGRAMMES for name in names):
        raise ValueError("other programmes")
    return frozenset(names)


PROGRAMMES: Final[tuple[str, ...]] = get_args(Programme)
_EVENT_ID_RULE: Final = Rule(f"must be 1 to {TEXT_LENGTH_MAX} of A-Z a-z 0-9 . _ : -", _matching(_EVENT_ID))
_WORD_RULE: Final = Rule(f"must be text of 1 to {TEXT_LENGTH_MAX} characters without white space", _matching(_WORD))

RULES: Final[Mapping[str, Rule]] = {
    "event_id": _EVENT_ID_RULE,
    "company_id": _WORD_RULE,
    "worker_id": _WORD_RULE,
    "effective_on": Rule("must be a date", _date),
    "occurred_at": Rule("must be an instant from 2000 to 2199, with an offset", _instant),
    "source": Rule(f"must be text of 1 to {TEXT_LENGTH_MAX} characters", _matching(_TEXT)),
    "employment_type": _one_of(get_args(EmploymentType)),
    "reason": _one_of(get_args(Reason)),
    "action": _one_of(get_args(Action)),
    "programmes": Rule(f"must be a collection of at least one of {', '.join(PROGRAMMES)}", _programmes),
    "corrects": _EVENT_ID_RULE,
}
