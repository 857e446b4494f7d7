"""The preview of a large workbook, as the command of an officer makes it: without a broker, in a process of its own."""

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]
import xlsxwriter

from peserta.intake.tokens import make_key
from tests.bench.figures import Figures
from tests.bench.load import Load
from tests.bench.row import Measure

ROWS: Final = 100_000
HEADER: Final = ("NIK", "NPP", "Jenis", "Tanggal", "Status Kerja", "Nama", "Jabatan", "Upah")
LOOK_S: Final = 0.01
MB: Final = 1_000_000


def prepare(load: Load, figure: str) -> Measure:
    """`figure` is seconds, or MB: the largest resident memory. The module makes its own sheet and does not use the
    load."""
    return _figures().measure(figure)


@cache
def _figures() -> Figures:
    return Figures(_previewed)


def _previewed() -> Mapping[str, float]:
    with tempfile.TemporaryDirectory(prefix="peserta-bench-") as name:
        folder = Path(name)
        make_key(folder / "key")
        sheet = _sheet(folder / "sheet.xlsx")
        command = [sys.executable, "-m", "peserta", "import", str(sheet), "--token-key", str(folder / "key")]
        with (folder / "said").open("wb") as said:
            began_s, most = time.perf_counter(), 0
            process = psutil.Popen(command, stdout=said, stderr=said, env={**os.environ, "PESERTA_KAFKA": ""})
            while process.poll() is None:
                most = max(most, _resident(process))
                with suppress(psutil.TimeoutExpired):
                    process.wait(LOOK_S)
            seconds = time.perf_counter() - began_s
        if process.returncode != 0:
            raise RuntimeError((folder / "said").read_text(encoding="utf-8")[-500:])
    return {"s": seconds, "MB": most / MB}


def _resident(process: psutil.Popen) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0  # it has just ended


def _sheet(path: Path) -> Path:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for row in range(ROWS):
            nik = f"33200512039{row:05}"
            sheet.write_row(row + 1, 0, (nik, f"C{row % 97}", "masuk", "2025-10-01", "PKWT", "X", "jahit", 2_600_000))
    return path
