"""How a lane stops: its exit codes, and one line of log that never quotes a record."""

import subprocess
import sys
from textwrap import dedent

import pytest

from streams.lane.delivery import NotDelivered
from streams.lane.stop import LaneFault, Refused, Stopping, stop_line
from streams.lane.stop_code import StopCode


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


TOLD = {
    "a lane's fault is told": (LaneFault("hole at 7"), "LaneFault: hole at 7"),
    "a refusal is told": (Refused("start anew"), "Refused: start anew"),
    "a delivery is told with topic and size": (NotDelivered("out-0: batch of 3"), "NotDelivered: out-0: batch of 3"),
    "a connection is told": (ConnectionRefusedError("no broker"), "ConnectionRefusedError: no broker"),
}


@pytest.mark.parametrize(("error", "words"), TOLD.values(), ids=TOLD)
def test_errors_made_of_topics_and_sizes_are_told(error: Exception, words: str) -> None:
    assert words in stop_line("here", error, StopCode.RESTART)


@pytest.mark.parametrize("error", [ValueError("3201123456780001"), KeyError("3201123456780001")])
def test_any_other_error_is_told_by_kind_and_place_only(error: Exception) -> None:
    line = stop_line("step", raised(error), StopCode.RESTART)
    assert "3201123456780001" not in line
    assert f"{type(error).__name__} at " in line
    assert "test_stop.py" in line


def test_the_line_is_one_line() -> None:
    assert "\n" not in stop_line("here", LaneFault("two\nlines"), StopCode.RESTART)


CODES = {
    "an unexpected error asks for a restart": ("ValueError('x')", 70),
    "a refusal asks not to": ("Refused('x')", 78),
}


@pytest.mark.parametrize(("error", "code"), CODES.values(), ids=CODES)
def test_the_process_ends_at_once_without_its_handlers(error: str, code: int) -> None:
    program = dedent(f"""
        import atexit
        from streams.lane.stop import Refused, Stopping
        atexit.register(print, "a handler ran")
        try:
            with Stopping("here"):
                raise {error}
        finally:
            print("finally ran")
    """)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"lane stopped, exit {code} ")


def test_a_cancellation_passes() -> None:
    with pytest.raises(KeyboardInterrupt), Stopping("here"):
        raise KeyboardInterrupt
