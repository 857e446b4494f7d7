"""How an operation fails: the message of each exception is a sentence that says what is wrong and what to do.

The command line maps each kind to an exit code (`peserta.cli.exit_codes`); another face answers in its own way.
"""

from streams.lane.stop_code import StopCode


class Failed(Exception):
    """An operation could not do what was requested."""


class Rejected(Failed):
    """The request is wrong: an argument, a file, a date. Nothing was done."""


class NotAsAsked(Failed):
    """The operation ran, and something was refused or differs."""


class Unavailable(Failed):
    """Kafka or ClickHouse does not answer, or refuses at the moment. Trying again later may help."""


class Interrupted(Failed):
    """Something ended unexpectedly. Nothing of the current work was committed: start it again."""


class Unfit(Failed):
    """Settings, topics or state do not fit each other. A restart does not help; the message says what does."""


class WrongSettings(Unfit):
    """An environment variable has an invalid value; the message names it."""


def of_process(sentence: str, code: int) -> Failed:
    """The failure for a worker of ours that has ended with this exit code (streams.lane.stop)."""
    return Unfit(sentence) if code == StopCode.REFUSE else Interrupted(sentence)
