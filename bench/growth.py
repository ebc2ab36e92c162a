"""How time and memory grow with what is read: pods, log lines, metrics, entries of a timeline; the goal is linear.

Each size is measured in fresh processes. From time and memory that of the same function with next to nothing to read is
taken away, and a straight line is laid through the logarithms (least squares): its slope is the exponent, 1 where twice
as much takes twice as long. A fixed part that stayed would hide growth, so both are measured above it.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import Benchmark, Outcome, Row
from bench.bed import fresh
from bench.bed.stand_in import stand_in
from bench.memory import asking
from bench.report import incident, once

HIGHEST_EXPONENT = 1.1
"""The goal: linear, with room for what a measurement is off."""
DOUBLINGS = 4

_METRICS = """
import time
from datetime import UTC, datetime, timedelta
from responder.model.evidence import Window
from responder.sources.cloudwatch.metrics import metric, read
began = datetime(2026, 11, 26, tzinfo=UTC)
times = [began + timedelta(minutes=n) for n in range(180)]

class Client:
    def get_metric_data(self, MetricDataQueries, NextToken="0", **_):
        first = int(NextToken)
        return {{"MetricDataResults": [
            {{"Id": query["Id"], "StatusCode": "Complete", "Timestamps": list(times), "Values": [float(n)] * 180}}
            for n, query in enumerate(MetricDataQueries[first:first + 100])],
            **({{"NextToken": str(first + 100)}} if first + 100 < len(MetricDataQueries) else {{}})}}

queries = [metric(f"m{{n}}", "AWS/ApplicationELB", "RequestCount", [("LoadBalancer", str(n))], "Sum")
           for n in range({count})]
started = time.process_time()
found, note = read(Client(), queries, Window(began.timestamp(), began.timestamp() + 3 * 3600), 60)
report = {{"ms": (time.process_time() - started) * 1000, "read": len(found), "note": note}}
"""


@dataclass(frozen=True)
class Point:
    """What one size took."""

    size: int
    milliseconds: float
    megabytes: float


def exponent(sizes: Sequence[float], amounts: Sequence[float]) -> float:
    """Return the slope of log(amount) on log(size), by least squares; amounts that are not above 0 count as tiny."""
    x, y = [math.log(size) for size in sizes], [math.log(max(amount, 1e-3)) for amount in amounts]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    return (sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
            / sum((a - middle_x) ** 2 for a in x))


def above(points: Sequence[Point], empty: Point) -> list[Point]:
    """Return the points without what the function takes when there is next to nothing to read."""
    return [Point(point.size, point.milliseconds - empty.milliseconds, point.megabytes - empty.megabytes)
            for point in points]


def sizes(most: int) -> list[int]:
    """Return sizes that double, up to the largest."""
    return [most >> n for n in reversed(range(DOUBLINGS))]


def _pods(count: int, folder: Path) -> Point:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with stand_in(folder, pods=count) as served:
        return _point(count, asking("kubernetes", now), served.environment())


def _lines(count: int, folder: Path) -> Point:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with stand_in(folder, lines=count) as served:
        return _point(count, asking("splunk", now), served.environment())


def _metrics(count: int, folder: Path) -> Point:
    return _point(count, _METRICS.format(count=count), {})


def _entries(count: int, folder: Path) -> Point:
    found = once(incident(count), "timed")
    return Point(count, found["milliseconds"], found["resident"])


def _point(size: int, code: str, environment: dict[str, str]) -> Point:
    found = fresh.run(code, path=(fresh.function(), fresh.packages("boto3")), environment=environment,
                      timeout_seconds=300)
    return Point(size, found["ms"], found["peak_mb"])


SUBJECTS: dict[str, tuple[int, int, Callable[[int, Path], Point]]] = {
    "pods": (5_000, 10, _pods), "log lines": (200_000, 100, _lines), "metrics": (2_000, 1, _metrics),
    "timeline entries": (10_000, 0, _entries)}
"""To each: the largest size, next to nothing, and what measures a size."""


@contextmanager
def _place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _middle(measure: Callable[[int, Path], Point], size: int, folder: Path, repeats: int) -> Point:
    runs = [measure(size, folder) for _ in range(repeats)]
    return Point(size, median(run.milliseconds for run in runs), median(run.megabytes for run in runs))


def _run(repeats: int) -> Outcome:
    rows, lines = [], []
    with _place() as folder:
        for name, (most, nothing, measure) in SUBJECTS.items():
            measure(nothing, folder)  # the disk's cache is warm from here on
            empty = _middle(measure, nothing, folder, repeats)
            points = [_middle(measure, size, folder, repeats) for size in sizes(most)]
            grown = above(points, empty)
            counts = [point.size for point in grown]
            for what, amounts in (("time", [point.milliseconds for point in grown]),
                                  ("memory", [point.megabytes for point in grown])):
                rows.append(Row(f"{most} {name}: exponent of {what}", exponent(counts, amounts), "power", "linear", 1.0,
                                highest=HIGHEST_EXPONENT))
            lines.append(f"  {name:18}" + ";".join(
                f"  {point.size}: {point.milliseconds:.0f} ms, {point.megabytes:.0f} MB" for point in [empty, *points]))
    return Outcome(rows, "\n".join(lines))


BENCHMARK = Benchmark("how time and memory grow with what is read", _run, 3)
