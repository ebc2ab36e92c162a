"""The postmortem of a very long incident: time and memory of 10,000 timeline entries, beside those of 1,000."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

from bench import Benchmark, Outcome, Row

_MEMORY_MB = 1024.0
"""Memory of the function that writes it (``stacks/workflow.py``)."""


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
    items += [{"sk": f"EVIDENCE#{at(n)}#cloudwatch", "source": "cloudwatch", "findings": [
        {"source": "cloudwatch", "name": "error_rate", "component": component, "status": "ok", "detail": {"series": [
            [start + n - 180 + 10 * k, 400.0, 180.0] for k in range(18)]}} for component in ("frontend", "backend")]}
        for n in range(0, entries, 100)]
    return items


def _once(entries: int) -> dict[str, float]:
    """Render one in a process of its own; returns milliseconds, megabytes at the most, and bytes of the page."""
    done = subprocess.run([sys.executable, "-m", "bench.report", str(entries)], capture_output=True, text=True,
                          check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _run(repeats: int) -> Outcome:
    small, large = _once(1000), _once(10_000)
    return Outcome([
        Row("report of 10,000 timeline entries", large["milliseconds"], "ms", "of 1,000", small["milliseconds"],
            highest=60_000, highest_ratio=15.0, note="linear would be 10 x"),
        Row("memory at the most", large["megabytes"], "MB", "of 1,000", small["megabytes"], highest=_MEMORY_MB),
        Row("size of the page", large["bytes"] / 2**20, "MB", "of 1,000", small["bytes"] / 2**20, highest=1.0)])


BENCHMARK = Benchmark("the postmortem of a very long incident", _run, 1)

if __name__ == "__main__":
    from responder.model.incident import IncidentRecord
    from responder.plan.review import review
    from responder.records.report import render

    made = incident(int(sys.argv[1]))
    began = time.perf_counter()
    page = render(review(IncidentRecord.of(made)))["html"]
    print(json.dumps({"milliseconds": (time.perf_counter() - began) * 1000, "bytes": len(page.encode()),
                      "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
