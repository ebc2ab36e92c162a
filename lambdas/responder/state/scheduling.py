"""Pods that the scheduler cannot place, and why: what it says, and what pods and nodes contradict each other in.

The scheduler counts nodes by the first filter that each fails at (Kubernetes: ``FitError``)::

    0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/3 nodes are available: ...

So a reason that is not said may hold too, and one that is said need not be what keeps the pod waiting: the taint of the
control plane is always among them. What would let the pod run if it alone were gone is to blame.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from responder.model.evidence.problems import Basis
from responder.state.basics import Ref
from responder.state.found import Found
from responder.state.needs import needs, written
from responder.state.once import once
from responder.state.placing import asks, fails, kind_of, meets_affinity, meets_selector, untolerated
from responder.state.pods import Pod, PodSpec
from responder.state.recent import is_recent
from responder.state.state import State
from responder.state.trouble import hurt, lasts, latest

_SETTLED_SECONDS = 60.0
"""So long a pod may wait for a node in ordinary operation."""
_SCALING_SECONDS = 900.0
"""So long a node may take that an autoscaler has ordered (Cluster Autoscaler's ``max-node-provision-time``: 15 min)."""
_CUSTOMARY = frozenset({"control", "unready"})
"""What is no fault of the pod: the control plane's taint, and nodes that are not well (they have checks of their
own)."""

_REASONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cpu", re.compile(r"Insufficient cpu")),
    ("memory", re.compile(r"Insufficient memory")),
    ("pods", re.compile(r"Too many pods|Insufficient pods")),
    ("resource", re.compile(r"Insufficient \S+|cannot allocate all claims")),
    ("cordon", re.compile(r"node\(s\) were unschedulable|taint \{node\.kubernetes\.io/unschedulable")),
    ("node", re.compile(r"didn't match (?:Pod's node affinity(?:/selector)?|node selector|scheduler-enforced node "
                        r"affinity)|didn't satisfy plugin\(s\) \[NodeAffinity|pod affinity terms conflict")),
    ("apart", re.compile(r"anti-affinity rules")),
    ("beside", re.compile(r"didn't match pod affinity rules")),
    ("company", re.compile(r"didn't match pod affinity/anti-affinity")),
    ("ports", re.compile(r"didn't have free ports")),
    ("spread", re.compile(r"topology spread constraints")),
    ("unbound", re.compile(r"unbound immediate PersistentVolumeClaims|didn't find available persistent volumes|"
                           r"did not have enough free storage|binding volumes: |provisioning failed for PVC")),
    ("no_claim", re.compile(r'persistentvolumeclaim "[^"]+" not found')),
    ("lost", re.compile(r"bound to non-existent")),
    ("volume_node", re.compile(r"volume node affinity conflict|no available volume zone|"
                               r"match PersistentVolume's node affinity|satisfy plugin\(s\) \[VolumeBinding")),
    ("volumes", re.compile(r"exceed max volume count")),
    ("in_use", re.compile(r"ReadWriteOncePod|no available disk")),
)
"""What the filters say, by kind; the older wordings too. The first that fits counts."""
_TAINT = re.compile(r"had (?:untolerated )?taints?(?:\(s\))?(?: \{(?P<key>[^:}]*))?")
_AVAILABLE = re.compile(r"\d+/\d+ nodes are available:\s*|^no nodes available to schedule pods")
_SCALES = ("TriggeredScaleUp", "Nominated", "NominatedPod")


_LATER = frozenset({"cpu", "memory", "pods", "resource", "ports", "spread", "apart", "beside", "volumes",
                    "volume_node"})
"""Filters that are asked only of nodes that a pod's selector and affinity let through (kube-scheduler: the order of its
default plugins)."""


class Held(NamedTuple):
    """Pods of one workload that one thing keeps off all nodes."""

    app: Ref
    pods: tuple[Pod, ...]
    spec: PodSpec
    """What the first of them asks for."""
    basis: Basis
    message: str
    """What the scheduler says; empty: nothing."""
    since: float
    """Seconds since 1970 (UTC); 0: not known."""
    nodes: tuple[str, ...]
    """Nodes at which this would be the only thing; empty: it cannot be told."""


class Wait(NamedTuple):
    """A pod that has no node, and why."""

    pod: Pod
    app: Ref
    spec: PodSpec
    message: str
    kinds: frozenset[str]
    basis: Basis
    since: float
    alone: tuple[tuple[str, str], ...]
    """Kind and node where this kind alone keeps the pod off."""


def reasons(message: str) -> tuple[str, ...]:
    """Return the reasons in what the scheduler says, without their numbers of nodes; what preemption would not help
    with is left out.
    """
    own = message.partition(" preemption: ")[0]
    start = _AVAILABLE.search(own)
    own = own[start.end():] if start else own
    return tuple(re.sub(r"^\d+ ", "", part).strip(" .") for part in re.split(r", (?=\d+ )", own) if part.strip(" ."))


@once
def waits(state: State) -> tuple[Wait, ...]:
    """Return the pods that have no node, for longer than is ordinary."""
    found: list[Wait] = []
    alike: dict[tuple[Ref | None, str], list[tuple[PodSpec, dict[str, frozenset[str]]]]] = {}
    for pod in sorted(state.pods, key=lambda pod: pod.ref):
        if not _unplaced(pod) or not lasts(state, pod.meta.created, _SETTLED_SECONDS):
            continue
        spec = asks(state, pod)
        # Pods of one owner ask for the same, but for those that are made for one node or claim each.
        known = alike.setdefault((pod.meta.owner, "" if pod.meta.owner else pod.ref.name), [])
        at = next((at for other, at in known if other == spec), None)
        if at is None:
            at = _at_nodes(state, pod, spec)
            known.append((spec, at))
        found.append(_wait(state, pod, spec, at))
    return tuple(found)


def _unplaced(pod: Pod) -> bool:
    """Whether a pod waits for a node; one whose containers a kubelet tells of has one, though its name is not known."""
    placed = pod.node or pod.statuses or pod.init_statuses or pod.condition("PodScheduled") == "True"
    return not placed and pod.phase == "Pending" and not pod.meta.deleting and not pod.spec.gated


def held(state: State, kind: str) -> tuple[Held, ...]:
    """Return the workloads whose pods one kind of thing keeps off all nodes."""
    by_app: dict[Ref, list[Wait]] = {}
    for wait in waits(state):
        if kind in wait.kinds:
            by_app.setdefault(wait.app, []).append(wait)
    return tuple(Held(
        app, tuple(one.pod for one in all_of), all_of[0].spec,
        "said" if any(one.basis == "said" for one in all_of) else "seen",
        min((one.message for one in all_of if one.message), default=""),
        min((one.since for one in all_of if one.since), default=0.0),
        tuple(sorted({node for one in all_of for cause, node in one.alone if cause == kind})))
        for app, all_of in sorted(by_app.items()))


def lacking(state: State, resource: str, called: str) -> Iterator[Found]:
    """Yield workloads whose pods no node has enough of a resource for, no new node being on its way."""
    most = max((node.allocatable.get(resource, 0.0) for node in state.nodes), default=0.0)
    for one in held(state, resource):
        if scaling(state, one.pods):
            continue
        asked = needs(one.spec, resource)
        never = asked > most > 0
        why = f"the largest node has {written(resource, most)}" if never else "no node has so much left"
        yield Found(
            str(one.app), f"a pod of {one.app} asks for {written(resource, asked)} of {called}, and {why}",
            hurt(state, one.app), one.basis, (one.app.name,),
            one.message or f"requests.{resource}: {asked:g}, allocatable at most: {most:g}",
            "ask for less" if never else "ask for less, or add a node or free one", one.since,
            "placement" if never else "room", stands_alone=never)


def scaling(state: State, pods: tuple[Pod, ...]) -> bool:
    """Whether an autoscaler has ordered a node for pods, and it may still be on its way."""
    return any(event.reason in _SCALES and is_recent(state, event.last, _SCALING_SECONDS)
               for event in state.about(*(pod.ref for pod in pods)))


def _wait(state: State, pod: Pod, spec: PodSpec, at: dict[str, frozenset[str]]) -> Wait:
    condition = next((one for one in pod.conditions if one.kind == "PodScheduled" and one.status == "False"), None)
    event = latest(event for event in state.about(pod.ref) if event.reason in ("FailedScheduling", "Unschedulable"))
    message = condition.message if condition and condition.message else event.message if event else ""
    since = (condition.since if condition else 0.0) or pod.meta.created
    alone = tuple(sorted((next(iter(kinds)), node) for node, kinds in at.items() if len(kinds) == 1))
    said = _said(state, spec, message)
    if message:
        kinds, basis = frozenset(_to_blame(said, at)), "said"
    else:
        kinds, basis = _least(at), "seen"
    return Wait(pod, state.owner(pod), spec, message, kinds, "said" if basis == "said" else "seen", since, alone)


def _at_nodes(state: State, pod: Pod, spec: PodSpec) -> dict[str, frozenset[str]]:
    """Return what keeps a pod off each node that it is meant for: by its selector and affinity, where any node meets
    them; the control plane's and those that are not well are left out where there are others.
    """
    meant = [node for node in state.nodes if meets_selector(spec, node) and meets_affinity(spec, node)]
    at = {node.name: fails(state, pod, spec, node) for node in meant or state.nodes}
    return {name: kinds for name, kinds in at.items() if not kinds & _CUSTOMARY} or at


def _least(at: dict[str, frozenset[str]]) -> frozenset[str]:
    """Return what would have to go so that a pod fits with the least change; nothing where it fits as it is."""
    if not at or not all(at.values()):
        return frozenset()
    fewest = min(map(len, at.values()))
    return frozenset(kind for kinds in at.values() if len(kinds) == fewest for kind in kinds)


def _said(state: State, spec: PodSpec, message: str) -> set[str]:
    """Return the kinds of what the scheduler says."""
    found: set[str] = set()
    for reason in reasons(message):
        taint = _TAINT.search(reason)
        if taint is not None and taint["key"]:
            found.add(kind_of(taint["key"].strip()))
            continue
        if taint is not None:
            keys = {kind_of(one.key) for node in state.nodes for one in untolerated(spec, node)}
            found |= {"taint"} if "taint" in keys or not keys else keys
            continue
        kind = next((kind for kind, pattern in _REASONS if pattern.search(reason)), "")
        found |= _node_kinds(state, spec) if kind == "node" else {kind} if kind else set()
    if "company" in found:
        found.discard("company")
        found |= set() if found & {"apart", "beside"} else {"beside" if spec.beside and not spec.apart else "apart"}
    return found


def _node_kinds(state: State, spec: PodSpec) -> set[str]:
    """Tell apart what the scheduler says in one: a pod's ``nodeSelector`` and its node affinity. What a pod does not
    ask for it is not held by; where it asks for both, each is looked at alone. Where a node meets both, they only say
    which nodes are meant (``meant``), and something else keeps the pod off those.
    """
    if any(one.key == "metadata.name" for term in spec.node_terms for one in term):
        return set()
    if (spec.node_selector or spec.node_terms) and any(
            meets_selector(spec, node) and meets_affinity(spec, node) for node in state.nodes):
        return {"meant"}
    if not spec.node_selector or not spec.node_terms:
        return {"selector" if spec.node_selector else "affinity"}
    none = {"selector": not any(meets_selector(spec, node) for node in state.nodes),
            "affinity": not any(meets_affinity(spec, node) for node in state.nodes)}
    return {kind for kind, unmet in none.items() if unmet} or set(none)


def _to_blame(said: set[str], at: dict[str, frozenset[str]]) -> set[str]:
    """Leave out of what is said what is no fault of the pod's, and what would not help if it were gone while something
    else that is said would.
    """
    blamed = said - _CUSTOMARY - {"meant"}
    if blamed & _LATER:
        blamed -= {"selector", "affinity"}
    if not blamed:
        return _of_the_meant(said, at)
    helps = {kind for kinds in at.values() if len(kinds) == 1 for kind in kinds}
    known = {kind for kinds in at.values() for kind in kinds}
    useless = {kind for kind in blamed if kind in known and kind not in helps}
    return blamed - useless if (blamed - useless) & helps else blamed


def _of_the_meant(said: set[str], at: dict[str, frozenset[str]]) -> set[str]:
    """Return what keeps a pod off the nodes that it is meant for, where the scheduler says only what is customary: the
    control plane's taint, where there are no other nodes for it; else an affinity that is not shown.
    """
    kinds = {kind for each in at.values() for kind in each}
    if said == {"control"} or ("meant" in said and "control" in kinds):
        return {"taint"}
    return {"affinity"} if "meant" in said and "unready" not in kinds | said else set()
