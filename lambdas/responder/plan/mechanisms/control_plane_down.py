"""The cluster's control plane does not answer."""

from __future__ import annotations

from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import control_plane

MECHANISM = Mechanism(
    id="control_plane_down",
    cause=CLUSTER_FAILURE,
    title="control plane down",
    subject="outage of the cluster's control plane",
    remedies=("escalate",),
    weights={
        control_plane.control_plane_gone: 3.5,
    },
)
