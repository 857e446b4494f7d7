"""How a command ends when it cannot do what it was asked: a sentence with a way out, and an exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit code of a command says."""

    DONE = 0
    NOT_AS_ASKED = 1  # it ran, and something was refused or differs
    WRONG_USE = 2  # wrong arguments, an unreadable or wrong file
    UNAVAILABLE = 69  # a broker or a ClickHouse that does not answer
    RESTART_ME = 70  # an unexpected error: nothing was committed
    WRONG_SETTINGS = 78  # a restart does not mend it
    READER_LEFT = 141  # who read the output has closed it (`| head`): as a shell counts a program that SIGPIPE ends


class CommandFailed(Exception):
    """The sentence for the person at the terminal, and the exit code."""

    def __init__(self, sentence: str, code: ExitCode = ExitCode.WRONG_USE) -> None:
        super().__init__(sentence)
        self.code = code


class WrongSettings(Exception):
    """The environment says something that cannot be; the text names the variable."""
