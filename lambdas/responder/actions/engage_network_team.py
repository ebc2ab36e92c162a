"""Give the network team a task, with the evidence: which path, since when, what changed."""

from __future__ import annotations

from responder.actions import Action, Plan, RemediationContext
from responder.model.shown import shown
from responder.people import Message
from responder.plan.remedies import Nothing
from responder.plan.remedies.engage_network_team import REMEDY, Facts, Parameters
from responder.records.table import iso


def plan(context: RemediationContext, facts: Facts) -> Plan[Nothing, Parameters]:
    """Write the task; see ``Action.plan``."""
    path = f"{context.component} to {context.where or 'what it calls'}"
    text = shown("\n".join([
        f"The path from {path} is broken" + (f" since {iso(context.onset)}." if context.onset else "."),
        "Nothing in Kubernetes explains it. What was seen:", *(f"- {line}" for line in facts.evidence),
        *(["What undoes it, if it should be (it may be a containment):",
           *(f"  {command}" for command in facts.undoing)] if facts.undoing else []),
        "Please restore the path, and mark the task as done."]))
    return Plan("network team", f"give the network team the path from {path}", Nothing(), Parameters(text.text), text)


def message(context: RemediationContext, plan: Plan[Nothing, Parameters]) -> Message:
    """Return the task as it is sent; see ``Action.message``."""
    return Message("network_team", f"network-{context.number}", context.incident,
                   f"{context.service.service}: network team needed",
                   plan.parameters.text, code=context.answer_instructions,
                   persons=tuple(person for person in context.service.team if person.role == "network"))


def apply(context: RemediationContext, plan: Plan[Nothing, Parameters]) -> str:
    """Say what was done; the message is delivered by then."""
    return plan.summary


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    message=message,
)
