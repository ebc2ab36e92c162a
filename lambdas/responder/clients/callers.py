"""Searches of Splunk for callers whose requests are refused, and what their rows say.

Format: Splunk's "Search Reference": ``stats`` with ``count(eval(…))``, ``eventstats … by``, ``sort``, ``head``,
``rex``. Rows are as ``sources/splunk.py`` takes them from an export: each value is a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from responder.model.finding import Finding, Window
from responder.model.service import Service, Splunk

NETWORK = r"^(?<network>(?:\d{1,3}\.){3}|(?:[0-9A-Fa-f]{0,4}:){1,3})"
"""The part of an IP address that is told: three octets of IPv4, three groups of IPv6."""
_CLIENTS = 20
_SOURCE = "splunk"
_HTTP_REFUSED = 400


Begin = Callable[[str, Window], Callable[[], tuple[list[dict[str, Any]], str]]]
"""Begins a search; what it returns waits for the rows, and a note where they were cut, or raises CallFailed."""
Judge = Callable[[set[str]], list[Finding]]
"""Waits for a search and judges it; takes the components of which Splunk has no line at all."""


def signatures(service: Service, window: Window, baseline: Window, begin: Begin) -> Judge:
    """Search for requests whose signature is missing or wrong.

    The judge returns per component ``rejected_signatures``: value and baseline are lines a minute; detail has
    ``lines`` and ``baseline_lines``.
    """
    settings = _settings(service)
    query = (f"search {settings.search} ({settings.rejected_signatures}) "
             f"| stats count(eval(_time>={window.start:.3f})) as count, "
             f"count(eval(_time<{baseline.end:.3f})) as before by {settings.component_field}")
    search = begin(query, Window(baseline.start, window.end))

    def judge(silent: set[str]) -> list[Finding]:
        rows, note = search()
        counted = {str(row.get(settings.component_field)): row for row in rows}
        found = []
        for name in (known.name for known in service.components):
            common: dict[str, Any] = {"component": name, "window": window, "query": query, "unit": "lines/min"}
            if name in silent:
                found.append(Finding(_SOURCE, "rejected_signatures", "empty", **common,
                                     note="Splunk has no line of it at all"))
                continue
            lines, before = (_count(counted.get(name, {}), key) for key in ("count", "before"))
            found.append(Finding(
                _SOURCE, "rejected_signatures", "partial" if note else "ok", **common, note=note,
                value=round(lines / window.seconds * 60, 2), baseline=round(before / baseline.seconds * 60, 2),
                detail={"lines": lines, "baseline_lines": before}))
        return found

    return judge


def failing(service: Service, window: Window, baseline: Window, begin: Begin) -> Judge:
    """Search for the clients whose requests fail, and for what part of all requests they usually send.

    A request fails by its HTTP status (400 and more: a refusal is what is looked for) or by the level of its line. The
    judge returns per component ``failing_clients``: value is the greatest share that one client has of what fails;
    detail has ``clients`` [{client, failed, before}], most first, ``all_failed`` and ``all_before``, where ``before``
    counts the baseline's requests. A client is told by its network alone.
    """
    settings = _settings(service)
    field, component = settings.client_field, settings.component_field
    failed = " OR ".join([*([f"{settings.status_field}>={_HTTP_REFUSED}"] if settings.status_field else []),
                          *(f'{settings.level_field}="{level}"' for level in settings.error_levels)])
    query = (f"search {settings.search} {field}=* "
             f"| stats count(eval(_time<{baseline.end:.3f})) as before, "
             f"count(eval(_time>={window.start:.3f} AND ({failed}))) as failed by {field}, {component} "
             f"| eventstats sum(failed) as all_failed, sum(before) as all_before by {component} "
             f'| sort - failed | head {_CLIENTS} | rex field={field} "{NETWORK}" '
             f"| fields network, {component}, failed, before, all_failed, all_before")
    search = begin(query, Window(baseline.start, window.end))
    common: dict[str, Any] = {"window": window, "query": query, "unit": "share"}

    def judge(silent: set[str]) -> list[Finding]:
        rows, note = search()
        found = []
        for name in (known.name for known in service.components):
            mine = [(row, place) for place, row in enumerate(rows, 1)
                    if str(row.get(component)) == name and _count(row, "failed")]
            if not mine:
                continue
            first = mine[0][0]
            total = max(1, _count(first, "all_failed"))
            found.append(Finding(
                _SOURCE, "failing_clients", "partial" if note else "ok", name, **common, note=note,
                value=round(_count(first, "failed") / total, 4),
                detail={"all_failed": total, "all_before": _count(first, "all_before"), "clients": [
                    {"client": named(row, place), "failed": _count(row, "failed"), "before": _count(row, "before")}
                    for row, place in mine]}))
        return found or [Finding(_SOURCE, "failing_clients", "empty", service.entry, **common,
                                 note="no line of a failing request names its client")]

    return judge


def named(row: Mapping[str, Any], place: int) -> str:
    """Return a client's network, or its place where it is no IP address."""
    network = str(row.get("network") or "")
    return f"{network}x" if re.fullmatch(r"(\d{1,3}\.){3}|([0-9A-Fa-f]{0,4}:){1,3}", network) else f"client {place}"


def _settings(service: Service) -> Splunk:
    if service.splunk is None:
        raise ValueError("Splunk is not configured")
    return service.splunk


def _count(row: Mapping[str, Any], key: str) -> int:
    try:
        return int(float(str(row.get(key) or 0)))
    except (ValueError, OverflowError):
        return 0
