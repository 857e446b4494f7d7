"""The table of keys, record by record: which keys the HTTP door accepts."""

from dataclasses import replace

import pytest

from peserta.operations.failure import Rejected
from peserta.operations.keys import KeyTable, new_key
from schemas.keys import Key
from schemas.records import Instant

NOW: Instant = 1_700_000_000_000
SECRET = bytes(32)


def made(secret: bytes = SECRET, key_id: str = "k1") -> tuple[Key, str]:
    return new_key(secret, key_id, name="hris", role="publisher", created_at=NOW)


def table_of(*records: tuple[str, bytes | None]) -> KeyTable:
    table = KeyTable()
    for key_id, value in records:
        table.take(key_id.encode(), value)
    return table


def test_a_key_is_found_by_its_secret_and_by_nothing_else() -> None:
    key, secret = made()
    table = table_of(("k1", key.encode()))
    assert table.of_secret(secret) == key
    assert [table.of_secret(text) for text in ("", secret[:-1], secret.upper(), key.sha256, key.key_id)] == [None] * 5


def test_the_last_record_holds() -> None:
    key, secret = made()
    table = table_of(("k1", key.encode()), ("k1", replace(key, expires_at=NOW + 1).encode()))
    found = table.of_secret(secret)
    assert found is not None
    assert found.expires_at == NOW + 1


def test_another_secret_under_the_same_id_ends_the_first() -> None:
    (first, old), (second, new) = made(), made(bytes([1] * 32))
    table = table_of(("k1", first.encode()), ("k1", second.encode()))
    assert (table.of_secret(old), table.of_secret(new)) == (None, second)


def test_a_revoked_key_is_not_brought_back_by_a_later_record() -> None:
    key, secret = made()
    table = table_of(("k1", replace(key, revoked=True).encode()), ("k1", replace(key, expires_at=NOW + 1).encode()))
    found = table.of_secret(secret)
    assert found is not None
    assert found.revoked


@pytest.mark.parametrize("value", [None, b"", b"{}", b'{"key_id":"k1"}', b"[" * 100_000])
def test_a_record_that_cannot_be_read_ends_its_key(value: bytes | None) -> None:
    key, secret = made()
    table = table_of(("k1", key.encode()), ("k1", value))
    assert (table.of_secret(secret), table.all()) == (None, [])


def test_a_record_under_another_id_than_its_own_is_no_key() -> None:
    key, secret = made()
    assert table_of(("k2", key.encode())).of_secret(secret) is None


def test_keys_are_listed_in_order_of_making() -> None:
    (first, _), (second, _) = made(key_id="kb"), made(bytes([1] * 32), "ka")
    later = replace(second, created_at=NOW + 1)
    assert table_of(("ka", later.encode()), ("kb", first.encode())).all() == [first, later]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"role": "root"}, "role"),
        ({"name": ""}, "name"),
        ({"companies": ["a b"]}, "companies"),
        ({"types": ["fire"]}, "types"),
        ({"sources": [""]}, "sources"),
    ],
)
def test_a_wrong_key_is_not_made(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(Rejected, match=f"The {field} of the key must be"):
        new_key(SECRET, "k1", **({"name": "hris", "role": "publisher", "created_at": NOW} | wrong))  # type: ignore[arg-type]


def test_limits_are_sets() -> None:
    key, _ = new_key(SECRET, "k1", name="hris", role="publisher", created_at=NOW, companies=["C2", "C1", "C2"])
    assert (key.companies, key.types) == (("C1", "C2"), None)
