"""Do without a dependency for a while, by a switch that the configuration names."""

from __future__ import annotations

from responder.actions import Action, Declined, RemediationContext
from responder.actions.cap_retries import Planned, apply, revert, rights, turned
from responder.clients.kubernetes import Kubernetes
from responder.plan.remedies.fail_open import REMEDY
from responder.plan.switches import Facts


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Plan to set what leaves it out; see ``Action.plan``."""
    return turned(context, facts, "do without a dependency", api, temporary=True)


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=lambda service: rights(service, "fail_open"),
    configured=lambda service: any(switch.purpose == "fail_open" for switch in service.switches),
    kubernetes_group="incident-responder:fail-open",
)
