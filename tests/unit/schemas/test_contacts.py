"""The e-mail addresses of a company's team, and what has the form of one."""

import pytest

from schemas.contacts import Contact, addresses_of, is_address

SRI, BUDI, WITHOUT = (
    Contact("Sri", email="sri@pt.example"),
    Contact("Budi", email="b@pt.example", since=100),
    Contact("W"),
)


def test_a_team_is_told_from_its_first_day_and_each_address_once() -> None:
    plain = ("call the gate", "hr@pt.example", "sri@pt.example")
    assert addresses_of(plain, (SRI, BUDI, WITHOUT), 99) == ("sri@pt.example", "hr@pt.example")
    assert addresses_of(plain, (SRI, BUDI, WITHOUT), 100) == ("sri@pt.example", "b@pt.example", "hr@pt.example")
    assert addresses_of((), (), 0) == ()


@pytest.mark.parametrize("text", ["a@b.id", "a.b+c@d-e.co.id", "a" * 64 + "@pt.example"])
def test_an_address_has_one_sign_and_a_domain(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a@b", "a@@b.id", "a b@c.id", "a@b.id, c@d.id", "A <a@b.id>", "a@b.id\n", "a@b.", "x" * 250 + "@b.id"],
)
def test_anything_else_is_no_address(text: str) -> None:
    assert not is_address(text)
