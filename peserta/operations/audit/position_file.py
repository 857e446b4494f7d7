"""A position as a file: gzip of two lines, a checksum and what it is of; refused when a byte of it is another."""

import gzip
import hashlib
import json
import os
import tempfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from peserta.operations.audit.position import Anchor, Carried, PartitionPosition, Position, SourcePosition
from peserta.operations.failure import Failed, Rejected
from schemas.records import Coordinates

FORMAT: Final = 2
COMPRESSION: Final = 6


class _Damaged(Exception):
    """The content is not what the checksum says."""


def write_position(path: Path, position: Position) -> None:
    """All or nothing, and readable by its owner only: the rows hold workers' tokens. Failed if it cannot."""
    content = json.dumps(_plain(position), separators=(",", ":"), sort_keys=True).encode()
    head = json.dumps({"position": FORMAT, "sha256": hashlib.sha256(content).hexdigest()}).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                # Without a time in it, the same position is the same file.
                file.write(gzip.compress(head + b"\n" + content, COMPRESSION, mtime=0))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Rejected(f"The position could not be saved in {path}: {error.strerror}.") from error


def read_position(path: Path) -> Position:
    """A position from a file; Failed when it is none, or damaged."""
    try:
        head, _, content = gzip.decompress(path.read_bytes()).partition(b"\n")
        said = json.loads(head)
        if isinstance(said["position"], int) and said["position"] != FORMAT:
            raise _other_format(path)
        if said["position"] != FORMAT or said["sha256"] != hashlib.sha256(content).hexdigest():
            raise _Damaged
        return _position(json.loads(content))
    except OSError as error:
        if not isinstance(error, gzip.BadGzipFile):
            raise Rejected(f"{path} cannot be read: {error.strerror}.") from error
        raise _no_position(path) from error
    except (_Damaged, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_position(path) from error


def _other_format(path: Path) -> Failed:
    return Rejected(
        f"{path} was saved by another version of peserta: a full audit (without --since) saves a new position."
    )


def _no_position(path: Path) -> Failed:
    return Rejected(f"{path} is no position, or it is damaged: save one with `peserta audit --save {path}`.")


def _plain(position: Position) -> dict[str, Any]:
    return {
        "book": dict(position.book),
        "partitions": {str(number): _plain_partition(at) for number, at in position.partitions.items()},
        "sources": [[*source, asdict(at)] for source, at in sorted(position.sources.items())],
    }


def _plain_partition(at: PartitionPosition) -> dict[str, Any]:
    return {
        "next": dict(at.next),
        "last": {name: asdict(last) for name, last in at.last.items()},
        "carried": {name: asdict(carried) for name, carried in at.carried.items()},
        "head": at.head.hex(),
        "rows": [[_text(key), _text(value)] for key, value in sorted(at.rows.items())],
        "counts": dict(at.counts),
        "dispositions": dict(at.dispositions),
        "letters": [[*at, digest] for at, digest in sorted(at.letters.items())],
    }


def _position(said: Mapping[str, Any]) -> Position:
    partitions = {int(number): _partition(at) for number, at in said["partitions"].items()}
    sources = {(topic, partition): _source(at) for topic, partition, at in said["sources"]}
    return Position(said["book"], partitions, sources)


def _partition(said: Mapping[str, Any]) -> PartitionPosition:
    return PartitionPosition(
        next=said["next"],
        last={name: Anchor(**last) for name, last in said["last"].items()},
        carried={name: Carried(**carried) for name, carried in said["carried"].items()},
        head=bytes.fromhex(said["head"]),
        rows={b64decode(key): b64decode(value) for key, value in said["rows"]},
        counts=said["counts"],
        dispositions=said["dispositions"],
        letters={Coordinates(*at): digest for *at, digest in said["letters"]},
    )


def _source(said: Mapping[str, Any]) -> SourcePosition:
    refused = {int(offset): reason for offset, reason in said["refused_ahead"].items()}
    return SourcePosition(**{**said, "ahead": tuple(said["ahead"]), "refused_ahead": refused})


def _text(value: bytes) -> str:
    return b64encode(value).decode()
