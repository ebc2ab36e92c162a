"""Plain data of YAML's nodes, without what YAML makes of words and numbers behind its writer's back.

A key that stands twice in a mapping is a mistake, wherever it is, and the first one holds. ``yes`` and ``off`` are
truth values in YAML 1.1 and texts in 1.2, ``012`` is ten and ``15:00`` is nine hundred: ``Odd`` keeps how such a value
is written. Source: yaml.org, "YAML 1.1", the types bool, int, float and merge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from stacks.reading.loading import loaded
from stacks.reading.problem import Mistake, Path

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]
_TAG = "tag:yaml.org,2002:"
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_HEX = re.compile(r"[-+]?0x[0-9a-fA-F]+")
_FRACTION = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_TRUE_WORDS = frozenset({"true", "yes", "on"})
_CURLY = "“”„‟‘’‚«»"
_BLANKS = {"\u00a0": "U+00A0", "\u202f": "U+202F", "\u2007": "U+2007", "\u200b": "U+200B", "\ufeff": "U+FEFF",
           "\u3000": "U+3000"}
_PROSE = frozenset({"contact", "customers", "description", "name", "owner", "parties", "place", "reason", "texts"})
"""Fields of text for people: there, a no-break space may be meant between words."""
_MOST_DIGITS = 40
"""No field takes a longer number; Python itself refuses one of more than 4,300 digits."""
_HALVES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Odd:
    """A value that YAML reads otherwise than it looks."""

    text: str
    """As it stands in the file."""
    meaning: str
    """What YAML reads: ``false``, ``the number 10``."""
    is_number: bool


@dataclass
class Values:
    """What a file holds."""

    value: Plain = None
    odd: dict[Path, Odd] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)
    """How each plain scalar stands in the file, without quotes."""
    mistakes: list[Mistake] = field(default_factory=list)


def values(node: yaml.Node | None) -> Values:
    """Return the plain data of a document's root, with every mistake of keys and scalars."""
    found = Values()
    if node is not None:
        found.value = _Reader(found).read(node, (), ())
    return found


class _Reader:
    """Reads the nodes of one document."""

    def __init__(self, found: Values) -> None:
        self._found = found
        self._checked: set[int] = set()

    def read(self, node: yaml.Node, path: Path, around: tuple[int, ...]) -> Plain:
        """Return the data of a node; ``around`` are the nodes that it is within."""
        if id(node) in around:
            self._tell(node, path, "an anchor that is used within itself", "values written out")
            return None
        inner = (*around, id(node))
        if isinstance(node, yaml.MappingNode):
            if not node.tag.startswith(_TAG):
                self._tell(node, path, f"the tag {node.tag}", "a plain value: no tag is known")
            return self._mapping(node, path, inner)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, place), inner) for place, item in enumerate(node.value)]
        return self._scalar(node, path) if isinstance(node, yaml.ScalarNode) else None

    def _mapping(self, node: yaml.MappingNode, path: Path, around: tuple[int, ...]) -> Plain:
        # An anchor's mapping is read at each place that uses it, and its own mistakes are told once.
        fresh = id(node) not in self._checked
        self._checked.add(id(node))
        made: dict[str, Plain] = {}
        lines: dict[str, int] = {}
        merges: list[tuple[yaml.Node, yaml.Node]] = []
        for key, item in node.value:
            line = key.start_mark.line + 1
            name = self._key(key, path, fresh)
            if name is None:
                continue
            if name in lines:
                if fresh:
                    self._tell(key, (*path, name), f"a field that line {lines[name]} has already", "each field once")
                continue
            lines[name] = line
            if key.tag == f"{_TAG}merge":
                merges.append((key, item))
            else:
                made[name] = self.read(item, (*path, name), around)
        for key, item in merges:
            made = {**self._merged(key, item, path, around, made), **made}
        return made

    def _merged(self, key: yaml.Node, item: yaml.Node, path: Path, around: tuple[int, ...],
                beside: dict[str, Plain]) -> dict[str, Plain]:
        """Return what ``<<`` brings in; fields that stand ``beside`` it hold before it."""
        found: dict[str, Plain] = {}
        for node in item.value if isinstance(item, yaml.SequenceNode) else [item]:
            given = self.read(node, path, around)
            if not isinstance(given, dict):
                self._tell(key, path, "<< with something that is no mapping", "an alias of a mapping, such as *base")
                continue
            for name, value in given.items():
                if name not in beside and name in found and found[name] != value:
                    self._tell(key, (*path, name), "a field that two merged mappings have", "it from one of them")
                found.setdefault(name, value)
        return found

    def _key(self, key: yaml.Node, path: Path, fresh: bool) -> str | None:
        if not isinstance(key, yaml.ScalarNode):
            if fresh:
                self._tell(key, path, "braces or brackets in the place of a field's name",
                           "a name, and quotes around a text that begins with { or [")
            return None
        name = self._whole(key, path)
        meaning = _meaning(key)
        if meaning and fresh:
            read = "a number" if meaning.endswith(f" {name}") else f"which YAML reads as {meaning}"
            self._tell(key, (*path, name), f"{name}, {read}", f'a field\'s name, or quotes around it: "{name}"')
        if fresh and (blank := next((mark for mark in name if mark in _BLANKS), "")):
            self._tell(key, (*path, name), f"a no-break space ({_BLANKS[blank]}) in a field's name", "plain spaces")
        return name

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Plain:
        text = self._whole(node, path)
        if not node.tag.startswith(_TAG):
            self._tell(node, path, f"the tag {node.tag}", "a plain value: no tag is known, and a text that begins with "
                                                          "! needs quotes")
            return text
        if node.style is not None:
            return text
        self._found.written[path] = text
        meaning = _meaning(node)
        value, is_plain = _resolved(node)
        if meaning and not is_plain:
            self._found.odd[path] = Odd(text, meaning, not isinstance(value, bool))
        if isinstance(value, str):
            self._of_text(node, path, value)
        return value

    def _whole(self, node: yaml.ScalarNode, path: Path) -> str:
        r"""Return a text without what no UTF-8 has, which only an escape such as ``"\ud83d"`` can bring in."""
        text = str(node.value)
        for half in _HALVES.findall(text)[:1]:
            self._tell(node, path, f"half of a character (U+{ord(half):04X})", "the character itself, or \\U and its "
                                                                              "eight digits")
        return _HALVES.sub("\ufffd", text)

    def _of_text(self, node: yaml.ScalarNode, path: Path, text: str) -> None:
        if text[:1] in _CURLY and text[:1]:
            self._tell(node, path, f"a text in the quotes {text[0]} of a word processor", 'quotes " or \'')
        blank = next((mark for mark in text if mark in _BLANKS), "")
        # Within prose of more than one word it may be meant.
        if blank and not (_PROSE.intersection(part for part in path if isinstance(part, str)) and " " in text):
            self._tell(node, path, f"a no-break space ({_BLANKS[blank]})", "a plain space")

    def _tell(self, node: yaml.Node, path: Path, found: str, expected: str) -> None:
        self._found.mistakes.append(Mistake(path, found, expected, node.start_mark.line + 1))


def _meaning(node: yaml.ScalarNode) -> str:
    """Return what YAML reads where it is no text: ``false``, ``the number 10``; empty for a text."""
    if node.style is not None or node.tag.removeprefix(_TAG) in ("str", "timestamp", "value", "merge"):
        return ""
    if node.tag == f"{_TAG}bool":
        return "true" if node.value.lower() in _TRUE_WORDS else "false"
    if node.tag == f"{_TAG}null":
        return "nothing"
    try:
        return f"the number {_loaded(node)}"[:_MOST_DIGITS]
    except (ValueError, yaml.YAMLError):
        return "a number"


def _resolved(node: yaml.ScalarNode) -> tuple[Plain, bool]:
    """Return the value of a plain scalar, and whether every reader of YAML takes it for that."""
    text = str(node.value)
    if len(text) > _MOST_DIGITS:
        return text, True
    match node.tag.removeprefix(_TAG):
        case "null":
            return None, True
        case "bool":
            return text.lower() in _TRUE_WORDS, text.lower() in ("true", "false")
        case "int" if _DECIMAL.fullmatch(text):
            return int(text), True
        case "int" if _HEX.fullmatch(text):
            return int(text, 16), True
        case "float" if _FRACTION.fullmatch(text):
            return float(text), True
        case "int" | "float":
            try:
                return _loaded(node), False
            except (ValueError, yaml.YAMLError):
                return text, True
    # A moment is a text: no field is one, and the checks read it themselves.
    return text, True


def _loaded(node: yaml.ScalarNode) -> int | float:
    value = loaded(str(node.value))
    return value if isinstance(value, int | float) else 0


def scalars(node: yaml.Node | None, path: Path = (), within: tuple[int, ...] = ()) -> Iterator[
        tuple[Path, yaml.ScalarNode]]:
    """Yield each scalar with its path, names of fields among them (``path`` is then that of the field)."""
    if node is None or id(node) in within or len(within) > 60:
        return
    inner = (*within, id(node))
    if isinstance(node, yaml.ScalarNode):
        yield path, node
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from scalars(item, (*path, place), inner)
    elif isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield (*path, str(key.value)), key
                yield from scalars(item, (*path, str(key.value)), inner)
