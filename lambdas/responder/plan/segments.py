"""Where a component's requests fail: in itself, or in which of its calls. Each part is explained on its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from responder.model.finding import Finding, latest
from responder.model.service import Service
from responder.plan.kinds import REACH, kind_of
from responder.plan.rates import SLOW_MULTIPLE, count_lower_bound, count_upper_bound, lower_bound

_SIGNIFICANT_SHARE = 0.2
"""A fifth of the failures: with less, what is measured at slightly different moments could make a part of its own."""
_FAILS = 0.01
"""Of all requests of the window, that at least fail surely: it is a minute long and the fault may be of just now."""
_SLOW_MS = 500.0


@dataclass(frozen=True)
class Segment:
    """One part of a component's failures."""

    component: str
    where: str
    """``own``, ``database``, ``provider:NAME``, a component that it does not get through to, or ``reach`` where its
    own callers do not get through to it."""
    share: float
    """Of the component's failures."""
    kinds: Mapping[str, float] = field(default_factory=dict)
    """Kind of error (see ``kinds.py``) to its share within the segment."""
    sources: tuple[str, ...] = ()
    slow: bool = False
    """Whether it is slow rather than failing."""


def segments(service: Service, component: str, findings: Sequence[Finding]) -> list[Segment]:
    """Split a component's failures by where they arise, largest first.

    Client spans tell it best; without them the error lines do, by the hosts that they name. Where neither is there
    the whole is one segment in the component itself.
    """
    findings = latest(findings)
    told = _from_lines(service, component, findings)
    found = [_seen_by_both(segment, told) for segment in _from_spans(service, component, findings)] or told
    reach = _reach(service, component, findings)
    if reach:
        found.append(reach)
    kept = [segment for segment in found if segment.share >= _SIGNIFICANT_SHARE]
    if not any(not segment.slow for segment in kept):
        kept += _slow(service, component, findings)
    return sorted(kept, key=lambda s: (-s.share, s.where)) or [Segment(component, "own", 1.0)]


def _seen_by_both(segment: Segment, told: Sequence[Segment]) -> Segment:
    """Add the source of log lines where they show the same place and, mostly, the same kind of error."""
    for other in told:
        mostly = max(other.kinds, key=lambda kind: other.kinds[kind], default="")
        if other.where == segment.where and other.share >= _SIGNIFICANT_SHARE and mostly == max(
                segment.kinds, key=lambda kind: segment.kinds[kind], default=""):
            return replace(segment, sources=(*segment.sources, *other.sources))
    return segment


def _from_spans(service: Service, component: str, findings: Sequence[Finding]) -> list[Segment]:
    spans = _newest(f for f in findings if f.name == "calls" and f.component == component and f.usable)
    rate = _newest(f for f in findings if f.name == "error_rate" and f.component == component and f.usable
                   and spans is not None and f.source == spans.source)
    if spans is None or rate is None or rate.window is None:
        return []
    rows = [row for row in rate.detail.get("series", []) if row[0] >= rate.window.end - 60]
    errors, requests = sum(row[2] for row in rows), sum(row[1] for row in rows)
    failed: dict[str, float] = defaultdict(float)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    few = 0.0
    for host, callee in spans.detail.get("callees", {}).items():
        name = service.called(host) or host
        if name == host and not callee.get("baseline_requests") and "dns" in {
                kind_of(text) for text in callee.get("kinds", {})}:
            name = _in_place_of(service, spans.detail["callees"]) or host
        calls, before = callee.get("requests", 0), callee.get("baseline_requests", 0)
        usual = callee.get("baseline_errors", 0) / before if before else 0.0
        bad = callee.get("errors", 0)
        if not calls or lower_bound(bad, calls, z=2.0) <= max(2 * usual, _FAILS):
            few += bad if name not in service.graph else 0.0
            continue
        texts = callee.get("kinds", {})
        # What the callee answered is its own trouble; only what did not get there belongs to the way.
        if name in service.graph:
            texts = {text: count for text, count in texts.items() if kind_of(text) in REACH}
            bad = sum(texts.values())
        failed[name] += bad
        for text, count in texts.items():
            kinds[name][kind_of(text)] += count
    answered = sum(callee.get("errors", 0) for host, callee in spans.detail.get("callees", {}).items()
                   if service.called(host) in service.graph) - sum(
        count for name, count in failed.items() if name in service.graph)
    # Too few of a callee's failures to blame it are its own all the same, and not the component's.
    own = max(0.0, errors - sum(failed.values()) - answered - few)
    total = own + sum(failed.values())
    if total <= 0 or not requests:
        return []
    found = [Segment(component, name, count / total, _shares(kinds[name]), (spans.source,))
             for name, count in failed.items() if count]
    if lower_bound(own, requests) > _FAILS:
        found.append(Segment(component, "own", own / total, _own_kinds(component, findings), (spans.source,)))
    return found


def _in_place_of(service: Service, callees: Mapping[str, Mapping[str, Any]]) -> str:
    """Return which callee a host that nobody called before, and that no resolver knows, is called in place of.

    It is the database, for what fails there is asked of no provider either, so the calls of both become fewer; where
    the database is called as ever and a provider is not, it is that provider.
    """
    known = {service.called(host): callee for host, callee in callees.items()
             if service.called(host) and callee.get("baseline_requests")}
    database = known.get("database")
    for name, callee in sorted(known.items()):
        if database and name.startswith("provider:") and (
                count_upper_bound(callee.get("requests", 0)) / callee["baseline_requests"]
                < count_lower_bound(database.get("requests", 0)) / database["baseline_requests"]):
            return name
    return "database" if service.database else ""


def _from_lines(service: Service, component: str, findings: Sequence[Finding]) -> list[Segment]:
    lines = _newest(f for f in findings if f.name == "error_signatures" and f.usable)
    if lines is None:
        return []
    counts: dict[str, float] = defaultdict(float)
    kinds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for group in lines.detail.get("signatures", []):
        if group.get("component") != component:
            continue
        text, count = str(group.get("text", "")), float(group.get("count", 0)) - float(group.get("usual", 0))
        kind = kind_of(text)
        where = _named(service, component, text) or ("database" if kind in (
            "connections", "credentials", "space", "lock", "read_only") and service.database else "own")
        if kind == "declined" or count <= 0 or (where in service.graph and kind not in REACH):
            continue
        counts[where] += count
        kinds[where][kind] += count
    total = sum(counts.values())
    return [Segment(component, where, count / total, _shares(kinds[where]), (lines.source,))
            for where, count in counts.items() if total >= 10]


def _reach(service: Service, component: str, findings: Sequence[Finding]) -> Segment | None:
    """Whether those who call the component do not get through to it, by client spans or else by error lines."""
    kinds: Counter[str] = Counter()
    calls, source = 0.0, ""
    for finding in findings:
        if finding.name == "calls" and finding.usable and component in service.graph.get(finding.component, ()):
            for host, callee in finding.detail.get("callees", {}).items():
                if service.called(host) == component:
                    calls, source = callee.get("requests", 0), finding.source
                    kinds = Counter()
                    for text, count in callee.get("kinds", {}).items():
                        if kind_of(text) in REACH:
                            kinds[kind_of(text)] += count
    if not calls:
        for finding in findings:
            if finding.name == "error_signatures" and finding.usable:
                calls, source, kinds = 0.0, finding.source, Counter()
                for group in finding.detail.get("signatures", []):
                    caller, text = str(group.get("component")), str(group.get("text", ""))
                    if component in service.graph.get(caller, ()) and _named(service, caller, text) == component:
                        calls += group.get("count", 0)
                        if kind_of(text) in REACH:
                            kinds[kind_of(text)] += group.get("count", 0)
    lost = sum(kinds.values())
    if not calls or lower_bound(lost, calls) <= 0.02 or lost < 10:
        return None
    return Segment(component, "reach", max(0.25, lost / calls), _shares(kinds), (source,))


def _slow(service: Service, component: str, findings: Sequence[Finding]) -> list[Segment]:
    """Which of the calls take much longer than usual; none of them: the component itself.

    The client spans tell it, where their source sees that the component is slow at all: it may be behind, and show what
    was before. Another source tells it by how long the callees take, where all of them are components.
    """
    seen_by = sorted({f.source for f in findings if f.name == "latency_p95_ms" and f.component == component
                      and f.usable and _is_slow(f)})
    spans = _newest(f for f in findings if f.name == "calls" and f.component == component and f.usable)
    if spans is not None and spans.source in seen_by:
        for host, callee in spans.detail.get("callees", {}).items():
            name, mean, usual = service.called(host), callee.get("mean_ms", 0), callee.get("baseline_ms", 0)
            if name and mean >= _SLOW_MS and mean > SLOW_MULTIPLE * usual:
                return [] if name in service.graph else [Segment(component, name, 1.0, {}, (spans.source,), True)]
        return [Segment(component, "own", 1.0, {}, (spans.source,), True)]
    for source in seen_by:
        quick = {f.component for f in findings if f.name == "latency_p95_ms" and f.source == source and f.usable
                 and f.value and not _is_slow(f)}
        if quick.issuperset(service.component(component).calls):
            return [Segment(component, "own", 1.0, {}, (source,), True)]
    return []


def _is_slow(latency: Finding) -> bool:
    return (latency.value or 0.0) >= max(_SLOW_MS, SLOW_MULTIPLE * (latency.baseline or 0.0))


def _own_kinds(component: str, findings: Sequence[Finding]) -> dict[str, float]:
    lines = _newest(f for f in findings if f.name == "error_signatures" and f.usable)
    counts: Counter[str] = Counter()
    for group in lines.detail.get("signatures", []) if lines else []:
        if group.get("component") == component and "call to" not in str(group.get("text", "")):
            counts[kind_of(str(group.get("text", "")))] += max(
                0, group.get("count", 0) - group.get("usual", 0))
    return _shares(counts)


def _named(service: Service, component: str, text: str) -> str:
    """Which of the component's callees a text names by its host; the longest name counts."""
    names = {called: called for called in service.graph.get(component, ()) if called in service.graph}
    if service.database:
        names |= {service.database.address: "database", service.database.name: "database"}
    for provider in service.providers:
        names |= {provider.address: f"provider:{provider.name}"}
    for host in sorted(names, key=len, reverse=True):
        if host and host in text:
            return names[host]
    return ""


def _newest(findings: Iterable[Finding]) -> Finding | None:
    """The finding whose window ends last: a later look has seen more of the fault."""
    return max(findings, key=lambda f: (f.window.end if f.window else 0.0, f.source), default=None)


def _shares(counts: Mapping[str, float]) -> dict[str, float]:
    total = sum(counts.values())
    return {kind: round(count / total, 3) for kind, count in sorted(counts.items())} if total else {}
