"""Send the provider's support what it asks first: since when, which errors, how many; and nothing of a customer."""

from __future__ import annotations

from responder.actions import Action, Case, Plan
from responder.model.shown import shown
from responder.people import Message
from responder.plan import customers


def plan(case: Case) -> Plan:
    """Write the message; see ``Action.plan``. Facts: ``provider``, ``provider_calls`` {requests, errors, kinds, at}."""
    name = str(case.facts.get("provider") or "")
    if not name:
        return Plan("provider", "tell the provider", refusal="which provider it is, is not known")
    calls = case.facts.get("provider_calls") or {}
    text = customers.provider_message(
        name, case.onset, float(calls.get("at") or case.onset or 0.0), float(calls.get("requests") or 0.0),
        float(calls.get("errors") or 0.0), {str(kind): float(count) for kind, count in calls.get("kinds", {}).items()})
    return Plan(f"provider/{name}", f"tell the support of {name}", diff=shown(text),
                parameters={"text": shown(text).text, "name": name})


def message(case: Case, plan: Plan) -> Message:
    """Return what the provider's support is told; see ``Action.message``."""
    return Message("provider", f"provider-{plan.parameters['name']}", case.incident,
                   f"Failing requests to {plan.parameters['name']}", str(plan.parameters["text"]))


def apply(case: Case, plan: Plan) -> str:
    """Say what was done; the message is delivered by then."""
    return f"the support of {plan.parameters['name']} is told"


ACTION = Action(
    name="inform_provider",
    risk="low",
    default_policy="auto",
    reversible=False,
    keep_when_not_helped=True,
    plan=plan,
    apply=apply,
    revert=None,
    tells="provider",
    message=message,
)
