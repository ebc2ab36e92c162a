"""Tell customers, plainly: what does not work, what does, since when, and when more will be said.

Later steps tell those who were told this that something was done, and that it is over.
"""

from __future__ import annotations

from responder.actions import Action, Case, Plan
from responder.model.shown import shown
from responder.people import Message
from responder.plan import customers


def plan(case: Case) -> Plan:
    """Write the message; see ``Action.plan``. Facts: ``kind`` of the symptom, ``with`` (the other remedies)."""
    text = customers.text("identified", str(case.facts.get("kind") or ""), case.cause, case.onset,
                          alternative="switch_provider" in case.facts.get("with", []))
    return Plan("customers", "tell customers", diff=shown(text), parameters={"text": shown(text).text})


def message(case: Case, plan: Plan) -> Message:
    """Return what customers are told; see ``Action.message``."""
    return Message("customers", f"customers-identified-{case.number}", case.incident, customers.SUBJECT,
                   str(plan.parameters["text"]), phase="identified", affected=(case.component,))


def apply(case: Case, plan: Plan) -> str:
    """Say what was done; the message is delivered by then."""
    return f"customers are told: {plan.parameters['text']}"


ACTION = Action(
    name="inform_customers",
    risk="medium",
    default_policy="approve",
    reversible=False,
    keep_when_not_helped=True,
    plan=plan,
    apply=apply,
    revert=None,
    tells="customers",
    message=message,
)
