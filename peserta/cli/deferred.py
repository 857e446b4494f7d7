"""Commands whose modules are imported when they are called: `peserta --help` needs none of their libraries."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from peserta.operations.failure import Unfit

# Library -> the extra of the distribution that brings it.
EXTRAS: Final = {
    **dict.fromkeys(("fastapi", "uvicorn"), "api"),
    **dict.fromkeys(("python_calamine", "xlsxwriter"), "sheets"),
    **dict.fromkeys(("aiosmtplib", "babel", "jinja2"), "notices"),
}
SETTINGS: Final[dict[str, Any]] = {
    "rich_markup_mode": "markdown",
    "pretty_exceptions_enable": False,
    "add_completion": False,
}


@contextmanager
def extras_named(command: str) -> Iterator[None]:
    """Raises Unfit if an import within needs an extra that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(str(error.name))
        if extra is None:
            raise
        raise Unfit(
            f"`peserta {command}` needs {error.name}, which is not installed: pip install 'peserta[{extra}]'."
        ) from error


class Deferred(TyperCommand):
    """A command, or a group of them, by its place `module:name`; `summary` is the first paragraph of its own help.

    This is the only place that imports anything when it runs: a module says at its top what it needs.
    """

    def __init__(self, name: str, panel: str | None, place: str, summary: str, *, within: str = "") -> None:
        """`within` are the words before its name."""
        super().__init__(name, help=summary, rich_help_panel=panel)
        self._place, self._words = place, f"{within}{name}"

    def load(self) -> TyperCommand | TyperGroup:
        """The command itself. Raises Unfit if it needs an extra that is not installed."""
        module, _, attribute = self._place.partition(":")
        with extras_named(self._words):
            found = getattr(import_module(module), attribute)
        alone = typer.Typer(**SETTINGS)
        if isinstance(found, typer.Typer):
            alone.add_typer(found, name=self.name)
        else:
            alone.command(self.name)(found)
        command = get_group(alone).commands[str(self.name)]
        assert isinstance(command, TyperCommand | TyperGroup)
        return command

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        """That of the command itself, so that its arguments are read and it is what is invoked."""
        return self.load().make_context(*arguments, **extra)


def every_command(
    below: TyperCommand | TyperGroup, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group below this one, imported, with the words that lead to it."""
    for name, command in getattr(below, "commands", {}).items():
        found = command.load() if isinstance(command, Deferred) else command
        yield (*path, name), found
        yield from every_command(found, (*path, name))
