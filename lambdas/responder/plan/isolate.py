"""The plan's "Isolate the issue": which components fail, and which only suffer from those that they call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from responder.model.finding import Finding, latest
from responder.model.service import Service
from responder.plan.culprit import Settings, Symptom, rank
from responder.plan.kinds import REACH, kind_of
from responder.plan.rates import lower_bound
from responder.plan.symptom import Reading

_MOST = 0.5
"""Of what a caller became slower must begin in one callee before that is called the culprit."""
_UNREADY_SHARE = 0.5
"""Half the pods gone is more than a rolling update takes away (25 % by default)."""


@dataclass(frozen=True)
class Isolation:
    """Where the fault is."""

    culprits: tuple[str, ...]
    """Components that fail, or have no pods to serve, while what they call does not."""
    victims: tuple[str, ...]
    """Components that fail because of a culprit."""
    pods: dict[str, str]
    """Component to a sentence about its pods, where they are not well."""
    reasons: dict[str, str]
    """Culprit to the sentence behind it."""


def isolate(service: Service, readings: Sequence[Reading], findings: Sequence[Finding]) -> Isolation:
    """Find the culprits in the graph of who calls whom.

    A component fails where most of the sources that can tell say so. Errors go from the called to the caller, silence
    from the caller to the called: a component that is silent because nobody gets to its caller is no culprit, and one
    that its caller cannot reach is. A component whose failures arise in itself is a culprit though what it calls fails
    as well. ``findings`` are those of all sources so far.
    """
    findings = latest(findings)
    failing, silent = _failing(readings)
    pods = {finding.component: said for finding in findings if finding.name == "pods" and finding.usable
            for said in [_unwell(finding)] if said}
    dead = {finding.component for finding in findings if finding.name == "pods" and finding.usable
            and finding.value is not None and finding.value < _UNREADY_SHARE}
    graph = service.graph
    callers: dict[str, set[str]] = defaultdict(set)
    for caller, called in graph.items():
        for name in called:
            callers[name].add(caller)
    cut_off = {name for name in silent if name == service.entry or (callers[name] and not callers[name] <= set(silent))}
    unreached = _unreached(service, findings)
    suspects = set(failing) | dead | cut_off | set(unreached)
    own = _own(service, findings, set(failing))
    suffers = {name for name in suspects - dead - own for other in suspects - {name}
               if _reaches(graph, name, other) and not _reaches(graph, other, name)}
    slow = {r.component for r in readings if r.verdict == "slow"} - {r.component for r in readings
                                                                   if r.verdict == "failing"}
    begun = {name: _slow_because_of(service, findings, name) for name in (suspects - suffers) & slow - dead}
    suffers |= {name for name, other in begun.items() if other != name}
    suspects |= set(begun.values())
    culprits = tuple(sorted(suspects - suffers))
    victims = tuple(sorted(suspects - set(culprits)))
    reasons = {name: " ".join(part for part in (failing.get(name, "") or silent.get(name, ""),
                                                unreached.get(name, ""), pods.get(name, "")) if part)
               for name in culprits}
    return Isolation(culprits, victims, pods, reasons)


def _failing(readings: Sequence[Reading]) -> tuple[dict[str, str], dict[str, str]]:
    """Components that err or are slow, and those that are silent, each with the sentence behind it."""
    by_component: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_component[reading.component].append(reading)
    failing: dict[str, str] = {}
    silent: dict[str, str] = {}
    for component, found in by_component.items():
        bad = {r.source for r in found if r.verdict in ("failing", "slow")}
        quiet = {r.source for r in found if r.verdict == "silent"}
        well = {r.source for r in found if r.verdict == "healthy"} - bad
        for told, sources, into in ((("failing", "slow"), bad, failing), (("silent",), quiet, silent)):
            if sources and len(sources) >= len(well):
                reading = next(r for r in found if r.verdict in told)
                into[component] = f"{reading.reason} ({', '.join(sorted(sources))})."
    return failing, {name: said for name, said in silent.items() if name not in failing}


def _own(service: Service, findings: Sequence[Finding], failing: set[str]) -> set[str]:
    """Failing components more of whose requests fail in themselves than the limit allows, by their client spans."""
    rates = {f.component: f for f in findings if f.name == "error_rate" and f.usable and f.source == "newrelic"}
    found = set()
    for finding in findings:
        if finding.name != "calls" or not finding.usable or finding.component not in failing:
            continue
        rate = rates.get(finding.component)
        if rate is None or rate.window is None:
            continue
        rows = [row for row in rate.detail.get("series", []) if row[0] >= rate.window.end - 60]
        requests, errors = sum(row[1] for row in rows), sum(row[2] for row in rows)
        of_calls = sum(callee.get("errors", 0) for callee in finding.detail.get("callees", {}).values())
        # The two are measured over nearly the same minute: a fifth of difference is none.
        if lower_bound(max(0.0, errors - 1.2 * of_calls), requests) > service.confirm.error_rate:
            found.add(finding.component)
    return found


def _unreached(service: Service, findings: Sequence[Finding]) -> dict[str, str]:
    """Components that their callers do not get through to, by the kind of the callers' errors."""
    found = {}
    for finding in findings:
        if finding.name != "calls" or not finding.usable:
            continue
        for host, callee in finding.detail.get("callees", {}).items():
            name = service.called(host)
            if name not in service.graph:
                continue
            lost = sum(count for text, count in callee.get("kinds", {}).items() if kind_of(text) in REACH)
            requests = callee.get("requests", 0)
            if requests and lower_bound(lost, requests) > service.confirm.error_rate:
                found[name] = f"{finding.component} does not get through to it in {lost / requests:.0%} of calls."
    return found


def _slow_because_of(service: Service, findings: Sequence[Finding], name: str) -> str:
    """Return the component that a slow one waits for, by how much slower each became (``culprit.py``); or itself.

    A callee may be far from slow by any limit and yet be what its caller waits for.
    """
    series: dict[str, dict[str, list[tuple[float, float | None]]]] = {}
    began = 0.0
    for finding in findings:
        minutes = finding.detail.get("minutes") if finding.name == "latency_p95_ms" and finding.usable else None
        if minutes and finding.component not in series:
            series[finding.component] = {"latency": [(row[0], row[2] or None) for row in minutes],
                                         "requests": [(row[0], row[1]) for row in minutes]}
            began = finding.window.start if finding.window else minutes[-1][0]
    if name not in series:
        return name
    graph = {caller: [other for other in called if other in series] for caller, called in service.graph.items()}
    # The baseline is the hour before the window: there is no other time before it that would tell the level.
    ranked = rank(graph, series, Symptom(name, "latency", began + 60), settings=Settings(recent=0.0), certain=True)
    first = ranked[0] if ranked else None
    return first.component if first and first.score >= _MOST and (
        first.component == name or _reaches(service.graph, name, first.component)) else name


def _unwell(finding: Finding) -> str:
    detail = finding.detail
    if detail.get("ready", 0) >= detail.get("wanted", 0):
        return ""
    why = ", ".join(f"{count} {reason}" for part in ("waiting", "terminated")
                    for reason, count in sorted(detail.get(part, {}).items()))
    return f"{detail.get('ready', 0)} of {detail.get('wanted', 0)} pods are ready{f' ({why})' if why else ''}."


def _reaches(graph: Mapping[str, Sequence[str]], start: str, goal: str) -> bool:
    """Whether a request to ``start`` can lead to a call of ``goal``."""
    seen, waiting = {start}, list(graph.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, ())
    return False
