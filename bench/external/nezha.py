"""Nezha's recordings (Yu et al. 2023): metrics with callers' views, and, where they are there, spans, traces and logs.

Normal operation of single requests is the minute before each injection of the same day. Any of these tables may be
missing for any minute.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import recordings
from bench.external import component
from bench.external.frame import Answer, BadInput, Case, Truth
from responder.plan.deviation import CPU
from responder.plan.requests_seen import Edge, Lines, Requests, Span, Stretch
from responder.plan.requests_seen.written import is_error

NAME = "nezha"
METRICS_ALONE = "this project, metrics alone, always asked"
_BEFORE = "before"
_ROOT_CAUSES = {CPU: "cpu_contention", "way": "network_delay", "ends early": "return", "says so": "exception"}
"""The word for what tells it; what is only slow is taken for the way."""


def cases(folder: Path) -> Iterator[Case]:
    """Yield the faults of all days; the kind is the label's, where there is one."""
    labels = _labels(folder)
    try:
        scenarios = recordings.read(folder)
    except recordings.BadInput as error:
        raise BadInput(str(error)) from error
    for scenario in scenarios:
        place = folder / scenario.name if scenario.name else folder
        names = [name for name, _, _, _ in scenario.issues]
        seen = {name: stretches(place / name) for name in names}
        before = [seen[name][_BEFORE] for name in names if _BEFORE in seen[name]]
        for issue, case in zip(names, scenario.cases(), strict=True):
            name = f"{scenario.name or folder.name}/{issue.rpartition('/')[2]}"
            label = labels.get(name, {})
            cause = str(label.get("object") or case.cause)
            now = [stretch for minute, stretch in sorted(seen[issue].items()) if minute != _BEFORE]
            yield Case(name, str(label.get("kind", "")), Truth(cause) if cause else None,
                       component.Recording(replace(case, cause=""), Requests(now, before)))


def answer(case: Case, always: bool = False) -> list[Answer]:
    """Return the components in which the outage may have begun, by metrics and single requests."""
    return [Answer(each.component, _ROOT_CAUSES.get(each.shows, "network_delay"), each.confidence)
            for each in component.suspects(case, always)]


def baselines() -> Mapping[str, Callable[[Case], list[Answer]]]:
    """Return the simple methods, and this project without spans, traces and logs."""
    return {METRICS_ALONE: _metrics_alone, **component.baselines()}


def _metrics_alone(case: Case) -> list[Answer]:
    return answer(replace(case, data=replace(case.data, requests=None)), always=True)


def stretches(folder: Path) -> dict[str, Stretch]:
    """Read what is there of a fault's spans, traces and log lines, by minute."""
    edges: dict[str, list[Edge]] = defaultdict(list)
    for row in _rows(folder / "spans.csv.gz", ("minute", "caller", "callee", "operation", "calls", "mean_s")):
        edges[row["minute"]].append(Edge(row["caller"], row["callee"], row["operation"], _number(row, "calls") or 0.0,
                                         _number(row, "mean_s"), _number(row, "caller_mean_s")))
    traces: dict[str, dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(folder / "traces.csv.gz", ("minute", "trace", "span", "parent", "component", "operation")):
        traces[row["minute"]][row["trace"]].append(Span(row["span"], row["parent"], row["component"], row["operation"],
                                                        (_number(row, "offset_us") or 0.0) / 1e6))
    lines: dict[str, list[Lines]] = defaultdict(list)
    for row in _rows(folder / "logs.csv.gz", ("minute", "component", "pattern", "count")):
        lines[row["minute"]].append(Lines(row["component"], row["pattern"], _number(row, "count") or 0.0,
                                          is_error(row.get("level") or "", row["pattern"])))
    return {minute: Stretch(edges[minute], [*traces[minute].values()], lines[minute])
            for minute in sorted({*edges, *traces, *lines})}


def _rows(path: Path, wanted: Sequence[str]) -> list[dict[str, str]]:
    plain = path.with_suffix("")
    try:
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        elif plain.is_file():
            with plain.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        else:
            return []
    except (OSError, EOFError, ValueError, csv.Error) as error:
        raise BadInput(f"{path}: expected a readable CSV file ({error})") from error
    missing = [name for name in wanted if rows and rows[0].get(name) is None]
    if missing:
        raise BadInput(f"{path}: line 1: expected a column {missing[0]!r}")
    return rows


def _number(row: Mapping[str, str], column: str) -> float | None:
    try:
        value = float(row.get(column) or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _labels(folder: Path) -> dict[str, dict[str, Any]]:
    """Read the labels, by case; a folder of one day has them beside it."""
    for path in (folder / "labels.jsonl", folder.parent / "labels.jsonl"):
        if path.is_file():
            try:
                lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
                return {str(line["case"]): line for line in lines}
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise BadInput(f"{path}: expected a JSON object with 'case' a line ({error})") from error
    return {}
