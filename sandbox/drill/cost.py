"""What an incident costs at AWS's list prices, from the execution's history and the record."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from responder.model.moment import seconds

_MEMORY_GB = {"report": 1.0}
_PAGE_MEMORY_GB, _PAGE_SECONDS, _PAGE_COLD_SECONDS = 1.0, 0.2, 1.5
"""Of the page of an open incident: its function's memory, seconds for one page, and seconds once for the cold start.

Estimated from what ``docs/running.md`` says was measured: with this memory a function has 0.58 of a processor."""
_PAGE_WINDOW_SECONDS = 1.0
"""Entries that follow one another within this time are one page; ``stacks/live.py`` batches them so."""


def prices() -> dict[str, Any]:
    """Return the price list."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text())
    return found


def of_execution(history: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> float:
    """Return US dollars for one execution's history (as GetExecutionHistory gives it) and its incident's items.

    A transition is a state entered, or entered again by a retry. A function is billed from its start until its
    answer, with its cold start, for the memory that it was deployed with. Each item of the record is written once, at
    its size in KB, and read twice. A report is four files; the answers of a source are one file. The pages while it was
    open are in no history: they are counted by the timeline's entries (``pages``), each with a reading of all of the
    record, which is more than there was at first.
    """
    price = prices()
    transitions = sum(event["type"].endswith("StateEntered") or event["type"] == "TaskFailed" for event in history)
    started = {event["id"]: event for event in history}
    billed = 0.0
    requests = 0
    for event in history:
        if event["type"] not in ("TaskSucceeded", "TaskFailed", "LambdaFunctionSucceeded", "LambdaFunctionFailed"):
            continue
        requests += 1
        first = event
        while first.get("previousEventId") and first["type"] not in ("TaskScheduled", "LambdaFunctionScheduled"):
            first = started[first["previousEventId"]]
        text = json.dumps(first.get("taskScheduledEventDetails", {}), default=str)
        memory = next((size for name, size in _MEMORY_GB.items() if f"step-{name}" in text), 0.5)
        billed += memory * (event["timestamp"] - first["timestamp"]).total_seconds()
    kilobytes = sum(math.ceil(len(json.dumps(item, default=str)) / 1024) for item in items)
    told = sum(item.get("kind") == "notification" for item in items)
    raw = sum(any(finding.get("raw") for finding in item.get("findings") or []) for item in items)
    reports = sum(item.get("kind") == "report" for item in items)
    written = pages(items)
    billed += _PAGE_MEMORY_GB * (written * _PAGE_SECONDS + (_PAGE_COLD_SECONDS if written else 0.0))
    requests += written
    return float(round(
        transitions * price["step_functions_standard_per_transition"]
        + billed * price["lambda_arm_per_gb_second"] + requests * price["lambda_per_request"]
        + kilobytes * price["dynamodb_on_demand_per_write_unit"]
        + (kilobytes + written * math.ceil(kilobytes / 4)) * price["dynamodb_on_demand_per_read_unit"]
        + told * price["sns_per_publish"] + (4 * reports + raw + written) * price["s3_per_put"]
        + written * price["s3_per_get"]
        + sum(map(_metrics, items)) * price["cloudwatch_per_metric_requested"], 6))


def pages(items: Sequence[Mapping[str, Any]]) -> int:
    """Return how often the page of the incident was written while it was open: once for entries of the same moment."""
    written, last = 0, -math.inf
    for at in sorted(seconds(item["at"]) for item in items if str(item.get("sk", "")).startswith("TIMELINE#")):
        if at - last > _PAGE_WINDOW_SECONDS:
            written, last = written + 1, at
    return written


def _metrics(item: Mapping[str, Any]) -> int:
    """How many metrics GetMetricData was asked for, judged by an item of evidence."""
    findings = item.get("findings") or []
    match item.get("source"):
        case "cloudwatch":  # three of each component, in window and baseline
            return 6 * len({finding.get("component") for finding in findings if finding["name"] == "error_rate"})
        case "rds":
            return 2 * sum(finding["name"] not in ("instance", "events", "waits") for finding in findings)
        case "utilisation":
            return sum(finding["name"] == "cpu_over_limit" for finding in findings)
    return 0
