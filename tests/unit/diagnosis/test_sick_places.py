"""A node that harms its pods and a pod that fails alone: told apart, from a version, and from what they call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.by_pod import ByPod, OfPod
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.pods import OfTemplate
from responder.model.fault_location import DATABASE
from responder.model.service import Service
from responder.plan import places
from responder.plan.remedies import Considered, cordon_node, restart_pods
from tests.diagnosis import (
    WINDOW,
    Found,
    both,
    callee,
    calls,
    changes,
    judged,
    pods,
    probe,
    proposed,
    rollout,
    seen,
)

GATEWAY = "payment-gateway"
MANY = {"frontend": 2, "backend": 3, GATEWAY: 4}


def on(component: str) -> dict[str, str]:
    return {f"{component}-{number}": f"node-{'abc'[number % 3]}" for number in range(MANY[component])}


def by_pod(component: str, bad: dict[str, float], usual: float = 0.02, *, source: str = "newrelic",
           lines: bool = False) -> Finding[ByPod]:
    """What each pod did: those that are named fail so, and the others as usual."""
    return Finding(source=source, component=component, window=WINDOW, detail=ByPod({
        name: OfPod(0.0 if lines else 600.0, 600.0 * bad.get(name, usual)) for name in on(component)}))


def standing(component: str, **more: Any) -> Found:
    return pods(component, MANY[component], MANY[component], placed=on(component),
                templates={"x": OfTemplate(MANY[component], MANY[component])}, **more)


def three_nodes(**more: Any) -> Finding[Nodes]:
    return Finding(source="kubernetes", window=WINDOW, value=1.0, detail=Nodes(("node-a", "node-b", "node-c"), **more))


def outage(share: float, kinds: dict[str, float], *found: Found, database: dict[str, float] | None = None
           ) -> list[Found]:
    gateway = calls(GATEWAY, {"api.primary.example": callee(kinds), "payments-db": callee(database or kinds)})
    return [*(one for name in MANY for one in both(name, share)), gateway, calls("backend", {
        GATEWAY: callee({"payment-gateway answered 500": 1600 * share}, mean_ms=None)}),
        *(standing(name) for name in MANY if name not in {one.component for one in found if one.name == "pods"}),
        changes(), three_nodes(), *found]


LOSSY = outage(
    0.45, {"connect timed out": 400.0}, by_pod(GATEWAY, {f"{GATEWAY}-0": 0.75, f"{GATEWAY}-3": 0.74}),
    by_pod("backend", {"backend-0": 0.7}, 0.4), by_pod("frontend", {"frontend-0": 0.75}, 0.45),
    by_pod(GATEWAY, {f"{GATEWAY}-0": 0.75, f"{GATEWAY}-3": 0.74}, source="splunk", lines=True))
"""Half of the connections of node-a are lost: its pods fail at whatever they call."""
ALONE = outage(0.24, {}, by_pod(GATEWAY, {f"{GATEWAY}-2": 0.9}),
               by_pod(GATEWAY, {f"{GATEWAY}-2": 0.9}, source="splunk", lines=True),
               by_pod("backend", {}, 0.24))
"""One gateway pod fails by itself."""


def test_a_node_that_loses_packets_is_named_and_not_what_its_pods_call(service: Service) -> None:
    told = judged(service, LOSSY)
    assert (told.cause, told.mechanism) == ("cluster_failure", "sick_node")
    assert "pods of payment-gateway on node-a fail more than the others (74% against 2.0%)" in told.summary
    first, *others = proposed(service, LOSSY)
    assert first.action == "cordon_node" and not others
    assert first.facts == cordon_node.Facts(
        "node-a", ("requests by pod (newrelic)", "requests by pod (splunk)"), ("backend", "frontend", GATEWAY))


def considered(service: Service, evidence: list[Found]) -> Considered:
    from responder.model.incident import Hypothesis

    hypothesis = Hypothesis("cluster_failure", "sick_node", GATEWAY, "own", 0.95, 3.0, (), (), ("newrelic", "changes"))
    return Considered(service, "cordon_node", GATEWAY, hypothesis, None, Evidence(evidence))


@pytest.mark.parametrize(("drop", "add", "why"), [
    ("splunk", [], "only one kind of evidence"),
    ("", [three_nodes(unschedulable=("node-b", "node-c"))], "no other node is ready and open"),
    ("newrelic splunk", [], "no single node")])
def test_one_kind_of_evidence_is_not_enough_and_the_last_node_stays_open(service: Service, drop: str, add: list[Found],
                                                                        why: str) -> None:
    found = [one for one in LOSSY if not (one.name == "by_pod" and one.source in drop.split())
             and not (add and one.name == "nodes")]
    facts, objection = cordon_node.REMEDY.judge(considered(service, [*found, *add]))
    assert why in objection
    condition = three_nodes(pressure={"NetworkingReady": ("node-a",)})
    if drop == "splunk":
        rest = [one for one in found if one.name != "nodes"]
        assert cordon_node.REMEDY.judge(considered(service, [*rest, condition]))[1] == ""
    assert isinstance(facts, cordon_node.Facts)


def test_a_pod_that_fails_alone_is_restarted_and_its_node_stays_open(service: Service) -> None:
    told = judged(service, ALONE)
    assert (told.cause, told.mechanism) == ("cluster_failure", "sick_pod")
    assert [(one.action, one.facts) for one in proposed(service, ALONE)] == [
        ("restart_pods", restart_pods.Facts((f"{GATEWAY}-2",)))]


def test_a_canary_is_its_version_and_no_sick_pod(service: Service) -> None:
    two = pods(GATEWAY, 4, 4, placed=on(GATEWAY), templates={"x": OfTemplate(3, 3), "y": OfTemplate(1, 1)})
    found = [*(one for one in ALONE if not (one.name == "pods" and one.component == GATEWAY)), two,
             rollout(WINDOW.end - 60)]
    assert judged(service, found).mechanism != "sick_pod"
    assert not list(places.pods(Evidence(found), GATEWAY))


def test_what_all_pods_do_alike_names_no_place(service: Service) -> None:
    found = outage(0.9, {"HTTP 503 Service Unavailable": 1400.0},
                   *(by_pod(name, {}, 0.9) for name in MANY), by_pod(GATEWAY, {}, 0.9, source="splunk", lines=True))
    evidence = Evidence(found)
    for name in MANY:
        assert not list(places.nodes(evidence, name)) and not list(places.pods(evidence, name))
    assert judged(service, found).mechanism not in ("sick_node", "sick_pod")


def test_one_pod_of_one_component_on_a_node_is_the_pod_and_two_are_the_node() -> None:
    one = Evidence([standing(GATEWAY), by_pod(GATEWAY, {f"{GATEWAY}-1": 0.9})])
    assert not list(places.nodes(one, GATEWAY))
    assert [odd.place.name for odd in places.pods(one, GATEWAY)] == [f"{GATEWAY}-1"]
    two = Evidence([standing(GATEWAY), by_pod(GATEWAY, {f"{GATEWAY}-0": 0.9, f"{GATEWAY}-3": 0.8})])
    assert [odd.place.name for odd in places.nodes(two, GATEWAY)] == ["node-a"]
    # Of two pods on a node one alone fails: it is that pod.
    half = Evidence([standing(GATEWAY), by_pod(GATEWAY, {f"{GATEWAY}-0": 0.9})])
    assert not list(places.nodes(half, GATEWAY))
    assert [odd.place.name for odd in places.pods(half, GATEWAY)] == [f"{GATEWAY}-0"]


def test_without_placement_no_node_is_named() -> None:
    evidence = Evidence([by_pod(GATEWAY, {f"{GATEWAY}-0": 0.9, f"{GATEWAY}-3": 0.8})])
    assert not list(places.nodes(evidence, GATEWAY))


def test_restarts_of_several_components_on_one_node_are_a_kind_of_evidence() -> None:
    def restarted(**nodes: int) -> list[Found]:
        return [replace(standing(name, restarts_on={node.replace("_", "-"): count for node, count in nodes.items()}))
                for name in MANY]

    found = places.restarts(Evidence(restarted(node_a=2)))
    assert found is not None and found[1:] == ("node-a", 6, 6)
    assert places.restarts(Evidence(restarted(node_a=2, node_b=2))) is None
    assert places.restarts(Evidence([standing(GATEWAY, restarts_on={"node-a": 9})])) is None
    assert places.restarts(Evidence([])) is None


def test_lines_alone_name_no_place_that_requests_deny_and_an_ending_pod_is_none() -> None:
    lines = by_pod(GATEWAY, {f"{GATEWAY}-0": 0.9}, source="splunk", lines=True)
    assert list(places.pods(Evidence([standing(GATEWAY), lines]), GATEWAY))
    level = by_pod(GATEWAY, {f"{GATEWAY}-0": 0.03})
    assert not list(places.pods(Evidence([standing(GATEWAY), lines, level]), GATEWAY))
    ended = standing(GATEWAY, restarts=2, terminated={"OOMKilled": 2})
    assert not list(places.pods(Evidence([ended, by_pod(GATEWAY, {f"{GATEWAY}-0": 0.9})]), GATEWAY))


def test_names_that_nobody_resolves_are_the_resolvers_matter_and_one_zone_is_not(service: Service) -> None:
    def unresolved(**kinds: dict[str, float]) -> list[Found]:
        backend = calls("backend", {GATEWAY: callee(kinds.get("backend"), mean_ms=None)})
        gateway = calls(GATEWAY, {"payments-db": callee(kinds["gateway"]), "api.primary.example": callee()})
        return [*(one for name in MANY for one in both(name, 0.5)), gateway, backend, *map(standing, MANY), changes(),
                probe("database"), three_nodes()]

    said = {"gateway": {'could not translate host name "payments-db" to address': 700.0}}
    everybody = unresolved(backend={"could not resolve host: payment-gateway": 600.0}, **said)
    evidence = Evidence(everybody)
    gateway = seen(service, GATEWAY, *everybody, where=DATABASE)
    assert "lookups_fail_everywhere" not in gateway  # asked of a failure mode that is no matter of names
    told = judged(service, everybody)
    assert told.cause == "network" and "resolver_overloaded" in {one.mechanism for one in told.named}
    assert "engage_network_team" in {one.action for one in proposed(service, everybody)}
    assert "resolver_overloaded" not in {one.mechanism for one in judged(service, unresolved(**said)).named}
    assert list(evidence.of(Nodes))
