"""Kubernetes' Events: what is said of a workload and its pods within the window.

Formats: the Kubernetes API reference (Event v1 of the core and Event v1 of ``events.k8s.io``, of which the core's list
shows the same objects: there ``eventTime`` and ``series`` tell what ``lastTimestamp`` and ``count`` do not).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

from responder.model.evidence import Window
from responder.model.evidence.pods import Probed
from responder.model.masking import mask
from responder.sources.kubernetes.objects import seconds

_FAILED = re.compile(r"(liveness|readiness|startup) probe (?:failed|errored)")
_ENDED = re.compile(r"failed (liveness|startup) probe")
_STATUS = re.compile(r"statuscode: (\d{3})")
_LATE = ("deadline exceeded", "timeout", "timed out")
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
    probe: str = ""
    """The kind of the probe that it is about: ``liveness``, ``startup`` or ``readiness``; empty: it is about none."""
    how: str = ""
    """How that probe failed; empty where the Event does not say."""


def about(item: dict[str, Any]) -> tuple[str, str]:
    """Return the kind and the name of the object that an Event of either API is about."""
    ref = item.get("involvedObject") or item.get("regarding") or {}
    return str(ref.get("kind", "")), str(ref.get("name", ""))


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
    reason, message = str(item.get("reason", "")), str(item.get("message") or item.get("note") or "")
    probe, how = probe_of(reason, message)
    return Event(*about(item), mask(reason)[:_REASON], count, probe, how)


def probe_of(reason: str, message: str) -> tuple[str, str]:
    """Return the kind of probe that an Event is about, and how it failed; empty texts where it is about none.

    The wordings are the kubelet's (``prober.go``, ``kuberuntime_manager.go``) and those of Go's HTTP client.
    """
    text = message.lower()
    if reason == "Killing":
        ended = _ENDED.search(text)
        return (ended[1], "") if ended else ("", "")
    failed = _FAILED.match(text) if reason == "Unhealthy" else None
    if failed is None:
        return "", ""
    status = _STATUS.search(text)
    how = (f"status {status[1]}" if status else "refused" if "connection refused" in text else
           "timeout" if any(word in text for word in _LATE) else "other")
    return failed[1], how


class ProbeCounts:
    """What the probes of one workload did, as its Events tell."""

    def __init__(self) -> None:
        self._failed: dict[str, Counter[str]] = {}
        self._kills: Counter[str] = Counter()

    def add(self, event: Event) -> None:
        """Count an Event, where it is about a probe."""
        if event.probe and event.how:
            self._failed.setdefault(event.probe, Counter())[event.how] += event.times
        elif event.probe:
            self._kills[event.probe] += event.times

    @property
    def told(self) -> dict[str, Probed]:
        """Kind of probe to what it did."""
        return {kind: Probed(how.total(), self._kills[kind], max(sorted(how), key=lambda one: how[one], default=""))
                for kind in sorted({*self._failed, *self._kills})
                for how in [self._failed.get(kind, Counter[str]())]}
