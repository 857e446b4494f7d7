"""A local service supervises the parts that it has started."""

import sys
from pathlib import Path

import pytest

from deploy.embedded.process import Process
from peserta.operations.failure import Failed, Interrupted
from peserta.operations.local_service import check_parts
from tests.support.waiting import wait_until

LAST_WORDS = "no room on the disk"
PROGRAM = f"import signal, sys; print({LAST_WORDS!r}, flush=True); signal.pause() if sys.argv[1] == 'stay' else None"


def part(name: str, folder: Path, how: str) -> Process:
    return Process.start(name, [sys.executable, "-c", PROGRAM, how], log=folder / f"{name}.log")


@pytest.mark.parametrize("ends", ["Kafka", "ClickHouse"])
def test_a_part_that_has_ended_is_told_with_its_last_words_and_asks_for_a_new_start(ends: str, tmp_path: Path) -> None:
    parts = [part(name, tmp_path, "end" if name == ends else "stay") for name in ("Kafka", "ClickHouse")]
    try:
        wait_until(lambda: any(one.poll() is not None for one in parts))
        with pytest.raises(Failed, match=f"{ends} has ended") as told:
            check_parts(parts)
    finally:
        for one in parts:
            one.stop()
    assert LAST_WORDS in str(told.value)
    assert "Start `peserta up` again: its data is kept" in str(told.value)
    assert isinstance(told.value, Interrupted)
