"""More requests come than the component can serve."""

from __future__ import annotations

from responder.plan.causes import OVERLOAD
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, load, pods

MECHANISM = Mechanism(
    id="more_traffic",
    cause=OVERLOAD,
    title="more traffic than can be served",
    subject="more traffic than {component} could serve",
    remedies=("scale_up",),
    weights={
        load.load_above_baseline: 2.5,
        load.one_client_floods: 1.0,
        load.load_is_usual: -3.0,
        calls.database_calls_fail: -2.0,
        changes.replicas_reduced: -1.0,
        changes.cpu_limit_reduced: -1.0,
        pods.pods_not_ready: -0.5,
        pods.others_not_ready: -0.5,
    },
)
