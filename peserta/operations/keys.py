"""Keys of the HTTP door: created, changed and read in their topic. A key's secret is never stored."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from peserta.operations.failure import Rejected
from peserta.operations.record_writing import records_of, write_records
from peserta.settings import Settings
from schemas.admission import holds_personal_number
from schemas.keys import RULES, SECRET_BYTES, Key, secret_sha256, secret_text, wrong_field
from schemas.records import Instant
from streams.core.reference_rules import shown

ROUNDS_MAX: Final = 3  # attempts to write a key again after another command changed it


class KeyTable:
    """The keys, built from the records of their topic."""

    def __init__(self) -> None:
        self._by_id: dict[str, Key] = {}
        self._by_sha256: dict[str, Key] = {}

    def take(self, key_id: bytes | None, value: bytes | None) -> None:
        """Apply one record of the topic.

        A revoked key stays revoked, whatever record follows. A record that cannot be read removes the key with its id:
        a door must not admit a key whose limits it does not understand.
        """
        name = (key_id or b"").decode("utf-8", "replace")
        before = self._by_id.pop(name, None)
        if before is not None:
            self._by_sha256.pop(before.sha256, None)
        try:
            key = Key.decode(value or b"")
        except (ValueError, RecursionError):
            return
        if key.key_id != name:
            return
        if before is not None and before.revoked:
            key = replace(key, revoked=True)
        self._by_id[name] = self._by_sha256[key.sha256] = key

    def of_secret(self, text: str) -> Key | None:
        """The key with this secret, valid or not; None if there is none."""
        return self._by_sha256.get(secret_sha256(text))

    def of_id(self, key_id: str) -> Key | None:
        """The key with this id; None if there is none."""
        return self._by_id.get(key_id)

    def all(self) -> Sequence[Key]:
        """All keys, the oldest first."""
        return sorted(self._by_id.values(), key=lambda key: (key.created_at, key.key_id))


def new_key(
    secret: bytes,
    key_id: str,
    *,
    name: str,
    role: str,
    created_at: Instant,
    companies: Sequence[str] = (),
    types: Sequence[str] = (),
    sources: Sequence[str] = (),
    expires_at: Instant | None = None,
) -> tuple[Key, str]:
    """(the key's record, the secret as it is sent). Empty `companies`, `types` or `sources` mean no limit.

    Raises Rejected with what is wrong.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} random bytes")
    text = secret_text(secret)
    key = Key(
        key_id,
        name,
        role,
        secret_sha256(text),
        created_at,
        companies=_limit(companies),
        types=_limit(types),
        sources=_limit(sources),
        expires_at=expires_at,
    )
    if wrong := wrong_field(key):
        raise Rejected(f"The {wrong} of the key {RULES[wrong]}. No key was made.")
    if any(map(holds_personal_number, (name, *companies, *sources))):
        raise Rejected("A name, company or source with a NIK or KPJ would be kept and shown: no key was made.")
    return key, text


def _limit(values: Sequence[str]) -> tuple[str, ...] | None:
    return tuple(sorted(set(values))) or None


async def read_keys(settings: Settings) -> KeyTable:
    """The current keys. Raises Unavailable without a broker or the topic."""
    table = KeyTable()
    async for record in records_of(settings, settings.topics.keys):
        table.take(record.key, record.value)
    return table


async def write_key(settings: Settings, key: Key) -> None:
    """Write the key and return once Kafka has acknowledged it. Raises Unavailable if it does not.

    Records that another command wrote at the same time are read afterwards. A key that was revoked meanwhile is written
    again as revoked, so that compaction cannot bring it back.
    """
    for _ in range(ROUNDS_MAX):
        await write_records(settings, settings.topics.keys, [(key.key_id, key.encode())])
        found = (await read_keys(settings)).of_id(key.key_id)
        if found is None or found.revoked == key.revoked:
            return
        key = found


async def change_key(settings: Settings, key_id: str, **changes: Any) -> Key:
    """Change a key; return it once Kafka has acknowledged the change.

    Raises Rejected if there is no such key or it is revoked.
    """
    key = (await read_keys(settings)).of_id(key_id)
    if key is None:
        raise Rejected(f"No key has the id {shown(key_id)}: `peserta keys list` shows those there are.")
    if key.revoked:
        raise Rejected(f"The key {shown(key_id)} is revoked already, and stays so.")
    changed = replace(key, **changes)
    if wrong := wrong_field(changed):
        raise Rejected(f"The {wrong} of the key {RULES[wrong]}. Nothing was changed.")
    await write_key(settings, changed)
    return changed
