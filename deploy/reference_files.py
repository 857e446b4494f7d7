"""Files of policies and of companies: YAML with one meaning for each key, read whole or not at all."""

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from schemas.records import Company, Policy
from streams.core import declared

FILE_BYTES_MAX: Final = 64 * 1024 * 1024

T = TypeVar("T")


class WrongFile(Exception):
    """A file that cannot be taken: which one, where, and what to do."""


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key that stands twice in a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for number, key in enumerate(keys):
            if key in keys[:number]:
                twice = f"the key {declared.shown(key)} stands twice"
                raise yaml.constructor.ConstructorError(None, None, twice, node.value[number][0].start_mark)
        return super().construct_mapping(node, deep)


class _Unreadable:
    """A scalar that looks like a date and is none: whoever reads the field says so."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _timestamp(loader: _Loader, node: yaml.ScalarNode) -> object:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return _Unreadable(node.value)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)


def read_policies(path: Path) -> tuple[Policy, ...]:
    """The policies of a file; WrongFile."""
    return _read(path, declared.policies)


def read_companies(path: Path) -> tuple[Company, ...]:
    """The companies of a file; WrongFile."""
    return _read(path, declared.companies)


def _read(path: Path, records_of: Callable[[Any], tuple[T, ...]]) -> tuple[T, ...]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise WrongFile(f"{path}: has more than {FILE_BYTES_MAX} bytes")
        parsed = yaml.load(path.read_bytes(), _Loader)
        return records_of(parsed)
    except OSError as error:
        raise WrongFile(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise WrongFile(f"{path}: is no YAML{_place(error)}") from error
    except declared.WrongEntry as error:
        raise WrongFile(f"{path}: {error}. Nothing of the file was taken.") from error
    except (ValueError, RecursionError) as error:
        raise WrongFile(f"{path}: is no YAML: a value in it cannot be read") from error


def _place(error: yaml.YAMLError) -> str:
    """Where it is wrong and why, without the text that stands there: it may be somebody's number."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    where = "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"
    return f"{where}: {problem}" if problem else where
