"""The private code that the hooks depend on: `pins.toml` compared with the installed packages.

`tests/unit/streams/lane/test_pins.py` fails when a digest differs. `python -m streams.lane.hooks.pins` prints the new
line and digest of each such pin.
"""

import hashlib
import importlib
import inspect
import sys
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Pin:
    """`name` is module:attribute, `line` its place in the file, `digest` 16 hex digits of its source's SHA-256."""

    name: str
    line: int
    digest: str
    why: str


def read_pins() -> tuple[Pin, ...]:
    """Every pin in `pins.toml`."""
    text = resources.files("streams.lane.hooks").joinpath("pins.toml").read_text(encoding="utf-8")
    return tuple(Pin(**fields) for fields in tomllib.loads(text)["pin"])


def source_of(name: str) -> tuple[str, int]:
    """Source text and first line of the object that `module:attribute` names."""
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = inspect.getattr_static(found, part)
    found = getattr(found, "fun", found)  # a background task of mode
    lines, first = inspect.getsourcelines(inspect.unwrap(found))
    return "".join(lines), first


def digest_of(source: str) -> str:
    """As in Pin.digest."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def main() -> None:
    """Print the new line and digest of each pin that no longer matches."""
    for pin in read_pins():
        source, line = source_of(pin.name)
        if digest_of(source) != pin.digest:
            sys.stdout.write(f"{pin.name} line {line} digest {digest_of(source)}\n")


if __name__ == "__main__":
    main()
