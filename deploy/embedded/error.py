"""The errors of the embedded stack. Each message says what is wrong and what to do."""


class StackError(RuntimeError):
    """The stack cannot do what was requested. The message is for the person at the terminal."""


class StartStopped(StackError):
    """The caller stopped the stack while it was starting."""
