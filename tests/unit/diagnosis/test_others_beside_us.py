"""What is somebody else's is not held to have brought our outage: nodes, callers' changes, and clocks."""

from __future__ import annotations

import pytest

from responder.model.evidence import Finding
from responder.model.evidence.events import DatabaseEvent, DatabaseEvents
from responder.model.evidence.instances import Instances
from responder.model.evidence.nodes import Nodes
from responder.model.fault_location import DATABASE, UNREACHED
from responder.model.service import Service
from tests.diagnosis import (
    NOW,
    WINDOW,
    Found,
    callee,
    calls,
    change,
    changes,
    field,
    modes,
    pods,
    rates,
    rollout,
    seen,
)

GATEWAY = "payment-gateway"
NODES = [Finding(source="kubernetes", window=WINDOW, value=0.75, detail=Nodes(
    ("a", "b", "c", "of-others"), ("of-others",))),
    Finding(source="eks", window=WINDOW, value=0.0, detail=Instances((), 4))]


@pytest.mark.parametrize(("mine", "silent", "down"), [
    (pods(GATEWAY, 4), False, False),
    (pods(GATEWAY, 2, unready_on={"a": 2}), False, True),  # what is lost may have been there
    (pods(GATEWAY, 2, unready_on={"of-others": 2}), True, True)])
def test_a_silent_node_counts_where_the_component_has_pods_on_it(service: Service, mine: Found, silent: bool,
                                                                  down: bool) -> None:
    found = seen(service, GATEWAY, mine, *NODES)
    assert ("machines_are_well" in found, "nodes_not_ready" in found) == (silent, down)


def test_a_silent_node_counts_where_nobody_tells_where_the_pods_are(service: Service) -> None:
    assert {"machines_are_well", "nodes_not_ready"} <= set(seen(service, GATEWAY, *NODES))


def test_a_ledger_that_lacks_a_new_revision_acquits_nothing_whatever_else_it_saw(service: Service) -> None:
    """The pods were replaced just before; the ledger knows of a node alone."""
    node = changes(change("Node", "of-others", field(["taints"], [], [{"key": "batch"}])))
    kept = {"nothing_changed", "configuration_unchanged", "network_unchanged"}
    assert kept & set(seen(service, GATEWAY, node))
    assert not kept & set(seen(service, GATEWAY, node, rollout(NOW - 65)))


@pytest.mark.parametrize(("ago", "over", "goes_on"), [
    (100, False, True), (500, False, True), (500, True, False), (1200, False, False)])
def test_a_failover_of_which_no_end_is_told_goes_on(service: Service, ago: float, over: bool, goes_on: bool) -> None:
    events = [DatabaseEvent(WINDOW.end - ago, "Multi-AZ instance failover started", ("failover",))]
    if over:
        events.append(DatabaseEvent(WINDOW.end - ago + 60, "Multi-AZ instance failover completed", ("failover",)))
    told = seen(service, GATEWAY, Finding(source="rds", window=WINDOW, detail=DatabaseEvents(tuple(events))),
                where=DATABASE)
    assert ("database_fails_over" in told) is goes_on
    assert ("no_failover" in told) is not goes_on


def test_a_callers_change_ends_no_pod_of_what_it_calls(service: Service) -> None:
    caller = changes(change("Deployment", "backend", field(
        ["template", "spec", "containers", "backend", "env", "LOG_LEVEL", "value"], "a", "b")))
    crash = pods(GATEWAY, 0, waiting={"CrashLoopBackOff": 4}, terminated={"OOMKilled": 4})
    assert "workload_changed" in seen(service, GATEWAY, caller, pods(GATEWAY, 4), where=UNREACHED)
    assert "workload_changed" not in seen(service, GATEWAY, caller, crash, where=UNREACHED)


def test_a_small_sample_of_calls_does_not_tell_what_an_unknown_name_stands_for(service: Service) -> None:
    spans = calls(GATEWAY, {
        "api.primary.example": callee(requests=160), "payments-db": callee(requests=224),
        "api.primray.example": callee({"could not resolve host: api.primray.example": 65}, requests=65, before=0.0)})
    part, *_ = modes(service, GATEWAY, [rates(GATEWAY, 0.3), spans])
    assert part.where == "api.primray.example"
