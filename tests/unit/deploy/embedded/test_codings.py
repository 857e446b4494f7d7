"""A body decodes to its original, however its encoded form is split into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.clickhouse.codings import Decoder, encode
from deploy.embedded.clickhouse.query import EngineError

CODINGS = ["lz4", "zstd", "gzip", "deflate"]


@given(coding=st.sampled_from(CODINGS), bodies=st.lists(st.binary(), min_size=1, max_size=3), size=st.integers(1, 50))
def test_frames_in_pieces_of_any_size_give_the_body(coding: str, bodies: list[bytes], size: int) -> None:
    sent = b"".join(encode(coding, body)[1] for body in bodies)
    decoder = Decoder(coding)
    plain = b"".join(decoder.feed(sent[at : at + size]) for at in range(0, len(sent), size))
    decoder.finish()
    assert plain == b"".join(bodies)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_ends_in_the_middle_is_refused(coding: str) -> None:
    decoder = Decoder(coding)
    decoder.feed(encode(coding, b"some text")[1][:-3])
    with pytest.raises(EngineError, match="ends in the middle"):
        decoder.finish()


@pytest.mark.parametrize("coding", CODINGS)
def test_damaged_data_are_refused(coding: str) -> None:
    with pytest.raises(EngineError, match="Code: 89"):
        Decoder(coding).feed(b"\xff\xfe\xfd\xfc" * 8)


def test_a_coding_that_is_not_known_is_refused() -> None:
    with pytest.raises(EngineError, match="br"):
        Decoder("br")


ACCEPTED = {
    "the first known one": ("br, zstd;q=1, gzip", "zstd"),
    "none that is known": ("br", None),
    "nothing asked": ("", None),
}


@pytest.mark.parametrize(("header", "expected"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_the_answer_is_in_a_coding_that_the_client_takes(header: str, expected: str | None) -> None:
    coding, data = encode(header, b"text")
    assert coding == expected
    assert Decoder(coding or "").feed(data) == b"text"
