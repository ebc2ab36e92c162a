"""Prometheus' HTTP API: what is sent, and what comes back.

Formats: Prometheus, "HTTP API" (``/api/v1/query`` and ``/api/v1/query_range`` by POST with a form; ``status``,
``errorType``, ``error``, ``warnings``; matrices and vectors whose values are texts); Amazon Managed Service for
Prometheus, "QueryMetrics" (the same, signed by SigV4 for the service ``aps``).
"""

from __future__ import annotations

import json
import math
import re
import time
from typing import Any
from urllib.parse import urlencode

from responder.clients import aws, sigv4
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.service import Prometheus

_WORKSPACE = re.compile(r"https://aps-workspaces(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com|api\.aws)(?:\.cn)?"
                        r"/workspaces/(ws-[0-9a-f-]+)/?")
_REASON_CHARACTERS = 200
_MOST_SERIES = 5_000


@dataclass(frozen=True)
class Row:
    """One series."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]
    """Moments in seconds since 1970, and values; what is no number is left out."""

    @property
    def value(self) -> float:
        """The newest value; 0 where there is none."""
        return self.points[-1][1] if self.points else 0.0


def workspace(settings: Prometheus) -> tuple[str, str]:
    """Return the Region and the id of Amazon's workspace; empty texts where it is another Prometheus."""
    found = _WORKSPACE.fullmatch(settings.url)
    return (found[1], found[2]) if found else ("", "")


class Api:
    """One Prometheus, until a deadline; ``notes`` collects what its answers warn of."""

    def __init__(self, settings: Prometheus, http: Http, deadline: float) -> None:
        self._settings, self._http, self._deadline = settings, http, deadline
        self._token = aws.secret(settings.secret) if settings.secret else ""
        self.notes: list[str] = []

    def at(self, query: str, moment: float) -> list[Row]:
        """Return what a query amounts to at a moment, in seconds since 1970; raises CallFailed."""
        return self._ask("query", {"query": query, "time": f"{moment:.3f}"}, "vector")

    def over(self, query: str, start: float, end: float, step_seconds: int) -> list[Row]:
        """Return what it amounts to at each step of a stretch of time, its ends included; raises CallFailed."""
        return self._ask("query_range", {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}",
                                         "step": str(step_seconds)}, "matrix")

    def _ask(self, kind: str, asked: dict[str, str], expected: str) -> list[Row]:
        left = max(1, int(self._deadline - time.monotonic()))
        url, body = f"{self._settings.url.rstrip('/')}/api/v1/{kind}", urlencode(asked | {"timeout": f"{left}s"})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if region := workspace(self._settings)[0]:
            headers = sigv4.signed("POST", url, body.encode(), headers, "aps", region)
        elif self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            answer = self._http.json("POST", url, content=body.encode(), headers=headers)
        except CallFailed as failed:
            raise _refused(failed) from failed
        try:
            return self._rows(answer, expected)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CallFailed("malformed", "Prometheus answered in another form") from error

    def _rows(self, answer: Any, expected: str) -> list[Row]:
        if answer["status"] != "success":
            raise CallFailed("unavailable", f"Prometheus: {mask(str(answer.get('error', '')))[:_REASON_CHARACTERS]}")
        self.notes += [mask(str(warning))[:_REASON_CHARACTERS] for warning in answer.get("warnings") or []]
        if answer["data"]["resultType"] != expected:
            raise CallFailed("malformed", f"Prometheus answered with a {answer['data']['resultType']!r:.20}")
        found = answer["data"]["result"]
        if len(found) > _MOST_SERIES:
            self.notes.append(f"cut at {_MOST_SERIES} of {len(found)} series")
        return [Row({str(key): str(value) for key, value in one["metric"].items()}, _points(
            one.get("values") or [one["value"]])) for one in found[:_MOST_SERIES]]


def _points(values: list[Any]) -> tuple[tuple[float, float], ...]:
    """Read pairs of a moment and a text; ``NaN`` is what a quantile of no requests amounts to."""
    return tuple((float(at), float(value)) for at, value in values if math.isfinite(float(value)))


def _refused(failed: CallFailed) -> CallFailed:
    """Return a failure with Prometheus' own reason, where its body has one."""
    try:
        reason = str(json.loads(failed.body)["error"])
    except (ValueError, KeyError, TypeError):
        return failed
    status = "malformed" if failed.http_status in (400, 422) else failed.status
    return CallFailed(status, f"{failed.note}: {mask(reason)[:_REASON_CHARACTERS]}", code=failed.code,
                      http_status=failed.http_status)
