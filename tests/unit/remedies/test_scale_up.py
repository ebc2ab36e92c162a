"""How many pods a load needs, and whether quota, nodes and database take them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from responder.actions import Declined, scale_up
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.model.evidence import Evidence, Finding
from responder.model.evidence.nodes import Nodes
from responder.model.incident import Hypothesis
from responder.model.service import Service
from responder.plan.remedies import Considered, OnRecord
from responder.plan.remedies.scale_up import REMEDY, Facts, facts
from tests.diagnosis import WINDOW, pods
from tests.remedies import asked


def node(name: str, cpu: str = "4", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"pool": "general"}}, "spec": spec, "status": {
        "allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "30"},
        "conditions": [{"type": "Ready", "status": "True"}]}}


def pod(where: str, cpu: str, phase: str = "Running") -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": {"nodeName": where, "containers": [
        {"resources": {"requests": {"cpu": cpu, "memory": "256Mi"}}}]}, "status": {"phase": phase}}


class Cluster:
    """A Deployment of four pods with 200m each, and what stands beside it."""

    def __init__(self) -> None:
        self.nodes = [node("a"), node("b")]
        self.pods: list[dict[str, Any]] = []
        self.quotas: list[dict[str, Any]] = []
        self.spec: dict[str, Any] = {"containers": [{"resources": {"requests": {"cpu": "200m", "memory": "256Mi"}}}]}
        self.forbidden = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/deployments/payment-gateway"):
            return httpx.Response(200, json={"metadata": {"name": "payment-gateway", "uid": "u"}, "spec": {
                "replicas": 4, "template": {"spec": self.spec}}})
        if self.forbidden and path.endswith(self.forbidden):
            return httpx.Response(403, json={"reason": "Forbidden", "message": "no"})
        items = {"nodes": self.nodes, "pods": self.pods, "resourcequotas": self.quotas}.get(path.rsplit("/", 1)[1], [])
        return httpx.Response(200, json={"items": items})


def planned(service: Service, cluster: Cluster, per_second: float = 120.0, chosen: int | None = None,
            **known: float) -> tuple[str, int]:
    """The refusal, and to how many pods."""
    case = replace(asked(service, "more_traffic"), chosen=chosen)
    plan = scale_up.plan(case, Facts(**{"requests_per_second": per_second, "served_per_pod": 20.0, **known}),
                         Kubernetes(Http(case.deadline, transport=httpx.MockTransport(cluster)), "https://k8s"))
    return (plan.reason, 0) if isinstance(plan, Declined) else ("", plan.parameters.replicas)


def test_as_many_pods_as_the_load_needs_with_a_reserve_and_no_more_than_allowed(service: Service) -> None:
    assert planned(service, Cluster()) == ("", 8)
    assert planned(service, Cluster(), 5000.0)[1] == service.guardrails.maximum_replicas
    assert "are enough" in planned(service, Cluster(), 40.0)[0]
    assert "could not be measured" in planned(service, Cluster(), served_per_pod=0.0)[0]


def test_pods_on_silent_nodes_hold_a_place_and_serve_nothing(service: Service) -> None:
    assert planned(service, Cluster(), 40.0, lost=2) == ("", 5)
    assert "2 of them on silent nodes" in planned(service, Cluster(), 20.0, lost=2)[0]
    assert planned(service, Cluster(), 5000.0, lost=2)[1] == service.guardrails.maximum_replicas


def test_pods_are_lost_where_they_are_not_ready_and_their_node_is_silent(service: Service) -> None:
    seen = Evidence([pods("payment-gateway", 1, unready_on={"a": 2, "b": 1}),
                     Finding(source="kubernetes", window=WINDOW, detail=Nodes(("a", "b", "c"), not_ready=("a", "c")))])
    hypothesis = Hypothesis("cluster_failure", "kubelet_down", "payment-gateway", "own", 0.9, 2.0, (), (), ())
    assert facts(Considered(service, "scale_up", "payment-gateway", hypothesis, None, seen)).lost == 2


def test_only_as_many_as_the_nodes_have_room_for(service: Service) -> None:
    cluster = Cluster()
    cluster.pods = [pod("a", "3500m"), pod("b", "3700m")]  # room for two and for one
    assert planned(service, cluster) == ("", 7)
    cluster.pods += [pod("a", "400m"), pod("b", "200m")]
    assert "no node has room" in planned(service, cluster)[0]
    grows = replace(service, cluster=replace(service.cluster, nodes_are_added=True))
    assert planned(grows, cluster) == ("", 8)


def test_a_chosen_number_is_planned_within_the_same_bounds(service: Service) -> None:
    assert planned(service, Cluster(), chosen=6) == ("", 6)
    assert planned(service, Cluster(), chosen=12) == ("", 12)
    most = service.guardrails.maximum_replicas
    assert planned(service, Cluster(), chosen=most) == ("", most)
    for chosen in (most + 1, 4, 0, -1):
        assert planned(service, Cluster(), chosen=chosen)[1] == 0, chosen
    cluster = Cluster()
    cluster.pods = [pod("a", "3500m"), pod("b", "3700m")]  # room for two and for one
    assert planned(service, cluster, chosen=7) == ("", 7)
    # What was worked out is lowered to what there is room for; what a person chose is not changed behind their back.
    assert "room for 3 more pods, and not for 4" in planned(service, cluster, chosen=8)[0]


def test_a_person_is_offered_no_more_than_quota_nodes_and_guardrails_take(service: Service) -> None:
    def offered(cluster: Cluster) -> list[int]:
        case = asked(service, "more_traffic")
        plan = scale_up.plan(case, Facts(requests_per_second=100.0, served_per_pod=20.0), Kubernetes(
            Http(case.deadline, transport=httpx.MockTransport(cluster)), "https://k8s"))
        assert not isinstance(plan, Declined)
        choice = REMEDY.choice(OnRecord(plan.target, "payment-gateway", plan.before, plan.parameters))
        assert choice is not None and choice.planned == plan.parameters.replicas == 7
        return [option.value for option in choice.options]

    assert offered(Cluster()) == list(range(5, service.guardrails.maximum_replicas + 1))
    full, short = Cluster(), Cluster()
    full.pods = [pod("a", "3100m"), pod("b", "3700m")]  # room for four and for one
    assert offered(full) == [5, 6, 7, 8, 9]
    short.quotas = [{"metadata": {"name": "q"}, "status": {"hard": {"pods": "8"}, "used": {"pods": "4"}}}]
    assert offered(short) == [5, 6, 7, 8]


@pytest.mark.parametrize(("broken", "spec", "fits"), [
    ({"unschedulable": True}, {}, False), ({"taints": [{"key": "gpu", "effect": "NoSchedule"}]}, {}, False),
    ({"taints": [{"key": "gpu", "effect": "NoSchedule"}]}, {"tolerations": [{"key": "gpu"}]}, True),
    ({"taints": [{"key": "gpu", "effect": "PreferNoSchedule"}]}, {}, True),
    ({}, {"nodeSelector": {"pool": "special"}}, False), ({}, {"nodeSelector": {"pool": "general"}}, True)])
def test_a_node_that_does_not_take_these_pods_is_no_room(service: Service, broken: Any, spec: Any, fits: bool) -> None:
    cluster = Cluster()
    cluster.nodes = [node("a", **broken)]
    cluster.spec |= spec
    assert ("no node has room" not in planned(service, cluster)[0]) is fits


def test_ended_pods_take_no_room_and_unreadable_nodes_are_left_to_the_scheduler(service: Service) -> None:
    cluster = Cluster()
    cluster.nodes = [node("a")]
    cluster.pods = [pod("a", "3900m", "Succeeded")]
    assert planned(service, cluster) == ("", 8)
    cluster.pods = [pod("a", "3900m")]
    for forbidden in ("/nodes", "/pods"):
        cluster.forbidden = forbidden
        assert planned(service, cluster) == ("", 8)


def test_quota_and_database_are_asked_as_well(service: Service) -> None:
    cluster = Cluster()
    cluster.quotas = [{"metadata": {"name": "team"}, "status": {"hard": {"requests.cpu": "1500m"},
                                                                "used": {"requests.cpu": "800m"}}}]
    assert "quota team" in planned(service, cluster)[0]
    assert "needs" not in planned(service, Cluster(), connections_used=40.0, connections_maximum=200.0)[0]
    assert "would need" in planned(service, Cluster(), connections_used=120.0, connections_maximum=200.0)[0]
