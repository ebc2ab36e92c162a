"""Splunk by its search export: where lines about the workloads are, and which fields they have.

Formats: Splunk's "Search endpoint descriptions" (``search/v2/jobs/export``; before 9.0.2 ``search/jobs/export``),
"Search Reference": ``stats`` and ``fieldsummary`` (``values`` is JSON: ``[{"value": …, "count": …}]``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from cli.init.facts import LogField, LogSource, Splunk
from cli.init.readers import Asked, Known, Reader
from responder.sources.splunk.spl import text

_PATHS = ("/services/search/v2/jobs/export", "/services/search/jobs/export")
_LOOKED_SECONDS = 900
_SAMPLE = 5000
_VALUES = 40
_USUAL = ("component", "service", "app", "container_name")
_MOST_NAMES = 40
"""Names in one search."""


def read(asked: Asked, known: Known) -> Splunk:
    """Return the indexes and sourcetypes with lines about the workloads, and the fields of the first of them."""
    if not asked.splunk_token:
        raise ValueError("no token: set SPLUNK_TOKEN, or name its secret with --splunk-secret")
    names = sorted({workload.name for workload in known.workloads} | set(asked.components) or {asked.service})
    where = asked.splunk_search or "index=*"
    # A line may name its workload in its text, by the pod's name as host, by the path of the container's log, or in a
    # field.
    terms = " OR ".join(term for name in names[:_MOST_NAMES] for term in (
        text(name), f"host={text(f'{name}*')}", f"source={text(f'*{name}*')}", *(
            f"{field}={text(name)}" for field in _USUAL)))
    rows = _search(asked, known, f"search {where} ({terms}) | stats count by index, sourcetype | sort - count")
    sources = tuple(LogSource(str(row["index"]), str(row["sourcetype"]), int(row["count"])) for row in rows
                    if "index" in row and "sourcetype" in row)
    if not sources:
        return Splunk()
    first = search_of(sources[0], asked.splunk_search)
    summary = _search(asked, known, f"search {first} | head {_SAMPLE} | fieldsummary maxvals={_VALUES}")
    fields = tuple(LogField(str(row["field"]), int(row["count"]), tuple(_values(row))) for row in summary)
    return Splunk(sources, max((field.count for field in fields), default=0), fields)


def search_of(source: LogSource, given: str) -> str:
    """Return the search that finds the service's lines: the user's own, or that of an index and a sourcetype."""
    return given or f"index={_quoted(source.index)} sourcetype={_quoted(source.sourcetype)}"


def _quoted(value: str) -> str:
    plain = all(sign.isalnum() or sign in "_-:." for sign in value)
    return value if plain else text(value)


def _values(row: Mapping[str, Any]) -> Iterator[str]:
    try:
        given = json.loads(row.get("values") or "[]")
    except ValueError:
        return
    yield from (str(one.get("value", "")) for one in given)


def _search(asked: Asked, known: Known, search: str) -> list[dict[str, Any]]:
    now = time.time()
    form = {"search": search, "output_mode": "json", "earliest_time": f"{now - _LOOKED_SECONDS:.0f}",
            "latest_time": f"{now:.0f}", "max_time": "55", "auto_cancel": "60"}
    for path in _PATHS:
        answer = known.http.post(asked.splunk_url.rstrip("/") + path, data=form,
                                 headers={"Authorization": f"Bearer {asked.splunk_token}"})
        if answer.status_code != 404:
            break
    if answer.status_code in (401, 403):
        raise ValueError(f"Splunk refused the token ({answer.status_code})")
    if answer.status_code != 200:
        raise ValueError(f"Splunk answered with status {answer.status_code}: {_message(answer.text)}")
    return list(_rows(answer.text))


def _rows(text: str) -> Iterator[dict[str, Any]]:
    """Yield the results of an export: one JSON object a line; previews are left out, and a fatal message raises."""
    for line in text.splitlines():
        if not line.strip():
            continue
        value = json.loads(line)
        for message in value.get("messages") or []:
            if message.get("type") in ("FATAL", "ERROR"):
                raise ValueError(f"Splunk: {message.get('text', '')}")
        if not value.get("preview") and isinstance(value.get("result"), dict):
            yield value["result"]


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["messages"][0]["text"])[:200]
    except (ValueError, KeyError, IndexError, TypeError):
        return "no reason"


READER = Reader(
    name="splunk", title="Splunk's indexes and fields", part=Splunk, read=read,
    rights=("a token of a user who may search the service's index",),
    applies=lambda asked: bool(asked.splunk_url), without="it was not asked: name its address with --splunk-url")
