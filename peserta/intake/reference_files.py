"""Files of policies and of companies: YAML with one meaning for each key, read whole or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from peserta.intake.email_addresses import checked_address
from peserta.operations.failure import Rejected
from peserta.operations.yaml_document import Document, NotYaml, WrongMapping
from schemas.records import Company, Policy
from streams.core import declared
from streams.core.declaring import WrongEntry, entry_name
from streams.core.reference_rules import Broken, field_name
from streams.core.simulate import Rules

FILE_BYTES_MAX: Final = 64 * 1024 * 1024

T = TypeVar("T")


class WrongFile(Rejected):
    """A file that cannot be taken: which one, where, and what to do."""


def read_policies(path: Path) -> tuple[Policy, ...]:
    """The policies of a file; WrongFile."""
    return read_entries_of(path, declared.policies, "policy_id")


def read_companies(path: Path) -> tuple[Company, ...]:
    """The companies of a file; WrongFile."""
    return read_entries_of(path, _companies, "company_id")


def _companies(entries: Any) -> tuple[Company, ...]:
    """The registry, its e-mail addresses checked by their library; the recorder checks their outward form only."""
    found = declared.companies(entries)
    for number, entry in enumerate(entries or ()):
        for place, contact in enumerate(entry.get("contacts", ())):
            if isinstance(contact, dict) and contact.get("email") is not None:
                _check_address(contact["email"], number, entry["company_id"], place)
    return found


def _check_address(address: str, number: int, company_id: str, place: int) -> None:
    try:
        checked_address(address)
    except Broken as broken:
        path = (number, "contacts", place, "email")
        raise WrongEntry(entry_name(number + 1, company_id), field_name(path), str(broken), path) from None


def read_entries_of(path: Path, records_of: Callable[[Any], tuple[T, ...]], id_field: str) -> tuple[T, ...]:
    """The records of a file of any kind: `records_of` reads the parsed YAML, and may raise WrongEntry. WrongFile names
    the line."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise WrongFile(f"{path}: has more than {FILE_BYTES_MAX} bytes")
        text = path.read_bytes()
    except OSError as error:
        raise WrongFile(f"{path}: cannot be read ({error.strerror})") from error
    try:
        document = Document(text)
    except NotYaml as error:
        raise _wrong(path, error.line, str(error)) from error
    try:
        return records_of(document.value())
    except NotYaml as error:
        raise _wrong(path, error.line, str(error)) from error
    except WrongMapping as error:
        raise _wrong(path, error.line, _in_entry(document, error, id_field)) from error
    except WrongEntry as error:
        raise _wrong(path, document.line_of(error.path), str(error)) from error


def _wrong(path: Path, line: int | None, what: str) -> WrongFile:
    return WrongFile(f"{path}{'' if line is None else f', line {line}'}: {what}. Nothing of the file was taken.")


def _in_entry(document: Document, error: WrongMapping, id_field: str) -> str:
    """What is wrong in a mapping, behind the names of the entry and the field where it stands."""
    number, *inner = error.path or ("",)
    if not isinstance(number, int):
        return str(error)
    names = [entry_name(number + 1, document.text_at((number, id_field)))]
    if inner:
        names.append(field_name(tuple(inner)))
    return ": ".join((*names, str(error)))


def read_rules(policies: Path | None, companies: Path | None, grace_days: int) -> Rules:
    """The rules in these files; WrongFile names file, entry and field of what is wrong."""
    return Rules(
        read_policies(policies) if policies else (), read_companies(companies) if companies else (), grace_days
    )
