"""Send the provider's support what it asks first: since when, which errors, how many; and nothing of a customer."""

from __future__ import annotations

from responder.actions import Action, Declined, Plan, RemediationContext
from responder.model.shown import shown
from responder.people import Message
from responder.plan.remedies import Nothing
from responder.plan.remedies.inform_provider import REMEDY, Facts, Parameters, text


def plan(context: RemediationContext, facts: Facts) -> Plan[Nothing, Parameters] | Declined:
    """Write the message; see ``Action.plan``."""
    name = facts.provider
    if not name:
        return Declined("provider", "tell the provider", "it is not known which provider it is")
    written = shown(text(name, context.onset, facts.calls, facts.contact))
    return Plan(f"provider/{name}", f"tell the support of {name}", Nothing(), Parameters(written.text, name), written)


def message(context: RemediationContext, plan: Plan[Nothing, Parameters]) -> Message:
    """Return what the provider's support is told; see ``Action.message``."""
    name = plan.parameters.name
    return Message("provider", f"provider-{name}", context.incident, f"Failing requests to {name}",
                   plan.parameters.text)


def apply(context: RemediationContext, plan: Plan[Nothing, Parameters]) -> str:
    """Say what was done; the message is delivered by then."""
    return f"the support of {plan.parameters.name} was told"


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    message=message,
)
