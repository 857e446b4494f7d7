"""A rebuild's generation number: that of an unfinished rebuild by the same code, or a number that was never used."""

import pytest

from peserta.operations.failure import Failed, Unavailable, Unfit
from peserta.operations.folding_code import digest_of_code
from peserta.operations.generations import GenerationRecords, decoded, refusing
from peserta.operations.rebuild.candidate import resumes
from schemas.generation import Generation
from streams.lane.stop import Refused as LaneRefused

HERE = Generation(2, 0, "c1", 30)
TOPICS = frozenset({"p.coverage.ledger.v1", "p.coverage.ledger.v1.g2"})

CASES = {
    "unfinished, of this code: it goes on": (
        GenerationRecords(Generation(1), Generation(2, 5, "c1", 30)),
        TOPICS,
        True,
    ),
    "nothing was ever begun": (GenerationRecords(Generation(1), Generation(1)), TOPICS, False),
    "what was begun stands": (GenerationRecords(Generation(2), Generation(2, 5, "c1", 30)), TOPICS, False),
    "another code began it": (GenerationRecords(Generation(1), Generation(2, 5, "c0", 30)), TOPICS, False),
    "another grace period began it": (GenerationRecords(Generation(1), Generation(2, 5, "c1", 31)), TOPICS, False),
    "its topics were dropped": (GenerationRecords(Generation(1), Generation(2, 5, "c1", 30)), frozenset[str](), False),
}


@pytest.mark.parametrize(("said", "topics", "goes_on"), CASES.values(), ids=CASES)
def test_a_rebuild_goes_on_with_what_its_own_code_began(
    said: GenerationRecords, topics: frozenset[str], goes_on: bool
) -> None:
    assert resumes(said, HERE, "p.", topics) is goes_on


def test_the_same_code_has_the_same_digest() -> None:
    assert digest_of_code() == digest_of_code()
    assert len(digest_of_code()) == 12


def test_a_generation_is_read_as_it_was_written() -> None:
    assert Generation.decode(HERE.encode()) == HERE


NONE = {
    "nothing": b"",
    "a list": b"[]",
    "half a record": b"{",
    "a field that is not known": b'{"number": 2, "by": "somebody else"}',
    "no number": b"{}",
    "everything but a number": b'{"since": 1, "code": "c1", "grace_days": 30}',
    "a number in words": b'{"number": "3"}',
    "a number below the first": b'{"number": 0}',
    "a number with a point": b'{"number": 2.0}',
    "true": b'{"number": true}',
    "no number but null": b'{"number": null}',
    "a time in words": b'{"number": 2, "since": "now"}',
    "a digest that is a number": b'{"number": 2, "code": 7}',
    "a grace period in words": b'{"number": 2, "grace_days": "30"}',
    "a grace period below nothing": b'{"number": 2, "grace_days": -1}',
    "bytes that are no text": b"\xff\xfe",
}


@pytest.mark.parametrize("value", NONE.values(), ids=NONE)
def test_what_is_no_generation_is_an_error(value: bytes) -> None:
    with pytest.raises(ValueError):
        Generation.decode(value)


def test_a_record_that_names_no_generation_is_refused_with_a_sentence() -> None:
    with pytest.raises(Failed, match="offset 3, names no generation of the book") as refused:
        decoded("coverage.generations.v1", 3, b'{"number": 0}')
    assert isinstance(refused.value, Unfit)


def test_a_running_worker_that_reads_such_a_record_refuses_too_and_says_why() -> None:
    with pytest.raises(LaneRefused, match="the sentence"), refusing():
        raise Unfit("the sentence")
    with pytest.raises(Failed), refusing():
        raise Unavailable("no broker")
