"""Tokens of workers equal an independent computation, and no message repeats a personal number or the key."""

import base64
import hashlib
import hmac
import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.intake.tokens import InvalidId, TokenKey, make_key
from peserta.operations.failure import Rejected
from schemas.admission import is_national_id, is_word
from tests.support.journals import deterministic

KEY: Final = bytes(range(32))
KEYS: Final = st.binary(min_size=32, max_size=100)
DAYS: Final = st.one_of(st.integers(1, 31), st.integers(41, 71))
BETWEEN: Final = st.sampled_from(["", "", "", " ", ".", "-", " - ", "\N{NO-BREAK SPACE}", "\N{EN DASH}"])


@st.composite
def niks(draw: st.DrawFn) -> str:
    """Well-formed national ids."""
    region, number = draw(st.integers(0, 999_999)), draw(st.integers(0, 9_999))
    day, month, year = draw(DAYS), draw(st.integers(1, 12)), draw(st.integers(0, 99))
    return f"{region:06}{day:02}{month:02}{year:02}{number:04}"


@st.composite
def spaced(draw: st.DrawFn, digits: str) -> str:
    """The digits with separators, as people write them."""
    written = digits[0] + "".join(draw(BETWEEN) + digit for digit in digits[1:])
    return draw(st.sampled_from(["", " ", "\t"])) + written + draw(st.sampled_from(["", " ", "\r\n"]))


def by_hand(key: bytes, letter: str, text: str) -> str:
    """Section 10 of SEMANTICS.md, one step a line."""
    digest = hmac.new(key, text.encode("utf-8"), hashlib.sha256).digest()
    return letter + base64.b32encode(digest[:15]).decode("ascii").rstrip("=").lower()


@deterministic
@given(KEYS, niks(), st.data())
def test_the_token_of_a_national_id(key: bytes, digits: str, data: st.DataObject) -> None:
    assert TokenKey(key).nik(data.draw(spaced(digits))) == by_hand(key, "n", f"nik:{digits}")


@deterministic
@given(KEYS, st.from_regex(r"[0-9]{11}", fullmatch=True), st.data())
def test_the_token_of_a_participant_number(key: bytes, digits: str, data: st.DataObject) -> None:
    assert TokenKey(key).kpj(data.draw(spaced(digits))) == by_hand(key, "k", f"kpj:{digits}")


@deterministic
@given(KEYS, st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=20), st.text(max_size=30))
def test_the_token_of_an_employee_number(key: bytes, company: str, text: str) -> None:
    if not text.strip():
        with pytest.raises(InvalidId, match="employee"):
            TokenKey(key).employee(company, text)
        return
    made = TokenKey(key).employee(company, f" {text}\n")
    assert made == by_hand(key, "e", f"employee:{company}:{text.strip()}")


def test_tokens_that_were_reckoned_elsewhere() -> None:
    """The expected tokens come from `openssl dgst -sha256 -mac HMAC -macopt hexkey:0001...1f` and `base32`."""
    key = TokenKey(KEY)
    assert key.nik("3320 0512 0390 0001") == "n35z3t4uglaovl7ki2wohtfni"
    assert key.mark == "89dd8269"


@deterministic
@given(niks(), st.from_regex(r"[0-9]{11}", fullmatch=True))
def test_a_token_is_a_worker_id_and_no_number(nik: str, kpj: str) -> None:
    key = TokenKey(KEY)
    for token in (key.nik(nik), key.kpj(kpj), key.employee("C1", nik)):
        assert re.fullmatch(r"[nke][a-z2-7]{24}", token)
        assert is_word(token)
        assert not is_national_id(token)


@deterministic
@given(st.text(max_size=40) | st.from_regex(r"[0-9 .\-]{9,20}", fullmatch=True))
def test_what_is_taken_has_the_right_number_of_digits_and_a_date(text: str) -> None:
    digits = "".join(re.findall("[0-9]", text))
    try:
        TokenKey(KEY).nik(text)
    except InvalidId as error:
        assert error.reason == "invalid_nik"
        assert len(digits) < 11 or digits not in str(error)
    else:
        assert len(digits) == 16
        assert 1 <= int(digits[6:8]) <= 71
        assert not 32 <= int(digits[6:8]) <= 40
        assert 1 <= int(digits[8:10]) <= 12


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("15 digits", "332005120390001"),
        ("17 digits", "33200512039000011"),
        ("day 00", "3320050003900001"),
        ("day 32", "3320053203900001"),
        ("day 40", "3320054003900001"),
        ("day 72", "3320057203900001"),
        ("month 00", "3320051200900001"),
        ("month 13", "3320051213900001"),
        ("digits of another script", "٣٣٢٠٠٥١٢٠٣٩٠٠٠٠١"),
        ("a letter among them", "33200512O3900001"),
        ("a sign before it", "-3320051203900001"),
        ("scientific notation", "3.32005E+15"),
        ("nothing", ""),
    ],
)
def test_a_wrong_national_id_is_refused_and_not_repeated(what: str, text: str) -> None:
    with pytest.raises(InvalidId) as refused:
        TokenKey(KEY).nik(text)
    assert refused.value.reason == "invalid_nik"
    assert not text or text not in f"{refused.value!s}{refused.value!r}"


def test_nothing_shows_a_key() -> None:
    key = TokenKey(b"a secret of thirty-two bytes ....")
    assert "secret" not in f"{key!r}{key!s}"


# ---------------------------------------------------------------- the file


def test_a_new_key_is_read_back_and_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "company.key"
    made = make_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_size == 32
    assert (
        TokenKey.read(file).mark
        == made.mark
        == hmac.digest(file.read_bytes(), b"peserta token key", "sha256").hex()[:8]
    )
    before = file.read_bytes()
    with pytest.raises(Rejected, match="there already"):
        make_key(file)
    assert file.read_bytes() == before
    assert make_key(tmp_path / "other.key").mark != made.mark


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700, 0o644])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    make_key(file)
    file.chmod(mode)
    with pytest.raises(Rejected, match="chmod 600"):
        TokenKey.read(file)
    file.chmod(0o400)
    assert TokenKey.read(file)


@pytest.mark.parametrize("size", [0, 31, 4097])
def test_a_key_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\0" * size)
    file.chmod(0o600)
    with pytest.raises(Rejected, match="bytes"):
        TokenKey.read(file)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="new-key"):
        TokenKey.read(tmp_path / "nowhere")
    with pytest.raises(Rejected):
        TokenKey.read(tmp_path)
