"""What really happened in a drill, second by second, as the platform knows it: the responder never sees it.

A request failed where the platform itself tells its metrics so: the pod that took it answered with an error or did not
answer in time (``Served.errors``, which are New Relic's error transactions, Splunk's ERROR lines and CloudWatch's
``Errors``). Of the customers' requests those failed as well that reached no pod of the entry; the load balancer
answered them (its ``HTTPCode_ELB_5XX_Count``). A slow answer is no failure.

A drill's truth is written as ``truth/NAME.json.gz`` beside its record.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.platform.flow import ENTRY
from sandbox.platform.objects import KINDS
from sandbox.platform.telemetry import Telemetry

SCHEMA = 1
FOLDER = "truth"
BACKGROUND = 0.004
"""The share of requests that fail while all is well (``World.background_error_rate``, and the history's)."""
_CHANCE = 1e-4
"""A second is bad where background alone would bring as many failures with less than this probability."""
_NEIGHBOUR_SECONDS = 5
_QUIET_SECONDS = 10


@dataclass(frozen=True)
class Column:
    """Requests to one component in each of a stretch's steps."""

    made: list[int]
    """Requests that its callers made to it, whether they arrived or not."""
    reached: list[int]
    """Those of them that a pod took."""
    failed: list[int]
    """Those of ``reached`` that failed; what the platform tells its metrics."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of time in steps of equal length."""

    step_seconds: int
    at: list[int]
    """When each step began, seconds since 1970 (UTC); a late machine serves fewer seconds, so some may be absent."""
    components: dict[str, Column]
    customers_failed: list[int]
    """Requests that failed as the customers saw it: in the entry, or before it. They made the entry's ``made``."""
    latency_ms: list[float]
    """The mean of the entry's sampled answers; 0 where there was none."""


@dataclass(frozen=True)
class Happened:
    """One event of the drill."""

    name: str
    kind: str
    began: float
    done: float
    """When all that brings it about was done."""
    healed: float | None = None
    """When it was taken away, where it went on and was."""


@dataclass(frozen=True)
class Symptom:
    """When customers' requests failed more often than while all is well."""

    began: int
    ended: int | None
    """The first second after it; None where it went on to the end of the drill."""


@dataclass(frozen=True)
class Truth:
    """What really happened in one drill; times are seconds since 1970 (UTC)."""

    schema: int
    drill: str
    usual_per_second: float
    """The mean of the requests that customers make where no event changes it; each second's number is Poisson."""
    until: float
    healthy: Stretch
    """The time before the drill that the platform's sources remember."""
    seconds: Stretch
    """From the beginning of the drill's platform, before its first event, until the drill's end."""
    events: list[Happened] = field(default_factory=list)
    symptoms: list[Symptom] = field(default_factory=list)
    """The oldest first."""


def truth(telemetry: Telemetry, drill: str, usual_per_second: float, begun: float, until: float,
          events: Sequence[Happened]) -> Truth:
    """Return the truth of a drill whose platform was begun at ``begun``."""
    found = stretch(telemetry, begun, until, 1)
    return Truth(SCHEMA, drill, usual_per_second, round(until, 3), stretch(telemetry, 0, begun, 60), found,
                 list(events), symptoms(found))


def stretch(telemetry: Telemetry, start: float, end: float, step_seconds: int) -> Stretch:
    """Return what the platform served between two moments, in steps; one that was not served is absent."""
    def step(at: float) -> int:
        return int(at // step_seconds * step_seconds)

    balanced = list(telemetry.balanced_between(start, end))
    times = sorted({step(item.at) for item in balanced})
    place = {at: number for number, at in enumerate(times)}
    columns = {name: Column([0] * len(times), [0] * len(times), [0] * len(times)) for name in KINDS}
    customers = [0] * len(times)
    took: list[list[float]] = [[] for _ in times]
    for item in balanced:
        columns[ENTRY].made[place[step(item.at)]] += item.requests
        customers[place[step(item.at)]] += item.target_errors + item.own_errors
    for row in telemetry.between(start, end):
        if row.component in columns and step(row.at) in place:
            number = place[step(row.at)]
            columns[row.component].reached[number] += row.requests
            columns[row.component].failed[number] += row.errors
            took[number] += row.latencies_ms if row.component == ENTRY else ()
    for edge in telemetry.edges_between(start, end):
        if edge.callee in columns and step(edge.at) in place:
            columns[edge.callee].made[place[step(edge.at)]] += edge.calls.count
    return Stretch(step_seconds, times, columns, customers,
                   [round(sum(values) / len(values), 1) if values else 0.0 for values in took])


def symptoms(found: Stretch) -> list[Symptom]:
    """When customers' requests failed more often than background explains.

    A second is bad where background alone would bring its failures once in ten thousand seconds; a symptom begins with
    a bad second that another follows within five, and ends after the last bad one before ten that are none.
    """
    made = found.components[ENTRY].made
    bad = [at for at, failed, of in zip(found.at, found.customers_failed, made, strict=True)
           if failed and _tail(failed, of * BACKGROUND) < _CHANCE]
    runs: list[list[int]] = []
    for at in bad:
        if runs and at - runs[-1][-1] <= (_QUIET_SECONDS if len(runs[-1]) > 1 else _NEIGHBOUR_SECONDS):
            runs[-1].append(at)
        else:
            runs.append([at])
    return [Symptom(run[0], None if found.at[-1] - run[-1] < _QUIET_SECONDS else run[-1] + 1)
            for run in runs if len(run) > 1]


def _tail(count: int, mean: float) -> float:
    """The probability of ``count`` or more where ``mean`` are expected, by Poisson's distribution."""
    term = below = math.exp(-mean)
    for number in range(1, count):
        term *= mean / number
        below += term
    return max(0.0, 1.0 - below) if count else 1.0


def encode(value: Truth) -> bytes:
    """Return a truth as compressed JSON; the same truth gives the same bytes."""
    return gzip.compress(json.dumps(asdict(value), separators=(",", ":"), sort_keys=True).encode(), mtime=0)


def decode(body: bytes) -> Truth:
    """Read a truth; raises ValueError where it is of another schema."""
    return from_json(json.loads(gzip.decompress(body)))


def from_json(value: Mapping[str, Any]) -> Truth:
    """Read a truth from the object that JSON gives; raises ValueError where it is of another schema."""
    if value["schema"] != SCHEMA:
        raise ValueError(f"a truth of schema {SCHEMA}, not {value['schema']}")
    return Truth(**{**value, "healthy": _stretch(value["healthy"]), "seconds": _stretch(value["seconds"]),
                    "events": [Happened(**item) for item in value["events"]],
                    "symptoms": [Symptom(**item) for item in value["symptoms"]]})


def _stretch(value: Mapping[str, Any]) -> Stretch:
    return Stretch(**{**value, "components": {name: Column(**item) for name, item in value["components"].items()}})


def read(folder: Path) -> Iterable[tuple[str, Truth]]:
    """Yield each drill's name with its truth, from a folder of records."""
    for path in sorted((folder / FOLDER).glob("*.json.gz")):
        yield path.name.removesuffix(".json.gz"), decode(path.read_bytes())
