"""As many requests come as usual, and capacity was taken away."""

from __future__ import annotations

from responder.plan.causes import OVERLOAD
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, load, pods

MECHANISM = Mechanism(
    id="lost_capacity",
    cause=OVERLOAD,
    title="lost capacity",
    subject="lost capacity of {component}",
    remedies=("restore_configuration", "scale_up"),
    objects=("Deployment", "HorizontalPodAutoscaler"),
    weights={
        changes.replicas_reduced: 3.5,
        changes.cpu_limit_reduced: 3.0,
        changes.autoscaler_changed: 2.5,
        pods.scaled_to_nothing: 2.0,
        changes.nothing_changed: -1.5,
        load.load_above_baseline: -0.5,
        load.one_client_floods: -0.5,
    },
)
