"""The leash: a small process between a parent and its child that ends the child when the parent is gone.

No library or system call does this on both Linux and macOS for a child that does not cooperate (a JVM, say). A pipe
does: the system closes the parent's end however the parent ends, `kill -9` included.

    python leash.py --orders FD --report FD --limit-s N [--keep FD ...] -- COMMAND...

The leash reads `orders`: each byte is the number of a signal for the child. The end of `orders` means SIGTERM, and
SIGKILL after the limit. `keep` stays open in leash and child, so that a lock of the parent lasts until both are gone.
The leash writes to `report`: one line, `pid N` or `error TEXT`, and `exit N` when the child has ended (negative for a
signal). It kills whatever the child leaves in its process group. It uses only the standard library, because it starts
so often.
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
    """Terminate the child, and kill it after the limit."""
    child.send_signal(signal.SIGCONT)
    child.terminate()
    try:
        child.wait(limit_s)
    except subprocess.TimeoutExpired:
        child.kill()


def obey(orders: int, child: "subprocess.Popen[bytes]", limit_s: float) -> None:
    """Pass on the parent's signals until the parent closes the pipe."""
    while order := os.read(orders, 1):
        child.send_signal(order[0])
    end(child, limit_s)


def hold(command: list[str], orders: int, report: int, limit_s: float, keep: list[int]) -> int:
    """Run the command to its end; returns the leash's exit code."""
    try:
        child = subprocess.Popen(command, process_group=0, pass_fds=keep)
    except OSError as error:
        os.write(report, f"error {error}\n".encode())
        return EXIT_CANNOT_START
    os.write(report, f"pid {child.pid}\n".encode())
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=end, args=(child, limit_s)).start())
    threading.Thread(target=obey, args=(orders, child, limit_s), daemon=True).start()
    code = child.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):  # Usually the group is empty.
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(BrokenPipeError):  # The parent is gone.
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
