"""Which facts enter the journal: the rules of SEMANTICS 1, and the reason that a refusal gives (SEMANTICS 2).

The recorder, `publish` and `simulate` all ask here, so that the same fact is refused for the same reason everywhere.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.records import Fact, Instant
from schemas.vocabulary import ALL_PROGRAMMES, CORRECTION, ENROLLMENT
from streams.core.dates import effective_range, is_instant, jakarta_day

RECORD_BYTES_MAX: Final = 16_384  # key and value together, or a line without its end
REFERENCE_BYTES_MAX: Final = 512 * 1024  # key and value of a registry entry or a policy
ID_LENGTH_MAX: Final = 64  # code points; also of a source
TEXTS_KEPT_MAX: Final = 1 << 14  # company_ids and sources that are known to be well formed

OVERSIZED: Final = "oversized"
BAD_MAGIC: Final = "bad_magic"
UNKNOWN_SCHEMA: Final = "unknown_schema"
DECODE_ERROR: Final = "decode_error"
NATIONAL_ID: Final = "national_id"
INVALID_FIELD: Final = "invalid_field"
KEY_MISMATCH: Final = "key_mismatch"
TYPE_NOT_ALLOWED: Final = "type_not_allowed"
EFFECTIVE_ON_OUT_OF_RANGE: Final = "effective_on_out_of_range"

# The closed list, in the order in which the first that applies is given.
REASONS: Final = {
    OVERSIZED: f"key and value, or the line, have more than {RECORD_BYTES_MAX} bytes",
    BAD_MAGIC: "the value does not begin with the Confluent frame (a zero byte and a schema id)",
    UNKNOWN_SCHEMA: "no schema of facts has this id",
    DECODE_ERROR: "the value is not Avro of its schema, or the line is no JSON object in UTF-8",
    NATIONAL_ID: "worker_id is a national id (16 digits) or a participant number (11): send an opaque token instead",
    INVALID_FIELD: "a field is missing, unknown, null or outside its rule",
    KEY_MISMATCH: "the key of the record is not its company_id",
    TYPE_NOT_ALLOWED: "the topic may not carry this type of record",
    EFFECTIVE_ON_OUT_OF_RANGE: "effective_on lies before 1 January 1970, or more than a year after the recording",
}

_EVENT_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_NATIONAL_ID: Final = re.compile(r"\d{16}|\d{11}", re.ASCII)
_WORD: Final = re.compile(r"[^\s\ud800-\udfff]{1,64}")
_TEXT: Final = re.compile(r"[^\ud800-\udfff]{1,64}", re.DOTALL)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_DIGITS: Final = re.compile(r"\d{11,}", re.ASCII)


class Refusal(NamedTuple):
    """Why a record was refused, and what of it may be shown."""

    reason: str
    event_id: str | None
    source: str | None


def is_event_id(text: object) -> bool:
    return isinstance(text, str) and _EVENT_ID.fullmatch(text) is not None


def is_text(text: str) -> bool:
    """Whether a string can be written as UTF-8: JSON and YAML can spell half a surrogate pair."""
    return _SURROGATE.search(text) is None


def is_national_id(text: object) -> bool:
    """Whether a value is exactly 16 ASCII digits (NIK) or 11 (KPJ)."""
    return isinstance(text, str) and _NATIONAL_ID.fullmatch(text) is not None


def field_reason(fact: Fact) -> str | None:
    """`national_id` or `invalid_field` when a value is outside its rule. An enrollment without programmes is one."""
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


# The same few come again and again. What is no text raises TypeError, as a pattern does.
@lru_cache(maxsize=TEXTS_KEPT_MAX)
def _is_company_id(text: str) -> bool:
    return _WORD.fullmatch(text) is not None


@lru_cache(maxsize=TEXTS_KEPT_MAX)
def _is_source(text: str) -> bool:
    return _TEXT.fullmatch(text) is not None


def range_reason(fact: Fact, recorded_at: Instant) -> str | None:
    """`effective_on_out_of_range` when the fact holds from too far away."""
    first, last = effective_range(jakarta_day(recorded_at))
    return None if first <= fact.effective_on <= last else EFFECTIVE_ON_OUT_OF_RANGE


def shown_event_id(event_id: object, worker_id: object) -> str | None:
    """An event_id in a refusal: well formed, and without the national id for which the record is refused."""
    if not isinstance(event_id, str) or not is_event_id(event_id):
        return None
    return None if isinstance(worker_id, str) and is_national_id(worker_id) and worker_id in event_id else event_id


def refusal(reason: str, fact: Fact | None) -> Refusal:
    """The refusal with what may be shown of the record: a well-formed event_id, a source without long numbers."""
    if fact is None:
        return Refusal(reason, None, None)
    event_id = shown_event_id(fact.event_id, fact.worker_id)
    readable = _TEXT.fullmatch(fact.source) and not _DIGITS.search(fact.source)
    return Refusal(reason, event_id, fact.source if readable else None)
