"""The cluster's nodes, and the machines below them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from responder.model.evidence.instances import Instances
from responder.model.evidence.nodegroups import Nodegroups
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.pods import Pods
from responder.plan import wording
from responder.plan.signals import Context, Signal, signal


@signal("State: what runs there is lost.")
def nodes_not_ready(nodes: str) -> str:
    return f"nodes are not ready: {nodes}"


@signal("Where: the missing pods are just there.")
def its_pods_are_on_them(component: str) -> str:
    return f"pods of {component} that are not ready are on those nodes"


@signal("State: somebody closed them; running pods stay.")
def nodes_cordoned(nodes: str) -> str:
    return f"nodes take no new pods: {nodes}"


@signal("State: the machines below the nodes do not answer EC2 itself, minutes before Kubernetes gives a node up; a "
        "machine that is gone explains the way that is.")
def instances_impaired(count: float) -> str:
    return f"EC2: {wording.count(count)} instances are impaired or not running"


@signal("State: EC2 sees each of the cluster's machines answer, so what is silent is the kubelet, or its way to the "
        "control plane, and what runs there goes on. EC2 needs a minute or two to see that a machine is dead, so it "
        "may be that yet; what is done for a silent kubelet does a dead machine no harm.")
def machines_are_well(nodes: str, seen: int) -> str:
    return f"{nodes} are silent, while EC2 finds all {seen} machines of the cluster well"


@signal("State: EKS itself says so.")
def nodegroup_issues(count: float) -> str:
    return f"EKS: the node groups have {wording.count(count)} issues"


def read(context: Context) -> Iterator[Signal]:
    """Yield which nodes are down or closed, and whether the component's pods are on them.

    A cluster has nodes of others. One that is down counts where it may have taken something from the component.
    """
    evidence = context.evidence
    seen = [finding.detail for finding in evidence.of(Pods, context.component)]
    unready: Counter[str] = Counter()
    for pods in seen:
        unready.update(pods.unready_on)
    down: tuple[str, ...] = ()
    for finding in evidence.of(Nodes):
        down, closed = finding.detail.not_ready, finding.detail.unschedulable
        if down and not (seen and all(_lacks_nothing(pods, down) for pods in seen)):
            yield nodes_not_ready.emit(finding, ", ".join(down))
        if any(unready[node] for node in down):
            yield its_pods_are_on_them.emit(finding, context.component)
        if closed:
            yield nodes_cordoned.emit(finding, ", ".join(closed))
    for instances in evidence.of(Instances):
        if instances.value:
            yield instances_impaired.emit(instances, instances.value)
        # Kubernetes calls each pod of a silent node unready: without one, the node is somebody else's.
        elif down and instances.detail.seen and (not seen or any(unready[node] for node in down)):
            yield machines_are_well.emit(instances, ", ".join(down), instances.detail.seen)
    for groups in evidence.of(Nodegroups):
        if groups.value:
            yield nodegroup_issues.emit(groups, groups.value)


def _lacks_nothing(pods: Pods, down: tuple[str, ...]) -> bool:
    """Whether a component has all of its pods ready, and none on nodes that are down or gone."""
    return not (pods.gone_nodes or pods.unscheduled or any(pods.unready_on.get(node) for node in down)
                or pods.ready < pods.wanted)
