"""As many requests come as usual, and capacity was taken away."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.change import Change
from responder.plan.advice import Advice, Case, Effort, said, thing
from responder.plan.causes import OVERLOAD
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, live_state, load, pods


def improvements(case: Case) -> Iterator[Advice]:
    """Less capacity than the load needs is refused when somebody asks for it."""
    # An autoscaler that is capped changes the replicas itself: it comes first.
    change = next((one for one in case.changes if one.kind == "HorizontalPodAutoscaler"), case.change)
    if change is None:
        return
    measure, done = _floor(case, change)
    yield Advice(
        "guard-capacity", "prevention", "Capacity was taken away under load, and nothing objected",
        said(case.told(change), case.seen('calls', 'cpu', most=1)), thing(change), measure,
        f"developers of {case.component}", Effort.CHECK, done, case.trouble.whole)


def _floor(case: Case, change: Change) -> tuple[str, str]:
    """Return how such a change is kept from going out, and how one sees that it is."""
    refused = f"`{case.kubectl} apply --dry-run=server` of the change of this incident is refused"
    if change.kind == "HorizontalPodAutoscaler":
        return ("refuse by a ValidatingAdmissionPolicy an autoscaler whose maximum is below the replicas that carried "
                "last week's height", refused)
    before = next((field.before for field in change.fields if field.path == ("replicas",)), None)
    if before is not None:
        return (f"let an autoscaler own the replicas, with a minimum that carries the usual load ({before} before "
                "this)", f"`{case.kubectl} get hpa` shows one for {change.name}, and its minimum")
    return "refuse by a ValidatingAdmissionPolicy a CPU limit below what the pods use at their height", refused


MECHANISM = Mechanism(
    id="lost_capacity",
    cause=OVERLOAD,
    title="lost capacity",
    subject="lost capacity of {component}",
    remedies=("restore_configuration", "scale_up"),
    objects=("Deployment", "StatefulSet", "Rollout", "HorizontalPodAutoscaler", "ScaledObject"),
    weights={
        live_state.live_gone: 6.0,
        changes.replicas_reduced: 3.5,
        changes.cpu_limit_reduced: 3.0,
        pods.workload_gone: 3.0,
        changes.autoscaler_changed: 2.5,
        pods.scaled_to_nothing: 2.0,
        changes.nothing_changed: -1.5,
        load.load_above_baseline: -0.5,
        load.one_client_floods: -0.5,
    },
    improvements=improvements,
)
