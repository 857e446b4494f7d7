"""The code of Faust, mode and aiokafka on which the hooks depend is the same as when the hooks were written."""

import ast
from pathlib import Path

import pytest

from streams.lane.hooks.pins import Pin, digest_of, read_pins, source_of

LANE = Path(__file__).parents[4] / "streams" / "lane"


@pytest.mark.parametrize("pin", read_pins(), ids=lambda pin: pin.name)
def test_the_code_behind_a_hook_is_unchanged(pin: Pin) -> None:
    source, line = source_of(pin.name)
    assert digest_of(source) == pin.digest, f"changed: {pin.why}; see streams/lane/hooks/pins.toml for what to do"
    assert line == pin.line


def test_only_the_hooks_use_private_parts() -> None:
    """Outside the hooks, code uses private names only of self or of its own module."""
    found = []
    for path in sorted(LANE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
                continue
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "os")):
                found.append(f"{path.name}:{node.lineno} {node.attr}")
    assert found == []
