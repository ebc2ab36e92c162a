"""What an incident costs, from its execution's history and its record.

Pure. What AWS charges for an incident: states that are entered, functions, the table, metrics that are asked for,
files, messages, logs, and the settings that are read when it opens. New Relic, Splunk, PagerDuty and Slack charge
nothing for a call beyond their plans; what PagerDuty or an SMS charges for a page is theirs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.costs.lines import Line, added, line
from cli.costs.month import Template
from responder.model.moment import seconds
from stacks.prices import Prices

Event = Mapping[str, Any]
"""An event as GetExecutionHistory gives it; ``timestamp`` is a datetime."""
Item = Mapping[str, Any]
"""An item of the incident's partition, without DynamoDB's types."""

_PAGE_SECONDS, _PAGE_COLD_SECONDS = 0.2, 1.5
"""For one page of an open incident, and once for the cold start.

Estimated from what ``docs/running.md`` says was measured: with 1 GB a function has 0.58 of a processor."""
_PAGE_WINDOW_SECONDS = 1.0
"""Entries that follow one another within this time are one page; ``stacks/live.py`` batches them so."""
_EVENT_KB = 0.5
"""Of one event in the state machine's log, which has no data of the execution; estimated."""
_KB_A_GB = 1024.0 * 1024.0
_ENDS = ("TaskSucceeded", "TaskFailed", "LambdaFunctionSucceeded", "LambdaFunctionFailed")
_STARTS = ("TaskScheduled", "LambdaFunctionScheduled")


@dataclass(frozen=True)
class Size:
    """What a function is billed by."""

    memory_gb: float
    arm: bool = True


SHIPPED = Size(0.5)
_SHIPPED_SIZES = {"report": Size(1.0), "live": Size(1.0)}


def sizes(template: Template) -> dict[str, Size]:
    """Return the size of each function of a template, by its name."""
    return {str(one["FunctionName"]): Size(one.get("MemorySize", 128) / 1024, "arm64" in one.get("Architectures", []))
            for one in (resource["Properties"] for resource in template["Resources"].values()
                        if resource["Type"] == "AWS::Lambda::Function")}


def of_execution(history: Sequence[Event], items: Sequence[Item], prices: Prices,
                 known: Mapping[str, Size] | None = None) -> tuple[Line, ...]:
    """Return the lines of one execution's history and its incident's items (none: what they cost is left out).

    A transition is a state entered, or entered again by a retry. A function is billed here from when its task was
    scheduled until its answer, which is a little more than Lambda bills, for the memory that it was deployed with; a
    function whose answer nobody waits for counts with the time of its start. The pages while it was open are in no
    history: they are counted by the timeline's entries (``pages``).
    """
    return added([*_states(history, prices), *_functions(history, known or {}, prices),
                  *(_of_record(items, known or {}, prices) if items else ())])


def _states(history: Sequence[Event], prices: Prices) -> Iterator[Line]:
    entered = sum(event["type"].endswith("StateEntered") or event["type"] == "TaskFailed" for event in history)
    yield line("states", "transitions", entered, "transition", prices)
    written = len(history) * _EVENT_KB / _KB_A_GB
    yield line("logs", "GB written", written, "log_gb", prices)
    yield line("traces", "traces", 1, "trace", prices)


def _functions(history: Sequence[Event], known: Mapping[str, Size], prices: Prices) -> Iterator[Line]:
    for scheduled, over_seconds in tasks(history):
        yield from _run(_size(_called(scheduled), known), over_seconds, prices)


def tasks(history: Sequence[Event]) -> Iterator[tuple[Event, float]]:
    """Yield each task that ended: the event that scheduled it, and the seconds from then until its end."""
    events = {event["id"]: event for event in history}
    for event in history:
        if event["type"] not in _ENDS:
            continue
        first = event
        while first.get("previousEventId") and first["type"] not in _STARTS:
            first = events[first["previousEventId"]]
        yield first, (event["timestamp"] - first["timestamp"]).total_seconds()


def _run(size: Size, over_seconds: float, prices: Prices) -> Iterator[Line]:
    used = size.memory_gb * over_seconds
    yield line("functions", f"GB-seconds on {'arm64' if size.arm else 'x86_64'}", used,
               "lambda_arm_gb_second" if size.arm else "lambda_x86_gb_second", prices)
    yield line("functions", "requests", 1, "lambda_request", prices)
    written = prices.use["log_kb_a_call"].value / _KB_A_GB
    yield line("logs", "GB written", written, "log_gb", prices)


def _called(scheduled: Event) -> str:
    """Return the name of the function that a task calls; empty where the history has no data of the execution."""
    details = scheduled.get("taskScheduledEventDetails") or {}
    try:
        named = str(json.loads(details.get("parameters") or "{}").get("FunctionName", ""))
    except ValueError:
        return ""
    parts = named.split(":")
    return parts[6] if len(parts) > 6 else parts[0]


def _size(name: str, known: Mapping[str, Size]) -> Size:
    return known.get(name) or _SHIPPED_SIZES.get(name.rpartition("-")[2], SHIPPED)


def _of_record(items: Sequence[Item], known: Mapping[str, Size], prices: Prices) -> Iterator[Line]:
    """Each item is written once, at its size in KB, and read twice. A report is four files, an answer one.

    Evidence is written by a transaction, which takes twice the units (AWS: "TransactWriteItems").
    """
    sizes = [math.ceil(len(json.dumps(item, default=str)) / 1024) for item in items]
    kilobytes = sum(sizes)
    units = sum(size * (2 if str(item.get("sk")).startswith("EVIDENCE#") else 1)
                for item, size in zip(items, sizes, strict=True))
    told = sum(item.get("kind") == "notification" for item in items)
    raw = sum(any(finding.get("raw") for finding in item.get("findings") or []) for item in items)
    reports = sum(item.get("kind") == "report" for item in items)
    written = pages(items)
    reads = kilobytes + written * math.ceil(kilobytes / 4)
    asked = sum(map(_metrics, items))
    puts = 4 * reports + raw + written
    yield line("table", "write units", units, "table_write_unit", prices)
    yield line("table", "read units", reads, "table_read_unit", prices)
    yield line("metrics", "metrics asked of CloudWatch", asked, "metric_asked", prices)
    yield line("files", "PUT", puts, "s3_put", prices)
    yield line("files", "GET", written, "s3_get", prices)
    yield line("messages", "messages published", told, "sns_publish", prices)
    yield line("settings", "configurations received", 1, "configuration_received", prices)
    yield line("settings", "requests", 2, "configuration_request", prices)
    page = _size("live", {name.rpartition("-")[2]: size for name, size in known.items()})
    for number in range(written):
        yield from _run(page, _PAGE_SECONDS + (0 if number else _PAGE_COLD_SECONDS), prices)


def pages(items: Sequence[Item]) -> int:
    """Return how often the page of the incident was written while it was open: once for entries of the same moment."""
    written, last = 0, -math.inf
    for at in sorted(seconds(item["at"]) for item in items if str(item.get("sk", "")).startswith("TIMELINE#")):
        if at - last > _PAGE_WINDOW_SECONDS:
            written, last = written + 1, at
    return written


def _metrics(item: Item) -> int:
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
