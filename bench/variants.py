"""Variants of a recorded outage, drawn from a seed: what if a source had been missing, late, wrong or noisy?

Each takes a record as ``records/record.py`` packs it and returns another; the outage behind it stays the same, and so
does what a good response to it is.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

Findings = list[dict[str, Any]]


def variants(record: Mapping[str, Any], name: str, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``count`` variants with what was done to each; the same name always gives the same ones."""
    for number in range(count):
        random = Random(f"{name}/{number}")
        varied, told = copy.deepcopy(dict(record)), []
        for kind in random.sample(sorted(KINDS), random.choice((1, 1, 2, 3))):
            told.append(KINDS[kind](varied, random))
        yield "; ".join(told), varied


def _evidence(record: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in record["items"]:
        if str(item.get("sk", "")).startswith("EVIDENCE#"):
            yield item["source"], item


def sources_of(record: Mapping[str, Any]) -> list[str]:
    """Return the names of all sources that were asked."""
    return sorted({source for source, _ in _evidence(record)})


def _findings(record: Mapping[str, Any], source: str = "") -> Iterator[dict[str, Any]]:
    for name, item in _evidence(record):
        if not source or name == source:
            yield from item["findings"]


def _rows(detail: Mapping[str, Any]) -> list[Any]:
    """All rows of a finding's series, of every version where it has one for each."""
    series = detail.get("series") or []
    return [row for rows in series.values() for row in rows] if isinstance(series, dict) else list(series)


def _onset(record: Mapping[str, Any]) -> float:
    for item in record["items"]:
        detail = item.get("detail") or {}
        if item.get("step") == "Diagnose the root cause" and detail.get("onset"):
            return float(detail["onset"])
    return 0.0


def without(record: Mapping[str, Any], source: str, status: str = "timeout") -> dict[str, Any]:
    """Return the record as if a source had not answered at all."""
    varied = _with_own(record, source)
    _silence(varied, source, status)
    return varied


def denied(record: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the record as if a source had said that everything is normal."""
    varied = _with_own(record, source)
    for finding in _findings(varied, source):
        _deny(finding)
    return varied


def _with_own(record: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the record with its own copy of what one source answered; it shares all other items."""
    theirs = {id(item) for name, item in _evidence(record) if name == source}
    return {**record, "items": [copy.deepcopy(item) if id(item) in theirs else item for item in record["items"]]}


def missing(record: dict[str, Any], random: Random) -> str:
    """A source does not answer at all."""
    source = random.choice(sources_of(record))
    status = random.choice(("timeout", "unavailable", "unauthorized", "throttled", "malformed"))
    _silence(record, source, status)
    return f"{source} {status}"


def _silence(record: Mapping[str, Any], source: str, status: str) -> None:
    for name, item in _evidence(record):
        if name == source:
            item["findings"] = [{"source": source, "name": "answer", "status": status, "note": status}]


def late(record: dict[str, Any], random: Random) -> str:
    """A source does not have the newest half minute yet."""
    source, behind = random.choice(sources_of(record)), random.choice((20.0, 40.0))
    for finding in _findings(record, source):
        window = finding.get("window")
        series = (finding.get("detail") or {}).get("series")
        if not window or series is None:
            continue
        if isinstance(series, dict):  # by version
            finding["detail"]["series"] = {version: [row for row in rows if row[0] < window["end"] - behind]
                                           for version, rows in series.items()}
            continue
        known = [row for row in series if row[0] < window["end"] - behind]
        finding["detail"]["series"] = known
        if "requests" in finding["detail"]:
            finding["detail"] |= {"requests": sum(row[1] for row in known), "errors": sum(row[2] for row in known)}
    return f"{source} {behind:.0f} s late"


def denies(record: dict[str, Any], random: Random) -> str:
    """A source says that everything is normal."""
    source = random.choice(sources_of(record))
    for finding in _findings(record, source):
        _deny(finding)
    return f"{source} denies it"


def _deny(finding: dict[str, Any]) -> None:
    detail = finding.get("detail") or {}
    match finding["name"]:
        case "error_rate":
            usual = detail.get("baseline_errors", 0) / max(1, detail.get("baseline_requests", 1))
            detail["series"] = [[row[0], row[1], round(row[1] * usual)] for row in detail.get("series", [])]
            detail["errors"] = sum(row[2] for row in detail["series"])
            finding["value"] = usual
        case "latency_p95_ms" | "cpu" | "connections" | "free_storage":
            if finding.get("baseline") is not None:
                finding["value"] = finding["baseline"]
        case "error_rate_by_version":
            for row in _rows(detail):
                row[2] = round(row[1] * 0.004)
            detail["window"] = {version: [counts[0], round(counts[0] * 0.004)]
                                for version, counts in detail.get("window", {}).items()}
        case "calls":
            for callee in detail.get("callees", {}).values():
                callee |= {"errors": 0, "kinds": {}, "mean_ms": callee.get("baseline_ms", callee.get("mean_ms", 0))}
        case "error_lines":
            detail["series"], detail["lines"] = [], 0
            finding["value"] = finding.get("baseline") or 0.0
        case "error_signatures":
            detail["signatures"] = []
        case "pods":
            detail |= {"ready": detail.get("wanted", 0), "waiting": {}, "terminated": {}, "failing": [], "events": {},
                       "conditions": {}, "probing": 0, "preparing": 0, "unscheduled": 0}
            finding["value"] = 1.0
        case "changes":
            detail["changes"] = []
        case "trail" | "service_events" | "events":
            detail["events"] = []
            finding["value"] = 0.0
        case "status_page":
            finding["value"], detail["indicator"] = 0.0, "none"
        case "health":
            finding["value"] = 1.0


def cries_wolf(record: dict[str, Any], random: Random) -> str:
    """Something bad is reported that has nothing to do with the outage."""
    kind = random.choice(("status page", "AWS Health", "CPU of the database", "restarts"))
    for finding in _findings(record):
        detail = finding.setdefault("detail", {})
        if kind == "status page" and finding["name"] == "status_page":
            finding["value"], detail["indicator"] = 1.0, "minor"
        elif kind == "AWS Health" and finding["name"] == "service_events":
            detail["events"] = [*detail.get("events", []), {
                "service": random.choice(("EC2", "RDS", "EKS")), "code": "AWS_OPERATIONAL_ISSUE", "status": "open",
                "region": "us-east-1", "at": _onset(record) - 3000}]
            finding["value"] = float(finding.get("value") or 0.0) + 1
        elif kind == "CPU of the database" and finding["source"] == "rds" and finding["name"] == "cpu":
            finding["value"] = min(99.0, 2.5 * float(finding.get("value") or 0.0))
        elif kind == "restarts" and finding["name"] == "pods":
            detail["restarts"] = int(detail.get("restarts", 0)) + random.choice((0, 1, 2))
    return f"a red herring: {kind}"


def noise(record: dict[str, Any], random: Random) -> str:
    """Every count is a tenth or so off, each by itself."""
    for finding in _findings(record):
        detail = finding.get("detail") or {}
        for row in _rows(detail):
            share = row[2] / row[1] if row[1] else 0.0
            row[1] = max(0, round(row[1] * random.lognormvariate(0, 0.1)))
            row[2] = min(row[1], round(row[1] * share * random.lognormvariate(0, 0.1)))
        for callee in detail.get("callees", {}).values() if isinstance(detail.get("callees"), dict) else ():
            for key in ("errors", "mean_ms"):
                if callee.get(key) is not None:
                    callee[key] = min(callee[key] * random.lognormvariate(0, 0.1), callee.get("requests", math.inf)
                                      if key == "errors" else math.inf)
        if isinstance(finding.get("value"), float) and finding.get("unit") in ("ms", "%", "lines/min"):
            finding["value"] *= random.lognormvariate(0, 0.1)
    return "noise"


def scaled(record: dict[str, Any], random: Random) -> str:
    """The same outage of a service with fewer or more customers."""
    factor = random.choice((0.4, 0.6, 2.0, 5.0))
    for finding in _findings(record):
        detail = finding.get("detail") or {}
        for row in _rows(detail):
            row[1], row[2] = round(row[1] * factor), round(row[2] * factor)
        for key in ("requests", "errors", "baseline_requests", "baseline_errors", "lines", "baseline_lines",
                    "all_lines", "baseline_all_lines"):
            if isinstance(detail.get(key), int | float):
                detail[key] = round(detail[key] * factor)
        for callee in detail.get("callees", {}).values() if isinstance(detail.get("callees"), dict) else ():
            for key in ("requests", "errors", "baseline_requests", "baseline_errors"):
                if key in callee:
                    callee[key] = round(callee[key] * factor)
            callee["kinds"] = {text: round(count * factor) for text, count in callee.get("kinds", {}).items()}
        for part in ("window", "baseline"):
            if isinstance(detail.get(part), dict):
                detail[part] = {version: [round(value * factor) for value in counts]
                                for version, counts in detail[part].items()}
        for group in detail.get("signatures", []):
            group["count"], group["usual"] = round(group["count"] * factor), group["usual"] * factor
            group["versions"] = {version: round(count * factor) for version, count in group["versions"].items()}
    return f"load x {factor}"


def innocent_change(record: dict[str, Any], random: Random) -> str:
    """Something was changed shortly before that has nothing to do with the outage."""
    at = _onset(record) - random.uniform(20, 300)
    kind = random.choice(("ConfigMap", "Deployment", "release"))
    components = sorted({finding["component"] for finding in _findings(record) if finding["name"] == "rollouts"})
    suspects = {item["detail"].get("component") for item in record["items"]
                if item.get("step") == "Diagnose the root cause" and item.get("detail")}
    others = [name for name in components if name not in suspects] or ["newsletter"]
    other = random.choice(others)
    for finding in _findings(record):
        if finding["name"] == "changes" and kind != "release":
            finding.setdefault("detail", {})["changes"] = [*finding.get("detail", {}).get("changes", []), {
                "kind": kind, "name": "newsletter-settings" if kind == "ConfigMap" else other, "what": "changed",
                "earliest": at, "latest": at, "by": "kubectl", "namespace": "payments",
                "fields": [{"path": ["data", "GREETING"] if kind == "ConfigMap" else
                            ["template", "spec", "containers", other, "env", "LOG_LEVEL", "value"],
                            "before": "a", "after": "b"}]}]
        if finding["name"] == "rollouts" and kind == "release" and finding["component"] == other:
            revisions = (finding.get("detail") or {}).get("revisions", [])
            if revisions:
                before = dict(revisions[0]) | {"current": False}
                after = dict(revisions[0]) | {"current": True, "created": at, "revision": before["revision"] + 1,
                                              "images": [f"registry.example/{other}:1.0.9"]}
                finding["detail"]["revisions"] = [after, before]
    return f"an innocent {kind} of {other}"


def skewed(record: dict[str, Any], random: Random) -> str:
    """The clocks differ by some seconds."""
    source, seconds = random.choice(sources_of(record)), random.uniform(-8, 8)
    for finding in _findings(record, source):
        detail = finding.get("detail") or {}
        for change in detail.get("changes", []):
            change["earliest"] += seconds
            change["latest"] += seconds
        for revision in detail.get("revisions", []):
            revision["created"] += seconds
        for event in detail.get("events", []) if isinstance(detail.get("events"), list) else ():
            if isinstance(event.get("at"), int | float):
                event["at"] += seconds
    return f"the clock of {source} {seconds:+.0f} s"


KINDS: dict[str, Callable[[dict[str, Any], Random], str]] = {
    "missing": missing, "late": late, "denies": denies, "cries wolf": cries_wolf, "noise": noise, "scaled": scaled,
    "innocent change": innocent_change, "skewed": skewed}
