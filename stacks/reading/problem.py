"""One mistake in a file, and where a field stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import yaml

Level = Literal["error", "warning"]
"""``warning``: it works, and is probably not meant."""
Path = tuple[str | int, ...]
"""A field: names of fields and numbers of items, from the file's beginning."""


@dataclass(frozen=True)
class Problem:
    """One error in a file, or a warning."""

    file: str
    line: int
    """From 1; 0 where the problem is the whole file."""
    path: str
    """The field, as ``path_text`` writes it; empty where the problem is no field's."""
    found: str
    """What was found; the whole message where ``expected`` is empty."""
    expected: str
    level: Level = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        warning = "warning" if self.level == "warning" else ""
        return ": ".join(part for part in (place, warning, self.path, self.message) if part)

    @property
    def message(self) -> str:
        """What was found, and what was expected."""
        return f"found {self.found}; expected {self.expected}" if self.expected else self.found


@dataclass(frozen=True)
class Mistake:
    """One mistake before it is known which file it is in."""

    path: Path
    found: str
    expected: str
    line: int = 0
    """From 1; 0: that of the field."""
    level: Level = "error"
    meant: tuple[Path, ...] = ()
    """The fields of which a misspelt one was meant to be one."""


def line_of(node: yaml.Node | None, path: Sequence[str | int]) -> int:
    """Return the line of a field, or of the nearest existing one around it."""
    line = node.start_mark.line + 1 if node else 0
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def path_text(path: Sequence[str | int]) -> str:
    """A field's path as people write it: ``components[0].calls[1]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") or "(file)"
