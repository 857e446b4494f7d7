"""The hooks' ground: the pinned code of Faust, mode and aiokafka is what it was when the hooks were written."""

import ast
from pathlib import Path

import pytest

from streams.lane.pins import PINS, Pin, digest_of, source_of

LANE = Path(__file__).parents[4] / "streams" / "lane"


@pytest.mark.parametrize("pin", PINS, ids=[pin.name for pin in PINS])
def test_the_code_behind_a_hook_is_unchanged(pin: Pin) -> None:
    source, line = source_of(pin.name)
    assert digest_of(source) == pin.digest, f"changed: {pin.why}; see streams/lane/pins.py for what to do"
    assert line == pin.line


def test_only_the_hooks_use_private_parts() -> None:
    """Outside faust_hooks.py a private name belongs to self, or to a class's own module."""
    found = []
    for path in sorted(LANE.glob("*.py")):
        if path.name == "faust_hooks.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
                continue
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "os")):
                found.append(f"{path.name}:{node.lineno} {node.attr}")
    assert found == []
