"""What is wrong about a machine, by its conditions, its services and what runs there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.state.basics import Condition
from responder.state.found import Found
from responder.state.nodes import Node, NodeService
from responder.state.pods import Pod
from responder.state.state import State

RUNTIME_DOWN = re.compile(
    r"container runtime is down|PLEG is not healthy|pleg was last seen active|container runtime not ready|"
    r"RuntimeReady=false|(?:containerd|crio|cri-dockerd|docker)\.sock|container runtime status check may not have "
    r"completed|failed to get (?:the )?(?:sandbox|container) runtime", re.IGNORECASE)
"""The kubelet's ``runtimeState`` (kubernetes' ``pkg/kubelet/runtime.go``), and gRPC of the runtime's socket."""
NETWORK_DOWN = re.compile(
    r"network plugin (?:is not ready|returns error)|cni plugin not initialized|cni config uninitialized|"
    r"NetworkPluginNotReady|NetworkReady=false|network is not ready", re.IGNORECASE)
_SILENT = frozenset(("NodeStatusUnknown", "NodeStatusNeverUpdated"))
"""The reasons that the node controller gives where a kubelet reports no more."""


def apps_on(state: State, node: str) -> tuple[str, ...]:
    """Return the apps that have pods on a node; those of the cluster's own where there are no others."""
    pods = [pod for pod in state.pods if pod.node == node and not pod.over]
    own = [pod for pod in pods if pod.ref.namespace != "kube-system"]
    return tuple(sorted({state.app(pod) for pod in own or pods}))


def pressed(state: State, condition: str, what: str) -> Iterator[Found]:
    """Yield nodes whose kubelet says by a condition that they run short of something."""
    for node in state.nodes:
        said = node.condition(condition)
        if said is not None and said.status == "True":
            yield Found(str(node.ref), f"node {node.name} runs short of {what}", "lessens", "said",
                        apps_on(state, node.name), said.message or said.reason,
                        f"find what uses it on node {node.name}, or add a node", said.since)


def silent(node: Node) -> Condition | None:
    """Return the condition that says that a node's kubelet reports no more; None: it reports."""
    return next((one for one in node.conditions if one.status == "Unknown" and one.reason in _SILENT), None)


def services(state: State, *names: str) -> dict[str, NodeService]:
    """Return for each node its service of one of the names."""
    return {one.node: one for one in state.node_services if one.name.removesuffix(".service") in names}


def is_stopped(service: NodeService | None) -> bool:
    """Whether a service of a machine is known not to run."""
    return service is not None and service.active is False


def said_of(service: NodeService) -> str:
    """Return how a service of a machine is, with its last line."""
    return " ".join((service.state, *service.lines[-1:]))


def named_like(state: State, *names: str) -> list[Pod]:
    """Return the pods of the cluster's own components of a name: those of ``kube-system`` whose app, label or pod name
    says it.
    """
    return [pod for pod in state.pods if pod.ref.namespace == "kube-system" and not pod.over and any(
        name in (pod.meta.labels.get("k8s-app"), pod.meta.labels.get("component"), state.app(pod))
        or pod.ref.name.startswith(f"{name}-") for name in names)]


def is_control_plane(node: Node) -> bool:
    """Whether a node bears the control plane."""
    return any(key in node.meta.labels for key in ("node-role.kubernetes.io/control-plane",
                                                   "node-role.kubernetes.io/master"))


def works(pod: Pod) -> bool:
    """Whether a pod does its work: ready, and its node has not gone silent under it."""
    return pod.ready and pod.phase in ("Running", "")
