"""Tables as ``kubectl get`` prints them: columns stand where their headings stand (k8s.io/cli-runtime, printers)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FIRST = ("NAME", "NAMESPACE", "LAST SEEN")
"""The first heading of a table."""
_HEADING = re.compile(r"\S+(?: \S+)*")
_CELL = re.compile(r"\S+ \([^)]* ago\)|\S+")
"""Where the columns are not aligned, apart from ``3 (5d ago)`` a cell is a word."""
Row = dict[str, str]


def rows(text: str) -> Iterator[Row]:
    """Yield the rows of all tables in a text, heading to cell; empty cells are left out."""
    starts: list[tuple[str, int]] = []
    loose: list[str] = []
    for line in text.expandtabs().splitlines():
        if not line.strip():
            continue
        headings = [(found[0], found.start()) for found in _HEADING.finditer(line)]
        if line.split()[0] in ("NAME", "NAMESPACE", "LAST") and line.upper().split()[0] == line.split()[0]:
            starts, loose = (headings, []) if len(headings) > 1 or line.strip() in _FIRST else ([], line.split())
        elif starts:
            yield _aligned(line, starts)
        elif loose:
            yield dict(zip(loose, _CELL.findall(line), strict=False))


def is_empty(text: str) -> bool:
    """Whether it says that nothing of a kind is there (``No resources found in default namespace.``)."""
    return text.strip().lower().startswith("no resources found")


def has_table(text: str) -> bool:
    """Whether there is a table, with or without rows."""
    return any(line.strip().split()[:1] in (["NAME"], ["NAMESPACE"], ["LAST"]) for line in text.splitlines())


def _aligned(line: str, starts: list[tuple[str, int]]) -> Row:
    """Cut a row where its headings begin; where a cell reaches over that, the row is cut at its gaps instead."""
    cells: Row = {}
    for (heading, start), end in zip(starts, [*(begin for _, begin in starts[1:]), None], strict=True):
        if 0 < start < len(line) and line[start - 1] != " ":
            parts = re.split(r"\s{2,}", line.strip())
            return {name: cell for (name, _), cell in zip(starts, parts, strict=False) if cell}
        if cell := line[start:end].strip():
            cells[heading] = cell
    return cells
