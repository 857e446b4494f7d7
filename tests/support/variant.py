"""Replacing methods of the service from outside: for good in a process of its own, or for a while in this one."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from unittest.mock import patch

Wrapper: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


class Patch(NamedTuple):
    """A method of a class, or a function of a module, and what replaces it, given the original."""

    place: Any
    name: str
    by: Wrapper


def wrap(place: Any, name: str, by: Wrapper) -> None:
    """Replace a function, in this process only and for good."""
    setattr(place, name, by(getattr(place, name)))


@dataclass(frozen=True)
class Variant:
    """A broken variant of the service. `patches(folder)`: its patches. What a variant has to keep beyond the end of a
    process it keeps in the folder."""

    name: str
    sentence: str
    patches: Callable[[Path], Iterable[Patch]]

    @classmethod
    def of(cls, patches: Callable[[Path], Iterable[Patch]]) -> "Variant":
        """The variant of a function: its name and its docstring are the variant's."""
        return cls(patches.__name__.replace("_", " "), (patches.__doc__ or "").strip(), patches)

    def put_in(self, folder: Path) -> None:
        """Break this process for good."""
        for one in self.patches(folder):
            wrap(*one)

    @contextmanager
    def present(self, folder: Path, also: Iterable[Patch] = ()) -> Iterator[None]:
        """Break this process for a while; `also`: with these patches too."""
        with ExitStack() as stack:
            for place, name, by in (*self.patches(folder), *also):
                stack.enter_context(patch.object(place, name, by(getattr(place, name))))
            yield
