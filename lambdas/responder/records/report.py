"""The postmortem as HTML, Markdown and JSON, and its place in S3.

The HTML page is one file without script and without any request to elsewhere. All that comes from outside is escaped
by the template engine; Markdown is escaped here.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.masking import mask_all
from responder.model.moment import epoch

_NAMES = {"html": "postmortem.html", "md": "postmortem.md", "json": "postmortem.json", "gz": "record.json.gz"}
_TYPES = {"html": "text/html; charset=utf-8", "md": "text/markdown; charset=utf-8", "json": "application/json",
          "gz": "application/gzip"}
_SHOWN_FIRST, _SHOWN_LAST = 300, 1500
"""Of a very long timeline the pages show the beginning and the end; postmortem.json and the record have it whole."""
_NOTES = "review.md"
_NOTES_BYTES = 200_000
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>~])")


def render(contents: Mapping[str, Any]) -> dict[str, str]:
    """Return the postmortem's formats, by file ending, from what ``plan.review.review`` returns."""
    contents = mask_all(dict(contents))
    page, text = _environment(escape=True), _environment(escape=False)
    chart = chart_of(contents)
    timeline = contents["timeline"]
    left_out = max(0, len(timeline) - _SHOWN_FIRST - _SHOWN_LAST)
    shown = dict(contents)
    if left_out:
        shown["timeline"] = [*timeline[:_SHOWN_FIRST], *timeline[-_SHOWN_LAST:]]
    return {"html": page.get_template("postmortem.html").render(chart=chart, left_out=left_out, **shown),
            "md": text.get_template("postmortem.md").render(chart=chart, left_out=left_out, **shown),
            "json": json.dumps(contents, indent=1, sort_keys=True)}


def render_index(service: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the list of all incidents of a service as one HTML page: several lists, for no script sorts one.

    ``rows`` are those of ``plan.review.row``.
    """
    newest = sorted(mask_all(list(rows)), key=lambda row: str(row["opened_at"]), reverse=True)
    causes: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    months: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in newest:
        causes[row["cause"]].append(row)
        months[str(row["opened_at"])[:7]].append(row)
    slowest = sorted((row for row in newest if row["recovery_seconds"] is not None),
                     key=lambda row: -float(row["recovery_seconds"]))[:20]

    def total(name: str, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        times = sorted(float(row["recovery_seconds"]) for row in found if row["recovery_seconds"] is not None)
        return {"name": name, "count": len(found), "median": median(times) if times else None,
                "failed": sum(row["failed_requests"] or 0 for row in found)}

    by_month = [total(month, found) for month, found in sorted(months.items())][-24:]
    most = max((item["median"] or 0.0 for item in by_month), default=0.0)
    return _environment(escape=True).get_template("index.html").render(
        service=service, newest=newest, slowest=slowest, months=by_month, most=most,
        causes=sorted((total(cause, found) for cause, found in causes.items()), key=lambda item: -int(item["count"])))


def _environment(*, escape: bool) -> Environment:
    made = Environment(loader=FileSystemLoader(Path(__file__).with_name("templates")),
                       autoescape=escape, undefined=StrictUndefined,  # noqa: S701 - Markdown: filter md
                       trim_blocks=True, lstrip_blocks=True)
    made.filters.update({"md": _markdown, "time": _time, "duration": _duration, "percent": _percent, "words": _words})
    return made


def notes(bucket: str, service: str, incident: str) -> dict[str, str] | None:
    """Return what people have written about an incident: {author, at, text}; None where there is nothing.

    It is ``review.md`` beside the report; its author is the metadata ``author``, or the first line "Author: …".
    """
    key = f"postmortems/{service}/{incident}/{_NOTES}"
    try:
        with aws.failures("S3"):
            answer = aws.client("s3").get_object(Bucket=bucket, Key=key)
            text = answer["Body"].read(_NOTES_BYTES).decode("utf-8", "replace")
    except CallFailed as failed:
        # Without the right to list, S3 says AccessDenied of what is not there.
        if failed.code == "NoSuchKey" or failed.status == "unauthorized":
            return None
        raise
    author = str((answer.get("Metadata") or {}).get("author") or "")
    first, _, rest = text.partition("\n")
    if not author and first.lower().startswith("author:"):
        author, text = first.partition(":")[2].strip(), rest
    return {"author": author or "not named", "at": answer["LastModified"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "text": text.strip()}


def store_index(bucket: str, page: str, service: str) -> None:
    """Write a service's list of all incidents."""
    with aws.failures("S3"):
        aws.client("s3").put_object(Bucket=bucket, Key=f"postmortems/{service}/index.html", Body=page.encode(),
                                    ContentType=_TYPES["html"])


def store(bucket: str, service: str, incident: str, files: Mapping[str, str | bytes],
          lock_days: int = 0) -> dict[str, str]:
    """Write the formats to the bucket, which keeps versions, and return their addresses by file ending.

    With ``lock_days`` no version of them can be deleted for so long.
    """
    addresses = {}
    lock: dict[str, Any] = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": datetime.now(UTC) + timedelta(
        days=lock_days)} if lock_days else {}
    for ending, body in files.items():
        key = f"postmortems/{service}/{incident}/{_NAMES[ending]}"
        with aws.failures("S3"):
            aws.client("s3").put_object(Bucket=bucket, Key=key, ContentType=_TYPES[ending],
                                        Body=body.encode() if isinstance(body, str) else body, **lock)
        addresses[ending] = f"s3://{bucket}/{key}"
    return addresses


@dataclass(frozen=True)
class Line:
    """One component's line in the chart."""

    component: str
    points: str
    """SVG points."""
    dash: str
    last: tuple[float, float]


_TRAFFIC_HEIGHT, _TRAFFIC_TOP = 130, 12


@dataclass(frozen=True)
class Mark:
    """A step of the incident on the time axis."""

    x: float
    label: str
    row: int


_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 860, 360, 52, 36, 92, 32
_DASHES = ("", "7 3", "2 3", "10 3 2 3")
_STEPS = (("onset", "symptom begins"), ("opened_at", "opened"), ("confirmed_at", "confirmed"),
          ("isolated_at", "isolated"), ("diagnosed_at", "diagnosed"), ("applied", "remedy applied"),
          ("escalated_at", "escalated"), ("well_since", "well again"), ("recovered_at", "recovered"))
_ROWS = 5


def chart_of(contents: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the chart of error rates is drawn from, or None where nothing was measured."""
    series: Mapping[str, Sequence[Sequence[float]]] = contents["series"]
    times = [row[0] for rows in series.values() for row in rows]
    if not times:
        return None
    incident = contents["incident"]
    onset = epoch(incident.get("onset")) or epoch(incident.get("opened_at")) or min(times)
    # Some time before the symptom shows what is normal; more would press the incident into a corner.
    start = max(min(times), onset - max(60.0, 0.5 * (max(times) - onset)))
    end = max(max(times) + 10, *(moment for moment in (epoch(incident.get("recovered_at")),) if moment), start + 1)

    def x(moment: float) -> float:
        return round(_LEFT + (moment - start) / (end - start) * (_WIDTH - _LEFT - _RIGHT), 1)

    shown = {component: [row for row in rows if row[0] >= start and row[1]] for component, rows in series.items()}
    top = max((row[2] / row[1] for rows in shown.values() for row in rows), default=0.0)
    limit = next((step for step in (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8) if top <= step), 1.0)

    def y(rate: float) -> float:
        return round(_HEIGHT - _BOTTOM - rate / limit * (_HEIGHT - _TOP - _BOTTOM), 1)

    lines = [Line(component, " ".join(f"{x(row[0])},{y(row[2] / row[1])}" for row in rows), _DASHES[i % 4],
                  (x(rows[-1][0]), y(rows[-1][2] / rows[-1][1])))
             for i, (component, rows) in enumerate(sorted(shown.items())) if rows]
    carried = max((row[1] for rows in shown.values() for row in rows), default=1.0)

    def volume(requests: float) -> float:
        return round(_TRAFFIC_HEIGHT - _BOTTOM - requests / carried * (_TRAFFIC_HEIGHT - _TRAFFIC_TOP - _BOTTOM), 1)

    traffic = [Line(component, " ".join(f"{x(row[0])},{volume(row[1])}" for row in rows), _DASHES[i % 4],
                    (x(rows[-1][0]), volume(rows[-1][1]))) for i, (component, rows) in enumerate(sorted(shown.items()))
               if rows]
    applied = [action["applied_at"] for action in contents["actions"] if action.get("applied_at")]
    moments = dict(incident) | {"applied": applied[0] if applied else None}
    marks: list[Mark] = []
    for moment, label in sorted((moment, label) for key, label in _STEPS
                                for moment in [epoch(moments.get(key))] if moment and start <= moment <= end):
        marks.append(Mark(x(moment), label, len(marks) % _ROWS))
    ticks = [(x(start + (end - start) * i / 6), _time(start + (end - start) * i / 6)) for i in range(7)]
    by_start = {component: {row[0]: row for row in rows} for component, rows in shown.items()}
    table = [{"time": _time(moment), "cells": [_cell(by_start[component].get(moment)) for component in sorted(shown)]}
             for moment in sorted({row[0] for rows in shown.values() for row in rows})]
    return {"width": _WIDTH, "height": _HEIGHT, "left": _LEFT, "right": _WIDTH - _RIGHT, "top": _TOP,
            "bottom": _HEIGHT - _BOTTOM, "traffic": traffic, "traffic_height": _TRAFFIC_HEIGHT,
            "traffic_grid": [(volume(carried * i / 2), f"{carried * i / 2:.0f}") for i in range(3)],
            "lines": lines, "marks": marks, "ticks": ticks,
            "grid": [(y(limit * i / 4), _percent(limit * i / 4)) for i in range(5)],
            "components": sorted(shown), "table": table}


def _cell(row: Sequence[float] | None) -> str:
    return f"{row[2]:.0f} of {row[1]:.0f} ({row[2] / row[1]:.1%})" if row and row[1] else "-"


def _time(moment: Any) -> str:
    """A time of day in UTC, from seconds or ISO 8601."""
    seconds = moment if isinstance(moment, int | float) else epoch(moment)
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S") if seconds is not None else "-"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _percent(share: float | None) -> str:
    if share is None:
        return "-"
    if 0.99 < share < 1:
        return f"{int(share * 1000) / 10:.1f}%"  # nothing is certain, so it is not rounded to that
    return f"{share:.0%}" if share >= 0.1 or not share else f"{share:.1%}"


def _markdown(text: Any) -> str:
    """Text that Markdown shows as it is: on one line, with nothing that it would read as its own."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str("" if text is None else text).split()))


def _words(text: Any) -> str:
    """``code_bug`` as people write it."""
    return str(text or "").replace("_", " ")
