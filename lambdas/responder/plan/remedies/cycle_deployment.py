"""Scale a workload to nothing and back: the last resort, when no pod serves and a restart has not helped."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.pods import Pods
from responder.model.frozen import dataclass
from responder.plan.deeds import Deed, Site
from responder.plan.remedies import Considered, Facts, Field, OnRecord, Remedy
from responder.plan.workload_kinds import kind_and_name


@dataclass(frozen=True)
class Replicas:
    """A number of pods."""

    replicas: int


def facts(considered: Considered) -> Facts:
    """Nothing has to be known: the remedy looks at the workload itself."""
    return Facts()


def against(considered: Considered, facts: Facts) -> str:
    """It comes after a restart, and only where no pod serves."""
    component = considered.component
    if ("restart_pods", component) not in considered.tried:
        return "it takes all pods away, and is a last resort after their restart"
    if not any(not finding.detail.ready for finding in considered.evidence.of(Pods, component)):
        return f"pods of {component} serve, and it would take them away"
    return ""


def deed(site: Site, record: OnRecord[Replicas, Replicas]) -> Deed:
    """Down to nothing and up again; nothing is left to undo."""
    target, replicas = record.target, record.parameters.replicas
    return Deed(f"Scale {target} to no pods and back to {replicas}",
                (site.kubectl("scale", target, "--replicas=0"), site.kubectl("rollout", "status", target),
                 site.kubectl("scale", target, f"--replicas={replicas}")))


def writes(record: OnRecord[Replicas, Replicas]) -> Iterator[Field]:
    """It writes the number of pods, twice."""
    kind, name = kind_and_name(record.target)
    if kind:
        yield Field(kind, name, ("replicas",), (0, record.parameters.replicas))


REMEDY = Remedy(
    name="cycle_deployment",
    phrase="scale to nothing and back",
    facts=facts,
    kinds=(Facts, Replicas, Replicas),
    risk="high",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=True,
    stays="there are as many pods as before",
    hazard="no pod serves until the new ones are ready",
    against=against,
    deed=deed,
    writes=writes,
)
