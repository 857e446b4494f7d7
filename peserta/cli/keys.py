"""`peserta keys`: who may call the HTTP door."""

import asyncio
import secrets
from typing import Annotated, Final

import typer

from peserta.cli.arguments import optional_instant
from peserta.cli.screen import counted, err, out, shown, table
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.keys import change_key, new_key, read_keys, write_key
from schemas.dates import DAY_MS, instant, instant_text
from schemas.keys import ROLES, SECRET_BYTES, Key
from schemas.records import Instant
from streams.clock import now_ms

keys = typer.Typer(no_args_is_help=True, help="The keys with which other systems call the HTTP door.")

ID_BYTES: Final = 6
DAYS_MAX: Final = 3_660

KeyId = Annotated[str, typer.Argument(help="The id of the key; `peserta keys list` shows it.", metavar="KEY_ID")]


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is, for the list.")],
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")],
    company: Annotated[list[str] | None, typer.Option(help="Only this company; again for a further one.")] = None,
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Only facts of this type; again for a further one.")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Only facts of this source; again for a further one.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=DAYS_MAX, help="Days from now after which it is no longer valid.")
    ] = None,
) -> None:
    """Make a key, and print its secret: this once, for only its SHA-256 is kept.

    The secret is all that standard output has. A new key works within 5 seconds, at every process of the door.

    Example: peserta keys create hris-maju --role publisher --company NPP0001 --source hris
    """
    settings = with_kafka(find_installation())
    now = now_ms()
    key, secret = new_key(
        secrets.token_bytes(SECRET_BYTES),
        f"k{secrets.token_hex(ID_BYTES)}",
        name=name,
        role=role,
        created_at=now,
        companies=company or (),
        types=type_ or (),
        sources=source or (),
        expires_at=None if days is None else now + days * DAY_MS,
    )
    asyncio.run(write_key(settings, key))
    err.print(f"Key {key.key_id} is made. Its secret is shown now and never again:")
    out.print(secret)


@keys.command("list")
def list_keys() -> None:
    """Show the keys: for whom, what each may do, and whether it is valid.

    Example: peserta keys list
    """
    found, now = asyncio.run(read_keys(with_kafka(find_installation()))).all(), now_ms()
    columns = ("key", "name", "role", "state", "companies", "types", "sources", "made at", "valid until")
    rows = [_row(key, now) for key in found]
    prose = ("companies", "types", "sources")
    out.print(table(counted(len(rows), "key"), columns, rows, prose=prose, spare=("made at",), records=True))


@keys.command("expire")
def expire(
    key_id: KeyId,
    at: Annotated[
        str | None,
        typer.Option(
            help="From when it is no longer valid, RFC 3339; now.", callback=optional_instant, metavar="INSTANT"
        ),
    ] = None,
) -> None:
    """Let a key end at a moment, now if none is named.

    Example: peserta keys expire k0123456789ab --at 2027-01-01T00:00:00+07:00
    """
    expires_at = now_ms() if at is None else instant(at)
    key = asyncio.run(change_key(with_kafka(find_installation()), key_id, expires_at=expires_at))
    out.print(f"Key {shown(key.key_id)} is valid until {instant_text(expires_at)}")


@keys.command("revoke")
def revoke(key_id: KeyId) -> None:
    """End a key for good. It stops within 5 seconds, at every process of the door.

    Example: peserta keys revoke k0123456789ab
    """
    key = asyncio.run(change_key(with_kafka(find_installation()), key_id, revoked=True))
    out.print(f"Key {shown(key.key_id)} is revoked")


def _row(key: Key, now: Instant) -> tuple[str, ...]:
    state = "revoked" if key.revoked else "valid" if key.is_valid(now) else "expired"
    limits = ("all" if limit is None else ", ".join(limit) for limit in (key.companies, key.types, key.sources))
    until = "for ever" if key.expires_at is None else instant_text(key.expires_at)
    return (key.key_id, key.name, key.role, state, *limits, instant_text(key.created_at), until)
