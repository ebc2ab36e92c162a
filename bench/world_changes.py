"""What may be different about the world of a recorded outage, while the outage stays the same.

Each change takes a record as ``records/record.py`` packs it, gives its evidence (or its policy) as such a world would
give it, and says what it did. Those of ``bench/variants.py`` and ``bench/mutations.py`` are among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from bench.account_mutations import ACCOUNTS, stopped_elsewhere
from bench.mutations import binomial, no_spans, sampled, status_alone, unmarked
from bench.variants import KINDS, sources_of

Record = dict[str, Any]
Change = Callable[[Record, Random], str]
_CLOCK_SECONDS = 300.0
_MOST = 4
"""How many changes one world has at most."""


def _findings(record: Record, source: str = "", name: str = "") -> Iterator[dict[str, Any]]:
    for item in record["items"]:
        if str(item.get("sk", "")).startswith("EVIDENCE#"):
            yield from (finding for finding in item["findings"]
                        if source in ("", finding["source"]) and name in ("", finding["name"]))


def _rows(detail: dict[str, Any]) -> list[Any]:
    series = detail.get("series") or []
    return [row for rows in series.values() for row in rows] if isinstance(series, dict) else list(series)


def _began(record: Record) -> float:
    return next((float(item["detail"]["onset"]) for item in record["items"]
                 if item.get("step") == "Diagnose the root cause" and (item.get("detail") or {}).get("onset")), 0.0)


def other_vendor(record: Record, random: Random) -> str:
    """A provider's status page tells of a major outage that does not reach us, and AWS Health of one elsewhere."""
    providers = sorted({finding["component"] for finding in _findings(record, name="status_page")})
    which = random.choice(providers) if providers else ""
    for finding in _findings(record, name="status_page"):
        if finding["component"] == which and finding["status"] == "ok":
            finding["value"] = 2.0
            finding["detail"] = {"indicator": "major", "components": {"Reporting API": "major_outage"},
                                 "incidents": [{"impact": "major", "name": "Reports are late",
                                                "status": "investigating"}]}
    for finding in _findings(record, name="service_events"):
        detail = finding.setdefault("detail", {})
        detail["events"] = [*detail.get("events", []), {
            "service": random.choice(("RDS", "EKS", "ELASTICLOADBALANCING")), "code": "AWS_OPERATIONAL_ISSUE",
            "status": "open", "region": "us-east-1", "at": _began(record) - random.uniform(0, 600)}]
        finding["value"] = float(finding.get("value") or 0.0) + 1
    return f"an outage of {which or 'another vendor'} that does not reach us"


def clock_off(record: Record, random: Random) -> str:
    """The clock of one source is five minutes off: what it dates is dated so, and what it counts lies elsewhere."""
    source, seconds = random.choice(sources_of(record)), random.choice((-_CLOCK_SECONDS, _CLOCK_SECONDS))
    for finding in _findings(record, source):
        detail, window = finding.get("detail") or {}, finding.get("window")
        for key, times in (("changes", ("earliest", "latest")), ("revisions", ("created",)), ("events", ("at",)),
                           ("markers", ("at",)), ("signatures", ("first",))):
            for row in detail.get(key) or () if isinstance(detail.get(key), list) else ():
                row |= {time: row[time] + seconds for time in times if isinstance(row.get(time), int | float)}
        if isinstance(detail.get("series"), list) and window:
            moved = [[row[0] + seconds, *row[1:]] for row in detail["series"]]
            # A query asks for its window, and what is dated outside of it is not in the answer.
            detail["series"] = [row for row in moved if window["start"] <= row[0] < window["end"]]
            if "requests" in detail and finding["name"] == "error_rate":
                detail |= {"requests": sum(row[1] for row in detail["series"]),
                           "errors": sum(row[2] for row in detail["series"])}
    return f"the clock of {source} {seconds:+.0f} s"


def thin_spans(record: Record, random: Random) -> str:
    """Spans are sampled."""
    share, told = random.choice((0.05, 0.12, 0.5)), random.random() < 0.5
    sampled(share, told)(record, random)
    return f"{share:.0%} of the spans"


def quiet_spans(record: Record, random: Random) -> str:
    """Spans say less of what failed, or there are none."""
    how = random.choice((status_alone, unmarked, no_spans))
    how(record, random)
    return f"spans: {how.__name__.replace('_', ' ')}"


def other_account(record: Record, random: Random) -> str:
    """An autoscaler just before, Services of other names, or Aurora."""
    name = random.choice(sorted(ACCOUNTS))
    ACCOUNTS[name](record, random)
    return name


def neighbours(record: Record, random: Random) -> str:
    """Another team shares the cluster and the account: it drains a node of its own, and stops instances."""
    stopped_elsewhere(record, random)
    at = _began(record) - random.uniform(-20, 240)
    for finding in _findings(record, name="changes"):
        detail = finding.setdefault("detail", {})
        detail["changes"] = [*detail.get("changes", []), {
            "kind": "Node", "name": "node-of-others", "what": "changed", "earliest": at, "latest": at,
            "namespace": "", "by": "kubectl", "fields": [
                {"path": ["taints"], "before": [], "after": [{"effect": "NoSchedule", "key": "batch", "value": "x"}]}]}]
        finding["value"] = float(len(detail["changes"]))
    for finding in _findings(record, "kubernetes", "nodes"):
        detail = finding.get("detail") or {}
        if detail.get("names"):
            detail |= {"names": [*detail["names"], "node-of-others"],
                       "not_ready": [*detail.get("not_ready", []), "node-of-others"]}
            finding["value"] = 1 - len(detail["not_ready"]) / len(detail["names"])
    return "another team's node goes"


def namesake(record: Record, random: Random) -> str:
    """Another service of the account has a component of the same name: New Relic counts both, Splunk has its lines."""
    names = sorted({finding["component"] for finding in _findings(record, "newrelic", "error_rate")})
    if not names:
        return "no namesake"
    name, more = random.choice(names), random.choice((0.3, 1.0))
    for finding in _findings(record, "newrelic"):
        detail = finding.get("detail") or {}
        if finding.get("component") != name or finding["name"] not in ("error_rate", "error_rate_by_version"):
            continue
        usual = detail.get("baseline_requests", 0) / max(1.0, detail.get("baseline_seconds") or 3600)
        for row in _rows(detail):
            row[1] += round(more * (usual * 10 or row[1]))
        for key in ("requests", "baseline_requests"):
            if isinstance(detail.get(key), int | float):
                detail[key] = round(detail[key] * (1 + more))
        for part in ("window", "baseline"):
            if isinstance(detail.get(part), dict):
                detail[part] = {version: [round(counts[0] * (1 + more)), counts[1]]
                                for version, counts in detail[part].items()}
    for finding in _findings(record, "splunk", "error_signatures"):
        detail = finding.setdefault("detail", {})
        detail["signatures"] = [*detail.get("signatures", []), {
            "component": name, "count": 6, "usual": 5.5, "first": _began(record) - 60, "pods": 1,
            "text": "ERROR Sandbox order <n> has no basket", "versions": {"7.4.2": 6}}]
    return f"another component called {name}"


def approval_never_comes(record: Record, random: Random) -> str:
    """The policy asks for some actions, and nobody answers."""
    policy = record["service"]["policy"]
    asked = [action for action in sorted(policy) if policy[action] == "auto" and random.random() < 0.5]
    policy |= dict.fromkeys(asked, "approve")
    return f"nobody answers for {len(asked)} actions"


def busier(record: Record, random: Random) -> str:
    """More customers than are usual at that time; the same share of them fails.

    Not so many more that they would be an outage of their own: the drills' platform serves twice as many.
    """
    factor = random.choice((1.15, 1.3))
    for finding in _findings(record):
        detail = finding.get("detail") or {}
        for row in _rows(detail):
            row[1:3] = [round(value * factor) for value in row[1:3]]
        for key in ("requests", "errors", "lines", "all_lines"):
            if isinstance(detail.get(key), int | float):
                detail[key] = round(detail[key] * factor)
        for callee in (detail.get("callees") or {}).values() if isinstance(detail.get("callees"), dict) else ():
            callee |= {key: round(callee[key] * factor) for key in ("requests", "errors") if key in callee}
            callee["kinds"] = {text: round(count * factor) for text, count in (callee.get("kinds") or {}).items()}
        if isinstance(detail.get("window"), dict):
            detail["window"] = {version: [round(value * factor) for value in counts]
                                for version, counts in detail["window"].items()}
        for group in detail.get("signatures") or ():
            group["count"] = round(group["count"] * factor)
            group["versions"] = {version: round(count * factor) for version, count in group["versions"].items()}
    return f"{factor:g} x as many customers as usual"


def lines_lost(record: Record, random: Random) -> str:
    """The logs' licence is used up: a part of the lines is not there."""
    share = random.choice((0.1, 0.3, 0.6))
    for finding in _findings(record, "splunk"):
        detail = finding.get("detail") or {}
        if finding["name"] == "error_lines":
            for row in _rows(detail):
                row[1:3] = [binomial(value, share, random) for value in row[1:3]]
            detail |= {key: round(detail[key] * share) for key in ("lines", "all_lines") if key in detail}
            if isinstance(finding.get("value"), int | float):
                finding["value"] *= share
        for group in detail.get("signatures") or ():
            group["versions"] = {version: binomial(count, share, random)
                                 for version, count in group["versions"].items()}
            group["count"] = sum(group["versions"].values()) or binomial(group["count"], share, random)
        if finding["name"] == "error_signatures":
            detail["signatures"] = [group for group in detail.get("signatures") or () if group["count"]]
    return f"{share:.0%} of the log lines"


def in_part(record: Record, random: Random) -> str:
    """Half of what a source is asked for does not come back."""
    source = random.choice(sources_of(record))
    kinds = sorted({(finding["name"], finding.get("component") or "") for finding in _findings(record, source)})
    lost = {kind for kind in kinds if random.random() < 0.5}
    for finding in _findings(record, source):
        if (finding["name"], finding.get("component") or "") in lost:
            finding |= {"status": "timeout", "note": "no answer in time", "value": None, "detail": {}}
    return f"{source} answers in part"


CHANGES: dict[str, Change] = {
    **KINDS, "another vendor's outage": other_vendor, "clock": clock_off, "thin spans": thin_spans,
    "quiet spans": quiet_spans, "another account": other_account, "neighbours": neighbours, "namesake": namesake,
    "approval never comes": approval_never_comes, "busier": busier, "lines lost": lines_lost, "in part": in_part}


def change(record: Record, name: str) -> list[str]:
    """Draw 1 to 4 changes by a name and make them in place; returns what was done. A name always draws the same."""
    random = Random(name)
    kinds = random.sample(sorted(CHANGES), random.randint(1, _MOST))
    return [CHANGES[kind](record, random) for kind in kinds]
