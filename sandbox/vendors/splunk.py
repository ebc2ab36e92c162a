"""Splunk: the search export endpoint with the searches that its documentation describes, over the platform's logs.

Format: Splunk's REST API reference, "search/v2/jobs/export"; "Search reference" for ``search``, ``bin``, ``stats``,
``eventstats``, ``sort``, ``head``, ``rex`` and ``fields``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from sandbox.platform.telemetry import Delays, Line, Telemetry
from sandbox.vendors.gate import Answer, Gates

TOKEN = "sandbox-splunk-token-0123456789"  # noqa: S105 - of a stand-in
Row = dict[str, Any]
_COUNT = "\0count"
"""Not a field: how many equal events a row stands for."""


class SearchError(Exception):
    """A search that Splunk would refuse."""


class Splunk:
    """The export endpoint."""

    def __init__(self, telemetry: Telemetry, gates: Gates, delays: Delays) -> None:
        self._telemetry, self._gates, self._delays = telemetry, gates, delays

    def answer(self, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one POST of a search."""
        fault = self._gates.fault("splunk")
        if fault == "down":
            return Answer(0, b"")
        if fault == "slow":
            self._gates.hold("splunk")
        if fault == "throttled":
            return _messages(429, "ERROR", "Too many requests", ("Retry-After", "30"))
        if fault == "unauthorized" or headers.get("authorization") != f"Bearer {TOKEN}":
            return _messages(401, "WARN", "call not properly authenticated")
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if form.get("output_mode") != "json":
            return Answer(200, b"<?xml version='1.0' encoding='UTF-8'?>\n<results preview='0'></results>", "text/xml")
        try:
            rows = self.run(form["search"], float(form["earliest_time"]), float(form["latest_time"]))
        except KeyError as error:
            return _messages(400, "FATAL", f"Missing argument {error}")
        except (SearchError, ValueError) as error:
            return _messages(400, "FATAL", f"Error in 'search' command: {error}")
        lines = [json.dumps({"preview": False, "offset": offset, "result": row})
                 for offset, row in enumerate(rows)]
        if lines:
            lines[-1] = lines[-1][:-1] + ', "lastrow": true}'
        text = "\n".join(lines) + "\n" if lines else '{"preview":false,"lastrow":true}\n'
        if fault == "malformed":
            text = text[:len(text) // 2] + "\n<response><messages><msg type=\"FATAL\">"
        return Answer(200, text.encode())

    def run(self, search: str, earliest: float, latest: float) -> list[Row]:
        """Run one search; raises SearchError."""
        first, *commands = [part.strip() for part in _pipes(search)]
        if not first.startswith("search "):
            raise SearchError(f"Unknown search command '{first.split()[0] if first else ''}'.")
        wanted = _Expression(first.removeprefix("search ")).parse()
        rows: list[Row] = []
        if self._gates.fault("splunk") != "empty":
            newest = self._gates.newest("splunk", self._delays.splunk)
            rows = [row for line in self._telemetry.lines_between(earliest, min(latest, newest))
                    for row in [_row(line)] if wanted(row)]
        rows.reverse()  # newest first, as Splunk returns events
        for command in commands:
            rows = _command(command, rows)
        rows = [{key: value for key, value in row.items() if key != _COUNT} for row in _each(rows)]
        for row in rows:
            if isinstance(row.get("_time"), float):
                row["_time"] = datetime.fromtimestamp(row["_time"], UTC).isoformat(timespec="milliseconds")
        return [{key: str(value) for key, value in row.items()} for row in rows]


def _command(command: str, rows: list[Row]) -> list[Row]:
    name, _, rest = command.partition(" ")
    match name:
        case "bin" | "bucket":
            found = re.fullmatch(r"_time\s+span=(\d+)(s|m|h)", rest.strip())
            if not found:
                raise SearchError(f"cannot read 'bin {rest}'")
            span = int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
            return [row | {"_time": row["_time"] // span * span} for row in rows]
        case "stats":
            given, _, by = rest.strip().partition(" by ")
            keys = [key.strip() for key in re.split(r"[,\s]+", by) if key.strip()]
            made = [_function(part.strip()) for part in given.split(",")]
            if not keys:
                raise SearchError(f"cannot read 'stats {rest}'")
            groups: dict[tuple[Any, ...], list[Row]] = {}
            for row in rows:
                if all(key in row for key in keys):
                    groups.setdefault(tuple(row[key] for key in keys), []).append(row)
            return [dict(zip(keys, group, strict=True)) | {name: value(found) for name, value in made}
                    for group, found in sorted(groups.items(), key=lambda item: str(item[0]))]
        case "eventstats":
            # Each row gets the result over all rows, or with a by clause over those with the same value of a field.
            given, _, key = rest.strip().partition(" by ")
            groups = {}
            for row in rows:
                groups.setdefault((row.get(key.strip()),), []).append(row)
            return [row | added for group in groups.values() for added in [_totals(given, group)] for row in group]
        case "rex":
            found = re.fullmatch(r'field=(\w+)\s+"(.*)"', rest.strip())
            if not found:
                raise SearchError(f"cannot read 'rex {rest}'")
            pattern = re.compile(found[2].replace("(?<", "(?P<"))
            return [row | (match.groupdict() if (match := pattern.search(str(row.get(found[1], "")))) else {})
                    for row in rows]
        case "sort":
            found = re.fullmatch(r"([-+]?)\s*(\w+)", rest.strip())
            if not found:
                raise SearchError(f"cannot read 'sort {rest}'")
            return sorted(rows, key=lambda row: float(row.get(found[2], 0)), reverse=found[1] == "-")
        case "head":
            return _each(rows)[:int(rest.strip() or 10)]
        case "fields":
            keys = [key.strip() for key in re.split(r"[,\s]+", rest) if key.strip()]
            return [{key: row[key] for key in [*keys, _COUNT] if key in row} for row in rows]
    raise SearchError(f"Unknown search command '{name}'.")


def _totals(given: str, rows: list[Row]) -> Row:
    added: Row = {}
    for part in given.split(","):
        found = re.fullmatch(r"(sum|max)\((\w+)\)\s+as\s+(\w+)", part.strip(), re.I)
        if not found:
            raise SearchError(f"cannot read 'eventstats {given}'")
        values = [row[found[2]] for row in rows if isinstance(row.get(found[2]), int | float)]
        if values:
            added[found[3]] = sum(values) if found[1].lower() == "sum" else max(values)
    return added


def _each(rows: list[Row]) -> list[Row]:
    """The events one by one, where equal ones are kept as one row."""
    return [row for row in rows for _ in range(int(row.get(_COUNT, 1)))]


def _function(text: str) -> tuple[str, Callable[[list[Row]], Any]]:
    """Return the name of a column of ``stats``, and the function that computes it from a group's events."""
    if text == "count":
        return text, lambda rows: sum(int(row.get(_COUNT, 1)) for row in rows)
    found = re.fullmatch(r"count\(eval\(_time\s*(>=|<)\s*([\d.]+)\)\)\s+as\s+(\w+)", text, re.I)
    if found:
        later, moment = found[1] == ">=", float(found[2])
        return found[3], lambda rows: sum(int(row.get(_COUNT, 1)) for row in rows if (row["_time"] >= moment) is later)
    found = re.fullmatch(r"count\(eval\(_time\s*>=\s*([\d.]+)\s+AND\s+\((.+)\)\)\)\s+as\s+(\w+)", text, re.I)
    if found:
        start, tests = float(found[1]), [_test(part) for part in re.split(r"\s+OR\s+", found[2])]
        return found[3], lambda rows: sum(int(row.get(_COUNT, 1)) for row in rows
                                          if row["_time"] >= start and any(test(row) for test in tests))
    found = re.fullmatch(r"p(?:erc)?(\d+)\((\w+)\)\s+as\s+(\w+)", text, re.I)
    if not found:
        raise SearchError(f"cannot read 'stats {text}'")
    share, field = int(found[1]) / 100, found[2]
    return found[3], lambda rows: _percentile(sorted(
        (float(row[field]), int(row.get(_COUNT, 1))) for row in rows if field in row), share)


def _test(text: str) -> Callable[[Row], bool]:
    """A comparison within ``eval``; none holds for a field that is not there."""
    found = re.fullmatch(r'(\w+)\s*(?:=\s*"([^"]*)"|>=\s*([\d.]+))', text.strip())
    if not found:
        raise SearchError(f"cannot read 'eval {text}'")
    if found[3] is None:
        return lambda row: str(row.get(found[1])) == found[2]
    return lambda row: str(row.get(found[1], "")).isdigit() and float(row[found[1]]) >= float(found[3])


def _percentile(values: list[tuple[float, int]], share: float) -> float | str:
    """The value below which a share of the events lies; they come as (value, how many have it), in order."""
    left = share * sum(count for _, count in values)
    for value, count in values:
        left -= count
        if left <= 0:
            return value
    return ""


class _Expression:
    """``index=payments (level=ERROR OR level=FATAL) NOT component=x "text"``."""

    def __init__(self, text: str) -> None:
        self._tokens = re.findall(
            r'\(|\)|[\w.]+\s*!?=\s*(?:"(?:[^"\\]|\\.)*"|[^\s()]+)|"(?:[^"\\]|\\.)*"|[^\s()]+', text)

    def parse(self) -> Callable[[Row], bool]:
        result = self._any()
        if self._tokens:
            raise SearchError("unbalanced parentheses")
        return result

    def _any(self) -> Callable[[Row], bool]:
        options = [self._all()]
        while self._tokens and self._tokens[0] == "OR":
            self._tokens.pop(0)
            options.append(self._all())
        return lambda row: any(option(row) for option in options)

    def _all(self) -> Callable[[Row], bool]:
        parts: list[Callable[[Row], bool]] = []
        while self._tokens and self._tokens[0] not in (")", "OR"):
            token = self._tokens.pop(0)
            if token == "AND":  # noqa: S105 - a word of the search language
                continue
            negated = token == "NOT"  # noqa: S105 - a word of the search language
            if negated:
                token = self._tokens.pop(0)
            test = self._one(token)
            parts.append((lambda test: lambda row: not test(row))(test) if negated else test)
        return lambda row: all(part(row) for part in parts)

    def _one(self, token: str) -> Callable[[Row], bool]:
        if token == "(":  # noqa: S105 - a word of the search language
            inner = self._any()
            if not self._tokens or self._tokens.pop(0) != ")":
                raise SearchError("unbalanced parentheses")
            return inner
        field = re.fullmatch(r'([\w.]+)\s*(!?=)\s*(.+)', token, re.S)
        if field:
            name, value = field[1], field[3].strip('"')
            pattern = re.compile(re.escape(value).replace(r"\*", ".*"), re.I | re.S)
            if field[2] == "=":
                return lambda row: name in row and bool(pattern.fullmatch(str(row[name])))
            return lambda row: name in row and not pattern.fullmatch(str(row[name]))
        word = token.strip('"').lower()
        return (lambda row: True) if word == "*" else (lambda row: word in str(row["_raw"]).lower())


_KEY_VALUE = re.compile(r"\b([a-z]\w*)=([^\s,;\"]+)")


@lru_cache(maxsize=200_000)
def _row(line: Line) -> Row:
    moment = datetime.fromtimestamp(line.at, UTC).isoformat(timespec="milliseconds")
    # Splunk finds fields of the form key=value in the text by itself.
    found = {} if line.client or "=" not in line.text else dict(_KEY_VALUE.findall(line.text))
    return {**found, "_time": line.at, "index": "payments", "sourcetype": "app", "component": line.component,
            "level": line.level, "version": line.version, "pod": line.pod, "host": line.pod,
            "_raw": f"{moment} {line.text}", _COUNT: line.count,
            **({"client_ip": line.client, "duration_ms": line.duration_ms} if line.client else {})}


def _pipes(search: str) -> list[str]:
    return re.split(r"\|(?=(?:[^\"]|\"[^\"]*\")*$)", search)


def _messages(status: int, kind: str, text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps({"messages": [{"type": kind, "text": text}]}).encode(), headers=headers)
