"""Recorded outages: a folder of scenarios, each a call graph, normal operation and issues with a known cause."""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from responder.plan.origin import Points, Symptom, callers_views

_HEADERS = ("microservice", "metric", "statistic")
_PREFERRED = {"latency": ("Average", "p50"), "availability": ("Average",), "requests": ("Sum",)}
_SHAPE = ("graph.csv, noissue/metrics.csv (or .gz), and folders with a target.json and a metrics.csv, such as "
          "train/issue_0")
_APART = 86_400.0
"""Normal operation is moved so that it ends a day before an issue, whenever it was recorded."""


class BadInput(Exception):
    """The input cannot be read; the message names the file and what was expected."""


@dataclass(frozen=True)
class Case:
    """One symptom, what was measured around it and in normal operation, and the true cause ("" where there is none)."""

    name: str
    graph: Mapping[str, tuple[str, ...]]
    series: Mapping[str, Mapping[str, Points]]
    symptom: Symptom
    cause: str
    views: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """A file of metrics: component and kind to values, in the order of ``times`` (seconds)."""

    times: list[float]
    values: dict[str, dict[str, list[float | None]]]


@dataclass(frozen=True)
class Scenario:
    """One application under one kind of traffic."""

    name: str
    graph: dict[str, tuple[str, ...]]
    normal: Table
    issues: list[tuple[str, Table, Symptom, str]]

    def cases(self) -> Iterator[Case]:
        """Each issue, with all of the normal operation before it."""
        for name, table, symptom, cause in self.issues:
            yield self._case(name, self.normal, table, symptom, cause)

    def quiet(self) -> Iterator[Case]:
        """Windows of normal operation, as long as the issues' and with the alarm at the same place; all else is normal.

        Each is judged once for every symptom that the issues have.
        """
        lengths = sorted(len(table.times) for _, table, _, _ in self.issues)
        length = lengths[len(lengths) // 2] if lengths else 5
        offsets = sorted(symptom.time - table.times[0] for _, table, symptom, _ in self.issues)
        offset = offsets[len(offsets) // 2] if offsets else 0.0
        symptoms = sorted({(symptom.node, symptom.metric) for _, _, symptom, _ in self.issues})
        for first in range(0, len(self.normal.times) - length + 1, length):
            window = range(first, first + length)
            rest = [i for i in range(len(self.normal.times)) if i not in window]
            inside, outside = _rows(self.normal, list(window)), _rows(self.normal, rest)
            for node, metric in symptoms:
                yield self._case(f"quiet {first}", outside, inside,
                                 Symptom(node, metric, inside.times[0] + offset), "")

    def _case(self, name: str, normal: Table, table: Table, symptom: Symptom, cause: str) -> Case:
        series = _joined(normal, table)
        return Case(f"{self.name}/{name}", self.graph, series, symptom, cause, callers_views({*self.graph, *series}))


def read(folder: Path) -> list[Scenario]:
    """Read a folder that is a scenario or has them as sub-folders; raise ``BadInput`` where it is neither."""
    if not folder.is_dir():
        raise BadInput(f"{folder}: expected a folder with {_SHAPE}")
    places = sorted({path.parent for path in folder.rglob("graph.csv*") if path.name in ("graph.csv", "graph.csv.gz")})
    if not places:
        raise BadInput(f"{folder / 'graph.csv'}: not there, nor in any sub-folder; expected {_SHAPE}")
    return [_scenario(place, folder) for place in places]


def _scenario(place: Path, root: Path) -> Scenario:
    graph = read_graph(_existing(place / "graph.csv"))
    normal = read_metrics(_existing(place / "noissue" / "metrics.csv"))
    issues = []
    for target in sorted(place.rglob("target.json"), key=lambda path: _natural(path.parent)):
        if "noissue" in target.relative_to(place).parts:
            continue
        table = read_metrics(_existing(target.parent / "metrics.csv"))
        symptom, cause = read_target(target)
        known = set(graph) | set(table.values)
        for what, node in (("target.node", symptom.node), ("root_cause.node", cause)):
            if node and node not in known:
                raise BadInput(f"{target}: {what} is {node!r}; expected a component of graph.csv or metrics.csv")
        issues.append((target.parent.relative_to(place).as_posix(), table, symptom, cause))
    return Scenario("" if place == root else place.relative_to(root).as_posix(), graph, normal, issues)


def read_graph(path: Path) -> dict[str, tuple[str, ...]]:
    """Read an adjacency matrix: a row calls a column where the cell is 1."""
    rows = _lines(path)
    head = rows[0][1:] if rows else []
    if not head or len(set(head)) != len(head):
        raise BadInput(f"{path}: line 1: expected an empty cell and then the names of the components, each once")
    graph = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(head) + 1:
            raise BadInput(f"{path}: line {number}: expected {len(head) + 1} cells, found {len(row)}")
        cells = [_number(path, number, cell) for cell in row[1:]]
        graph[row[0]] = tuple(name for name, cell in zip(head, cells, strict=True) if cell)
    return graph


def read_metrics(path: Path) -> Table:
    """Read a file of metrics: three header rows, then one row a period that begins with the seconds since 1970."""
    rows = _lines(path)
    if len(rows) < len(_HEADERS) + 1:
        raise BadInput(f"{path}: expected three header rows ({', '.join(_HEADERS)}) and rows of values")
    for number, word in enumerate(_HEADERS):
        if rows[number][:1] != [word] or len(rows[number]) != len(rows[0]):
            raise BadInput(f"{path}: line {number + 1}: expected a header row of {len(rows[0])} cells that begins with "
                           f"{word!r}, found {len(rows[number])} that begin with {(rows[number] or [''])[0]!r}")
    first = len(_HEADERS)
    if rows[first] and rows[first][0] == "unix_timestamp":
        first += 1
    times, cells = [], []
    for number, row in enumerate(rows[first:], start=first + 1):
        if len(row) != len(rows[0]):
            raise BadInput(f"{path}: line {number}: expected {len(rows[0])} cells, found {len(row)}")
        time = _number(path, number, row[0])
        if time is None:
            raise BadInput(f"{path}: line {number}: expected seconds since 1970 in the first cell, found {row[0]!r}")
        times.append(time)
        cells.append([_number(path, number, cell) for cell in row[1:]])
    if not times:
        raise BadInput(f"{path}: expected at least one row of values after the header rows")
    columns: dict[tuple[str, str], dict[str, int]] = {}
    for column, (node, metric, statistic) in enumerate(zip(*(row[1:] for row in rows[:3]), strict=True)):
        columns.setdefault((node, metric), {})[statistic] = column
    values: dict[str, dict[str, list[float | None]]] = {}
    for (node, metric), statistics in columns.items():
        wanted = next((name for name in _PREFERRED.get(metric, ()) if name in statistics), min(statistics))
        values.setdefault(node, {})[metric] = [row[statistics[wanted]] for row in cells]
    return Table(times, values)


def read_target(path: Path) -> tuple[Symptom, str]:
    """Read what was noticed, and the component that caused it."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: expected JSON ({error})") from error
    try:
        # Labels of a part that is held out may be missing.
        target, cause = content["target"], content["root_cause"]["node"] if "root_cause" in content else ""
        symptom = Symptom(target["node"], target["metric"], float(target["timestamp"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: expected target.node, target.metric, target.timestamp (seconds since 1970) and "
                       f"root_cause.node ({type(error).__name__}: {error})") from error
    if not all(isinstance(word, str) for word in (symptom.node, symptom.metric, cause)) or not symptom.node:
        raise BadInput(f"{path}: expected target.node, target.metric and root_cause.node to be words")
    return symptom, cause


def _existing(path: Path) -> Path:
    for found in (path, path.with_name(path.name + ".gz")):
        if found.is_file():
            return found
    raise BadInput(f"{path}: not there (nor {path.name}.gz); expected {_SHAPE}")


def _lines(path: Path) -> list[list[str]]:
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
                return list(csv.reader(file))
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))
    except (OSError, EOFError, ValueError, csv.Error) as error:
        raise BadInput(f"{path}: expected a readable CSV file ({error})") from error


def _number(path: Path, line: int, cell: str) -> float | None:
    if not cell.strip():
        return None
    try:
        value = float(cell)
    except ValueError:
        raise BadInput(f"{path}: line {line}: expected a number or an empty cell, found {cell!r}") from None
    return value if math.isfinite(value) else None


def _natural(path: Path) -> tuple[str, int]:
    digits = path.name.rpartition("_")[2]
    return path.as_posix().removesuffix(digits), int(digits) if digits.isdecimal() else -1


def _rows(table: Table, rows: list[int]) -> Table:
    return Table([table.times[i] for i in rows],
                 {name: {kind: [points[i] for i in rows] for kind, points in kinds.items()}
                  for name, kinds in table.values.items()})


def _joined(normal: Table, table: Table) -> dict[str, dict[str, Points]]:
    """One series each: normal operation, as if it had ended a day before, and then the table's rows."""
    step = min((later - earlier for earlier, later in zip(table.times, table.times[1:], strict=False)), default=300.0)
    times = [table.times[0] - _APART - step * i for i in range(len(normal.times), 0, -1)]
    joined: dict[str, dict[str, Points]] = {}
    for source, moments in ((normal, times), (table, table.times)):
        for name, kinds in source.values.items():
            for kind, points in kinds.items():
                known = joined.setdefault(name, {}).get(kind, [])
                joined[name][kind] = [*known, *zip(moments, points, strict=True)]
    return joined
