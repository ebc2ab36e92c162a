"""The text of ``kubectl describe`` as a tree: what stands further in belongs to the line above it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

_KEYED = re.compile(r"(?P<key>[^\s:=][^:=]*?):(?:\s+(?P<value>.*))?$")
NOTHING = ("", "<none>", "<unset>", "<nil>")


@dataclass
class Entry:
    """A line, with the lines that belong to it."""

    text: str
    indent: int = -1
    children: list[Entry] = field(default_factory=list)

    @cached_property
    def key(self) -> str:
        """What stands before the colon; empty: there is none."""
        found = _KEYED.match(self.text)
        return found["key"].strip() if found else ""

    @cached_property
    def value(self) -> str:
        """What stands behind the colon; empty for ``<none>``."""
        found = _KEYED.match(self.text)
        value = (found["value"] or "").strip() if found else ""
        return "" if value in NOTHING else value

    def all(self, *keys: str) -> Iterator[Entry]:
        """Yield the entries below with one of these keys."""
        return (child for child in self.children if child.key in keys)

    def one(self, *keys: str) -> Entry | None:
        """Return the first entry below with one of these keys; None: there is none."""
        return next(self.all(*keys), None)

    def has(self, *keys: str) -> bool:
        """Whether there is an entry below with one of these keys."""
        return self.one(*keys) is not None

    def get(self, *keys: str) -> str:
        """Return the value of the first entry below with one of these keys; empty: there is none."""
        found = self.one(*keys)
        return found.value if found else ""

    def values(self, *keys: str) -> list[str]:
        """Return a value that may go over several lines, line by line; empty: none."""
        found = self.one(*keys)
        if found is None:
            return []
        return [text for text in (found.value, *(child.text.strip() for child in found.children))
                if text not in NOTHING]

    def table(self, *keys: str) -> list[list[str]]:
        """Return the rows of a table below a key, without its headings and the line under them."""
        found = self.one(*keys)
        lines = [line for child in (found.children if found else []) for line in child.lines()]
        under = next((i for i, line in enumerate(lines) if re.fullmatch(r"[-\s]+", line)), None)
        headed = bool(lines) and lines[0].split()[:1] in (["Type"], ["Resource"])
        first = under + 1 if under is not None else int(headed)
        return [re.split(r"\s{2,}", line.strip()) for line in lines[first:]]

    def lines(self) -> Iterator[str]:
        """Yield its line and all below."""
        yield self.text
        for child in self.children:
            yield from child.lines()


def outline(text: str) -> Entry:
    """Return the tree of a text, below an entry of its own."""
    root = Entry("")
    path = [root]
    for line in text.expandtabs().splitlines():
        said = line.strip()
        if not said:
            continue
        indent = len(line) - len(line.lstrip())
        while path[-1].indent >= indent:
            path.pop()
        entry = Entry(said, indent)
        path[-1].children.append(entry)
        path.append(entry)
    return root


def pairs(lines: list[str], between: str = "=") -> dict[str, str]:
    """Return ``a=b`` lines (or comma-separated parts) as a map; others are left out."""
    return {key.strip(): value.strip() for line in lines for key, mark, value in [line.partition(between)] if mark}
