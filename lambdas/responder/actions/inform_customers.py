"""Inform customers, plainly: what does not work, what does, since when, and when more will be said.

Later steps tell those who were told this that something was done, and that it is over.
"""

from __future__ import annotations

from responder.actions import Action, Plan, RemediationContext
from responder.model.shown import shown
from responder.people import Message
from responder.plan import customers
from responder.plan.remedies import Nothing
from responder.plan.remedies.inform_customers import REMEDY, Facts, Parameters


def plan(context: RemediationContext, facts: Facts) -> Plan[Nothing, Parameters]:
    """Write the message; see ``Action.plan``."""
    text = shown(customers.text("identified", context.symptom, context.cause, context.onset,
                                alternative=facts.alternative))
    return Plan("customers", "tell customers", Nothing(), Parameters(text.text), text)


def message(context: RemediationContext, plan: Plan[Nothing, Parameters]) -> Message:
    """Return what customers are told; see ``Action.message``."""
    return Message("customers", f"customers-identified-{context.number}", context.incident, customers.SUBJECT,
                   plan.parameters.text, phase="identified", affected=(context.component,))


def apply(context: RemediationContext, plan: Plan[Nothing, Parameters]) -> str:
    """Say what was done; the message is delivered by then."""
    return f"customers are told: {plan.parameters.text}"


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    message=message,
)
