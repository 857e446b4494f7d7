"""A child process on its leash: the parent learns of its end, and it ends when the parent ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.error import StackError
from deploy.embedded.process import Process
from tests.support.liveness import is_alive
from tests.support.waiting import wait_until

CHILD = """
import signal, sys, threading
signal.signal(signal.SIGTERM, {})
print("up", flush=True)
threading.Event().wait()
"""
STUBBORN = CHILD.format("signal.SIG_IGN")
WILLING = CHILD.format("lambda *_: sys.exit(7)")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "child.log"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def started(code: str, log: Path) -> Process:
    """A running child that has printed `up`."""
    process = Process.start("child", python(code), log=log)
    wait_until(lambda: "up" in process.log_tail())
    return process


ENDS = {
    "success": ("pass", 0),
    "refused to run": ("import sys; sys.exit(78)", 78),
    "restart me": ("import os; os._exit(70)", 70),
    "ended by a signal": ("import os; os.kill(os.getpid(), 9)", -9),
}


@pytest.mark.parametrize(("code", "expected"), ENDS.values(), ids=ENDS.keys())
def test_the_exit_code_comes_through(code: str, expected: int, log: Path) -> None:
    process = Process.start("child", python(code), log=log)
    assert process.wait(30) == expected
    assert process.poll() == expected


def test_the_pid_is_the_childs_own(log: Path) -> None:
    process = Process.start("child", python("import os; print(os.getpid())"), log=log)
    process.wait(30)
    assert process.log_tail() == str(process.pid)


def test_the_log_tail_is_of_this_child_alone(log: Path) -> None:
    Process.start("first", python("print('first')"), log=log).wait(30)
    second = Process.start("second", python("for n in range(5): print(n)"), log=log)
    second.wait(30)
    assert second.log_tail(2) == "3\n4"
    assert "first" not in second.log_tail()
    assert log.read_text().startswith("first\n")


JAVA_TRACE = """[main] ERROR kafka.Kafka$ - Exiting Kafka due to fatal exception
java.lang.RuntimeException: the disk is full
\tat kafka.server.Server.start(Server.scala:1)
\t... 3 more
"""
PYTHON_TRACE = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
OSError: the disk is full
"""


@pytest.mark.parametrize("put_out", [JAVA_TRACE, PYTHON_TRACE, "the disk is full\n\n"], ids=["Java", "Python", "plain"])
def test_the_last_words_are_no_part_of_a_stack_trace(put_out: str, log: Path) -> None:
    process = Process.start("child", python(f"print({put_out!r})"), log=log)
    process.wait(30)
    assert process.last_words().endswith("the disk is full")
    assert "\n" not in process.last_words()


def test_who_says_nothing_has_no_last_words(log: Path) -> None:
    process = Process.start("child", python("pass"), log=log)
    process.wait(30)
    assert process.last_words() == "nothing"


def test_the_environment_is_the_one_given(log: Path) -> None:
    process = Process.start("child", python("import os; print(os.environ['WORD'])"), log=log, env={"WORD": "given"})
    process.wait(30)
    assert process.log_tail() == "given"


def test_a_command_that_is_not_there_is_an_error(log: Path) -> None:
    with pytest.raises(StackError, match=r"child cannot be started: .*no-such-command"):
        Process.start("child", ["no-such-command"], log=log)


def test_stop_asks(log: Path) -> None:
    assert started(WILLING, log).stop() == 7


def test_stop_insists_after_its_limit(log: Path) -> None:
    assert started(STUBBORN, log).stop(timeout_s=0.1) == -signal.SIGKILL


def test_stop_uses_the_childs_own_signal(log: Path) -> None:
    code = "import threading; print('up', flush=True); threading.Event().wait()"
    process = Process.start("child", python(code), log=log, stop_signal=signal.SIGINT)
    wait_until(lambda: "up" in process.log_tail())
    assert process.stop() == -signal.SIGINT


def test_kill_is_a_crash(log: Path) -> None:
    process = started(WILLING, log)
    process.kill()
    assert process.poll() == -signal.SIGKILL
    assert not is_alive(process.pid)


def test_stop_and_kill_of_one_that_has_ended_change_nothing(log: Path) -> None:
    process = Process.start("child", python("pass"), log=log)
    assert process.wait(30) == 0
    process.kill()
    assert process.stop() == 0


def test_what_the_child_leaves_in_its_group_ends_with_it(log: Path) -> None:
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]).pid, flush=True)"
    process = Process.start("child", python(code), log=log)
    process.wait(30)
    grandchild = int(log.read_text().splitlines()[0])
    wait_until(lambda: not is_alive(grandchild))


def test_a_killed_leash_takes_the_child_along_when_it_is_looked_at(log: Path) -> None:
    process = started(STUBBORN, log)
    os.kill(process._leash.pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    wait_until(lambda: not is_alive(process.pid))


PARENT = """
import json, sys, threading
from pathlib import Path
from deploy.embedded.process import Process
codes, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
each = [
    Process.start("child", [sys.executable, "-c", code], log=folder / f"{n}.log", orphan_limit_s=0.5)
    for n, code in enumerate(codes)
]
print(json.dumps([one.pid for one in each] + [one._leash.pid for one in each]), flush=True)
threading.Event().wait()
"""


@pytest.fixture
def parent(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process with two children. One ends on SIGTERM and one ignores it."""
    command = [sys.executable, "-c", PARENT, json.dumps([WILLING, STUBBORN]), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_no_child_outlives_its_parent(number: signal.Signals, parent: "subprocess.Popen[str]") -> None:
    assert parent.stdout is not None
    pids = json.loads(parent.stdout.readline())
    assert all(map(is_alive, pids))
    parent.send_signal(number)
    parent.wait(30)
    wait_until(lambda: not any(map(is_alive, pids)))
