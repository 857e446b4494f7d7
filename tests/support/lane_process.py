"""A test's worker process: started with options, its output read line by line, ended in any way that the test wants."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

POLL_S = 0.02
WAIT_LIMIT_S = 120.0


class NotYet(Exception):
    """A condition that a test waits for does not hold yet."""


class LaneProcess:
    """`python -m tests.support.lane_worker OPTIONS` with its output in two files."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.out, self.err = folder / "out", folder / "err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            command = [sys.executable, "-m", "tests.support.lane_worker", json.dumps(options)]
            self.process = subprocess.Popen(command, stdout=out, stderr=err)

    def said(self, word: str) -> list[dict[str, Any]]:
        """The worker's output lines with this word so far."""
        lines = self.out.read_text().splitlines(keepends=True)
        told = [json.loads(line) for line in lines if line.endswith("\n")]
        return [line for line in told if line["said"] == word]

    def errors(self) -> str:
        """The worker's log."""
        return self.err.read_text(errors="replace")

    def wait_until(self, condition: Any, what: str) -> None:
        """Wait until `condition()` holds; fails with the log if the process ends or the limit passes."""
        for attempt in Retrying(
            wait=wait_fixed(POLL_S),
            stop=stop_after_delay(WAIT_LIMIT_S),
            retry=retry_if_exception_type(NotYet),
            reraise=True,
        ):
            with attempt:
                ended = self.process.poll()
                if condition():
                    return
                assert ended is None, f"ended with {ended} before {what}:\n{self.errors()}"
                raise NotYet(f"waited for {what}:\n{self.errors()}")

    def wait_for_records(self, count: int) -> None:
        """Wait until that many records are committed."""
        self.wait_until(lambda: sum(line["records"] for line in self.said("committed")) >= count, f"{count} records")

    def wait_for_offsets(self, ends: dict[int, int], *before: "LaneProcess") -> None:
        """Wait until each partition is committed to its end, by this worker or by one that ended `before`: it may have
        finished a partition, of which this worker then commits nothing."""

        def reached() -> bool:
            lines = [line for worker in (*before, self) for line in worker.said("committed")]
            done = {
                number: max((0, *(line["next"] for line in lines if line["partition"] == number))) for number in ends
            }
            return all(done[number] >= end for number, end in ends.items())

        self.wait_until(reached, f"offsets {ends}")

    def wait_for_end(self) -> int:
        """Wait for the end of the process; returns its exit code. pytest shows its log if the test fails."""
        code = self.process.wait(timeout=WAIT_LIMIT_S)
        sys.stderr.write(self.errors())
        return code

    def terminate(self) -> int:
        """Send SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_for_end()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()
