"""The kubelet of a node is dead or cut off, and the machine and the pods on it go on: only Kubernetes knows it no more.

What runs there is out of the Services, so capacity is missing. Evicting it frees nothing: a dead kubelet ends no
container, and a StatefulSet's pod would be there twice. More pods elsewhere serve; the kubelet is for people.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.nodes import Nodes
from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, nodes, pods
from responder.plan.wording import listed


def improvements(case: Case) -> Iterator[Advice]:
    """The kubelet is examined before its node is replaced, and is watched by what can restart it."""
    names = sorted({name for finding in case.evidence.looks(Nodes) for name in finding.detail.not_ready})
    where = listed(names) or "the nodes"
    yield Advice(
        "examine-kubelet", "prevention", "Why the kubelet stopped is not known", case.seen("nodes", "instances"), where,
        "read its journal (`journalctl -u kubelet`) and containerd's before the node is replaced; force no pod of a "
        "StatefulSet away while its machine runs", "SRE", Effort.CHECK, "the reason is on record", case.trouble.whole)
    yield Advice(
        "repair-kubelet", "recovery", "A dead kubelet was not restarted", case.seen("nodes"),
        f"node groups of cluster {case.service.cluster.name}", "turn on EKS' node auto repair with its agent",
        "SRE", Effort.SETTING, "a kubelet that is stopped in a test is back, or its node replaced, within ten minutes",
        case.trouble.whole)


MECHANISM = Mechanism(
    id="kubelet_down",
    cause=CLUSTER_FAILURE,
    lies_in="node",
    title="kubelet that is down",
    subject="dead kubelet under {component}",
    remedies=("scale_up",),
    needs=nodes.machines_are_well,
    worsened_by=("restart_pods", "cycle_deployment"),
    weights={
        nodes.machines_are_well: 3.0,
        nodes.nodes_not_ready: 2.0,
        nodes.its_pods_are_on_them: 1.5,
        calls.kind_queue: 0.5,
        changes.nothing_changed: 0.3,
        # What does not answer on its own address is more than a kubelet that is silent.
        calls.kind_connect_timeout: -1.0,
        nodes.instances_impaired: -3.0,
        pods.its_nodes_are_gone: -3.0,
    },
    improvements=improvements,
)
