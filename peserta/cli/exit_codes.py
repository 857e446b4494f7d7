"""What the exit code of a command says, and which failure ends with which."""

from enum import IntEnum
from typing import Final

from peserta.operations.failure import Failed, Interrupted, NotAsAsked, Rejected, Unavailable, Unfit
from streams.lane.stop_code import StopCode


class ExitCode(IntEnum):
    """The exit codes of every command and worker."""

    DONE = 0
    NOT_AS_ASKED = 1  # it ran, and something was refused or differs
    WRONG_USE = 2  # wrong arguments, an unreadable or wrong file
    UNAVAILABLE = 69  # a broker or a ClickHouse that does not answer
    RESTART_ME = StopCode.RESTART  # an unexpected error: nothing was committed
    WRONG_SETTINGS = StopCode.REFUSE  # a restart does not mend it
    READER_LEFT = 141  # the reader of the output has closed it (`| head`), as shells count a program that SIGPIPE ends


OF_FAILURE: Final[dict[type[Failed], ExitCode]] = {
    Rejected: ExitCode.WRONG_USE,
    NotAsAsked: ExitCode.NOT_AS_ASKED,
    Unavailable: ExitCode.UNAVAILABLE,
    Interrupted: ExitCode.RESTART_ME,
    Unfit: ExitCode.WRONG_SETTINGS,
}


def exit_code(failure: Failed) -> ExitCode:
    """The code with which a command ends for this failure: that of its nearest kind."""
    return next(OF_FAILURE[kind] for kind in type(failure).__mro__ if kind in OF_FAILURE)
