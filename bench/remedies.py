"""How long each remedy takes, by the records of the drills: from diagnosis to done, to verified, and from the fault on.

The times are those of the sandbox, in which recovery counts after 15 s without the symptom; the shipped configuration
waits for 300 s.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from statistics import median
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.diagnosis import kept

_PLAN_SECONDS = 7200.0
"""The plan's 15:00 to 17:00."""


def _between(start: Any, end: Any) -> float | None:
    if not start or not end:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def measure() -> tuple[dict[str, dict[str, list[float]]], list[float]]:
    """Return per remedy the seconds to ``applied`` (since the diagnosis before it) and ``verified`` (since applied).

    And the seconds from the onset until the symptom was gone, of each incident that was resolved.
    """
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    whole = []
    for _, _, record in kept():
        items = record["items"]
        diagnoses = sorted(item["at"] for item in items if item.get("step") == "Diagnose the root cause")
        for item in items:
            if not str(item["sk"]).startswith("ACTION#") or item["status"] not in ("verified", "done"):
                continue
            before = max((at for at in diagnoses if at <= (item.get("applied_at") or "")), default=None)
            for name, seconds in (("applied", _between(before, item.get("applied_at"))),
                                  ("verified", _between(item.get("applied_at"), item.get("verified_at")))):
                if seconds is not None:
                    found[item["action"]][name].append(seconds)
        incident = next(item for item in items if item["sk"] == "INCIDENT")
        seconds = _between(incident.get("onset"), incident.get("well_since"))
        if incident.get("outcome") == "resolved" and seconds is not None and seconds > 0:
            whole.append(seconds)
    return found, whole


def _run(repeats: int) -> Outcome:
    found, whole = measure()
    rows = [Row(f"{action}: {step}", median(parts[name]), "s", "the slowest", max(parts[name]),
                note=f"{len(parts[name])} times")
            for name, step in (("applied", "diagnosis to applied"), ("verified", "applied to verified"))
            for action, parts in sorted(found.items()) if parts.get(name)]
    if whole:
        rows.append(Row("onset until it was well, of what was resolved", median(whole), "s", "the plan's two hours",
                        _PLAN_SECONDS, highest=_PLAN_SECONDS, note=f"{len(whole)} incidents, most {max(whole):.0f} s"))
    return Outcome(rows, more={"remedies": {name: dict(parts) for name, parts in found.items()}, "whole": whole})


BENCHMARK = Benchmark("how long each remedy takes, by the records of the drills", _run, 1)
