"""The exit codes with which a lane ends its process."""

from enum import IntEnum


class StopCode(IntEnum):
    """The exit code for the supervisor of the process."""

    RESTART = 70
    """Nothing of the current batch was committed; a new process will repeat it."""
    REFUSE = 78
    """A restart does not help: state and topics do not fit each other, or the settings are wrong."""
