"""The plan's "Isolate the issue": which components fail, and which only suffer from those that they call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from responder.model.finding import Finding
from responder.model.service import Service
from responder.plan.symptom import Reading

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

    A component fails where most of the sources that can tell say so. ``findings`` are those of Kubernetes.
    """
    failing = _failing(readings)
    pods = {finding.component: said for finding in findings if finding.name == "pods" and finding.usable
            for said in [_unwell(finding)] if said}
    dead = {finding.component for finding in findings if finding.name == "pods" and finding.usable
            and finding.value is not None and finding.value < _UNREADY_SHARE}
    suspects = set(failing) | dead
    graph = service.graph
    suffers = {name for name in suspects - dead for other in suspects - {name}
               if _reaches(graph, name, other) and not _reaches(graph, other, name)}
    culprits = tuple(sorted(suspects - suffers))
    victims = tuple(sorted(suspects - set(culprits)))
    reasons = {name: " ".join(part for part in (failing.get(name, ""), pods.get(name, "")) if part)
               for name in culprits}
    return Isolation(culprits, victims, pods, reasons)


def _failing(readings: Sequence[Reading]) -> dict[str, str]:
    by_component: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_component[reading.component].append(reading)
    failing = {}
    for component, found in by_component.items():
        bad = {r.source for r in found if r.verdict in ("failing", "silent", "slow")}
        well = {r.source for r in found if r.verdict == "healthy"} - bad
        if bad and len(bad) >= len(well):
            reading = next(r for r in found if r.source in bad and r.verdict in ("failing", "silent", "slow"))
            failing[component] = f"{reading.reason} ({', '.join(sorted(bad))})."
    return failing


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
