"""Pods that no node takes: by what the scheduler says, in all its wordings, and by what pods ask and nodes offer."""

from __future__ import annotations

import pytest

from responder.state.scheduling import reasons
from tests.unit.checks.cluster_objects import (
    Item,
    all_found,
    asks,
    container,
    event,
    found,
    node,
    pod,
    problems,
    replica_set,
    running,
    unscheduled,
    workload,
)

TAIL = " preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
CONTROL: Item = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
GOLD: Item = {"key": "tier", "value": "gold", "effect": "NoSchedule"}
ACCOUNT: Item = {"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop"}}


def pending(message: str = "", **spec: object) -> list[Item]:
    """A Deployment whose only pod waits for a node."""
    return [workload(there=1, **spec), replica_set(1, 1, **spec), ACCOUNT,
            pod(status=unscheduled(message) if message else None, **spec)]


SAID = [
    ("cpu_capacity_mismatch", "0/3 nodes are available: 3 Insufficient cpu."),
    ("cpu_capacity_mismatch", "0/3 nodes are available: 1 node(s) had untolerated taint "
     "{node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu." + TAIL),
    ("cpu_capacity_mismatch", "0/3 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that "
     "the pod didn't tolerate, 2 Insufficient cpu."),
    ("memory_capacity_mismatch", "0/3 nodes are available: 3 Insufficient memory." + TAIL),
    ("node_resource_mismatch", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu." + TAIL),
    ("too_many_pods", "0/3 nodes are available: 3 Too many pods."),
    ("taint_toleration_mismatch", "0/3 nodes are available: 3 node(s) had untolerated taint {tier: gold}." + TAIL),
    ("taint_toleration_mismatch", "0/3 nodes are available: 3 node(s) had taint {tier: gold}, that the pod didn't "
     "tolerate."),
    ("taint_toleration_mismatch", "0/3 nodes are available: 3 node(s) had taints that the pod didn't tolerate."),
    ("taint_toleration_mismatch", "0/3 nodes are available: 3 node(s) had untolerated taint(s)." + TAIL),
    ("pod_anti_affinity_conflict", "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules." + TAIL),
    ("pod_anti_affinity_conflict", "0/3 nodes are available: 3 node(s) didn't match pod affinity/anti-affinity, "
     "3 node(s) didn't satisfy existing pods anti-affinity rules."),
    ("pod_affinity_unmet", "0/3 nodes are available: 3 node(s) didn't match pod affinity rules." + TAIL),
    ("topology_spread_unmet", "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints "
     "(missing required label)."),
    ("host_port_conflict", "0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports."),
    ("volume_limit_reached", "0/3 nodes are available: 3 node(s) exceed max volume count."),
    ("volume_node_conflict", "0/3 nodes are available: 3 node(s) had volume node affinity conflict." + TAIL),
    ("volume_in_use", "0/3 nodes are available: 1 node has pod using PersistentVolumeClaim with the same name and "
     "ReadWriteOncePod access mode."),
    ("pvc_unbound", "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes "
     "are available: 3 Preemption is not helpful for scheduling."),
    ("pvc_unbound", "pod has unbound immediate PersistentVolumeClaims (repeated 2 times)"),
    ("node_cordon_mismatch", "0/3 nodes are available: 3 node(s) were unschedulable."),
    ("pvc_unbound", 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'),
    ("volume_node_conflict", "0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [VolumeBinding]." + TAIL),
    ("node_affinity_mismatch", "0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [NodeAffinity]." + TAIL),
    ("node_affinity_mismatch", "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector." + TAIL),
]


@pytest.mark.parametrize(("check", "message"), SAID, ids=[f"{row[0]}-{place}" for place, row in enumerate(SAID)])
def test_what_the_scheduler_says_is_told_of_the_workload(check: str, message: str) -> None:
    assert found(check, *pending(message)) == [("deployment/pay", "said", ("pay",))]
    assert all_found(*pending(message)) == {check}
    # The condition is not there, as in older clusters: its Event is.
    assert all_found(*pending(), event(message, reason="FailedScheduling")) == {check}


@pytest.mark.parametrize("message", [row[1] for row in SAID])
def test_nothing_is_told_of_a_pod_that_has_a_node_or_has_just_been_created(message: str) -> None:
    placed = pod(node="n1", phase="Running", status=running())
    told = event(message, reason="FailedScheduling", seconds_ago=3_000)
    rest = [workload(there=1, ready=1), replica_set(1, 1), ACCOUNT, node()]
    assert all_found(*rest, placed, told) == set()
    assert all_found(*rest, pod(age_seconds=5, status=unscheduled(message))) == set()


def test_reasons_are_split_at_their_numbers_and_not_at_their_commas() -> None:
    assert reasons("0/3 nodes are available: 1 node(s) had taint {a: b}, that the pod didn't tolerate, "
                   "2 Insufficient cpu.") == ("node(s) had taint {a: b}, that the pod didn't tolerate",
                                              "Insufficient cpu")
    assert reasons("") == ()
    assert reasons('0/3 nodes are available: persistentvolumeclaim "data" not found.' + TAIL) == (
        'persistentvolumeclaim "data" not found',)


SELECTOR = {"nodeSelector": {"disk": "ssd"}}
AFFINITY = {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
    {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z9"]}]}]}}}}
APART = {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
    {"labelSelector": {"matchLabels": {"app": "pay"}}, "topologyKey": "kubernetes.io/hostname"}]}}}
BESIDE = {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
    {"labelSelector": {"matchLabels": {"app": "cache"}}, "topologyKey": "kubernetes.io/hostname"}]}}}
BUSY = pod("pay-6f9c-aaaaa", "n1", "Running", status=running(), **APART)
SEEN: list[tuple[str, list[Item], list[Item]]] = [
    ("cpu_capacity_mismatch", pending(containers=asks(cpu="8")), [node()]),
    ("memory_capacity_mismatch", pending(containers=asks(memory="64Gi")), [node()]),
    ("node_resource_mismatch", pending(containers=asks(**{"nvidia.com/gpu": "1"})), [node()]),
    ("too_many_pods", pending(), [node(pods="1"), pod("web-1", "n1", "Running", status=running(), owner="")]),
    ("taint_toleration_mismatch", pending(), [
        node(taints=[GOLD]), node("n2", taints=[GOLD]), node("c", taints=[CONTROL])]),
    ("taint_toleration_mismatch", pending(), [node(taints=[CONTROL | {"key": "dedicated"}])]),
    ("node_selector_mismatch", pending(**SELECTOR), [node()]),
    ("node_affinity_mismatch", pending(**AFFINITY), [node(labels={"zone": "z1"})]),
    ("pod_anti_affinity_conflict", pending(**APART), [node(), BUSY]),
    ("pod_affinity_unmet", pending(**BESIDE), [node()]),
    ("host_port_conflict", pending(containers=[container(ports=[{"containerPort": 80, "hostPort": 80}])]), [
        node(), pod("web-1", "n1", "Running", status=running(), owner="",
                    containers=[container(ports=[{"containerPort": 80, "hostPort": 80}])])]),
]


@pytest.mark.parametrize(("check", "waits", "cluster"), SEEN, ids=[
    f"{row[0]}-{place}" for place, row in enumerate(SEEN)])
def test_what_pods_and_nodes_contradict_each_other_in_is_seen_without_a_word(
        check: str, waits: list[Item], cluster: list[Item]) -> None:
    assert found(check, *waits, *cluster) == [("deployment/pay", "seen", ("pay",))]
    assert all_found(*waits, *cluster) == {check}


def test_what_no_node_ever_has_is_no_lack_of_room() -> None:
    message = "0/1 nodes are available: 1 Insufficient cpu."
    for cpu, sign in (("8", "placement"), ("3", "room")):
        other = pod("web-1", "n1", "Running", status=running(), owner="", containers=asks(cpu="2"))
        told = [one for one in problems(*pending(message, containers=asks(cpu=cpu)), node(), other)
                if one.check == "cpu_capacity_mismatch"]
        assert [one.sign for one in told] == [sign]
        # A node that is down is no reason for what would not fit on it either.
        assert [bool(one.follows) for one in told] == [sign == "room"]


def test_selector_and_affinity_are_told_apart_by_what_the_pod_asks_for() -> None:
    message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    for spec, check in ((SELECTOR, "node_selector_mismatch"), (AFFINITY, "node_affinity_mismatch")):
        assert all_found(*pending(message, **spec), node()) == {check}
    both = SELECTOR | AFFINITY
    assert all_found(*pending(message, **both), node(labels={"disk": "ssd"})) == {"node_affinity_mismatch"}
    assert all_found(*pending(message, **both), node(labels={"zone": "z9"})) == {"node_selector_mismatch"}
    assert all_found(*pending("0/1 nodes are available: 1 node(s) didn't match node selector.", **SELECTOR)) == {
        "node_selector_mismatch"}


def test_a_selector_that_a_node_meets_says_only_which_nodes_are_meant() -> None:
    pinned, others = {"nodeSelector": {"kubernetes.io/hostname": "n2"}}, [node("n1"), node("c", taints=[CONTROL])]
    mine = "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
    rest = ", 1 node(s) didn't match Pod's node affinity/selector." + TAIL
    for said, target, check in (
            ("1 node(s) had untolerated taint {tier: gold}", node("n2", taints=[GOLD]), "taint_toleration_mismatch"),
            ("1 node(s) were unschedulable", node("n2", cordoned=True), "node_cordon_mismatch"),
            ("1 Insufficient cpu", node("n2", cpu="1"), "cpu_capacity_mismatch")):
        spec = {**pinned, "containers": asks(cpu="2")}
        assert all_found(*pending(mine + said + rest, **spec), *others, target) == {check}
        assert all_found(*pending(**spec), *others, target) == {check}
    # What is asked after the selector was asked of a node that it let through.
    assert all_found(*pending(mine + "1 Insufficient cpu" + rest, **pinned)) == {"cpu_capacity_mismatch"}


def test_an_affinity_that_is_not_shown_is_told_where_the_selector_is_met() -> None:
    message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    assert all_found(*pending(message), node()) == {"node_affinity_mismatch"}
    assert all_found(*pending(message, **SELECTOR), node(labels={"disk": "ssd"})) == {"node_affinity_mismatch"}
    # What is meant for the control plane must tolerate its taint.
    pinned = {"nodeSelector": {"kubernetes.io/hostname": "c"}}
    mixed = ("0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated "
             "taint {node-role.kubernetes.io/control-plane: }.")
    assert all_found(*pending(mixed, **pinned), node(), node("c", taints=[CONTROL])) == {"taint_toleration_mismatch"}


def test_what_a_pod_does_not_show_is_taken_from_its_template() -> None:
    bare = pod(status=unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."))
    assert all_found(workload(there=1, **SELECTOR), replica_set(1, 1, **SELECTOR), bare, node(), ACCOUNT) == {
        "node_selector_mismatch"}


def test_a_cordoned_node_is_told_where_it_would_take_the_pod() -> None:
    message = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable." + TAIL
    nodes = [node("n1", cordoned=True), node("n2", cpu="1")]
    waits = pending(message, containers=asks(cpu="2"))
    assert found("node_cordon_mismatch", *waits, *nodes) == [("deployment/pay", "said", ("pay",))]
    told = {one.check: one for one in problems(*waits, *nodes)}
    assert "node_cordon_mismatch" in told["cpu_capacity_mismatch"].follows
    assert found("node_cordon_mismatch", *pending(containers=asks(cpu="2")), *nodes) == [
        ("deployment/pay", "seen", ("pay",))]
    # A pod that is too large for the cordoned node too does not wait for it.
    assert all_found(*pending(message, containers=asks(cpu="16")), *nodes) == {"cpu_capacity_mismatch"}


def test_a_cordoned_node_that_several_wait_for_is_at_fault_itself() -> None:
    message = "0/2 nodes are available: 2 node(s) were unschedulable." + TAIL
    other = pod("web-5b-x7k2p", owner="web-5b", status=unscheduled(message))
    assert found("node_cordon_mismatch", *pending(message), other, node("n1", cordoned=True)) == [
        ("node/n1", "said", ("pay", "web"))]


def test_a_cordoned_node_that_nobody_waits_for_is_a_risk() -> None:
    assert [(one.object, one.severity) for one in problems(node(cordoned=True))] == [("node/n1", "risks")]


def test_nodes_that_are_not_well_are_no_fault_of_the_pods() -> None:
    message = "0/2 nodes are available: 2 node(s) had untolerated taint {node.kubernetes.io/not-ready: }." + TAIL
    assert all_found(*pending(message)) == set()


def test_only_the_control_plane_is_a_taint_after_all() -> None:
    message = "0/1 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }."
    assert all_found(*pending(message), node(taints=[CONTROL])) == {"taint_toleration_mismatch"}


def test_a_node_that_is_on_its_way_is_waited_for() -> None:
    message = "0/3 nodes are available: 3 Insufficient cpu."
    scales = event("pod triggered scale-up: [{nodes 3->4 (max: 9)}]", reason="TriggeredScaleUp")
    assert all_found(*pending(message), scales) == set()
    late = event("pod triggered scale-up: [{nodes 3->4 (max: 9)}]", reason="TriggeredScaleUp", seconds_ago=1_800)
    assert all_found(*pending(message), late) == {"cpu_capacity_mismatch"}


def test_a_pod_of_a_daemon_set_is_for_one_node() -> None:
    target = {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}]}}}}
    message = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector."
    assert all_found(*pending(message, containers=asks(cpu="2"), **target), node("n1"), node("n2", cpu="1")) == {
        "cpu_capacity_mismatch"}


def test_a_scheduler_that_nobody_runs_says_nothing() -> None:
    assert found("scheduler_silent", *pending(schedulerName="gpu-scheduler"), node()) == [
        ("deployment/pay", "seen", ("pay",))]
    assert all_found(*pending(), node()) == set()


def test_a_spread_over_a_label_that_no_node_has_is_seen() -> None:
    spread = {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule",
                                             "labelSelector": {"matchLabels": {"app": "pay"}}}]}
    assert found("topology_spread_unmet", *pending(**spread), node()) == [("deployment/pay", "seen", ("pay",))]
    assert found("topology_spread_unmet", *pending(**spread), node(labels={"rack": "r1"})) == []


def test_a_pod_that_a_kubelet_tells_of_has_a_node_though_its_name_is_not_known() -> None:
    creating = {"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}}]}
    assert all_found(workload(there=1, **SELECTOR), ACCOUNT, node(), pod(status=creating, **SELECTOR)) == set()


def test_a_pod_that_somebody_holds_back_waits_for_nothing() -> None:
    message = "Scheduling is blocked due to non-empty scheduling gates"
    assert all_found(*pending(message, schedulingGates=[{"name": "budget"}])) == set()
