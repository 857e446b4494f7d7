"""Numbers of people that a test plants at the doors, and the search for them in everything that the service keeps."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.fact_json import line_of
from tests.support.facts import correction, enrollment, hire, termination

# No other number in a test's files, logs and topics begins like these.
_NIK_BEGIN: Final = "33179912039"  # district, then a day and a month that a NIK may have
_KPJ_BEGIN: Final = "7719"
_FOUND: Final = re.compile(rf"(?=({_NIK_BEGIN}\d{{5}}|{_KPJ_BEGIN}\d{{7}}))")


@dataclass(frozen=True, slots=True)
class Plant:
    """Where a number was planted. `is_content`: it is part of a fact or an entry that was accepted as it is, for the
    contract refuses a number in no field but `worker_id`."""

    door: str
    where: str
    is_content: bool = False


@dataclass
class Plants:
    """The numbers that were planted, each at one place."""

    made: dict[str, Plant] = field(default_factory=dict)

    def nik(self, door: str, where: str, *, is_content: bool = False) -> str:
        """A number of 16 digits that can be a NIK."""
        return self._add(f"{_NIK_BEGIN}{len(self.made):05}", Plant(door, where, is_content))

    def kpj(self, door: str, where: str, *, is_content: bool = False) -> str:
        """A number of 11 digits."""
        return self._add(f"{_KPJ_BEGIN}{len(self.made):07}", Plant(door, where, is_content))

    def both(self, door: str, where: str, *, is_content: bool = False) -> Iterator[str]:
        """One of each."""
        yield self.nik(door, where, is_content=is_content)
        yield self.kpj(door, where, is_content=is_content)

    def found_in(self, text: str | bytes) -> Iterator[Plant]:
        """The plants whose number is in a text, or in bytes of any kind."""
        words = text if isinstance(text, str) else text.decode("latin-1")
        for number in {match[1] for match in _FOUND.finditer(words)}:
            assert number in self.made, "a number that was not planted looks like one"
            yield self.made[number]

    def leaks(self, name: str, texts: Iterable[str | bytes], *, is_content: bool = False) -> set[str]:
        """A sentence for each plant that is in these texts and may not be. `is_content`: they hold accepted content."""
        return {
            f"{plant.door}: {plant.where} is in {name}"
            for text in texts
            for plant in self.found_in(text)
            if not (is_content and plant.is_content)
        }

    def _add(self, number: str, plant: Plant) -> str:
        self.made[number] = plant
        return number


# Fields of an accepted fact that may have any text: SEMANTICS 1 refuses a number in `worker_id` only.
FREE: Final = ("event_id", "company_id", "source", "corrects")
FACTS: Final = (
    hire("e", "2025-09-01"), termination("e", "2025-09-02"), enrollment("e", "2025-09-01"), correction("e", "x"),
)  # fmt: skip


def variants(plants: Plants, door: str, tail: str) -> Iterator[dict[str, Any]]:
    """Every field of every type of fact with a number, alone and within text; the same facts once more, refused."""
    for fact in FACTS:
        whole = json.loads(line_of(fact)) | {"company_id": f"{door}{tail}"}
        for number, name in enumerate((*whole, "recorded_at", "more")):
            whole["event_id"] = f"{door}-{tail}-{whole['type']}-{number}"
            whole["worker_id"] = f"w{number}"
            where = f"{name} of {whole['type']}"
            for shape in plants.both(door, where, is_content=name in FREE):
                yield whole | {name: shape}
            for shape in plants.both(door, f"{where} within text", is_content=name in (*FREE, "worker_id")):
                yield whole | {name: f"x-{shape}"}
            yield whole | {name: int(plants.nik(door, f"{where} as a number"))}
            yield whole | {name: [plants.nik(door, f"{where} in a list")]}
            for shape in plants.both(door, f"{where}, refused for its date"):
                yield whole | {name: shape} | ({"effective_on": "never"} if name != "effective_on" else {})
        yield whole | {plants.nik(door, "the name of a field"): 1}
        yield whole | {"worker_id": (nik := plants.nik(door, "worker_id and event_id")), "event_id": f"a.{nik}"}


def lines(facts: Iterator[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(fact).encode() + b"\n" for fact in facts)


def media(name: str) -> dict[str, str]:
    return {"Content-Type": f"application/{name}"}


def event(fact: dict[str, Any]) -> dict[str, Any]:
    said = fact.get("event_id")
    return {"specversion": "1.0", "id": said, "type": "t", "source": "s", "data": fact}


def cells(plants: Plants, door: str, row: dict[str, Any]) -> Iterator[list[Any]]:
    """A header, and below it a row for each field with a number in its cell, as text, as a number and within text."""
    yield [None, f"Daftar {plants.nik(door, 'a title')}"]
    yield [*row, plants.nik(door, "a header"), "Nama"]
    for name in row:
        for number in plants.both(door, f"the cell of {name}"):
            spaced = f"{number[:6]} {number[6:]}"
            for cell in (number, f"x {number}", float(number), f"'{number}", f"={number}", spaced):
                yield [*(row | {name: cell}).values(), None, plants.nik(door, "a cell that is not read")]
    yield [*row.values(), None, plants.nik(door, "a good row's other cell")]
    yield ["TOTAL", plants.nik(door, "a total")]


def wrong_files(plants: Plants, name: str, good: dict[str, Any]) -> Iterator[str]:
    """Files with a number in each field: as text, as a number, in a list, unquoted, and no YAML at all."""
    for key in (*good, "scope", "required", "baselines", "rule", "contacts"):
        for number in plants.both(name, f"{key} of an entry"):
            for value in (number, int(number), [number], {number: number}, f"{number} x" * 400):
                yield json.dumps([good | {key: value}])
            yield f"- {key}: {number}_1\n  {key}: 1\n"
            yield f"- {number}: &{number} [*x{number}\n"
            yield f"- {number}\n- {key}: !{number} 1\n"
