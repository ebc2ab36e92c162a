"""Why a pod cannot run on a node, as the scheduler's filters decide it, of what is known.

Kubernetes' pages "Kubernetes Scheduler", "Assigning Pods to Nodes", "Taints and Tolerations" and "Resource Management
for Pods and Containers". Only what surely fails is told: what pods of other namespaces take of a node may not be known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from responder.state.needs import needs, resources
from responder.state.nodes import Node, Taint
from responder.state.once import once
from responder.state.pods import Pod, PodSpec, PodTerm, Toleration
from responder.state.state import State

LIFECYCLE = "node.kubernetes.io/"
"""Taints by which Kubernetes itself keeps pods off a node that is not well."""
CLOSED = ("node_cordon_mismatch", "node_not_ready", "kubelet_unavailable", "node_disk_pressure", "node_memory_pressure",
          "node_pid_pressure")
"""Checks of what takes a node from those that a pod could run on: the others are full sooner."""
_CORDON = "node.kubernetes.io/unschedulable"
_CONTROL = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_CLOUD = "node.cloudprovider.kubernetes.io/"
_EDGE = 1e-9
"""Amounts are compared as floats."""


def asks(state: State, pod: Pod) -> PodSpec:
    """Return what a pod asks for; what its own object does not tell (``kubectl describe`` leaves out affinity) is
    taken from the template that it was made by.
    """
    owner, top = pod.meta.owner, state.top(pod.meta.owner)
    maker = (state.workload(owner) if owner else None) or (state.workload(top) if top else None)
    if maker is None:
        return pod.spec
    own, given = pod.spec, maker.template
    return own._replace(
        node_terms=own.node_terms or given.node_terms, beside=own.beside or given.beside,
        apart=own.apart or given.apart, spread=own.spread or given.spread,
        node_selector=own.node_selector or given.node_selector,
        tolerations=own.tolerations or given.tolerations, volumes=own.volumes or given.volumes,
        containers=own.containers if resources(own) or not resources(given) else given.containers,
        scheduler=own.scheduler if own.scheduler != "default-scheduler" else given.scheduler)


def fails(state: State, pod: Pod, spec: PodSpec, node: Node) -> frozenset[str]:
    """Return all that keeps a pod off a node: ``cordon``, ``control`` (the control plane's taint), ``unready`` (taints
    of a node that is not well), ``taint``, ``selector``, ``affinity``, ``cpu``, ``memory``, ``resource``, ``pods``,
    ``ports``, ``apart``, ``beside``.
    """
    found = {kind_of(taint.key) for taint in untolerated(spec, node)}
    if node.unschedulable and not any(tolerates(one, Taint(_CORDON, "", "NoSchedule")) for one in spec.tolerations):
        found.add("cordon")
    if not meets_selector(spec, node):
        found.add("selector")
    if not meets_affinity(spec, node):
        found.add("affinity")
    found |= _lacking(state, spec, node)
    found |= _company(state, pod, spec, node)
    return frozenset(found)


def kind_of(taint: str) -> str:
    """Return what a taint's key means: ``cordon``, ``control``, ``unready`` or ``taint``."""
    if taint == _CORDON:
        return "cordon"
    if taint in _CONTROL:
        return "control"
    return "unready" if taint.startswith((LIFECYCLE, _CLOUD)) else "taint"


def untolerated(spec: PodSpec, node: Node) -> list[Taint]:
    """Return the taints that keep a pod off a node."""
    return [taint for taint in node.taints if taint.effect != "PreferNoSchedule"
            and not any(tolerates(one, taint) for one in spec.tolerations)]


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether a toleration lets a taint pass."""
    if toleration.effect and taint.effect and toleration.effect != taint.effect:
        return False
    if not toleration.key:
        return toleration.operator == "Exists"
    return toleration.key == taint.key and (toleration.operator == "Exists" or toleration.value == taint.value)


def labels(node: Node) -> Mapping[str, str]:
    """Return a node's labels, with what a selector may also ask for: its name."""
    return {"kubernetes.io/hostname": node.name, **node.meta.labels, "metadata.name": node.name}


def meets_selector(spec: PodSpec, node: Node) -> bool:
    """Whether a node has the labels of a pod's ``nodeSelector``."""
    has = labels(node)
    return all(has.get(key) == value for key, value in spec.node_selector.items())


def meets_affinity(spec: PodSpec, node: Node) -> bool:
    """Whether a node meets a pod's required node affinity: one of its terms; a term without requirements meets none."""
    has = labels(node)
    return not spec.node_terms or any(term and all(one.met(has) for one in term) for term in spec.node_terms)


@once
def taken(state: State) -> Mapping[str, Mapping[str, float]]:
    """Return what the pods that are known take of each node; ``pods`` is their number."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for pod in state.pods:
        if pod.node and not pod.over:
            found[pod.node]["pods"] += 1
            for name in resources(pod.spec):
                found[pod.node][name] += needs(pod.spec, name)
    return found


def _lacking(state: State, spec: PodSpec, node: Node) -> set[str]:
    used: Mapping[str, float] = taken(state).get(node.name, {})
    found: set[str] = set()
    for name in resources(spec):
        asked = needs(spec, name)
        if name in node.allocatable and asked > 0 and asked > node.allocatable[name] - used.get(name, 0.0) + _EDGE:
            found.add(name if name in ("cpu", "memory") else "resource")
        elif node.allocatable and name not in node.allocatable and asked > 0 and "/" in name:
            found.add("resource")
    most = node.allocatable.get("pods")
    if most is not None and used.get("pods", 0.0) + 1 > most:
        found.add("pods")
    return found


@once
def _placed(state: State) -> tuple[Pod, ...]:
    return tuple(one for one in state.pods if one.node and not one.over)


@once
def _apart(state: State) -> tuple[Pod, ...]:
    return tuple(one for one in _placed(state) if one.spec.apart)


@once
def _host_ports(state: State) -> frozenset[tuple[str, int, str]]:
    """Nodes, each with a port and its protocol that a pod there has taken."""
    return frozenset((one.node, port.host_port, port.protocol) for one in _placed(state)
                     for container in one.spec.containers for port in container.ports if port.host_port)


def _company(state: State, pod: Pod, spec: PodSpec, node: Node) -> set[str]:
    found, namespace = set(), pod.ref.namespace
    numbers = ((port.number if spec.host_network else port.host_port, port.protocol)
               for container in spec.containers for port in container.ports)
    if any((node.name, number, protocol) in _host_ports(state) for number, protocol in numbers if number):
        found.add("ports")
    if any(one.ref.namespace == namespace and one.ref != pod.ref and term.selector.selects(one.meta.labels)
           and _near(state, one, term, node) for term in spec.apart for one in _placed(state)) or any(
               one.ref.namespace == namespace and one.ref != pod.ref and term.selector.selects(pod.meta.labels)
               and _near(state, one, term, node) for one in _apart(state) for term in one.spec.apart):
        found.add("apart")
    if state.lists("Pod", namespace) and not all(_accompanied(state, pod, term, node) for term in spec.beside):
        found.add("beside")
    return found


def _near(state: State, other: Pod, term: PodTerm, node: Node) -> bool:
    """Whether a pod's node is in the same zone of a term's topology as a node."""
    home = state.node(other.node)
    place = labels(node).get(term.topology)
    return place is not None and home is not None and labels(home).get(term.topology) == place


def _accompanied(state: State, pod: Pod, term: PodTerm, node: Node) -> bool:
    """Whether a term of pod affinity holds on a node; the first pod of a group may go anywhere."""
    fitting = [one for one in _placed(state) if one.ref.namespace == pod.ref.namespace
               and term.selector.selects(one.meta.labels)]
    if not fitting and term.selector.selects(pod.meta.labels):
        return True
    return any(_near(state, one, term, node) for one in fitting)
