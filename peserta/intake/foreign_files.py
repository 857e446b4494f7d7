"""Recognising files that are not facts by how they begin, and saying what to do with them."""

import re
from typing import Final

from schemas.admission import RECORD_BYTES_MAX

HEAD_BYTES_MAX: Final = 64 * 1024  # of a file, inspected before its first line is read
LINES_TO_TELL: Final = 2

MARK: Final = b"\xef\xbb\xbf"  # UTF-8 byte order mark
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF_16_UNMARKED: Final = re.compile(rb"\s?\0?[\[{]\0|\0[\[{]")

_GUNZIP: Final = "is compressed (gzip): `gunzip -c {file} | peserta publish -` reads what is in it"
_UNPACK: Final = "is compressed ({kind}): unpack it first"
_SHEET: Final = "is a spreadsheet or another packed file ({kind}), not facts: write it out as one JSON object a line"
# The beginnings of files that are not text.
_MAGIC: Final = (
    (b"\x1f\x8b", _GUNZIP, "gzip"),
    (b"BZh", _UNPACK, "bzip2"),
    (b"\xfd7zXZ\0", _UNPACK, "xz"),
    (b"\x28\xb5\x2f\xfd", _UNPACK, "Zstandard"),
    (b"PK\x03\x04", _SHEET, "XLSX or ZIP"),
    (b"\xd0\xcf\x11\xe0", _SHEET, "XLS"),
    (b"PAR1", _SHEET, "Parquet"),
    (b"Obj\x01", _SHEET, "Avro"),
)
_RECODE: Final = "is UTF-16: `iconv -f UTF-16 -t UTF-8 {file} > {stem}.utf8.ndjson` makes it UTF-8"
_ARRAY: Final = "is one JSON array, not one JSON object a line: `jq -c '.[]' {file} > {stem}.lines.ndjson` writes it so"
_PRETTY: Final = (
    "has JSON objects over several lines, not one object a line: `jq -c . {file} > {stem}.lines.ndjson` writes it so"
)
_MARKUP: Final = "is XML or HTML, not facts: write it out as one JSON object a line"
_CSV: Final = "is a table with columns (CSV), not facts: write it out as one JSON object a line"

_ARRAY_BEGINS: Final = re.compile(rb"\[\s*\{")
_OBJECT_GOES_ON: Final = re.compile(rb"\{(?:.*[{\[,:])?", re.DOTALL)
_DELIMITERS: Final = (b",", b";", b"\t")


def foreign_kind(head: bytes, file: str) -> str | None:
    """What a file with this beginning is, and what to do with it, as the rest of a sentence whose subject is the file.
    None if its lines can be read. Errors in single lines are not checked here."""
    sentence = _packed(head) or _unlike_lines(head)
    if sentence is None:
        return None
    stem = file.rsplit("/", 1)[-1].split(".", 1)[0] or "facts"
    return sentence.replace("{file}", file).replace("{stem}", stem)


def needs_more(head: bytes) -> bool:
    """Whether another line is needed to recognise a file: there is none yet, or it does not look like a fact."""
    lines = _lines(head)
    looks_like_a_fact = bool(lines) and lines[0].startswith(b"{") and not _goes_on(lines[0])
    return len(lines) < LINES_TO_TELL and not looks_like_a_fact and _packed(head) is None


def _packed(head: bytes) -> str | None:
    """The description of a file that is not UTF-8 text, else None."""
    for magic, sentence, kind in _MAGIC:
        if head.startswith(magic):
            return sentence.replace("{kind}", kind)
    return _RECODE if head.startswith(_UTF_16) or _UTF_16_UNMARKED.match(head) else None


def _unlike_lines(head: bytes) -> str | None:
    """The description of a text that does not have one object a line, else None."""
    text, lines = head.removeprefix(MARK).lstrip(), _lines(head)
    if not lines:
        return None
    if _ARRAY_BEGINS.match(text):
        return _ARRAY
    if _goes_on(lines[0]) and not (len(lines) > 1 and lines[1].startswith(b"{")):
        return _PRETTY
    if text.startswith(b"<"):
        return _MARKUP
    return _CSV if not text.startswith((b"{", b"[")) and _is_table(lines) else None


def _lines(head: bytes) -> list[bytes]:
    """The first two lines that are not blank, stripped."""
    stripped = (line.strip() for line in head.removeprefix(MARK).split(b"\n"))
    return [line for line in stripped if line][:LINES_TO_TELL]


def _goes_on(line: bytes) -> bool:
    """Whether a line opens an object that a later line closes. A line that is too long may be cut anywhere."""
    return len(line) <= RECORD_BYTES_MAX and _OBJECT_GOES_ON.fullmatch(line) is not None


def _is_table(lines: list[bytes]) -> bool:
    """Whether the first lines have the same number of columns, more than one."""
    counts = [[line.count(delimiter) for line in lines] for delimiter in _DELIMITERS]
    return any(len(of) == 2 and of[0] > 0 and of[0] == of[1] for of in counts)
