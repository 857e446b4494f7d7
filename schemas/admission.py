"""Which facts enter the journal: the rules of SEMANTICS 1, and the reason that a refusal gives (SEMANTICS 2).

The recorder, `publish` and `simulate` all use these rules, so that a fact is refused for the same reason everywhere.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.dates import effective_range, is_instant, jakarta_day
from schemas.records import Fact, Instant
from schemas.vocabulary import (
    ACTIONS,
    ALL_PROGRAMMES,
    CORRECTION,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    KINDS,
    PROGRAMMES,
    TERMINATION_REASONS,
)

RECORD_BYTES_MAX: Final = 16_384  # of key and value together, or of a line without its line end
REFERENCE_BYTES_MAX: Final = 512 * 1024  # key and value of a registry entry or a policy
ID_LENGTH_MAX: Final = 64  # code points; also of a source
TEXTS_KEPT_MAX: Final = 1 << 14  # company_ids and sources that are cached as well formed

OVERSIZED: Final = "oversized"
BAD_MAGIC: Final = "bad_magic"
UNKNOWN_SCHEMA: Final = "unknown_schema"
DECODE_ERROR: Final = "decode_error"
NATIONAL_ID: Final = "national_id"
INVALID_FIELD: Final = "invalid_field"
KEY_MISMATCH: Final = "key_mismatch"
TYPE_NOT_ALLOWED: Final = "type_not_allowed"
EFFECTIVE_ON_OUT_OF_RANGE: Final = "effective_on_out_of_range"

# The closed list of reasons for a record. The first one that applies is given.
REASONS: Final = {
    OVERSIZED: f"key and value have more than {RECORD_BYTES_MAX} bytes",
    BAD_MAGIC: "the value does not begin with the Confluent frame (a zero byte and a schema id)",
    UNKNOWN_SCHEMA: "no schema of facts has this id",
    DECODE_ERROR: "the value is not Avro of its schema",
    NATIONAL_ID: "worker_id is a national id (16 digits) or a participant number (11): send an opaque token instead",
    INVALID_FIELD: "a field is missing, unknown, null or outside its rule",
    KEY_MISMATCH: "the key of the record is not its company_id",
    TYPE_NOT_ALLOWED: "the topic may not carry this type of record",
    EFFECTIVE_ON_OUT_OF_RANGE: "effective_on lies before 1 January 1970, or more than a year after the recording",
}

# The same reasons, worded for a line of a file.
REASONS_OF_A_LINE: Final = REASONS | {
    OVERSIZED: f"the line has more than {RECORD_BYTES_MAX} bytes",
    DECODE_ERROR: "the line is not a JSON object in UTF-8, or says a key twice",
}

_EVENT_ID_RULE: Final = f"must be 1 to {ID_LENGTH_MAX} of A-Z a-z 0-9 . _ : -"
_WORD_RULE: Final = f"must be text of 1 to {ID_LENGTH_MAX} characters without white space"
_INSTANT_RULE: Final = "must be an instant from 2000 to 2199"

# What each field of a fact must be, in words that follow its name.
FIELD_RULES: Final = {
    "type": f"must be one of {', '.join(KINDS)}",
    "event_id": _EVENT_ID_RULE,
    "company_id": _WORD_RULE,
    "worker_id": _WORD_RULE,
    "effective_on": "must be a date",
    "occurred_at": _INSTANT_RULE,
    "source": f"must be text of 1 to {ID_LENGTH_MAX} characters",
    "employment_type": f"must be one of {', '.join(EMPLOYMENT_TYPES)}",
    "reason": f"must be one of {', '.join(TERMINATION_REASONS)}",
    "action": f"must be one of {', '.join(ACTIONS)}",
    "programmes": f"must be a list of at least one of {', '.join(PROGRAMMES)}",
    "corrects": _EVENT_ID_RULE,
    "recorded_at": _INSTANT_RULE,
}

KEY_RULE: Final = "must be the key of the record"

# Reasons that concern one field of every record: the field and its rule.
_FIELD_OF_REASON: Final = {
    NATIONAL_ID: ("worker_id", "must be an opaque token, no national id (16 digits) or participant number (11)"),
    KEY_MISMATCH: ("company_id", KEY_RULE),
    TYPE_NOT_ALLOWED: ("type", "must be one that the topic may carry"),
    EFFECTIVE_ON_OUT_OF_RANGE: ("effective_on", "must lie from 1 January 1970 to 1 year after the recording"),
}
UNSHOWN_FIELD: Final = "(not shown)"
_FIELD_DIGITS_MAX: Final = 10  # in the name of an unknown field: more may be somebody's number

_FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_EVENT_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_NATIONAL_ID: Final = re.compile(r"\d{16}|\d{11}", re.ASCII)
_WORD: Final = re.compile(r"[^\s\ud800-\udfff]{1,64}")
_TEXT: Final = re.compile(r"[^\ud800-\udfff]{1,64}", re.DOTALL)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_DIGITS: Final = re.compile(r"\d{11,}", re.ASCII)
# 16 or 11 digits that are no part of a longer number, nor of the hex digits of a UUID or a digest.
_PERSONAL: Final = re.compile(r"(?<![0-9A-Fa-f])(?:\d{16}|\d{11})(?![0-9A-Fa-f])", re.ASCII)


class Refusal(NamedTuple):
    """Why a record was refused, and what of it may be shown.

    `field` and `rule` say which field, and what it must be; a rule never repeats a value."""

    reason: str
    event_id: str | None
    source: str | None
    field: str | None = None
    rule: str | None = None


def sentence(why: Refusal, *, of_line: bool = False) -> str:
    """The reason of a refusal in words: of a record, or of a line of a file."""
    if why.field is not None and why.rule is not None:
        return f"{why.field} {why.rule}"
    return (REASONS_OF_A_LINE if of_line else REASONS)[why.reason]


def is_event_id(text: object) -> bool:
    return isinstance(text, str) and _EVENT_ID.fullmatch(text) is not None


def is_word(text: object) -> bool:
    """Whether a value can be a `company_id` or, national ids apart, a `worker_id`."""
    return isinstance(text, str) and _WORD.fullmatch(text) is not None


def is_source(text: object) -> bool:
    return isinstance(text, str) and _TEXT.fullmatch(text) is not None


def is_text(text: str) -> bool:
    """Whether a string can be written as UTF-8: JSON and YAML can spell half a surrogate pair."""
    return _SURROGATE.search(text) is None


def is_national_id(text: object) -> bool:
    """Whether a value is exactly 16 ASCII digits (NIK) or 11 (KPJ)."""
    return isinstance(text, str) and _NATIONAL_ID.fullmatch(text) is not None


def holds_personal_number(text: str) -> bool:
    """Whether a text has 16 or 11 digits together: a NIK or KPJ, for all that can be known."""
    return _PERSONAL.search(text) is not None


def field_reason(fact: Fact) -> str | None:
    """`national_id` or `invalid_field` if a value breaks its rule, as an enrollment without programmes does."""
    kind, detail, event_id, company_id, worker_id, _, occurred_at, source, corrects = fact
    if _NATIONAL_ID.fullmatch(worker_id):
        return NATIONAL_ID
    valid = (
        _EVENT_ID.fullmatch(event_id)
        and _is_company_id(company_id)
        and _WORD.fullmatch(worker_id)
        and _is_source(source)
        and is_instant(occurred_at)
        and (kind != ENROLLMENT or detail & ALL_PROGRAMMES)
        and (kind != CORRECTION or _EVENT_ID.fullmatch(corrects))
    )
    return None if valid else INVALID_FIELD


def invalid_field(fact: Fact) -> str:
    """The first field, in the order of SEMANTICS 1, for which `field_reason` is `invalid_field`.

    In a line, a field that should be text may be of any JSON type."""
    checks = (
        ("event_id", is_event_id(fact.event_id)),
        ("company_id", is_word(fact.company_id)),
        ("worker_id", is_word(fact.worker_id)),
        ("occurred_at", is_instant(fact.occurred_at)),
        ("source", is_source(fact.source)),
    )
    return next((name for name, valid in checks if not valid), "corrects" if fact.kind == CORRECTION else "programmes")


# Cached, because a few values repeat. A value that is not text raises TypeError, as a pattern does.
@lru_cache(maxsize=TEXTS_KEPT_MAX)
def _is_company_id(text: str) -> bool:
    return _WORD.fullmatch(text) is not None


@lru_cache(maxsize=TEXTS_KEPT_MAX)
def _is_source(text: str) -> bool:
    return _TEXT.fullmatch(text) is not None


def range_reason(fact: Fact, recorded_at: Instant) -> str | None:
    """`effective_on_out_of_range` when effective_on is too early or too late."""
    first, last = effective_range(jakarta_day(recorded_at))
    return None if first <= fact.effective_on <= last else EFFECTIVE_ON_OUT_OF_RANGE


def shown_event_id(event_id: object, worker_id: object) -> str | None:
    """An event_id in a refusal: well formed, without a personal number, and without that of the worker_id."""
    if not isinstance(event_id, str) or not is_event_id(event_id) or holds_personal_number(event_id):
        return None
    return None if isinstance(worker_id, str) and is_national_id(worker_id) and worker_id in event_id else event_id


def shown_field(name: str) -> str:
    """The name of an unknown field in a refusal, if it looks like a name and cannot be a personal number."""
    is_name = _FIELD_NAME.fullmatch(name) and sum(c.isdigit() for c in name) <= _FIELD_DIGITS_MAX
    return name if is_name else UNSHOWN_FIELD


def field_and_rule(reason: str, fact: Fact | None) -> tuple[str | None, str | None]:
    """The wrong field of a refused fact, and its rule; (None, None) when the reason concerns no field."""
    if reason == INVALID_FIELD and fact is not None:
        field = invalid_field(fact)
        return field, FIELD_RULES[field]
    return _FIELD_OF_REASON.get(reason, (None, None))


def refusal(reason: str, fact: Fact | None) -> Refusal:
    """The refusal with what may be shown of the record: a well-formed event_id, a source without long numbers."""
    field, rule = field_and_rule(reason, fact)
    if fact is None:
        return Refusal(reason, None, None, field, rule)
    event_id = shown_event_id(fact.event_id, fact.worker_id)
    readable = is_source(fact.source) and not _DIGITS.search(fact.source)
    return Refusal(reason, event_id, fact.source if readable else None, field, rule)
