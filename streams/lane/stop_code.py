"""The exit codes with which a lane ends its process."""

from enum import IntEnum


class StopCode(IntEnum):
    """What the exit code tells whoever started the process."""

    RESTART = 70
    """Nothing of the batch under way was committed; a new process takes it up again."""
    REFUSE = 78
    """A restart does not mend it: state and topics do not fit each other, or the settings are wrong."""
