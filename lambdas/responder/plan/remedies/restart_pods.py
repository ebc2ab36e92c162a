"""Restart the failing pods of a workload: whether new pods would find a place, and when a closed node may open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from responder.model.evidence import Evidence
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.pods import Pods
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan import places, remedies, wear
from responder.plan.deeds import Deed, Site
from responder.plan.remedies import Considered, Field, OnRecord, Remedy
from responder.plan.wording import listed

_MOST_WORN = 50
"""Names that a proposal holds."""


class Pod(NamedTuple):
    """One pod that is restarted, if it is still the same."""

    name: str
    uid: str


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """What is known of the pods that the remedy cannot see by itself."""

    odd: tuple[str, ...] = ()
    """Pods that are ready and fail, while others of the same version are well."""
    worn: tuple[str, ...] = ()
    """Pods that are ready and have nearly used up their memory."""
    stop_gap: str = ""
    """What must follow, where the restart only puts it off; empty: it ends it."""


@dataclass(frozen=True)
class Before:
    """What was found."""

    pods: tuple[str, ...] = ()
    bad_nodes: tuple[str, ...] = ()
    """Nodes that are not ready, or gone."""


@dataclass(frozen=True)
class Parameters:
    """What is restarted and closed."""

    pods: tuple[Pod, ...] = ()
    close: tuple[str, ...] = ()
    """Nodes that take no new pods meanwhile."""
    at_once: int = 0
    """How many pods are restarted at a time; 0: all."""
    of: int = 0
    """How many pods the workload has."""


def facts(considered: Considered) -> Facts:
    """Which pods fail though they are ready; else the remedy looks at the pods itself."""
    if considered.mechanism == "memory_leak":
        # Not at the module's level: the remedy's own function has no need of the mechanisms.
        from responder.plan import mechanisms

        return Facts(worn=wear.full_pods(considered.evidence, considered.component)[:_MOST_WORN],
                     stop_gap=mechanisms.stop_gap(considered.mechanism, considered.component))
    if considered.mechanism != "sick_pod":
        return Facts()
    return Facts(tuple(sorted({odd.place.name for odd in places.pods(considered.evidence, considered.component)})))


def against(considered: Considered, facts: Facts) -> str:
    """New pods must find a place; of pods that are ready, no more than one is at fault."""
    if len(facts.odd) > 1:
        return f"more than one pod is said to be the one that fails: {listed(facts.odd)}"
    return "no node is ready and open, so new pods would find no place" if no_place(considered.evidence) else ""


def no_place(evidence: Evidence) -> bool:
    """Whether no node is ready and open, so that new pods would find no place."""
    return any((finding.usable or finding.status == "empty") and not set(finding.detail.names) - {
        *finding.detail.not_ready, *finding.detail.unschedulable} for finding in evidence.asked(Nodes))


def on_bad_nodes(service: Service, evidence: Evidence) -> list[str]:
    """Return the components that have pods on nodes that are gone or not ready: such pods serve nobody."""
    bad = {node for finding in evidence.of(Nodes) for node in finding.detail.not_ready}
    return [component.name for component in service.components for finding in evidence.of(Pods, component.name)
            if finding.detail.gone_nodes or bad & finding.detail.unready_on.keys()]


def no_longer_needed(service: Service, record: OnRecord[Before, Parameters], evidence: Evidence) -> str:
    """Say that the nodes which it has closed are ready again, or gone for good."""
    closed = record.parameters.close
    return next((f"{', '.join(closed)} is ready again, or gone" for finding in evidence.of(Nodes)
                 if not set(closed) & set(finding.detail.not_ready)), "")


def deed(site: Site, record: OnRecord[Before, Parameters]) -> Deed:
    """The pods, a few at a time as it restarts them, and the nodes that are closed before."""
    plan = record.parameters
    names, most = [pod.name for pod in plan.pods], plan.at_once or len(plan.pods) or 1
    closing = f", and close {listed(plan.close)} to new pods" if plan.close else ""
    of = f" of {plan.of}" if plan.of else ""
    return Deed(
        f"Restart {len(names)}{of} pods of {record.target}{closing}",
        (*(site.kubectl("cordon", node) for node in plan.close),
         *(site.kubectl("delete", "pod", *names[first:first + most]) for first in range(0, len(names), most))),
        tuple(site.kubectl("uncordon", node) for node in plan.close))


def writes(record: OnRecord[Before, Parameters]) -> Iterator[Field]:
    """It closes nodes; pods are not watched."""
    return (Field("Node", node, ("unschedulable",)) for node in record.parameters.close)


REMEDY = Remedy(
    name="restart_pods",
    phrase="restart of the pods",
    facts=facts,
    kinds=(Facts, Before, Parameters),
    risk="low",
    default_policy="auto",
    reversible=True,
    # Pods that were started anew are no other than those before, and a node that is not ready had better stay closed.
    keep_when_not_helped=True,
    stays="pods that were started anew are no other than those before",
    hazard="a pod that is restarted serves nothing until it is ready",
    against=against,
    no_longer_needed=no_longer_needed,
    deed=deed,
    writes=writes,
)
