"""Nodes and what runs on them beside pods, the resolver and the control plane."""

from __future__ import annotations

from typing import Any

import pytest

from responder.state.nodes import NodeService
from tests.live_objects import NOW, at, deployment, event, found, listed, names, node, pod, problems, service


def condition(kind: str, status: str, reason: str = "", message: str = "") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at(300)}


READY = condition("Ready", "True", "KubeletReady")
SILENT = condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
MASTER = {"node-role.kubernetes.io/control-plane": ""}
STOPS = [("node/n1", "stops", "said")]


def system(name: str, on: str = "n1", *, ready: bool = True, static: bool = False, number: int = 1) -> dict[str, Any]:
    its = pod(name, node=on, namespace="kube-system", ready=ready, labels={"k8s-app": name}, number=number)
    if static:
        its["metadata"] |= {"name": f"{name}-{on}", "labels": {"component": name}, "ownerReferences": [
            {"kind": "Node", "name": on, "controller": True}]}
    return its


def unit(name: str, active: bool, *lines: str, on: str = "n1") -> NodeService:
    return NodeService(on, name, active, "active (running)" if active else "inactive (dead)", lines=lines)


def not_ready(message: str) -> dict[str, Any]:
    return node("n1", condition("Ready", "False", "KubeletNotReady", message))


def test_a_silent_or_stopped_kubelet_is_told_with_the_apps_of_its_node() -> None:
    assert found("kubelet_unavailable", node("n1", SILENT), pod("pay")) == STOPS
    assert problems(node("n1", SILENT), pod("pay"))[0].apps == ("pay",)
    assert names(node("n1", SILENT)) == {"kubelet_unavailable"}
    stopped = listed(node_services=(unit("kubelet", False), unit("containerd", True)))
    assert found("kubelet_unavailable", node(), base=stopped) == STOPS


@pytest.mark.parametrize("message", [
    "[container runtime is down, PLEG is not healthy: pleg was last seen active 5m0s ago; threshold is 3m0s]",
    "container runtime is down", "PLEG is not healthy: pleg was last seen active 3m7.6s ago; threshold is 3m0s",
    "container runtime not ready: RuntimeReady=false reason:ContainerdNotReady message:..."])
def test_a_runtime_that_does_not_answer_is_told_by_the_kubelets_condition(message: str) -> None:
    assert found("containerd_unavailable", not_ready(message)) == STOPS
    told = {one.check: one.follows for one in problems(not_ready(message))}
    assert set(told) == {"containerd_unavailable", "node_not_ready"}
    assert "containerd_unavailable" in told["node_not_ready"]


def test_a_runtime_that_is_stopped_is_told_by_its_machine() -> None:
    base = listed(node_services=(unit("containerd", False), unit("kubelet", True)))
    assert names(node(), base=base) == {"containerd_unavailable"}
    line = ('E1126 kubelet.go:2448] "Skipping pod synchronization" err="rpc error: code = Unavailable desc = '
            'connection error: dial unix /run/containerd/containerd.sock: connect: connection refused"')
    restarted = listed(node_services=(unit("containerd", True), unit("kubelet", True, line)))
    assert names(node(), base=restarted) == set()


def test_a_network_that_is_not_ready_is_told_and_not_taken_for_the_runtime() -> None:
    message = ("container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network "
               "plugin returns error: cni plugin not initialized")
    assert names(not_ready(message)) == {"cni_unavailable", "node_not_ready"}


@pytest.mark.parametrize("message", [
    'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "ab": plugin '
    'type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container',
    'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "ab": plugin '
    'type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized'])
def test_pods_that_get_no_network_are_told_of_their_node(message: str) -> None:
    its = pod("pay", ready=False, phase="Pending", statuses=[])
    its["status"].pop("podIP")
    assert found("cni_unavailable", its, node(), event(its, "FailedCreatePodSandBox", message)) == STOPS
    up = pod("pay")
    assert names(up, node(), event(up, "FailedCreatePodSandBox", message)) == set()


def test_a_kube_proxy_that_does_not_run_is_told_of_its_node() -> None:
    base = listed("Pod")
    two = [node("n1"), node("n2")]
    assert found("kube_proxy_unavailable", *two, system("kube-proxy"), system("kube-proxy", "n2", number=2),
                 base=base) == []
    assert found("kube_proxy_unavailable", *two, system("kube-proxy"), base=base) == [("node/n2", "stops", "seen")]
    assert found("kube_proxy_unavailable", *two, system("kube-proxy")) == []
    assert found("kube_proxy_unavailable", node(), system("kube-proxy", ready=False)) == [("node/n1", "stops", "seen")]
    stopped = listed("Pod", node_services=(unit("kube-proxy", False),))
    assert found("kube_proxy_unavailable", node(), base=stopped) == STOPS
    # Another network plugin serves in its place.
    assert names(*two, pod("pay"), base=base) == set()


def test_add_ons_whose_pods_are_not_read_are_told_by_their_own_counts() -> None:
    proxy = {"kind": "DaemonSet", "metadata": {"name": "kube-proxy", "namespace": "kube-system"},
             "spec": {}, "status": {"desiredNumberScheduled": 3, "numberReady": 2}}
    assert found("kube_proxy_unavailable", node(), proxy) == [("daemonset/kube-proxy", "lessens", "seen")]
    assert found("kube_proxy_unavailable", node("n1", SILENT), proxy) == []
    resolver = deployment("coredns", labels={"k8s-app": "kube-dns"}, replicas=2, ready=0)
    resolver["metadata"]["namespace"] = "kube-system"
    assert found("coredns_unavailable", resolver) == [("deployment/coredns", "stops", "seen")]
    resolver["status"]["readyReplicas"] = 1
    assert found("coredns_unavailable", resolver) == [("deployment/coredns", "lessens", "seen")]
    resolver["status"]["readyReplicas"] = 2
    assert names(resolver, node()) == set()


def pending(ago: float, *conditions: dict[str, Any]) -> dict[str, Any]:
    its = pod("pay", ready=False, phase="Pending", statuses=[], node="")
    its["metadata"]["creationTimestamp"] = at(ago)
    its["status"] |= {"conditions": list(conditions)}
    its["status"].pop("podIP")
    return its


def test_pods_that_nobody_looked_at_tell_of_the_scheduler() -> None:
    master = node("m1", labels=MASTER)
    assert found("kube_scheduler_unavailable", master, pending(600)) == [("node/m1", "stops", "seen")]
    two = [pending(600), pending(600) | {"metadata": pending(600)["metadata"] | {"name": "x", "ownerReferences": []}}]
    assert found("kube_scheduler_unavailable", node(), *two) == [("namespace/kube-system", "stops", "seen")]
    assert names(node(), pending(600)) == set()
    assert names(master, pending(5)) == set()
    unschedulable = condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available")
    assert "kube_scheduler_unavailable" not in names(master, pending(600, unschedulable))


def test_a_scheduler_whose_pod_does_not_run_is_told_of_its_node() -> None:
    master = node("m1", labels=MASTER)
    down = system("kube-scheduler", "m1", ready=False, static=True)
    assert found("kube_scheduler_unavailable", master, down) == [("node/m1", "lessens", "seen")]
    assert found("kube_scheduler_unavailable", master, down, pending(600)) == [("node/m1", "stops", "seen")]
    others = [system(name, "m1", static=True) for name in ("kube-apiserver", "etcd")]
    assert found("kube_scheduler_unavailable", master, *others, base=listed("Pod")) == [("node/m1", "lessens", "seen")]
    well = system("kube-scheduler", "m1", static=True)
    assert names(master, *others, well, base=listed("Pod")) == set()


def test_a_resolver_without_pods_that_work_is_told() -> None:
    its = deployment("coredns", labels={"k8s-app": "kube-dns"}, replicas=2)
    its["metadata"]["namespace"] = "kube-system"
    assert found("coredns_unavailable", its, system("coredns", ready=False)) == [
        ("deployment/coredns", "stops", "seen")]
    assert found("coredns_unavailable", its, system("coredns", ready=False), system("coredns", number=2)) == [
        ("deployment/coredns", "lessens", "seen")]
    its["spec"]["replicas"] = 0
    assert found("coredns_unavailable", its) == [("deployment/coredns", "stops", "seen")]
    empty = {"kind": "Endpoints", "metadata": {"name": "kube-dns", "namespace": "kube-system"}, "subsets": []}
    resolver = service("kube-dns", 53)
    resolver["metadata"]["namespace"] = "kube-system"
    assert found("coredns_unavailable", resolver, empty) == [("deployment/coredns", "stops", "seen")]


@pytest.mark.parametrize(("kind", "status", "check"), [
    ("MemoryPressure", "True", "node_memory_pressure"), ("DiskPressure", "True", "node_disk_pressure"),
    ("PIDPressure", "True", "node_pid_pressure"), ("KernelDeadlock", "True", "node_problem"),
    ("NetworkingReady", "False", "node_problem"), ("StorageReady", "False", "node_problem"),
    ("NetworkUnavailable", "True", "cni_unavailable"), ("ContainerRuntimeReady", "False", "containerd_unavailable"),
    ("MemoryPressure", "False", ""), ("KernelReady", "True", ""), ("SomethingNew", "True", "")])
def test_conditions_of_a_machine_are_bad_by_their_kind(kind: str, status: str, check: str) -> None:
    assert names(node("n1", READY, condition(kind, status))) == ({check} if check else set())


def test_a_part_of_the_control_plane_that_does_not_run_is_told() -> None:
    master = node("m1", labels=MASTER)
    down = system("kube-controller-manager", "m1", ready=False, static=True)
    assert found("control_plane_unavailable", master, down) == [("node/m1", "stops", "seen")]
    assert NOW > 0
