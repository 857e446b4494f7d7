"""A strict subset of YAML in which every scalar has one meaning.

It has no octal or sexagesimal numbers, and no boolean or date where text was meant. A scalar without quotes is text
only if YAML 1.1 and YAML 1.2 both read it as text. Whole numbers are decimal digits. Any other scalar without quotes
becomes `Unquoted`, and the code that knows the field decides. Tags, merge keys and second documents are refused, and
the size that aliases add is limited. Output is quoted by the same rules.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.composer import Composer
from yaml.emitter import Emitter
from yaml.events import AliasEvent, NodeEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.representer import SafeRepresenter
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner
from yaml.serializer import Serializer

from streams.core.reference_rules import Path, Unquoted, shown

REPEATED_NODES_MAX: Final = 100_000  # nodes that aliases may add
DIGITS_MAX: Final = 18  # limit for a whole number
DIGITS_SHOWN_MAX: Final = 10  # in what the reader of YAML says: more may be somebody's number

_PREFIX: Final = "tag:yaml.org,2002:"
_NULL, _INT, _MERGE, _STR = (f"{_PREFIX}{name}" for name in ("null", "int", "merge", "str"))
_TOO_DEEP: Final = "is nested too deep"

# The first match wins. The tags are those of dates, numbers and booleans.
_SCALARS: Final = (
    (_NULL, r"~|null|Null|NULL|", ("~", "n", "N", "")),
    (_INT, r"(?:0|[1-9][0-9]*(?:_[0-9]+)*)", "0123456789"),
    (f"{_PREFIX}timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789"),
    (f"{_PREFIX}timestamp", r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:.*", "0123456789"),
    (f"{_PREFIX}bool", r"(?i:y|n|yes|no|true|false|on|off)", "yYnNtTfFoO"),
    # Numbers of YAML 1.1 or of YAML 1.2: octal, hexadecimal, binary, sexagesimal, with a fraction or an exponent.
    (f"{_PREFIX}float", r"[-+]?0[box][0-9A-Fa-f_]+", "-+0"),
    (f"{_PREFIX}float", r"[-+]?[0-9][0-9_]*(?::[0-9_]+)*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
    (f"{_PREFIX}float", r"[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?", "-+."),
    (f"{_PREFIX}float", r"[-+]?\.(?i:inf|nan)", "-+."),
    (_MERGE, r"<<", "<"),
    (f"{_PREFIX}value", r"=", "="),
)


class NotYaml(Exception):
    """Text that is not YAML, or YAML outside this subset. The message says where and why, and never quotes the text."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


class WrongMapping(Exception):
    """A mapping with wrong keys. `path` leads from the top to the key: list positions, counted from 0, and keys."""

    def __init__(self, what: str, path: Path, line: int) -> None:
        super().__init__(what)
        self.path = path
        self.line = line


class _Resolver(BaseResolver):
    """Decides which scalars without quotes are not text."""


for _tag, _pattern, _first in _SCALARS:
    _Resolver.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), list(_first))


class _Loader(Reader, Scanner, Parser, Composer, _Resolver):
    """Text -> one tree of nodes."""

    def __init__(self, text: bytes) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        _Resolver.__init__(self)
        self._nodes = 0
        self._repeated = 0
        self._size_of: dict[str, int] = {}

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: NodeEvent = self.peek_event()  # type: ignore[no-untyped-call]
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            self._repeat(event.anchor or "", line)
            return super().compose_node(parent, index)
        if getattr(event, "tag", None) is not None:
            raise NotYaml("has a tag (!...), and none are taken: write text in quotes, and all else as it is", line)
        before = self._nodes
        node = super().compose_node(parent, index)
        self._nodes += 1
        if event.anchor is not None:
            self._size_of[event.anchor] = self._nodes - before
        return node

    def _repeat(self, anchor: str, line: int) -> None:
        """Count the nodes that an alias repeats; nodes that are still being read are not counted."""
        size = self._size_of.get(anchor, 0)
        self._nodes += size
        self._repeated += size
        if self._repeated > REPEATED_NODES_MAX:
            raise NotYaml(f"repeats more than {REPEATED_NODES_MAX} values by its aliases (*...): write them out", line)


class _Dumper(Emitter, Serializer, SafeRepresenter, _Resolver):
    """Plain values -> text that `_Loader` reads as the same values."""

    def __init__(self, stream: Any, **options: Any) -> None:
        Emitter.__init__(self, stream, allow_unicode=True)
        Serializer.__init__(self)
        SafeRepresenter.__init__(self, default_flow_style=False, sort_keys=False)
        _Resolver.__init__(self)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> ScalarNode:
        """Write text with line ends or unprintable characters in double quotes, with escapes.

        In other quotes a Unicode line end would be read as a blank.
        """
        return self.represent_scalar(_STR, data, style=None if data.isprintable() else '"')


_Dumper.add_representer(str, _Dumper.represent_str)


class Document:
    """One YAML document. Raises NotYaml if the text is not YAML."""

    def __init__(self, text: bytes) -> None:
        self._root = _root(text)

    def value(self) -> Any:
        """The value of the document. Raises NotYaml or WrongMapping."""
        try:
            return None if self._root is None else _value(self._root, (), frozenset())
        except RecursionError as error:
            raise NotYaml(_TOO_DEEP) from error

    def line_of(self, path: Path) -> int | None:
        """The line, counted from 1, of the value at `path`, or of the last part of the path that exists."""
        node, line = self._root, None
        for step in path:
            at, node = _part(node, step)
            if at is None:
                break
            line = at.start_mark.line + 1
        return line

    def text_at(self, path: Path) -> str | None:
        """The text at `path`; None if there is none."""
        node = self._root
        for step in path:
            _, node = _part(node, step)
        return str(node.value) if isinstance(node, ScalarNode) and node.tag == _STR else None


def written(entries: list[dict[str, Any]]) -> str:
    """A list of mappings as YAML."""
    text = yaml.dump(entries, Dumper=_Dumper)
    assert isinstance(text, str)
    return text


def _root(text: bytes) -> Node | None:
    try:
        return _Loader(text).get_single_node()
    except ReaderError as error:
        raise NotYaml("is no YAML: it has bytes or characters that are no text in UTF-8") from error
    except yaml.YAMLError as error:
        raise _not_yaml(error) from error
    except RecursionError as error:
        raise NotYaml(_TOO_DEEP) from error


def _not_yaml(error: yaml.YAMLError) -> NotYaml:
    """The place and the reason of the error, without the text found there, which may be somebody's identity number."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if problem == "but found another document":
        return NotYaml("has a second document (---): write one list", None if mark is None else mark.line + 1)
    if problem and sum(c.isdigit() for c in problem) > DIGITS_SHOWN_MAX:  # it may quote the name of an alias or a tag
        problem = None
    column = "" if mark is None else f", column {mark.column + 1}"
    return NotYaml(f"is no YAML{column}" + (f": {problem}" if problem else ""), None if mark is None else mark.line + 1)


def _value(node: Node, path: Path, around: frozenset[int]) -> Any:
    """The value of a node. `around` holds the nodes that contain it."""
    if isinstance(node, ScalarNode):
        return _scalar(node)
    line = node.start_mark.line + 1
    if id(node) in around:
        raise WrongMapping("has itself in it, by an alias (*...)", path, line)
    around |= {id(node)}
    if isinstance(node, SequenceNode):
        return [_value(part, (*path, number), around) for number, part in enumerate(node.value)]
    assert isinstance(node, MappingNode)
    mapping: dict[str, Any] = {}
    for key_node, part in node.value:
        key = _key(key_node, path)
        if key in mapping:
            raise WrongMapping(f"the key {shown(key)} stands twice", (*path, key), key_node.start_mark.line + 1)
        mapping[key] = _value(part, (*path, key), around)
    return mapping


def _key(node: Node, path: Path) -> str:
    line = node.start_mark.line + 1
    if not isinstance(node, ScalarNode):
        raise WrongMapping("a key must be a word", path, line)
    if node.tag == _MERGE:
        raise WrongMapping("merge keys (<<) are not taken: write the fields out in each entry", path, line)
    return str(node.value)


def _scalar(node: ScalarNode) -> int | str | Unquoted | None:
    text = str(node.value)
    if node.tag == _NULL:
        return None
    if node.tag == _INT and len(text.replace("_", "")) <= DIGITS_MAX:
        return int(text.replace("_", ""))
    return text if node.tag == _STR else Unquoted(text)


def _part(node: Node | None, step: int | str) -> tuple[Node | None, Node | None]:
    """(the node where a part begins, which is a mapping's key; its value); (None, None) if there is no such part."""
    for at, name, part in _parts(node):
        if name == step:
            return at, part
    return None, None


def _parts(node: Node | None) -> Iterator[tuple[Node, int | str, Node]]:
    if isinstance(node, SequenceNode):
        yield from ((part, number, part) for number, part in enumerate(node.value))
    elif isinstance(node, MappingNode):
        yield from ((key, str(key.value), part) for key, part in node.value if isinstance(key, ScalarNode))
