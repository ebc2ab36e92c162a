"""Close one node that harms its pods, and move the service's pods off it, where two kinds of evidence name it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from responder.model.evidence import Evidence
from responder.model.evidence.nodes import Nodes
from responder.model.frozen import dataclass
from responder.plan import places, remedies
from responder.plan.deeds import Deed, Site
from responder.plan.remedies import Considered, Field, OnRecord, Remedy

_WITNESSES = 2
"""Kinds of evidence that must name the node: moving pods off a node that is well would hide what is not."""


class Pod(NamedTuple):
    """One pod that is moved, if it is still the same."""

    name: str
    uid: str
    workload: str
    """Whose pod it is: ``deployment/backend``."""
    namespace: str


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """The node, and what names it."""

    node: str = ""
    """Empty: no single node is named."""
    named_by: tuple[str, ...] = ()
    """What names it, each a kind of evidence of its own."""
    components: tuple[str, ...] = ()
    """The components that have pods there: what harms one harms the others, whether that shows yet or not."""


@dataclass(frozen=True)
class Before:
    """What was found."""

    ready: int = 0
    """Nodes that are ready and open, this one among them."""


@dataclass(frozen=True)
class Parameters:
    """What is closed, and what is moved."""

    node: str = ""
    pods: tuple[Pod, ...] = ()
    at_once: int = 1
    """How many pods are moved at a time."""


def facts(considered: Considered) -> Facts:
    """Collect which node explains the failures, and what names it."""
    evidence, component = considered.evidence, considered.component
    found = list(places.nodes(evidence, component))
    names = {odd.place.name for odd in found}
    if len(names) != 1:
        return Facts()
    node = names.pop()
    return Facts(node, tuple(sorted(_witnesses(evidence, node) | {f"requests by pod ({odd.finding.source})"
                                                                  for odd in found})),
                 tuple(sorted(one.name for one in considered.service.components
                              if node in places.placed(evidence, one.name).values())))


def _witnesses(evidence: Evidence, node: str) -> set[str]:
    """Return what else names the node than failures by pod."""
    found = {f"condition {condition}" for finding in evidence.of(Nodes)
             for condition, names in finding.detail.pressure.items() if node in names}
    restarted = places.restarts(evidence)
    return found | ({"restarts by node"} if restarted and restarted[1] == node else set())


def against(considered: Considered, facts: Facts) -> str:
    """One node must be named, by two kinds of evidence, and be neither the last one nor the second to be closed."""
    if not facts.node:
        return "no single node is named by all who count by pod"
    if len(facts.named_by) < _WITNESSES:
        return (f"only one kind of evidence names {facts.node} ({', '.join(facts.named_by)}): whether it is the node "
                "is for people to find out")
    for finding in considered.evidence.of(Nodes):
        open_ones = set(finding.detail.names) - {*finding.detail.not_ready, *finding.detail.unschedulable}
        if not open_ones - {facts.node}:
            return f"no other node is ready and open, so pods of {facts.node} would find no place"
    return ""


def deed(site: Site, record: OnRecord[Before, Parameters]) -> Deed:
    """The node is closed, then its pods are moved a few at a time."""
    plan = record.parameters
    names = [pod.name for pod in plan.pods]
    return Deed(
        f"Close {plan.node} to new pods, and move {len(names)} pods off it",
        (site.kubectl("cordon", plan.node),
         *(site.kubectl("delete", "pod", *names[first:first + plan.at_once])
           for first in range(0, len(names), plan.at_once))),
        (site.kubectl("uncordon", plan.node),))


def writes(record: OnRecord[Before, Parameters]) -> Iterator[Field]:
    """It closes the node; pods are not watched."""
    yield Field("Node", record.parameters.node, ("unschedulable",), (True, False, None))


REMEDY = Remedy(
    name="cordon_node",
    phrase="move off a node",
    facts=facts,
    kinds=(Facts, Before, Parameters),
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    hazard="the other nodes carry all pods, and a pod that is moved serves nothing until its successor is ready",
    against=against,
    deed=deed,
    writes=writes,
)
