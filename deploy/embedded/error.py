"""The one error of the embedded stack: a sentence that says what is wrong, and a way out."""


class StackError(RuntimeError):
    """The stack cannot do what was asked; the text is meant for the person at the terminal."""
