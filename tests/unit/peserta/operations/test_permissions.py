"""Every request with every role: a table lists each expected answer."""

from itertools import product
from typing import Any

import pytest

from peserta.operations.permissions import Act, Denial, denial, denial_of_fact
from schemas.keys import ADMIN, OFFICER, PUBLISHER, READER, ROLES, Key, secret_sha256
from tests.support.facts import hire

# Role -> its permissions, copied by hand from SEMANTICS 12.
MAY = {
    (PUBLISHER, Act.POST_FACTS): True,
    (PUBLISHER, Act.FOLLOW_FACTS): True,
    (PUBLISHER, Act.READ_FIGURES): False,
    (PUBLISHER, Act.READ_WORKERS): False,
    (PUBLISHER, Act.HANDLE_ALERTS): False,
    (PUBLISHER, Act.MANAGE_KEYS): False,
    (READER, Act.POST_FACTS): False,
    (READER, Act.FOLLOW_FACTS): False,
    (READER, Act.READ_FIGURES): True,
    (READER, Act.READ_WORKERS): True,
    (READER, Act.HANDLE_ALERTS): False,
    (READER, Act.MANAGE_KEYS): False,
    (OFFICER, Act.POST_FACTS): False,
    (OFFICER, Act.FOLLOW_FACTS): False,
    (OFFICER, Act.READ_FIGURES): True,
    (OFFICER, Act.READ_WORKERS): True,
    (OFFICER, Act.HANDLE_ALERTS): True,
    (OFFICER, Act.MANAGE_KEYS): False,
    (ADMIN, Act.POST_FACTS): True,
    (ADMIN, Act.FOLLOW_FACTS): True,
    (ADMIN, Act.READ_FIGURES): True,
    (ADMIN, Act.READ_WORKERS): True,
    (ADMIN, Act.HANDLE_ALERTS): True,
    (ADMIN, Act.MANAGE_KEYS): True,
}


def key(role: str, **limits: Any) -> Key:
    return Key("k1", "somebody", role, secret_sha256("s"), 1_700_000_000_000, **limits)


def test_the_table_has_every_role_and_every_act() -> None:
    assert set(MAY) == set(product(ROLES, Act))


@pytest.mark.parametrize(("role", "act"), MAY, ids=lambda value: getattr(value, "name", value))
def test_what_a_role_may_do(role: str, act: Act) -> None:
    assert denial(key(role), act) == (None if MAY[role, act] else Denial.ROLE)


@pytest.mark.parametrize(("role", "act"), MAY, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize(
    ("limits", "asked", "expected"),
    [
        ({}, {"company": "C2", "type": "hire", "source": "x"}, None),
        ({"companies": ("C1",)}, {}, None),
        ({"companies": ("C1",)}, {"company": "C1"}, None),
        ({"companies": ("C1",)}, {"company": "C2"}, Denial.COMPANY),
        ({"companies": ("C1",)}, {"company": "c1"}, Denial.COMPANY),
        ({"types": ("hire",)}, {"company": "C2", "type": "hire"}, None),
        ({"types": ("hire",)}, {"company": "C2", "type": "correction"}, Denial.TYPE),
        ({"sources": ("hris",)}, {"source": "hris"}, None),
        ({"sources": ("hris",)}, {"source": "hris2"}, Denial.SOURCE),
        ({"companies": ("C1",), "types": ("hire",)}, {"company": "C2", "type": "correction"}, Denial.COMPANY),
    ],
)
def test_limits_hold_for_every_role_and_every_act(
    role: str, act: Act, limits: dict[str, tuple[str, ...]], asked: dict[str, str], expected: Denial | None
) -> None:
    found = denial(key(role, **limits), act, **asked)
    assert found == (expected if MAY[role, act] else Denial.ROLE)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, None),
        ({"companies": ("C2",)}, Denial.COMPANY),
        ({"types": ("termination", "enrollment")}, Denial.TYPE),
        ({"sources": ("agency",)}, Denial.SOURCE),
        ({"companies": ("C1",), "types": ("hire",), "sources": ("test",)}, None),
    ],
)
def test_a_fact_is_held_against_every_limit(limits: dict[str, tuple[str, ...]], expected: Denial | None) -> None:
    fact = hire("e1", "2025-09-01")._replace(company_id="C1", source="test")
    assert denial_of_fact(key(PUBLISHER, **limits), fact) == expected
