"""The cluster's control plane does not answer."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import control_plane, live_state


def improvements(case: Case) -> Iterator[Advice]:
    """The control plane is AWS's: what is ours is to need it less."""
    cluster = f"EKS cluster {case.service.cluster.name}"
    yield Advice(
        "live-without-control-plane", "prevention", "The service needs the control plane to carry its load",
        case.seen(), f"{case.workload}, replicas", "keep as many pods as the height of a day needs, so that nothing "
        "must be scaled or restarted while the control plane is away (static stability)", case.developers,
        Effort.SETTING, "the autoscaler's minimum carries the height of the last week", case.trouble.whole)
    yield Advice(
        "ask-for-cause", "prevention", "Why the control plane did not answer is not known", case.seen(), cluster,
        "open a case with AWS with the times of this report", "SRE", Effort.QUESTION,
        "the reason is written in the notes (review.md) of this report")


MECHANISM = Mechanism(
    id="control_plane_down",
    cause=CLUSTER_FAILURE,
    lies_in="cluster",
    title="control plane down",
    subject="outage of the cluster's control plane",
    remedies=("escalate",),
    weights={
        live_state.live_control_plane: 2.0,
        control_plane.control_plane_gone: 3.5,
    },
    improvements=improvements,
)
