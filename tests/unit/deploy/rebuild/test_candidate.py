"""Which number a rebuild folds under: an unfinished one of the same code, or one that was never used."""

import pytest

from deploy.folding_code import digest_of_code
from deploy.generations import Said
from deploy.rebuild.candidate import resumes
from schemas.generation import Generation

HERE = Generation(2, 0, "c1", 30)
TOPICS = frozenset({"p.coverage.ledger.v1", "p.coverage.ledger.v1.g2"})

CASES = {
    "unfinished, of this code: it goes on": (Said(Generation(1), Generation(2, 5, "c1", 30)), TOPICS, True),
    "nothing was ever begun": (Said(Generation(1), Generation(1)), TOPICS, False),
    "what was begun stands": (Said(Generation(2), Generation(2, 5, "c1", 30)), TOPICS, False),
    "another code began it": (Said(Generation(1), Generation(2, 5, "c0", 30)), TOPICS, False),
    "another grace period began it": (Said(Generation(1), Generation(2, 5, "c1", 31)), TOPICS, False),
    "its topics were dropped": (Said(Generation(1), Generation(2, 5, "c1", 30)), frozenset[str](), False),
}


@pytest.mark.parametrize(("said", "topics", "goes_on"), CASES.values(), ids=CASES)
def test_a_rebuild_goes_on_with_what_its_own_code_began(said: Said, topics: frozenset[str], goes_on: bool) -> None:
    assert resumes(said, HERE, "p.", topics) is goes_on


def test_the_same_code_has_the_same_digest() -> None:
    assert digest_of_code() == digest_of_code()
    assert len(digest_of_code()) == 12


def test_a_generation_is_read_as_it_was_written() -> None:
    assert Generation.decode(HERE.encode()) == HERE


@pytest.mark.parametrize("value", [b"", b"[]", b"{", b'{"number": 2, "by": "somebody else"}'])
def test_what_is_no_generation_is_an_error(value: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        Generation.decode(value)
