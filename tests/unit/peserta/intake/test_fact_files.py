"""Files of facts as lines. Each file is read once, lines are numbered over all files, and pipes work too."""

import io
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.intake.fact_files import PIECE_BYTES, FactFiles, Place, UnreadableFile
from schemas.admission import OVERSIZED, Refusal
from schemas.fact_json import line_of, numbered, read_record
from tests.support.facts import hire
from tests.support.journals import deterministic

FACT: Final = line_of(hire("e1", "2025-09-01")).encode()
MARK: Final = b"\xef\xbb\xbf"


def written(folder: Path, *contents: bytes) -> list[Path]:
    paths = [folder / f"{number}.ndjson" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


# A line of facts never begins like a file of another kind.
pieces = st.sampled_from([b"{}", b"\n", b"\r\n", b" ", b"\t", b"x", b'{"a":1}', b"{" * (PIECE_BYTES - 1), FACT])
contents = st.lists(pieces, max_size=8).map(lambda parts: b"{}\n" + b"".join(parts))


def naively(files: Sequence[bytes]) -> list[tuple[int, bytes, Place]]:
    """The same result from reading each file as a whole."""
    found, before = [], 0
    for name, content in enumerate(files):
        lines = content.removeprefix(MARK).splitlines(keepends=True) if b"\r" not in content else _split(content)
        found += [(before + n, line, Place(f"{name}.ndjson", n)) for n, line in numbered(lines)]
        before += len(lines)
    return found


def _split(content: bytes) -> list[bytes]:
    lines = content.removeprefix(MARK).split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


@given(files=st.lists(st.tuples(st.sampled_from([b"", MARK]), contents).map(b"".join), min_size=1, max_size=4))
@deterministic
def test_lines_are_those_of_the_files_read_whole(files: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    read = FactFiles(written(tmp_path_factory.mktemp("files"), *files))
    found = [(number, line, read.place(number)) for number, line in read]
    expected = naively(files)
    assert [(number, place.line, Path(place.file).name) for number, _, place in found] == [
        (number, place.line, place.file) for number, _, place in expected
    ]
    for (_, line, _), (_, whole, _) in zip(found, expected, strict=True):
        assert line == whole or (_is_oversized(line) and _is_oversized(whole))
    assert read.bytes_read == read.bytes_total == sum(map(len, files))


def _is_oversized(line: bytes) -> bool:
    found = read_record(line)
    return isinstance(found, Refusal) and found.reason == OVERSIZED


def test_a_byte_order_mark_is_passed_over_at_the_beginning_of_each_file_and_nowhere_else(tmp_path: Path) -> None:
    files = written(tmp_path, MARK + FACT + b"\n" + MARK + FACT, MARK + FACT + b"\n")
    assert list(FactFiles(files)) == [(1, FACT), (2, MARK + FACT), (3, FACT)]


def test_a_line_without_an_end_takes_no_more_memory_than_a_piece() -> None:
    class Endless(io.RawIOBase):
        """One line of a hundred megabytes. `most` is the largest size of a read."""

        left, most = 100 << 20, 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            size = min(len(buffer), self.left)
            buffer[:size] = b"x" * size
            self.left -= size
            self.most = max(self.most, size)
            return size

    endless = Endless()
    read = FactFiles(["-"], io.BufferedReader(endless))
    assert [(number, _is_oversized(line), len(line) < PIECE_BYTES) for number, line in read] == [(1, True, True)]
    assert (read.bytes_read, endless.left) == (100 << 20, 0)


def test_a_fifo_is_read_once_and_has_no_size(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(FACT + b"\n" + FACT + b"\n",), daemon=True)
    writer.start()
    read = FactFiles([fifo])
    assert read.bytes_total is None
    assert list(read) == [(1, FACT), (2, FACT)]
    writer.join()


def test_the_lines_of_a_pipe_come_as_they_are_written() -> None:
    """The reader of a live source lags by at most two lines."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as target:
        target.write(FACT + b"\n")
        lines = iter(FactFiles(["-"], source))
        assert next(lines) == (1, FACT)
        target.write(b"\n" + FACT + b"\n")
        assert next(lines) == (3, FACT)


def test_standard_input_among_files(tmp_path: Path) -> None:
    first, last = written(tmp_path, b"{}\n\n", b"{}\n")
    read = FactFiles([first, "-", last], io.BytesIO(b"{}\n\n{}\n"))
    assert [read.place(number) for number, _ in read] == [
        Place(str(first), 1),
        Place("standard input", 1),
        Place("standard input", 3),
        Place(str(last), 1),
    ]
    assert read.bytes_total is None


def test_files_without_facts_are_named(tmp_path: Path) -> None:
    files = written(tmp_path, b"", b"{}\n", b"\n \n", MARK)
    read = FactFiles([*files, "-"], io.BytesIO(b""))
    assert len(list(read)) == 1
    assert read.without_facts() == [str(files[0]), str(files[2]), str(files[3]), "standard input"]


WRONG: Final = (
    ("twice", ["-", "-"], "given twice"),
    ("not there", ["no.ndjson"], "no.ndjson cannot be read: No such file or directory"),
    ("a folder", ["."], ". cannot be read: Is a directory"),
)


@pytest.mark.parametrize(("files", "words"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_cannot_be_read_is_said_before_a_line_is_read(files: list[str], words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        FactFiles(files)


# ---------------------------------------------------------------- files of other kinds

TEXT: Final = FACT.decode()
ARRAY: Final = "is one JSON array.*jq -c '.\\[\\]' "
PRETTY: Final = "has JSON objects over several lines.*jq -c . "
FOREIGN: Final = (
    ("an array", f"[{TEXT}]\n", ARRAY),
    ("an array of several lines", f"[\n  {TEXT},\n  {TEXT}\n]\n", ARRAY),
    ("an array, blanks before and in it", f"\n\n [ \n\n {TEXT}]", ARRAY),
    ("a pretty-printed object", '{\n  "type": "hire",\n  "event_id": "e1"\n}\n', PRETTY),
    ("an object broken after a field", '{"type": "hire",\n  "event_id": "e1"}\n', PRETTY),
    ("an object broken after a list began", '{"programmes": [\n  "JKK"]}\n', PRETTY),
    ("comma-separated values", "type,event_id,company_id\nhire,e1,C1\n", "is a table with columns"),
    ("semicolons", "NIK;Nama;Tanggal\n1;2;3\n", "is a table with columns"),
    ("tabs", "NIK\tNama\n1\t2\n", "is a table with columns"),
    ("XML", "<facts>\n", "is XML or HTML"),
)
PACKED: Final = (
    ("gzip", b"\x1f\x8b\x08\0\n", "is compressed .gzip.: `gunzip -c .*publish -`"),
    ("bzip2", b"BZh91AY", "is compressed .bzip2."),
    ("xz", b"\xfd7zXZ\0\0", "is compressed .xz."),
    ("Zstandard", b"\x28\xb5\x2f\xfd\n", "is compressed .Zstandard."),
    ("XLSX", b"PK\x03\x04\n\n", "is a spreadsheet"),
    ("XLS", b"\xd0\xcf\x11\xe0\n", "is a spreadsheet"),
    ("Parquet", b"PAR1\n", "is a spreadsheet or another packed file .Parquet."),
    ("Avro", b"Obj\x01\n", "is a spreadsheet or another packed file .Avro."),
    ("UTF-16", TEXT.encode("utf-16"), "is UTF-16.*iconv"),
    ("UTF-16, big end first", b"\xfe\xff" + TEXT.encode("utf-16-be"), "is UTF-16.*iconv"),
    ("UTF-16 without a mark", TEXT.encode("utf-16-le"), "is UTF-16.*iconv"),
    ("UTF-16 without a mark, big end first", TEXT.encode("utf-16-be"), "is UTF-16.*iconv"),
)
KINDS: Final = [
    *((name, text.encode(), words) for name, text, words in FOREIGN),
    *((f"{name}, marked", MARK + text.encode(), words) for name, text, words in FOREIGN),
    *PACKED,
]


@pytest.mark.parametrize(("content", "words"), [case[1:] for case in KINDS], ids=[case[0] for case in KINDS])
def test_a_file_of_another_kind_is_told_and_the_way_out(content: bytes, words: str, tmp_path: Path) -> None:
    (path,) = written(tmp_path, content)
    with pytest.raises(UnreadableFile, match=f"0.ndjson {words}"):
        FactFiles([path])
    with pytest.raises(UnreadableFile, match=f"standard input {words}"):
        list(FactFiles(["-"], io.BytesIO(content)))


def test_a_later_file_of_another_kind_is_told_before_a_line_of_the_first(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"1\.ndjson is one JSON array"):
        FactFiles(written(tmp_path, FACT, b"[{}]"))


LINES_OF_FACTS: Final = (
    ("a broken line first", f"{TEXT[:-1]}\n{TEXT}\n"),
    ("a line cut after a comma, facts behind it", f'{{"type":"hire",\n{TEXT}\n'),
    ("words", f"hire, e1\n{TEXT}\n"),
    ("an empty array", f"[]\n{TEXT}\n"),
    ("an array of numbers", f"[1]\n{TEXT}\n"),
    ("a text", '"hire"\n'),
    ("one line of words", "type,event_id\n"),
    ("a list in a fact", f'{{"programmes":["JKK","JKM"]}}\n{TEXT}\n'),
)


@pytest.mark.parametrize("text", [case[1] for case in LINES_OF_FACTS], ids=[case[0] for case in LINES_OF_FACTS])
def test_wrong_lines_are_left_to_their_judge(text: str, tmp_path: Path) -> None:
    assert len(list(FactFiles(written(tmp_path, text.encode())))) == text.count("\n")
