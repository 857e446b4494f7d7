"""The errors of the embedded stack: a sentence that says what is wrong, and a way out."""


class StackError(RuntimeError):
    """The stack cannot do what was asked; the text is meant for the person at the terminal."""


class StartStopped(StackError):
    """The one who started the stack asked for its end before it was up."""
