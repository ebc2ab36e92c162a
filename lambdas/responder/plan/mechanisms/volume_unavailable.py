"""Pods wait for a volume: their claim is not bound, or its volume cannot be used where they are."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import live_state, pods


def improvements(case: Case) -> Iterator[Advice]:
    """A claim is bound before the workload that needs it is rolled out."""
    seen = case.seen("problems", most=1) or case.seen()
    yield Advice(
        "bind-first", "prevention", "A workload was rolled out whose claim could not be bound", seen,
        f"pipeline of {case.workload}", "apply claims before the workload, and wait until they are Bound", "SRE",
        Effort.CHECK, "the pipeline stops at a claim that names a class that is not there", case.trouble.whole)


MECHANISM = Mechanism(
    id="volume_unavailable",
    cause=CLUSTER_FAILURE,
    title="volume that pods wait for",
    subject="missing volume of {component}",
    remedies=("escalate",),
    needs=live_state.live_volume,
    worsened_by=("restart_pods", "cycle_deployment"),
    weights={
        live_state.live_volume: 4.0,
        pods.pods_are_ready: -3.0,
        pods.pods_fell: -1.0,
    },
    improvements=improvements,
)
