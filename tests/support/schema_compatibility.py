"""Whether data written with one version of a schema can be read with another: Avro's schema resolution, both ways.

It is stricter than Avro in two points: logical types must be equal (a date is not any number), and a renamed record
counts as another one, even with an alias.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

Named = Mapping[str, Mapping[str, Any]]

_PROMOTIONS: Final = {
    "int": frozenset(("long", "float", "double")),
    "long": frozenset(("float", "double")),
    "float": frozenset(("double",)),
    "string": frozenset(("bytes",)),
    "bytes": frozenset(("string",)),
}


def problems(old: Any, new: Any) -> list[str]:
    """Why data written with one of the two cannot be read with the other; empty if it always can."""
    return [f"old data, new reader: {problem}" for problem in _Resolution(old, new).problems()] + [
        f"new data, old reader: {problem}" for problem in _Resolution(new, old).problems()
    ]


def fingerprint(schema: Any) -> str:
    """SHA-256 of the schema without its documentation; covers defaults and logical types as well as the layout."""
    text = json.dumps(_undocumented(schema), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _undocumented(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_undocumented(part) for part in schema]
    if isinstance(schema, Mapping):
        return {key: _undocumented(value) for key, value in schema.items() if key != "doc"}
    return schema


class _Resolution:
    """Reading data of one schema with another."""

    def __init__(self, writer: Any, reader: Any) -> None:
        self._writer, self._reader = writer, reader
        self._writer_names, self._reader_names = dict(_named(writer)), dict(_named(reader))
        self._under_way: set[tuple[str, str]] = set()

    def problems(self) -> list[str]:
        return list(self._resolve(self._writer, self._reader, "record"))

    def _resolve(self, writer: Any, reader: Any, at: str) -> Iterator[str]:
        writer, reader = _definition(writer, self._writer_names), _definition(reader, self._reader_names)
        if isinstance(writer, list) or isinstance(reader, list):
            yield from self._union(writer, reader, at)
            return
        written, read = writer["type"], reader["type"]
        if written != read and read not in _PROMOTIONS.get(written, ()):
            yield f"{at}: {written} is no {read}"
        elif writer.get("logicalType") != reader.get("logicalType"):
            yield f"{at}: logical type {writer.get('logicalType')} is not {reader.get('logicalType')}"
        elif written in ("record", "enum", "fixed") and _name(writer) != _name(reader):
            yield f"{at}: {written} {_name(writer)} is not {_name(reader)}"
        elif written == "record":
            yield from self._record(writer, reader, at)
        elif written == "enum":
            yield from _enum(writer, reader, at)
        elif written == "fixed" and writer["size"] != reader["size"]:
            yield f"{at}: {writer['size']} bytes are not {reader['size']}"
        elif written in ("array", "map"):
            part = "items" if written == "array" else "values"
            yield from self._resolve(writer[part], reader[part], f"{at}[]")

    def _union(self, writer: Any, reader: Any, at: str) -> Iterator[str]:
        """Every branch that can be written must be one that can be read."""
        branches = reader if isinstance(reader, list) else [reader]
        for written in writer if isinstance(writer, list) else [writer]:
            tried = [list(self._resolve(written, read, at)) for read in branches]
            if not any(wrong == [] for wrong in tried):
                yield min(tried, key=len)[0] if len(tried) == 1 else f"{at}: no branch reads {_shown(written)}"

    def _record(self, writer: Mapping[str, Any], reader: Mapping[str, Any], at: str) -> Iterator[str]:
        pair = _name(writer), _name(reader)
        if pair in self._under_way:
            return
        self._under_way.add(pair)
        written = {field["name"]: field["type"] for field in writer["fields"]}
        for field in reader["fields"]:
            name = field["name"]
            if name in written:
                yield from self._resolve(written[name], field["type"], f"{at}.{name}")
            elif "default" not in field:
                yield f"{at}.{name}: was not written and has no default"
        self._under_way.discard(pair)


def _enum(writer: Mapping[str, Any], reader: Mapping[str, Any], at: str) -> Iterator[str]:
    unknown = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if unknown and "default" not in reader:
        yield f"{at}: unknown symbols {', '.join(unknown)} and no default"


def _named(schema: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The types that are given a name anywhere in a schema."""
    if isinstance(schema, list):
        for part in schema:
            yield from _named(part)
    elif isinstance(schema, Mapping):
        if "name" in schema and schema.get("type") in ("record", "enum", "fixed"):
            yield schema["name"], schema
        for part in (*schema.get("fields", ()), schema.get("type"), schema.get("items"), schema.get("values")):
            yield from _named(part)


def _definition(schema: Any, names: Named) -> Any:
    """A union as a list, everything else as a mapping with the name of its type."""
    if isinstance(schema, str):
        return names.get(schema, {"type": schema})
    if isinstance(schema, Mapping) and isinstance(schema["type"], Mapping | list):
        return _definition(schema["type"], names)
    return schema


def _name(schema: Mapping[str, Any]) -> str:
    return f"{schema['namespace']}.{schema['name']}" if "namespace" in schema else str(schema["name"])


def _shown(schema: Any) -> str:
    return schema if isinstance(schema, str) else str(schema.get("name", schema["type"]))
