"""For each key and number, the client gives the same token as the service, or the same reason for refusing it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.intake import tokens as service
from peserta.operations.failure import Rejected
from peserta_client import tokens as client
from tests.support.journals import deterministic

KEY: Final = bytes(range(32))
NIK: Final = "3175010203450001"
KEYS: Final = st.binary(min_size=32, max_size=100)
DIGITS: Final = st.text("0123456789", min_size=9, max_size=18) | st.sampled_from([NIK, NIK[:11]])
SIGNS: Final = ["", "", "", " ", ".", "-", "\N{NO-BREAK SPACE}", "\N{EN DASH}", "/", ",", "x", "٣", "\n"]
EMPLOYEES: Final = st.text(max_size=30) | st.sampled_from(["", " ", " 7 ", "7" * 256, "7" * 257, "\ud83d", NIK])
COMPANIES: Final = st.sampled_from(["C1", "NPP-1", "", "C 1", "C" * 64, "C" * 65, "\udc00"]) | st.text(max_size=10)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Numbers as people write them, some of them wrong."""
    return "".join(digit + draw(st.sampled_from(SIGNS)) for digit in draw(DIGITS))


def outcome(make: Callable[..., str], *arguments: Any) -> str:
    """The token, or the reason and the message of the refusal."""
    try:
        return make(*arguments)
    except (client.InvalidId, service.InvalidId) as error:
        return f"{error.reason}: {error}"


@deterministic
@given(KEYS, numbers(), EMPLOYEES, COMPANIES)
def test_the_same_tokens_as_the_service(key: bytes, number: str, employee: str, company: str) -> None:
    one, other = client.TokenKey(key), service.TokenKey(key)
    assert one.mark == other.mark
    assert outcome(one.nik, number) == outcome(other.nik, number)
    assert outcome(one.kpj, number) == outcome(other.kpj, number)
    assert outcome(one.employee, company, employee) == outcome(other.employee, company, employee)


def test_the_same_days_and_months_as_the_service() -> None:
    one, other = client.TokenKey(KEY), service.TokenKey(KEY)
    for number in (f"317501{day:02}{month:02}850001" for day in range(100) for month in range(100)):
        assert outcome(one.nik, number) == outcome(other.nik, number)


def test_tokens_that_were_computed_once() -> None:
    key = client.TokenKey(KEY)
    assert key.nik(" 3175.0102.0345-0001") == service.TokenKey(KEY).nik(NIK)
    assert [key.nik(NIK)[0], key.kpj(NIK[:11])[0], key.employee("C1", "7")[0]] == ["n", "k", "e"]
    assert {len(key.nik(NIK)), len(key.employee("C1", "7"))} == {25}


@pytest.mark.parametrize("size", [0, 31, 32, 4096, 4097])
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o604, 0o700, 0o601])
def test_the_same_key_files_as_the_service(tmp_path: Path, size: int, mode: int) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"k" * size)
    path.chmod(mode)
    try:
        mark = service.TokenKey.read(path).mark
    except Rejected:
        with pytest.raises(client.UnusableKey):
            client.TokenKey.read(path)
    else:
        assert client.TokenKey.read(path).mark == mark


def test_what_is_no_file_is_no_key(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    for path in (tmp_path, tmp_path / "fifo", tmp_path / "nothing"):
        with pytest.raises(client.UnusableKey):
            client.TokenKey.read(path)


def test_a_new_key_is_for_its_owner_alone_and_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = client.make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and len(path.read_bytes()) == 32
    assert service.TokenKey.read(path).mark == made.mark
    with pytest.raises(client.UnusableKey):
        client.make_key(path)
    assert client.TokenKey.read(path).mark == made.mark


def test_nothing_repeats_a_number_or_the_key() -> None:
    key = client.TokenKey(b"secret" * 6)
    assert "secret" not in repr(key) and "secret" not in str(key)
    with pytest.raises(client.InvalidId) as caught:
        key.nik(NIK + "9")
    assert NIK not in f"{caught.value!r}" and caught.value.__context__ is None
