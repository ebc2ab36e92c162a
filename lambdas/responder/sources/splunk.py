"""Splunk, asked by search export, whose results stream.

Format: Splunk's REST API reference, "search/v2/jobs/export": one JSON object a line, ``{"preview": false, "offset": 0,
"result": {…}}``; problems come as ``{"messages": [{"type": "FATAL", "text": "…"}]}``, also in the middle.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import httpx

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.finding import Finding, Window
from responder.model.masking import mask
from responder.model.service import Splunk
from responder.sources import Question, Source

_BUCKET_SECONDS = 10
_MAX_LINES = 20_000
_SIGNATURES = 25
_SIGNATURE_CHARACTERS = 200
_HEAD_CHARACTERS = 600
_MOST_KNOWN = 5_000
_REST_SECONDS = 0.5


def ask(question: Question, http: Http | None = None) -> list[Finding]:
    """Return per component ``error_lines`` and for the service ``error_signatures``; raises CallFailed.

    ``error_lines``: value and baseline are error lines per minute; detail has ``series`` [[start, lines, lines], …],
    ``lines`` and ``baseline_lines``, ``all_lines`` and ``baseline_all_lines``. ``error_signatures``: detail has
    ``signatures`` [{text, component, count, usual, first, versions: {version: count}, pods}], most frequent first;
    ``usual`` is how many the baseline lets expect in a window of the same length. Texts are masked, and numbers and
    ids in them are replaced.
    """
    settings = question.service.splunk
    if settings is None:
        raise CallFailed("unavailable", "Splunk is not configured")
    http = http or Http(question.deadline, headers={"Authorization": f"Bearer {aws.secret(settings.secret)}"})
    counts_query = (f"search {settings.search} | bin _time span={_BUCKET_SECONDS}s "
                    f"| stats count by _time, {settings.component_field}, {settings.level_field}")
    counts, note = _rows(http, settings, counts_query, question.window)
    baseline_query = (f"search {settings.search} "
                      f"| stats count by {settings.component_field}, {settings.level_field}")
    before, note_before = _rows(http, settings, baseline_query, question.baseline)
    findings = _counts(question, settings, counts_query, counts, before, note or note_before)
    if question.phase != "watch":
        findings.append(_signatures(question, settings, http))
    return findings


def _rows(http: Http, settings: Splunk, query: str, window: Window) -> tuple[list[dict[str, Any]], str]:
    """Run a search and return its result rows and a note where they were cut."""
    rows: list[dict[str, Any]] = []
    return rows, _each(http, settings, query, window, rows.append)


def _each(http: Http, settings: Splunk, query: str, window: Window, take: Callable[[dict[str, Any]], None],
          until: float = math.inf) -> str:
    """Run a search, hand over each result row as it comes, and return a note where they were cut.

    ``until`` is when to stop reading (``time.monotonic`` seconds): what was read by then is better than nothing.
    """
    count = 0
    with http.stream("POST", f"{settings.url.rstrip('/')}/services/search/v2/jobs/export", data={
            "search": query, "earliest_time": f"{window.start:.3f}", "latest_time": f"{window.end:.3f}",
            "output_mode": "json", "preview": "false"}) as response:
        try:
            for line in response.iter_lines():
                if not line.strip():
                    continue
                row = _parsed(line)
                if row is not None:
                    count += 1
                    take(row)
                if count >= _MAX_LINES:
                    return f"cut at {_MAX_LINES} rows"
                if time.monotonic() > until:
                    return f"cut at {count} rows: there was no time for more"
        except httpx.TimeoutException as error:
            raise CallFailed("timeout", "Splunk did not finish its answer in time") from error
        except httpx.HTTPError as error:
            raise CallFailed("unavailable", "Splunk broke off its answer") from error
    return ""


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        parsed = json.loads(line)
    except ValueError as error:
        raise CallFailed("malformed", "Splunk answered with a line that is not JSON") from error
    if not isinstance(parsed, dict):
        raise CallFailed("malformed", "Splunk answered with a line that is not an object")
    for message in parsed.get("messages") or []:
        if isinstance(message, dict) and message.get("type") in ("FATAL", "ERROR"):
            raise CallFailed("unavailable", f"Splunk: {mask(str(message.get('text', '')))[:200]}")
    result = parsed.get("result")
    return result if isinstance(result, dict) and not parsed.get("preview") else None


def _counts(question: Question, settings: Splunk, query: str, counts: list[dict[str, Any]],
            before: list[dict[str, Any]], note: str) -> list[Finding]:
    series: dict[str, Counter[float]] = defaultdict(Counter)
    lines: Counter[str] = Counter()
    for row in counts:
        component, count = str(row.get(settings.component_field)), _number(row.get("count"))
        lines[component] += count
        if row.get(settings.level_field) in settings.error_levels:
            series[component][_number(row.get("_time"))] += count
    errors_before: Counter[str] = Counter()
    lines_before: Counter[str] = Counter()
    for row in before:
        component, count = str(row.get(settings.component_field)), _number(row.get("count"))
        lines_before[component] += count
        if row.get(settings.level_field) in settings.error_levels:
            errors_before[component] += count
    findings = []
    for known in question.service.components:
        name = known.name
        common: dict[str, Any] = {"component": name, "window": question.window, "query": query,
                                  "link": _link(settings)}
        if not lines[name] and not lines_before[name]:
            findings.append(Finding(SOURCE.name, "error_lines", "empty", **common,
                                    note="Splunk has no line of it at all"))
            continue
        errors = sum(series[name].values())
        findings.append(Finding(
            SOURCE.name, "error_lines", "partial" if note else "ok", **common, unit="lines/min", note=note,
            value=round(errors / question.window.seconds * 60, 2),
            baseline=round(errors_before[name] / question.baseline.seconds * 60, 2),
            detail={"series": [[start, count, count] for start, count in sorted(series[name].items())],
                    "lines": errors, "baseline_lines": errors_before[name],
                    "all_lines": lines[name], "baseline_all_lines": lines_before[name]}))
    return findings


def _signatures(question: Question, settings: Splunk, http: Http) -> Finding:
    levels = " OR ".join(f"{settings.level_field}={level}" for level in settings.error_levels)
    fields = ", ".join((settings.component_field, settings.version_field, settings.pod_field))
    query = f"search {settings.search} ({levels}) | head {_MAX_LINES} | fields _time, {fields}, _raw"
    # Lines are long, and there may be tens of thousands: only what is counted of them is kept.
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    usual: Counter[tuple[str, str]] = Counter()

    text_of = _Signatures().of

    def key(row: dict[str, Any]) -> tuple[str, str]:
        return str(row.get(settings.component_field, "")), text_of(str(row.get("_raw", "")))

    def count(row: dict[str, Any]) -> None:
        component, text = key(row)
        group = groups.setdefault((component, text), {
            "text": text, "component": component, "count": 0, "first": None, "versions": Counter(), "pods": set()})
        group["count"] += 1
        moment = _number(row.get("_time"))
        group["first"] = moment if group["first"] is None else min(group["first"], moment)
        group["versions"][str(row.get(settings.version_field, ""))] += 1
        group["pods"].add(str(row.get(settings.pod_field, "")))

    def count_usual(row: dict[str, Any]) -> None:
        usual[key(row)] += 1

    # Each has half of the time that is left, the second but for what the rest takes.
    now = time.monotonic()
    notes = (_each(http, settings, query, question.window, count, now + (question.deadline - now) / 2),
             _each(http, settings, query, question.baseline, count_usual, question.deadline - _REST_SECONDS))
    note = notes[0] or notes[1]
    scale = question.window.seconds / question.baseline.seconds
    ordered = sorted(groups.values(), key=lambda group: (-group["count"], group["component"], group["text"]))
    return Finding(
        SOURCE.name, "error_signatures", "partial" if note else "ok", window=question.window, query=query, note=note,
        value=float(sum(group["count"] for group in ordered)), unit="lines", link=_link(settings),
        detail={"signatures": [group | {"versions": dict(group["versions"]), "pods": len(group["pods"]),
                                        "usual": round(scale * usual[group["component"], group["text"]], 2)}
                               for group in ordered[:_SIGNATURES]]})


_VARIABLE = (
    (re.compile(r"^\S*\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*\s*"), ""),
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{10,}\b"), "<id>"),
    (re.compile(r"\d+(?:\.\d+)*"), "<n>"),
)


_CUT_WORD = re.compile(r"""[^\s"'`,;|(){}\[\]<>]*$""")


def signature(line: str) -> str:
    """Return a log line masked, with its time, numbers and ids replaced, so that like lines count together."""
    return _alike(mask(_head(line)))[:_SIGNATURE_CHARACTERS]


class _Signatures:
    """Signatures of many lines. Masking takes most of the time, and like lines need it only once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, line: str) -> str:
        """Return the signature of a line, or that of one before it which differs in nothing but numbers and ids."""
        # What is not masked serves to look up with, and is never passed on.
        alike = _alike(_head(line))
        found = self._known.get(alike)
        if found is None:
            found = signature(line)
            if len(self._known) < _MOST_KNOWN:
                self._known[alike] = found
        return found


def _head(line: str) -> str:
    """So much of a line as a signature can come from; what the cut would leave of a word goes with it."""
    return line if len(line) <= _HEAD_CHARACTERS else _CUT_WORD.sub("", line[:_HEAD_CHARACTERS])


def _alike(text: str) -> str:
    for pattern, replacement in _VARIABLE:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


def _number(value: Any) -> Any:
    """Splunk's numbers are strings; a time may be seconds or ISO 8601."""
    text = str(value or 0)
    try:
        number = float(text)
    except ValueError:
        from datetime import datetime

        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            return 0
    return int(number) if number.is_integer() else number


def _link(settings: Splunk) -> str:
    return f"https://{httpx.URL(settings.url).host}/en-US/app/search/search"


SOURCE = Source(
    name="splunk",
    phases=frozenset({"confirm", "diagnose"}),
    ask=ask,
    configured=lambda service: service.splunk is not None,
    secrets=lambda service: (service.splunk.secret,) if service.splunk else (),
)
