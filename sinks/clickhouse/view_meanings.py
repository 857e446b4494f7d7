"""How the meaning of a view and of its columns is written down (`view_columns`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Meaning(NamedTuple):
    """A column's unit, empty where it has none, and its meaning: one sentence or less."""

    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """What a row of a view is, and the columns whose meaning is the view's own."""

    text: str
    meanings: Mapping[str, Meaning] = field(default_factory=dict)


def text(text: str) -> Meaning:
    """A text."""
    return Meaning("", text)


def workers(text: str) -> Meaning:
    """A number of workers."""
    return Meaning("workers", text)


def share(text: str) -> Meaning:
    """A share in basis points."""
    return Meaning("basis points", text)


def date(text: str) -> Meaning:
    """A date."""
    return Meaning("date", text)


def instant(text: str) -> Meaning:
    """An instant."""
    return Meaning("instant, UTC", text)


def each(names: tuple[str, ...], meaning: Meaning) -> dict[str, Meaning]:
    """The same meaning for each of these columns."""
    return dict.fromkeys(names, meaning)


def windows(stem: str, meaning: Meaning) -> dict[str, Meaning]:
    """The same meaning for the column of each window."""
    return each(tuple(f"{stem}_{days}" for days in (7, 30, 90)), meaning)
