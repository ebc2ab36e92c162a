"""Splunk, asked by search export, whose results stream.

Format: Splunk's REST API reference, "search/v2/jobs/export": one JSON object a line, ``{"preview": false, "offset": 0,
"result": {…}}``; problems come as ``{"messages": [{"type": "FATAL", "text": "…"}]}``, also in the middle. "Search
reference" for ``stats`` and its functions, ``eventstats``, ``sort``, ``head`` and ``rex``.
"""

from __future__ import annotations

import itertools
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from responder.clients import aws, callers
from responder.clients.bounded import parsed
from responder.clients.callers import NETWORK, named
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.finding import Finding, Window
from responder.model.masking import mask
from responder.model.service import Splunk
from responder.sources import Query, Source, collect_independently

_BUCKET_SECONDS = 10
_RECENT_SECONDS = 60.0
"""What has just become slow is drowned by the time before it, so only the newest answers are measured."""
_MAX_LINES = 20_000
_MOST_BYTES = 64 * 1024 * 1024
"""Of one search's answer, which is not kept as a whole: 20,000 error lines of 3 kB."""
_FIELDS = 100
_FIELD_CHARACTERS = 1000
_SIGNATURES = 25
_SIGNATURE_CHARACTERS = 200
_HEAD_CHARACTERS = 600
_MOST_KNOWN = 5_000
_REST_SECONDS = 0.5
_CLIENTS = 20
_SIDE_BY_SIDE = 3
"""Searches at once: as many as Splunk's default role lets one user run (authorize.conf, ``srchJobsQuota``)."""

_Judge = Callable[[set[str]], list[Finding]]
"""Waits for a part's searches and judges them; takes the components of which Splunk has no line at all."""
_Rows = tuple[list[dict[str, Any]], str]
"""Result rows, and a note where they were cut."""
_Tally = tuple[dict[tuple[str, str], dict[str, Any]], str]
"""Like lines, counted, by component and text; and a note where they were cut."""
_Search = Callable[[], _Rows]
"""A search under way; called, it waits for the rows, or raises CallFailed."""


def collect(query: Query, http: Http | None = None) -> list[Finding]:
    """Return per component ``error_lines`` and for the service ``error_signatures``; raises CallFailed.

    ``error_lines``: value and baseline are error lines per minute; detail has ``series`` [[start, lines, lines], …],
    ``lines`` and ``baseline_lines``, ``all_lines`` and ``baseline_all_lines``. ``error_signatures``: detail has
    ``signatures`` [{text, component, count, usual, first, versions: {version: count}, pods}], most frequent first;
    ``usual`` is how many the baseline lets expect in a window of the same length. Texts are masked, and numbers and
    ids in them are replaced. Of the components whose lines tell how long an answer took, ``latency_p95_ms``: value is
    of the last minute, in milliseconds, as baseline; detail has ``requests``.

    To diagnose, also: per component ``auth_failures``, lines about callers whose authentication failed, as
    ``error_lines`` in unit, with ``lines`` and ``baseline_lines``; ``rejected_signatures`` and ``failing_clients``
    (see ``clients/callers.py``); and of the entry ``clients``: value is the greatest
    share that one client has of the requests, baseline the greatest before; detail has ``clients`` [{client, count,
    usual}], most first, ``total``, ``baseline_total``, ``seconds`` and ``baseline_seconds``. ``usual`` is how many the
    baseline lets expect of that client, who is told by its network alone.
    """
    settings = query.service.splunk
    if settings is None:
        raise CallFailed("unavailable", "Splunk is not configured")
    http = http or Http(query.deadline, headers={"Authorization": f"Bearer {aws.secret(settings.secret)}"})
    counts_query = (f"search {settings.search} | bin _time span={_BUCKET_SECONDS}s "
                    f"| stats count by _time, {settings.component_field}, {settings.level_field}")
    baseline_query = (f"search {settings.search} "
                      f"| stats count by {settings.component_field}, {settings.level_field}")
    errors_query = _errors_query(settings)
    pool = ThreadPoolExecutor(_SIDE_BY_SIDE)

    def begin(spl: str, window: Window) -> _Search:
        return pool.submit(_rows, http, settings, spl, window).result

    try:
        counts, before = begin(counts_query, query.window), begin(baseline_query, query.baseline)
        errors, usual = (pool.submit(_tally, http, settings, errors_query, window, query.deadline - _REST_SECONDS)
                         for window in (query.window, query.baseline))
        beside: dict[str, _Judge] = {}
        if settings.duration_field:
            beside["latency_p95_ms"] = _latencies(query, settings, begin)
        if query.phase == "diagnose":
            beside["auth_failures"] = _auth_failures(query, settings, begin)
            asked = (query.service, query.window, query.baseline, begin)
            beside["rejected_signatures"] = callers.signatures(*asked)
            if settings.client_field:
                beside["clients"] = _clients(query, settings, begin)
                beside["failing_clients"] = callers.failing(*asked)
        (rows, note), (rows_before, note_before) = counts(), before()
        findings = _counts(query, settings, counts_query, rows, rows_before, note or note_before)
        silent = {finding.component for finding in findings if not finding.usable}
        findings.append(_signatures(query, settings, errors_query, errors.result(), usual.result()))
        return findings + collect_independently(SOURCE.name, query, {
            name: partial(judge, silent) for name, judge in beside.items()})
    finally:
        # Where one fails for want of an answer, the searches that have not begun would only wait as long again.
        pool.shutdown(cancel_futures=True)


def _rows(http: Http, settings: Splunk, spl: str, window: Window) -> _Rows:
    """Run a search and return its result rows and a note where they were cut."""
    rows: list[dict[str, Any]] = []
    return rows, _each(http, settings, spl, window, rows.append)


def _each(http: Http, settings: Splunk, spl: str, window: Window, take: Callable[[dict[str, Any]], None],
          until: float = math.inf) -> str:
    """Run a search, hand over each result row as it comes, and return a note where they were cut.

    ``until`` is when to stop reading (``time.monotonic`` seconds): what was read by then is better than nothing.
    """
    count = length = 0
    with closing(http.lines("POST", f"{settings.url.rstrip('/')}/services/search/v2/jobs/export", data={
            "search": spl, "earliest_time": f"{window.start:.3f}", "latest_time": f"{window.end:.3f}",
            "output_mode": "json", "preview": "false"}, most_bytes=2 * _MOST_BYTES)) as lines:
        for line in lines:
            length += len(line)
            if line.strip():
                row = _parsed(line)
                if row is not None:
                    count += 1
                    take(row)
            if count >= _MAX_LINES:
                return f"cut at {_MAX_LINES} rows"
            if length > _MOST_BYTES:
                return f"cut at {count} rows: they are longer than {_MOST_BYTES // 2 ** 20} MiB"
            if time.monotonic() > until:
                return f"cut at {count} rows: there was no time for more"
    return ""


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return the result row of a line, its texts cut to what can be of use; None where it has none."""
    answer = parsed(line, "Splunk")
    if not isinstance(answer, dict):
        raise CallFailed("malformed", "Splunk answered with a line that is not an object")
    messages = answer.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and message.get("type") in ("FATAL", "ERROR"):
            raise CallFailed("unavailable", f"Splunk: {mask(str(message.get('text', ''))[:2000])[:200]}")
    result = answer.get("result")
    if not isinstance(result, dict) or answer.get("preview"):
        return None
    return {key: value[:_FIELD_CHARACTERS] if isinstance(value, str) else value
            for key, value in itertools.islice(result.items(), _FIELDS) if isinstance(value, str | int | float)}


def _counts(query: Query, settings: Splunk, spl: str, counts: list[dict[str, Any]],
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
    for known in query.service.components:
        name = known.name
        common: dict[str, Any] = {"component": name, "window": query.window, "query": spl,
                                  "link": _link(settings)}
        if not lines[name] and not lines_before[name]:
            findings.append(Finding(SOURCE.name, "error_lines", "empty", **common,
                                    note="Splunk has no line of it at all"))
            continue
        errors = sum(series[name].values())
        findings.append(Finding(
            SOURCE.name, "error_lines", "partial" if note else "ok", **common, unit="lines/min", note=note,
            value=round(errors / query.window.seconds * 60, 2),
            baseline=round(errors_before[name] / query.baseline.seconds * 60, 2),
            detail={"series": [[start, count, count] for start, count in sorted(series[name].items())],
                    "lines": errors, "baseline_lines": errors_before[name],
                    "all_lines": lines[name], "baseline_all_lines": lines_before[name]}))
    return findings


def _latencies(query: Query, settings: Splunk, begin: Callable[[str, Window], _Search]) -> _Judge:
    field = settings.duration_field
    spl = (f"search {settings.search} {field}=* "
             f"| stats count, perc95({field}) as p95 by {settings.component_field}")
    window = Window(max(query.window.start, query.window.end - _RECENT_SECONDS), query.window.end)
    searches = [begin(spl, stretch) for stretch in (window, query.baseline)]

    def judge(silent: set[str]) -> list[Finding]:
        (now, note), (past, note_before) = (search() for search in searches)
        recent, usual = ({str(row.get(settings.component_field)): row for row in rows} for rows in (now, past))
        return [Finding(
            SOURCE.name, "latency_p95_ms", "partial" if note or note_before else "ok", known.name, unit="ms",
            window=window, query=spl, link=_link(settings), note=note or note_before,
            value=_number(recent[known.name].get("p95")),
            baseline=_number(usual[known.name]["p95"]) if usual.get(known.name, {}).get("p95") else None,
            detail={"requests": _number(recent[known.name].get("count"))})
            for known in query.service.components if recent.get(known.name, {}).get("p95")]

    return judge


def _auth_failures(query: Query, settings: Splunk,
                   begin: Callable[[str, Window], _Search]) -> _Judge:
    spl = f"search {settings.search} ({settings.auth_failures}) | stats count by {settings.component_field}"
    searches = [begin(spl, window) for window in (query.window, query.baseline)]

    def judge(silent: set[str]) -> list[Finding]:
        (now, note), (past, note_before) = (search() for search in searches)
        lines, before = ({str(row.get(settings.component_field)): _number(row.get("count")) for row in rows}
                         for rows in (now, past))
        findings = []
        for name in (known.name for known in query.service.components):
            common: dict[str, Any] = {"component": name, "window": query.window, "query": spl,
                                      "link": _link(settings), "unit": "lines/min"}
            if name in silent:
                findings.append(Finding(SOURCE.name, "auth_failures", "empty", **common,
                                        note="Splunk has no line of it at all"))
                continue
            count, usual = lines.get(name, 0), before.get(name, 0)
            findings.append(Finding(
                SOURCE.name, "auth_failures", "partial" if note or note_before else "ok", **common,
                note=note or note_before, value=round(count / query.window.seconds * 60, 2),
                baseline=round(usual / query.baseline.seconds * 60, 2),
                detail={"lines": count, "baseline_lines": usual}))
        return findings

    return judge


def _clients(query: Query, settings: Splunk, begin: Callable[[str, Window], _Search]) -> _Judge:
    """Who sends the entry's requests, window and baseline in one search.

    An IP address is personal data, and what else the field may hold nobody knows: so the client is compared with its
    own habit within Splunk, and leaves it as its network alone (three octets, or three groups).
    """
    field, entry, split = settings.client_field, query.service.entry, f"{query.window.start:.3f}"
    # Only the entry's lines: further in, the client is the component before.
    spl = (f'search {settings.search} {settings.component_field}="{entry}" {field}=* '
             f"| stats count(eval(_time>={split})) as count, count(eval(_time<{split})) as before by {field} "
             f"| eventstats sum(count) as total, sum(before) as total_before, max(before) as most_before "
             f'| sort - count | head {_CLIENTS} | rex field={field} "{NETWORK}" '
             f"| fields network, count, before, total, total_before, most_before")
    search = begin(spl, Window(query.baseline.start, query.window.end))
    common: dict[str, Any] = {"component": entry, "window": query.window, "query": spl, "link": _link(settings),
                              "unit": "share"}

    def judge(silent: set[str]) -> list[Finding]:
        rows, note = search()
        total, total_before, most_before = (max((_number(row.get(key)) for row in rows), default=0)
                                            for key in ("total", "total_before", "most_before"))
        if not total:
            return [Finding(SOURCE.name, "clients", "empty", **common, note=(
                f"no line of {entry} in the window has the field {field}"))]
        scale = query.window.seconds / query.baseline.seconds
        clients = [{"client": named(row, place), "count": _number(row.get("count")),
                    "usual": round(_number(row.get("before")) * scale, 2)} for place, row in enumerate(rows, 1)]
        return [Finding(
            SOURCE.name, "clients", "partial" if note else "ok", **common, note=note,
            value=round(max(client["count"] for client in clients) / total, 4),
            baseline=round(most_before / total_before, 4) if total_before else None,
            detail={"total": total, "baseline_total": total_before, "seconds": query.window.seconds,
                    "baseline_seconds": query.baseline.seconds,
                    "clients": [client for client in clients if client["count"]]})]

    return judge


def _errors_query(settings: Splunk) -> str:
    levels = " OR ".join(f"{settings.level_field}={level}" for level in settings.error_levels)
    fields = ", ".join((settings.component_field, settings.version_field, settings.pod_field))
    return f"search {settings.search} ({levels}) | head {_MAX_LINES} | fields _time, {fields}, _raw"


def _tally(http: Http, settings: Splunk, spl: str, window: Window, until: float) -> _Tally:
    """Count like lines while they stream: they are long, and there may be tens of thousands."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    text_of = _Signatures().of

    def count(row: dict[str, Any]) -> None:
        component, text = str(row.get(settings.component_field, "")), text_of(str(row.get("_raw", "")))
        group = groups.setdefault((component, text), {
            "text": text, "component": component, "count": 0, "first": None, "versions": Counter(), "pods": set()})
        group["count"] += 1
        moment = _number(row.get("_time"))
        group["first"] = moment if group["first"] is None else min(group["first"], moment)
        group["versions"][str(row.get(settings.version_field, ""))] += 1
        group["pods"].add(str(row.get(settings.pod_field, "")))

    return groups, _each(http, settings, spl, window, count, until)


def _signatures(query: Query, settings: Splunk, spl: str, now: _Tally, before: _Tally) -> Finding:
    (groups, note), (usual, note_before) = now, before
    note = note or note_before
    scale = query.window.seconds / query.baseline.seconds
    ordered = sorted(groups.values(), key=lambda group: (-group["count"], group["component"], group["text"]))
    return Finding(
        SOURCE.name, "error_signatures", "partial" if note else "ok", window=query.window, query=spl, note=note,
        value=float(sum(group["count"] for group in ordered)), unit="lines", link=_link(settings),
        detail={"signatures": [group | {
            "versions": dict(group["versions"]), "pods": len(group["pods"]),
            "usual": round(scale * usual.get((group["component"], group["text"]), {"count": 0})["count"], 2)}
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
    if not math.isfinite(number):
        return 0
    return int(number) if number.is_integer() else number


def _link(settings: Splunk) -> str:
    return f"https://{urlsplit(settings.url).hostname}/en-US/app/search/search"


SOURCE = Source(
    name="splunk",
    phases=frozenset({"confirm", "diagnose"}),
    collect=collect,
    configured=lambda service: service.splunk is not None,
    secrets=lambda service: (service.splunk.secret,) if service.splunk else (),
)
