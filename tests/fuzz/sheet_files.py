"""Files of officers that were right before they were changed: bytes, cells, a workbook's zip and XML; from one seed."""

import csv
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, Final

import xlsxwriter

NIK: Final = "3320120312900017"
KPJ: Final = "77190000012"
SPACED: Final = "3320 1203 1290 0017"
PERSONAL: Final = (NIK, KPJ, SPACED, NIK[:8] + "." + NIK[8:])

OF_FACTS: Final = (
    "NIK", "NPP", "Jenis", "Tanggal", "Status Kerja", "alasan", "action", "JKK", "JKM", "event_id", "source",
    "occurred_at", "corrects",
)  # fmt: skip
OF_ROSTERS: Final = ("NIK", "Nama", "Status Kerja", "JKK", "JKM", "JHT", "programmes", "started_on")
GOOD: Final[dict[str, tuple[Any, ...]]] = {
    "NIK": (NIK, "3320125212900023", "3320-1203-0190-0031"),
    "NPP": ("C1", "C2"),
    "Jenis": ("masuk", "keluar", "kepesertaan", "koreksi"),
    "Tanggal": ("2025-10-01", "01/02/2025", "31-12-2024", date(2025, 9, 1)),
    "Status Kerja": ("PKWT", "tetap", "harian"),
    "alasan": ("", "resign"), "action": ("terdaftar", "", "keluar"), "JKK": ("Y", "T", "", 12_500), "JKM": ("ya", ""),
    "JHT": ("Y", ""), "event_id": ("", "e1", "e2"), "source": ("", "hris"),
    "occurred_at": ("", "2025-10-01T09:00:00+07:00"), "corrects": ("", "e1"), "Nama": ("Ani", "Budi"),
    "programmes": ("", "JKK+JP"), "started_on": ("", "2025-09-01"),
}  # fmt: skip
TRAPS: Final[tuple[Any, ...]] = (
    None, "", " ", "\u00a0", "\x0b", "=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://a")', "'x", "x" * 40_000,
    "\ufeff", "\u202e", "\ud7ff", "é", "名前", "TOTAL", "Jumlah:", 0, -1, 1e300, float(NIK), 3.32e15, 0.1, 7719.0, True,
    False, date(1900, 1, 1), date(9999, 12, 31), datetime(2025, 2, 3, 4, 5, 6), time(1, 2), "2025-02-30", "32/13/2025",
    "1/2/25", "0000-00-00", "9999-12-31", "2199-12-31T23:59:59.999Z", "2200-01-01T00:00:00Z", "3.32012E+15", "#N/A",
    "NIK", "JKK+XXX", "e1 e2", "a\nb", "a\rb", 'a"b', "a;b", "a,b", "a\tb", *PERSONAL, f"x{NIK}", f"hris {KPJ}",
    f"'{NIK}", f"={NIK}",
)  # fmt: skip
XML: Final = (
    b"<", b">", b"&", b'"', b"\x00", b"&#0;", b"<!DOCTYPE a [<!ENTITY b \"c\">]>", b"]]>", b"<row r=\"9999999\">",
    b'<c r="XFD1048576"><v>1</v></c>', b'<c r="ZZZZ1"/>', b't="s"', b't="e"', b"<v>99999999999</v>", b"<v>-1</v>",
    b'<mergeCell ref="A1:XFD1048576"/>', b"<f>A1</f>", b's="99999"', b'hidden="1"', b'encoding="utf-7"',
)  # fmt: skip
CODECS: Final = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1252",
    "cp1252",
    "utf-32",
    "utf-7",
    "cp037",
)


def sheet_file(chance: random.Random, columns: Sequence[str]) -> tuple[str, bytes]:
    """(kind of change, content) of one file of these columns."""
    kind = chance.choice(KINDS)
    return kind.__name__.strip("_"), kind(chance, columns)


def _rows(chance: random.Random, columns: Sequence[str], traps: float) -> list[list[Any]]:
    """A header and a few rows, some of whose cells are traps."""
    names: list[Any] = [name for name in columns if chance.random() < 0.95]
    rows = [[chance.choice(GOOD[name]) for name in names] for _ in range(chance.choice((0, 1, 2, 3, 8)))]
    if traps and chance.random() < 0.2:
        names[chance.randrange(len(names))] = chance.choice((*TRAPS, *columns))
    if chance.random() < 0.3:
        rows.append(["TOTAL", *[None] * (len(names) - 1)])
    table = [*([["Daftar karyawan"]] if chance.random() < 0.3 else []), names, *rows]
    for row in table[1:]:
        for index in range(len(row)):
            if chance.random() < traps:
                row[index] = chance.choice(TRAPS)
    if chance.random() < traps:
        table.insert(chance.randrange(len(table) + 1), [chance.choice(TRAPS) for _ in range(chance.choice((1, 3, 30)))])
    return table


def _csv(chance: random.Random, columns: Sequence[str], traps: float = 0.1) -> bytes:
    text = io.StringIO()
    delimiter, dialect = chance.choice(",;\t|"), chance.choice(("excel", "unix"))
    csv.writer(text, dialect, delimiter=delimiter).writerows(_rows(chance, columns, traps))
    head = chance.choice(("", "", "", "sep=;\r\n", "\ufeff"))
    return (head + text.getvalue()).encode(chance.choice(CODECS), "replace")


def csv_of_cells(chance: random.Random, columns: Sequence[str]) -> bytes:
    """Traps in the cells, in some encoding."""
    return _csv(chance, columns)


def csv_of_bytes(chance: random.Random, columns: Sequence[str]) -> bytes:
    """Changed bytes."""
    return _broken(
        _csv(chance, columns, 0.02), chance, (b'"', b"\x00", b"\r", b"\n", b",", b";", b"\xff", NIK.encode())
    )


def csv_too_wide(chance: random.Random, columns: Sequence[str]) -> bytes:
    """Too many columns, too long a cell, or a quote that is not closed."""
    body = _csv(chance, columns, 0.0)
    more = chance.choice((b"," * 1_000_000, b"," * 1_001, b"x" * 32_768, b'"' + NIK.encode() * 9, b"\n" * 70_000))
    return body + b"\r\n" + NIK.encode() + more


def noise(chance: random.Random, columns: Sequence[str]) -> bytes:
    """Bytes with the beginning of some format."""
    head = chance.choice(
        (b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"sep=;\n")
    )
    return head + chance.randbytes(chance.choice((0, 1, 7, 300))) + NIK.encode()


def _xlsx(chance: random.Random, columns: Sequence[str], traps: float = 0.1) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": "dd/mm/yyyy"}) as book:
        sheet = book.add_worksheet(chance.choice((None, "Oktober", NIK)))
        if chance.random() < 0.2:
            book.add_worksheet("lain")
        for number, row in enumerate(_rows(chance, columns, traps)):
            for column, value in enumerate(row):
                if isinstance(value, str) and len(value) > 32_767:
                    continue
                sheet.write(number, column, value)
        if chance.random() < 0.2:
            sheet.set_row(2, None, None, {"hidden": True})
        if chance.random() < 0.2:
            sheet.merge_range(2, 0, 3, 1, chance.choice((NIK, "x", 1)))
        if chance.random() < 0.1:
            sheet.write(chance.choice((99, 1_048_575)), chance.choice((5, 16_383)), "far")
    return content.getvalue()


def xlsx_of_cells(chance: random.Random, columns: Sequence[str]) -> bytes:
    """Traps in the cells."""
    return _xlsx(chance, columns)


def xlsx_of_bytes(chance: random.Random, columns: Sequence[str]) -> bytes:
    """Changed bytes of the archive."""
    return _broken(
        _plain(chance.randrange(20), tuple(columns)),
        chance,
        (b"PK\x03\x04", b"PK\x01\x02", b"\x00", b"\xff\xff\xff\xff"),
    )


def xlsx_of_xml(chance: random.Random, columns: Sequence[str]) -> bytes:
    """A part whose XML was changed."""

    def changed(parts: dict[str, bytes]) -> None:
        name = chance.choice([name for name in parts if name.endswith((".xml", ".rels"))])
        parts[name] = _broken(parts[name], chance, XML)

    return _repacked(chance, columns, changed)


def xlsx_of_parts(chance: random.Random, columns: Sequence[str]) -> bytes:
    """Parts that are missing, exchanged, empty, or many."""

    def changed(parts: dict[str, bytes]) -> None:
        one, other = chance.choice(list(parts)), chance.choice(list(parts))
        change = chance.choice(("gone", "exchanged", "empty", "noise", "many", "name"))
        if change == "gone":
            del parts[one]
        elif change == "exchanged":
            parts[one], parts[other] = parts[other], parts[one]
        elif change == "many":
            parts.update({f"xl/{number}": b"" for number in range(2_100)})
        elif change == "name":
            parts[chance.choice(("../" + one, "/" + one, one.upper(), NIK))] = parts.pop(one)
        else:
            parts[one] = b"" if change == "empty" else chance.randbytes(200)

    return _repacked(chance, columns, changed)


def xlsx_too_large(chance: random.Random, columns: Sequence[str]) -> bytes:
    """A part that unpacks to much more than it seems, or says so, and a sheet of huge dimensions."""
    change = chance.choice(("bomb", "dimension", "rows", "columns", "merged"))

    def changed(parts: dict[str, bytes]) -> None:
        name = "xl/worksheets/sheet1.xml"
        if change == "bomb":
            parts["xl/media/a.bin"] = bytes(chance.choice((1 << 20, 16 << 20)))
        cells = {
            "dimension": b'<dimension ref="A1:XFD1048576"/><sheetData>',
            "rows": b'<sheetData><row r="1048576"><c r="A1048576"><v>1</v></c></row>',
            "columns": b'<sheetData><row r="1"><c r="XFD1"><v>1</v></c></row>',
            "merged": b"<sheetData>",
        }
        parts[name] = parts[name].replace(b"<sheetData>", cells.get(change, b"<sheetData>"))
        if change == "merged":
            area = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
            parts[name] = parts[name].replace(b"</sheetData>", area)

    packed = _repacked(chance, columns, changed)
    if change == "bomb" and chance.random() < 0.5:
        # The archive's directory says 4 GiB of a part, which is then read to see.
        at = packed.rfind(b"PK\x01\x02")
        packed = packed[: at + 24] + b"\xfe\xff\xff\xff" + packed[at + 28 :]
    return packed


@lru_cache(maxsize=64)
def _plain(seed: int, columns: tuple[str, ...]) -> bytes:
    """One of a few good workbooks, which take longer to make than to change."""
    return _xlsx(random.Random(seed), columns, 0.02)


def _repacked(chance: random.Random, columns: Sequence[str], change: Callable[[dict[str, bytes]], None]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(_plain(chance.randrange(20), tuple(columns)))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    content = io.BytesIO()
    method = chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(content, "w", method, compresslevel=1) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def _broken(body: bytes, chance: random.Random, pieces: Sequence[bytes]) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, end = sorted((chance.randrange(len(body) + 1), chance.randrange(len(body) + 1)))
        change = chance.choice(("cut", "put", "flip", "flip", "twice", "drop"))
        if change == "cut":
            body = body[:end]
        elif change == "put":
            body = body[:at] + chance.choice(pieces) + body[at:]
        elif change == "flip":
            body = body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
        elif change == "twice":
            body = body[:end] + body[at:end] + body[end:]
        else:
            body = body[:at] + body[min(end, at + 40) :]
    return body


KINDS: Final[tuple[Callable[[random.Random, Sequence[str]], bytes], ...]] = (
    csv_of_cells, csv_of_cells, csv_of_bytes, csv_of_bytes, csv_too_wide, noise, xlsx_of_cells, xlsx_of_bytes,
    xlsx_of_bytes, xlsx_of_xml, xlsx_of_xml, xlsx_of_xml, xlsx_of_parts, xlsx_too_large,
)  # fmt: skip
