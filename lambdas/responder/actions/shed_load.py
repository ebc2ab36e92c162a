"""Refuse most requests for a while, then fewer and fewer, by a switch that the configuration names.

In the end the switch says what it usually says. A repeat goes on at the step that it finds.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from responder.actions import Action, ActionFailed, Declined, RemediationContext
from responder.actions.cap_retries import Planned, rights, set_to, turned
from responder.clients.kubernetes import Kubernetes
from responder.plan import wording
from responder.plan.remedies.shed_load import REMEDY
from responder.plan.switches import Facts, named

_DEADLINE_SECONDS = 240.0
_SPARE_SECONDS = 20.0
"""What reading and writing takes, of the deadline."""


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Plan the steps; see ``Action.plan``."""
    return turned(context, facts, "shed load", api, temporary=False)


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None,
          wait: Callable[[float], None] = time.sleep) -> str:
    """Take one step after the other, and set what it said before in the end."""
    switch = named(context.service, plan.parameters.switch)
    if switch is None:
        raise ActionFailed(f"the configuration has no switch {plan.parameters.switch!r} any more")
    steps = plan.parameters.values
    left = max(0.0, context.deadline - time.monotonic() - _SPARE_SECONDS)
    allowed, pause = {plan.before.value, *steps}, min(switch.step_seconds, left / len(steps))
    for value in steps:
        set_to(context, plan, allowed, value, api)
        wait(pause)
    set_to(context, plan, allowed, plan.before.value, api)
    return f"{plan.summary}, {wording.duration(pause)} each, and back to {plan.before.value}"


def revert(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Let all requests in again, where a step was left behind."""
    set_to(context, plan, set(plan.parameters.values), plan.before.value, api)
    return f"{plan.summary}: taken back"


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=lambda service: rights(service, "shed_load"),
    configured=lambda service: any(switch.purpose == "shed_load" for switch in service.switches),
    kubernetes_group="incident-responder:shed-load",
    deadline_seconds=_DEADLINE_SECONDS,
)
