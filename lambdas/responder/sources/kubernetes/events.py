"""Kubernetes' Events: what is said of a workload and its pods within the window.

Formats: the Kubernetes API reference (Event v1 of the core and Event v1 of ``events.k8s.io``, of which the core's list
shows the same objects: there ``eventTime`` and ``series`` tell what ``lastTimestamp`` and ``count`` do not).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from responder.model.evidence import Window
from responder.model.masking import mask
from responder.sources.kubernetes.objects import seconds

_REASON = 60
"""Characters of a reason that are kept."""


class Event(NamedTuple):
    """One Event."""

    kind: str
    """The kind of the object that it is about."""
    name: str
    reason: str
    times: int
    """How often it came within the window."""


def event_of(item: dict[str, Any], window: Window) -> Event | None:
    """Read an Event of either API; None: it was not within the window.

    An Event counts since its first time. Of one that is older than the window as many are counted as fall into it if
    they came evenly, and the last one at least.
    """
    series, metadata = item.get("series") or {}, item["metadata"]
    times = [seconds(moment) for moment in (
        series.get("lastObservedTime"), item.get("lastTimestamp"), item.get("deprecatedLastTimestamp"),
        item.get("eventTime"), item.get("firstTimestamp"), item.get("deprecatedFirstTimestamp")) if moment]
    times = times or [seconds(moment) for moment in [metadata.get("creationTimestamp")] if moment]
    first, last = (min(times), max(times)) if times else (window.start, window.end)
    if last < window.start:
        return None
    count = max(int(part or 1) for part in (series.get("count"), item.get("count"), item.get("deprecatedCount")))
    if first < window.start:
        count = max(1, round(count * (last - window.start) / (last - first)))
    about = item.get("involvedObject") or item.get("regarding") or {}
    return Event(str(about.get("kind", "")), str(about.get("name", "")), mask(str(item.get("reason", "")))[:_REASON],
                 count)
