"""The postmortem as HTML, Markdown and JSON, and its place in S3.

The HTML page is one file without script and without any request to elsewhere. All that comes from outside is escaped
by the template engine; Markdown is escaped here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from responder.clients import aws
from responder.model.masking import mask_all

_NAMES = {"html": "postmortem.html", "md": "postmortem.md", "json": "postmortem.json", "gz": "record.json.gz"}
_TYPES = {"html": "text/html; charset=utf-8", "md": "text/markdown; charset=utf-8", "json": "application/json",
          "gz": "application/gzip"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>~])")


def render(contents: Mapping[str, Any]) -> dict[str, str]:
    """Return the postmortem's formats, by file ending, from what ``plan.review.review`` returns."""
    contents = mask_all(dict(contents))
    common = {"filters": {"md": _markdown, "time": _time, "duration": _duration, "percent": _percent}}
    page, text = (Environment(loader=FileSystemLoader(Path(__file__).with_name("templates")),
                              autoescape=escape, undefined=StrictUndefined,  # noqa: S701 - Markdown: filter md
                              trim_blocks=True, lstrip_blocks=True)
                  for escape in (True, False))
    for environment in (page, text):
        environment.filters.update(common["filters"])
    chart = chart_of(contents)
    return {"html": page.get_template("postmortem.html").render(chart=chart, **contents),
            "md": text.get_template("postmortem.md").render(chart=chart, **contents),
            "json": json.dumps(contents, indent=1, sort_keys=True)}


def store(bucket: str, service: str, incident: str, files: Mapping[str, str | bytes]) -> dict[str, str]:
    """Write the formats to the bucket, which keeps versions, and return their addresses by file ending."""
    addresses = {}
    for ending, body in files.items():
        key = f"postmortems/{service}/{incident}/{_NAMES[ending]}"
        with aws.failures("S3"):
            aws.client("s3").put_object(Bucket=bucket, Key=key, ContentType=_TYPES[ending],
                                        Body=body.encode() if isinstance(body, str) else body)
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
    onset = _epoch(incident.get("onset")) or _epoch(incident.get("opened_at")) or min(times)
    # Some time before the symptom shows what is normal; more would press the incident into a corner.
    start = max(min(times), onset - max(60.0, 0.5 * (max(times) - onset)))
    end = max(max(times) + 10, *(moment for moment in (_epoch(incident.get("recovered_at")),) if moment), start + 1)

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
    applied = [action["applied_at"] for action in contents["actions"] if action.get("applied_at")]
    moments = dict(incident) | {"applied": applied[0] if applied else None}
    marks: list[Mark] = []
    for moment, label in sorted((moment, label) for key, label in _STEPS
                                for moment in [_epoch(moments.get(key))] if moment and start <= moment <= end):
        marks.append(Mark(x(moment), label, len(marks) % _ROWS))
    ticks = [(x(start + (end - start) * i / 6), _time(start + (end - start) * i / 6)) for i in range(7)]
    table = [{"time": _time(moment), "cells": [_cell(shown[component], moment) for component in sorted(shown)]}
             for moment in sorted({row[0] for rows in shown.values() for row in rows})]
    return {"width": _WIDTH, "height": _HEIGHT, "left": _LEFT, "right": _WIDTH - _RIGHT, "top": _TOP,
            "bottom": _HEIGHT - _BOTTOM, "lines": lines, "marks": marks, "ticks": ticks,
            "grid": [(y(limit * i / 4), _percent(limit * i / 4)) for i in range(5)],
            "components": sorted(shown), "table": table}


def _cell(rows: Sequence[Sequence[float]], moment: float) -> str:
    row = next((row for row in rows if row[0] == moment), None)
    return f"{row[2]:.0f} of {row[1]:.0f} ({row[2] / row[1]:.1%})" if row and row[1] else "-"


def _epoch(moment: Any) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) and moment else None


def _time(moment: Any) -> str:
    """A time of day in UTC, from seconds or ISO 8601."""
    seconds = moment if isinstance(moment, int | float) else _epoch(moment)
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S") if seconds is not None else "-"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}" if share >= 0.1 or not share else f"{share:.1%}"


def _markdown(text: Any) -> str:
    """Text that Markdown shows as it is: on one line, with nothing that it would read as its own."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str("" if text is None else text).split()))
