"""YAML within limits: how long a file is, how deep it is nested, and how many values its aliases make of it.

PyYAML has none: it recurses as deep as a file is nested, ends with Python's own errors for a number or a date that is
none, and takes a second for 100 kB. Each alias is one node however often it is used, so that ten lines can stand for a
thousand million values ("billion laughs"): they are counted before anything walks through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 512 * 1024
"""The shipped service has 22 kB, with all its comments."""
MOST_DEPTH = 40
"""The shipped service nests 6 deep."""
MOST_VALUES = 20_000
"""The shipped service has 700, names of fields among them."""


class TooLong(ValueError):
    """A file that is too long to be read."""


class TooMuch(yaml.composer.ComposerError):
    """A file that is nested too deep, or stands for too many values."""


class Loader(yaml.SafeLoader):
    """PyYAML's own loader, which knows no tag but YAML's, within the limits.

    Raises yaml.MarkedYAMLError alone, with the place.
    """

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._depth = self._composed = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node, and count what it stands for."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # its stubs leave it out
        self._depth += 1
        self._composed += 1
        if self._depth > MOST_DEPTH:
            raise TooMuch(None, None, f"found more than {MOST_DEPTH} levels of nesting", mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        if node is not None and id(node) not in self._sizes:
            self._sizes[id(node)] = 1 + sum(self._sizes.get(id(inner), 1) for inner in _within(node))
        if self._composed > MOST_VALUES or self._sizes.get(id(node), 0) > MOST_VALUES:
            raise TooMuch(None, None, f"found more than {MOST_VALUES} values, each use of an alias counted", mark)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError) as error:
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"found a value that is no {kind}", node.start_mark) from error


def _within(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair


def short(raw: bytes) -> bytes:
    """Return a file's content; raises TooLong."""
    if len(raw) > MOST_BYTES:
        raise TooLong(f"a file of more than {MOST_BYTES // 1024} KiB, which is not read")
    return raw


def file_text(file: Path) -> str:
    """Return a file's text; raises OSError, UnicodeDecodeError and TooLong."""
    with file.open("rb") as stream:
        return short(stream.read(MOST_BYTES + 1)).decode("utf-8")


def loaded(text: str) -> Any:
    """Return the value of a text's one document; raises yaml.YAMLError and TooLong."""
    short(text.encode("utf-8", "replace"))
    return yaml.load(text, Loader=Loader)  # noqa: S506 - it is a SafeLoader


def read_value(file: Path) -> Any:
    """Return the value of a file's one document; raises OSError, yaml.YAMLError and ValueError (no UTF-8, too long)."""
    return loaded(file_text(file))
