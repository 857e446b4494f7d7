"""A child process on a leash: it ends when this process ends, in any way, and writes its output to a log file."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from deploy.embedded import leash
from deploy.embedded.error import StackError

ORPHAN_LIMIT_S = 10.0
STOP_LIMIT_S = 10.0
KILL_LIMIT_S = 10.0
LOG_TAIL_BYTES = 64 * 1024
LAST_WORDS_MAX = 300  # characters
_TRACE = re.compile(r"\s|Traceback |\.\.\. \d+ more")


class Process:
    """A running or ended child. `pid` is the child's own. It is in another process group and session than the terminal.

    All methods are thread-safe. A fork without exec (multiprocessing's `fork`) would inherit the leash: use `spawn`.
    """

    def __init__(self, name: str, log: Path, stop_signal: signal.Signals, held: "_Held") -> None:
        """Wrap a leash that has just been started; `Process.start` is the usual way."""
        self.name = name
        self.log = log
        self.stop_signal = stop_signal
        self._log_begin = held.log_begin
        self._leash = held.process
        self._orders: int | None = held.orders
        self._report = os.fdopen(held.report, encoding="utf-8")
        self._lock = threading.Lock()
        self._code: int | None = None
        self.pid = self._read_pid()

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        orphan_limit_s: float = ORPHAN_LIMIT_S,
        keep: Sequence[int] = (),
    ) -> Self:
        """Start the command; standard output and error are appended to `log`. `env` replaces the environment.

        When this process is gone, the child gets SIGTERM, and SIGKILL after `orphan_limit_s`. Descriptors in `keep`
        stay open until the child has ended too, so that a lock of this process lasts for both. Raises StackError if the
        command cannot be started.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            held = _hold(command, out, orphan_limit_s, env, cwd, keep)
        return cls(name, log, stop_signal, held)

    def _read_pid(self) -> int:
        word, _, rest = self._report.readline().strip().partition(" ")
        if word != "pid":
            self._leash.wait()
            self._let_go()
            raise StackError(f"{self.name} cannot be started: {rest or self.log_tail()}")
        return int(rest)

    def poll(self) -> int | None:
        """The child's exit code (negative: the signal that ended it), or None while it runs."""
        with self._lock:
            if self._code is None and self._leash.poll() is not None:
                self._code = self._read_code()
                self._let_go()
            return self._code

    def _read_code(self) -> int:
        word, _, rest = self._report.readline().strip().partition(" ")
        if word == "exit":
            return int(rest)
        # The leash was killed, so nothing else would end the child.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return -signal.SIGKILL

    def _let_go(self) -> None:
        self._report.close()
        if self._orders is not None:
            os.close(self._orders)
            self._orders = None

    def wait(self, timeout_s: float | None = None) -> int:
        """The exit code once the child has ended. Raises TimeoutError after `timeout_s`."""
        try:
            self._leash.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{self.name} (pid {self.pid}) still runs after {timeout_s} s") from error
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the child; does nothing if it has ended."""
        if self.poll() is not None:
            return
        with self._lock:
            if self._orders is not None:
                with contextlib.suppress(BrokenPipeError):  # It has just ended.
                    os.write(self._orders, bytes([number]))

    def stop(self, timeout_s: float = STOP_LIMIT_S) -> int:
        """Send the child its stop signal, kill it after `timeout_s`; returns its exit code."""
        self.send_signal(self.stop_signal)
        return self.end(timeout_s)

    def end(self, timeout_s: float) -> int:
        """Wait for a child that was sent its stop signal, kill it after `timeout_s`; returns its exit code."""
        try:
            return self.wait(timeout_s)
        except TimeoutError:
            self.kill()
        return self.wait(KILL_LIMIT_S)

    def kill(self) -> None:
        """`kill -9` the child, as in a crash; returns when it has ended."""
        self.send_signal(signal.SIGKILL)
        self.wait(KILL_LIMIT_S)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of output of this child, without those of an earlier child."""
        with self.log.open("rb") as file:
            file.seek(max(self._log_begin, self.log.stat().st_size - LOG_TAIL_BYTES))
            return "\n".join(deque(file.read().decode("utf-8", "replace").splitlines(), maxlen=lines))

    def last_words(self) -> str:
        """The last line of this child's output that is not part of a stack trace, for an error message."""
        lines = [line for line in self.log_tail(LOG_TAIL_BYTES).splitlines() if line and not _TRACE.match(line)]
        return lines[-1].strip()[:LAST_WORDS_MAX] if lines else "nothing"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


@dataclass(frozen=True)
class _Held:
    """A running leash: our ends of its two pipes, and where its output begins in the log."""

    process: "subprocess.Popen[bytes]"
    orders: int
    report: int
    log_begin: int


def _hold(
    command: Sequence[str],
    out: IO[bytes],
    limit_s: float,
    env: Mapping[str, str] | None,
    cwd: Path | None,
    keep: Sequence[int],
) -> _Held:
    orders_read, orders_write = os.pipe()
    report_read, report_write = os.pipe()
    asked = ["--orders", str(orders_read), "--report", str(report_write), "--limit-s", str(limit_s)]
    asked += [f"--keep={descriptor}" for descriptor in keep]
    begin = out.seek(0, os.SEEK_END)
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", leash.__file__, *asked, "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=(orders_read, report_write, *keep),
            start_new_session=True,  # The parent handles Ctrl-C, and stops its children in its own order.
            env=env,
            cwd=cwd,
        )
    except OSError:
        os.close(orders_write)
        os.close(report_read)
        raise
    finally:
        os.close(orders_read)
        os.close(report_write)
    return _Held(process, orders_write, report_read, begin)
