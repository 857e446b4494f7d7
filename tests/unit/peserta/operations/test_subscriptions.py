"""What applying subscriptions does to those that there are."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from peserta.operations.subscriptions import CHANGED, NEW, UNCHANGED, Applied, applied_to
from schemas.subscriptions import Subscription
from tests.support.journals import deterministic

WANTED = Subscription("hr", "email", ("hr@pt.example",), 20_000)
STANDING = replace(WANTED, applied_at=10, in_force_from=5)


def test_a_new_one_is_in_force_from_now() -> None:
    assert applied_to({}, [WANTED], 20) == (Applied(NEW, replace(WANTED, applied_at=20, in_force_from=20)),)


def test_an_unchanged_one_is_applied_again_and_stays_in_force() -> None:
    after = replace(STANDING, applied_at=20)
    assert applied_to({"hr": STANDING}, [WANTED], 20) == (Applied(UNCHANGED, after),)


def test_an_ended_one_begins_anew() -> None:
    ended = replace(STANDING, ended_at=15)
    after = replace(WANTED, applied_at=20, in_force_from=20)
    assert applied_to({"hr": ended}, [WANTED], 20) == (Applied(CHANGED, after),)


@settings(deterministic, max_examples=50)
@given(st.integers(0, 9), st.integers(1, 9), st.sampled_from(["id", "en"]))
def test_a_changed_one_keeps_since_when_it_is_in_force(since: int, later: int, language: str) -> None:
    standing = replace(WANTED, applied_at=since, in_force_from=since)
    (one,) = applied_to({"hr": standing}, [replace(WANTED, language=language)], since + later)
    assert one.subscription.in_force_from == since
    assert one.subscription.applied_at == since + later
    assert (one.kind == UNCHANGED) == (language == WANTED.language)
