"""Only `company.py` writes the fields of a company and of its policy states. The rest of the core calls its methods."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import streams.core
from streams.core.company import CompanyBook
from streams.core.policy_state import PolicyState

CORE = Path(streams.core.__file__).parent
OWNER = "company.py"
FIELDS = {*CompanyBook.__slots__, *PolicyState.__slots__}
CHANGING = {"add", "append", "clear", "pop", "setdefault", "sort", "update"}  # calls that change a list or a dict


def written(source: str) -> Iterator[str]:
    """The fields that this source writes in objects other than `self`."""
    for node in ast.walk(ast.parse(source)):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = [
                each for target in node.targets for each in (target.elts if isinstance(target, ast.Tuple) else [target])
            ]
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            targets = [node.func.value]
        for target in targets:
            field = target.value if isinstance(target, ast.Subscript) else target
            if not isinstance(field, ast.Attribute) or field.attr not in FIELDS:
                continue
            if not (isinstance(field.value, ast.Name) and field.value.id == "self"):
                yield field.attr


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.name)
def test_a_company_is_written_in_one_file(path: Path) -> None:
    if path.name != OWNER:
        assert list(written(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    ["company.today = 1", "known.wake_at = 0", "company.moves_of_day[on] = m", "company._future.append(1)",
     "a, company.next_on = 1, 2", "company.counted += 1"],
)  # fmt: skip
def test_a_foreign_hand_is_seen(source: str) -> None:
    assert list(written(source))
