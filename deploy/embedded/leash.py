"""The leash: a small process between a parent and its child, that ends the child when the parent is gone.

No library or system call does this on Linux and macOS alike for a child that knows nothing of it (a JVM, say); the
end of a pipe does: the system closes the parent's end however the parent ends, `kill -9` included.

    python leash.py --orders FD --report FD --limit-s N [--keep FD ...] -- COMMAND...

`orders` is read: each byte is the number of a signal for the child; its end means SIGTERM, and SIGKILL after the
limit. `keep` stays open in leash and child: a lock that the parent holds lasts until both are gone. `report` is
written: one line, `pid N` or `error TEXT`, and when the child has ended `exit N`, N negative for a signal. What the
child leaves behind in its process group is killed. Standard library only, as it starts each time.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading

EXIT_CANNOT_START = 127


def end(child: "subprocess.Popen[bytes]", limit_s: float) -> None:
    """Ask the child to end, and make it end after the limit."""
    child.send_signal(signal.SIGCONT)
    child.terminate()
    try:
        child.wait(limit_s)
    except subprocess.TimeoutExpired:
        child.kill()


def obey(orders: int, child: "subprocess.Popen[bytes]", limit_s: float) -> None:
    """Pass on the parent's signals until the parent lets go."""
    while order := os.read(orders, 1):
        child.send_signal(order[0])
    end(child, limit_s)


def hold(command: list[str], orders: int, report: int, limit_s: float, keep: list[int]) -> int:
    """Run the command to its end; return the leash's own exit code."""
    try:
        child = subprocess.Popen(command, process_group=0, pass_fds=keep)
    except OSError as error:
        os.write(report, f"error {error}\n".encode())
        return EXIT_CANNOT_START
    os.write(report, f"pid {child.pid}\n".encode())
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=end, args=(child, limit_s)).start())
    threading.Thread(target=obey, args=(orders, child, limit_s), daemon=True).start()
    code = child.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):  # The usual case: nobody is left in the group.
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(BrokenPipeError):  # The parent is gone: nobody to report to.
        os.write(report, f"exit {code}\n".encode())
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a command that ends with its parent.")
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--report", type=int, required=True)
    parser.add_argument("--limit-s", type=float, required=True)
    parser.add_argument("--keep", type=int, action="append", default=[])
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    return hold(asked.command, asked.orders, asked.report, asked.limit_s, asked.keep)


if __name__ == "__main__":
    sys.exit(main())
