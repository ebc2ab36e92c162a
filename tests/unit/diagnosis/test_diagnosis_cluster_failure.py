"""The cause ``cluster_failure``: pods that are not ready, by what keeps them."""

from __future__ import annotations

import pytest

from responder.model.evidence import Finding
from responder.model.evidence.nodes import Nodes
from responder.model.service import Service
from tests.diagnosis import WINDOW, both, changes, hypotheses, judged, pods


def test_pods_on_nodes_that_are_gone_are_the_nodes_fault(service: Service) -> None:
    result = judged(service, [
        *both("payment-gateway", 0.6), changes(),
        pods("payment-gateway", ready=1, unready_on={"node-a": 3}),
        Finding(source="kubernetes", window=WINDOW, value=0.5, detail=Nodes(
            names=("node-a", "node-b"), not_ready=("node-a",)))])
    assert (result.ranking[0].cause, result.ranking[0].mechanism) == ("cluster_failure", "nodes_down")
    assert "nodes are not ready: node-a" in result.ranking[0].evidence_for


@pytest.mark.parametrize(("state", "mechanism"), [
    ({"fell": 4, "probing": 4}, "stuck_pods"), ({"events": {"FailedCreate": 3}}, "quota_exhausted"),
    ({"events": {"Preempted": 2}, "unscheduled": 2}, "preemption"), ({"unscheduled": 4}, "unschedulable")])
def test_the_reason_why_pods_are_not_ready_names_the_mechanism(service: Service, state: dict[str, int],
                                                              mechanism: str) -> None:
    result = judged(service, [*both("payment-gateway", 1.0), changes(), pods("payment-gateway", ready=0, **state)])
    ranked = hypotheses(result)
    assert max(ranked, key=lambda name: ranked[name].log_odds) == mechanism
