"""The postmortem of a very long incident: time and memory of its function's work, and how both grow with the incident.

Each measure is taken in a fresh process that gets the incident's items as the table returns them, reads them, reviews
the incident and renders the report, as the function does; making the items up is the parent's work, and none of it is
counted. Memory is what that work holds at most (``tracemalloc``, in a process of its own, because it slows the work),
and the process's resident set at most beside one that renders an incident without anything in it: the kernel's
``VmHWM``, for ``getrusage`` begins with what the parent had when it started the child, and so told of the bench alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench import Benchmark, Outcome, Row

_MEMORY_MB = 1024.0
"""Memory of the function that writes it (``stacks/workflow.py``)."""
_GROWTH = 2.3
"""Twice the entries may take a little more than twice as much."""
_COMPONENTS = 10
_HOURS = 4

_CHILD = """
import json, re, sys, time, tracemalloc
from responder.model.incident import IncidentRecord
from responder.plan.review import review
from responder.records.report import render
items, traced = json.load(sys.stdin), sys.argv[1] == "traced"
if traced:
    tracemalloc.start()
began = time.process_time()  # of the processor: this machine may do other work
page = render(review(IncidentRecord.of(items)))["html"]
print(json.dumps({
    "milliseconds": (time.process_time() - began) * 1000, "bytes": len(page.encode()),
    "held": tracemalloc.get_traced_memory()[1] / 2**20 if traced else 0.0,
    "resident": int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024}))
"""


def incident(entries: int) -> list[dict[str, Any]]:
    """Return the items of an incident with so many timeline entries, and a look's evidence to each hundred."""
    start = 1_800_000_000.0

    def at(seconds: float) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(start + seconds))

    items: list[dict[str, Any]] = [{
        "sk": "INCIDENT", "id": "i", "service": "payment-gateway", "status": "closed", "outcome": "escalated",
        "kind": "high_error_rate", "opened_at": at(0), "onset": at(-10), "affected": ["payment-gateway"], "cause": {
            "id": "unknown", "mechanism": "", "component": "", "confidence": 0.4, "summary": "no cause stands out"}}]
    items += [{"sk": f"TIMELINE#{at(n)}#{n:06d}#Monitor the recovery", "at": at(n), "step": "Monitor the recovery",
               "what": f"look {n}",
               "why": "the symptom is still there, by two sources that were asked", "by": "system", "kind": "decision",
               "detail": {"answer": "waiting"}} for n in range(entries)]
    items += [_look(at(n), start + n - 180, 18, ("frontend", "backend")) for n in range(0, entries, 100)]
    return items


def measured(hours: float, components: int) -> list[dict[str, Any]]:
    """Return the items of an incident without a timeline, of which so many hours were measured."""
    return [*incident(0), *(_look(f"2027-01-15T{8 + hour:02d}:00:00.000Z", 1_800_000_000.0 + 3600 * hour, 360,
                                  tuple(f"component-{n}" for n in range(components))) for hour in range(round(hours)))]


def _look(at: str, start: float, periods: int, components: tuple[str, ...]) -> dict[str, Any]:
    return {"sk": f"EVIDENCE#{at}#cloudwatch", "source": "cloudwatch", "findings": [
        {"source": "cloudwatch", "name": "error_rate", "component": component, "status": "ok", "detail": {"series": [
            [start + 10 * k, 400.0, 180.0] for k in range(periods)]}} for component in components]}


def once(items: list[dict[str, Any]], how: str) -> dict[str, float]:
    """Render one incident in a process of its own; returns milliseconds, bytes of the page, and megabytes."""
    lambdas = Path(__file__).resolve().parent.parent / "lambdas"
    with tempfile.TemporaryFile("w+") as file:
        json.dump(items, file)
        file.seek(0)
        done = subprocess.run([sys.executable, "-c", _CHILD, how], stdin=file, capture_output=True, text=True,
                              check=True, env={"PYTHONPATH": str(lambdas)})
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _several(items: list[dict[str, Any]], repeats: int) -> dict[str, float]:
    """Return the medians, and what the work held at most."""
    runs = [once(items, "timed") for _ in range(repeats)]
    return {**{name: median(run[name] for run in runs) for name in runs[0]}, "held": once(items, "traced")["held"]}


def _run(repeats: int) -> Outcome:
    small, half, large = (_several(incident(entries), repeats) for entries in (1000, 5000, 10_000))
    nothing, charts = _several(incident(0), repeats), _several(measured(_HOURS, _COMPONENTS), repeats)
    return Outcome([
        Row("report of 10,000 timeline entries", large["milliseconds"], "ms", "of 1,000", small["milliseconds"],
            highest=60_000, highest_ratio=15.0, note="linear would be 10 x"),
        Row("of twice the entries: time", large["milliseconds"], "ms", "of 5,000", half["milliseconds"],
            highest_ratio=_GROWTH),
        Row("of twice the entries: memory of the work", large["held"], "MB", "of 5,000", half["held"],
            highest_ratio=_GROWTH),
        Row("memory of the process at most", large["resident"], "MB", "of an empty incident", nothing["resident"],
            highest=_MEMORY_MB),
        Row("size of the page", large["bytes"] / 1024, "kB", "of 1,000", small["bytes"] / 1024, highest=1024),
        Row(f"charts of {_HOURS} hours, {_COMPONENTS} components", charts["milliseconds"], "ms",
            "of an empty incident", nothing["milliseconds"], highest=5000),
        Row("size of that page", charts["bytes"] / 1024, "kB", "of an empty incident", nothing["bytes"] / 1024,
            highest=1024)])


BENCHMARK = Benchmark("the postmortem of a very long incident", _run, 3)
