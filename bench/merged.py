"""Two recorded incidents of the same calls as one: is the first remedy one of the two right ones, or none?

One record stands for each mechanism whose remedy helped the gateway. The evidence of the second is laid into that of
the first: failures are added over the same requests, error lines are joined, changes and events are joined with the
second one's moved in time, and of what tells of a state (pods, the database, probes) the one counts that is further
from usual.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.generated import Original, decide, originals, upper_bound
from bench.wrong_remedy import Contract, why_wrong

Finding = dict[str, Any]
_GAPS = (-20.0, 0.0, 20.0)
"""Seconds from the first one's onset to the second one's."""
_COMPONENT = "payment-gateway"
_DATED = {"changes": ("earliest", "latest"), "events": ("at",), "markers": ("at",), "signatures": ("first",)}
"""Lists that are joined, with the times of their items."""


@dataclass(frozen=True)
class Merged:
    """What is decided on two incidents at once."""

    first: str
    second: str
    cause: str
    applied: tuple[str, ...]
    wrong: tuple[str, ...]


def by_mechanism() -> dict[str, Original]:
    """Return a record for each mechanism that was found and whose remedy helped the gateway."""
    found: dict[str, Original] = {}
    for original in originals():
        for item in original.items:
            if (item["sk"].startswith("ACTION#") and item["status"] == "verified" and _began(original)
                    and item.get("component") == _COMPONENT and len(original.contract.helped) == 1):
                found.setdefault(str(item.get("mechanism")), original)
    return found


def _began(original: Original) -> float:
    return next((float(item["detail"]["onset"]) for item in original.record["items"]
                 if item["sk"].startswith("TIMELINE#") and (item.get("detail") or {}).get("onset")
                 and item.get("step") == "Diagnose the root cause"), 0.0)


def merged(first: Original, second: Original, gap: float) -> dict[str, Any]:
    """Return the first record with the second one's evidence laid into it; its onset is ``gap`` seconds from the first.
    """
    record: dict[str, Any] = json.loads(first.packed)
    others: dict[tuple[str, str, str], Finding] = {}
    for item in json.loads(second.packed)["items"]:
        if item["sk"].startswith("EVIDENCE#"):
            others |= {_key(finding): finding for finding in item["findings"] if finding["status"] == "ok"}
    since = _began(first) + gap
    for item in record["items"]:
        if item["sk"].startswith("EVIDENCE#"):
            item["findings"] = [_laid(finding, others[_key(finding)], since, since - _began(second))
                                if _key(finding) in others and finding["status"] == "ok" else finding
                                for finding in item["findings"]]
    return record


def _key(finding: Mapping[str, Any]) -> tuple[str, str, str]:
    return finding["source"], finding["name"], finding.get("component") or ""


def _laid(finding: Finding, other: Finding, since: float, moved: float) -> Finding:
    """Return a finding of the first with that of the second laid into it."""
    detail, more = finding.setdefault("detail", {}), other.get("detail") or {}
    match finding["name"]:
        case "error_rate":
            share = _share([row for row in more.get("series") or () if row[0] + moved >= since])
            for row in detail.get("series") or ():
                row[2] += round((row[1] - row[2]) * share) if row[0] >= since else 0
            detail["errors"] = sum(row[2] for row in detail.get("series") or ())
        case "calls":
            callees = detail.setdefault("callees", {})
            for host, called in (more.get("callees") or {}).items():
                callees[host] = _called(callees[host], called) if host in callees else called
            failed = sum(callee.get("errors", 0) for callee in callees.values())
            if detail.get("requests") is not None:
                detail["errors"] = min(detail["requests"], max(detail.get("errors") or 0, failed))
        case "error_lines":
            extra = max(0.0, more.get("lines", 0) - more.get("baseline_lines", 0) / 60)
            detail["lines"] = detail.get("lines", 0) + extra
        case "error_rate_by_version" | "rollouts" | "latency_p95_ms" | "canary" | "alarms":
            pass
        case _ if any(isinstance(more.get(name), list) for name in _DATED):
            for name, times in _DATED.items():
                if isinstance(more.get(name), list):
                    detail[name] = [*detail.get(name, []), *(
                        {**row, **{at: row[at] + moved for at in times if isinstance(row.get(at), int | float)}}
                        for row in more[name])]
        case _ if _off(other) > _off(finding):
            return {**other, "window": finding.get("window")}
    return finding


def _share(rows: list[Any]) -> float:
    requests = sum(row[1] for row in rows)
    return sum(row[2] for row in rows) / requests if requests else 0.0


def _called(one: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Add the second one's failures to those calls that did not fail yet."""
    left = max(0.0, one.get("requests", 0) - one.get("errors", 0))
    part = left / other["requests"] if other.get("requests") else 0.0
    kinds = dict(one.get("kinds") or {})
    for text, count in (other.get("kinds") or {}).items():
        kinds[text] = kinds.get(text, 0) + round(count * part)
    return {**one, "errors": one.get("errors", 0) + round(other.get("errors", 0) * part), "kinds": kinds,
            "mean_ms": max(one.get("mean_ms") or 0, other.get("mean_ms") or 0)}


def _off(finding: Mapping[str, Any]) -> float:
    """Return how far a state is from usual."""
    detail, value = finding.get("detail") or {}, finding.get("value")
    if finding["name"] == "pods":
        return float(detail.get("wanted", 0) - detail.get("ready", 0))
    if finding["name"] == "instance":
        return float(detail.get("status") != "available")
    if finding["name"] == "waits":
        return float(sum((detail.get("waits") or {}).values()))
    if finding["name"] in ("probe", "health"):
        return 1.0 - float(value or 0)
    usual = finding.get("baseline")
    return abs(float(value) - float(usual)) / (abs(float(usual)) or 1.0) if (
        value is not None and usual is not None) else 0.0


def contract_of(first: Contract, second: Contract) -> Contract:
    """Return what is right for two incidents at once: what is right for either."""
    places = (first.affected | second.affected) if first.affected and second.affected else frozenset()
    return Contract(
        (first.never | second.never) - first.actions - second.actions - {
            action for action, _, _ in first.helped | second.helped},
        first.causes | second.causes if first.causes and second.causes else frozenset(),
        first.actions | second.actions, first.targets | second.targets if first.targets and second.targets else
        frozenset(), places, first.helped | second.helped, first.in_vain | second.in_vain,
        first.restored | second.restored)


def run() -> Iterator[Merged]:
    """Decide on all ordered pairs of mechanisms."""
    for number, ((one, first), (two, second)) in enumerate(permutations(sorted(by_mechanism().items()), 2)):
        made = decide(replace(first, items=(*first.items, *second.items)),
                      merged(first, second, _GAPS[number % len(_GAPS)]))
        contract = contract_of(first.contract, second.contract)
        yield Merged(one, two, made.cause, tuple(str(judged) for judged in made.applied if judged.changes), tuple(
            f"{judged}: {why}" for judged in made.applied if (why := why_wrong(contract, judged))))


def _measure(repeats: int) -> Outcome:
    found = list(run())
    counts = Counter("wrong" if one.wrong else "right" if one.applied else "none" for one in found)
    rows = [Row("wrong first remedies", 100 * counts["wrong"] / max(1, len(found)), "%", "at 95 % at most",
                100 * upper_bound(counts["wrong"], len(found)), highest=0.0),
            Row("no first remedy", 100 * counts["none"] / max(1, len(found)), "%", "of so many pairs", len(found))]
    return Outcome(rows, "\n".join(f"  {one.first} and {one.second}: {one.cause}: {'; '.join(one.wrong)}"
                                   for one in found if one.wrong), {"merged": dict(counts)})


BENCHMARK = Benchmark(
    about="two recorded incidents of the same calls as one: is the first remedy one of the two right ones?",
    run=_measure, repeats=1)
