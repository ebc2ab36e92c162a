"""Give the network team a task, with the evidence: which path, since when, what changed."""

from __future__ import annotations

from responder.actions import Action, Case, Plan
from responder.model.shown import shown
from responder.people import Message
from responder.records.table import iso


def plan(case: Case) -> Plan:
    """Write the task; see ``Action.plan``."""
    evidence = [str(sentence) for sentence in case.facts.get("evidence", [])]
    path = f"{case.component} to {case.facts.get('where') or 'what it calls'}"
    undoing = case.facts.get("undoing", [])
    text = "\n".join([f"The path from {path} is broken" + (f" since {iso(case.onset)}." if case.onset else "."),
                      "Nothing in Kubernetes explains it. What was seen:", *(f"- {line}" for line in evidence),
                      *(["What undoes it, if it should be (it may be a containment):",
                         *(f"  {command}" for command in undoing)] if undoing else []),
                      "Please restore the path, and mark the task as done."])
    return Plan("network team", f"give the network team the path from {path}", diff=shown(text),
                parameters={"text": shown(text).text})


def message(case: Case, plan: Plan) -> Message:
    """Return the task as it is sent; see ``Action.message``."""
    return Message("network_team", f"network-{case.number}", case.incident,
                   f"{case.service.service}: network team needed", f"{plan.parameters['text']}\n\n{case.answers}",
                   persons=tuple(person for person in case.service.team if person.role == "network"))


def apply(case: Case, plan: Plan) -> str:
    """Say what was done; the message is delivered by then."""
    return plan.summary


ACTION = Action(
    name="engage_network_team",
    risk="low",
    default_policy="auto",
    reversible=True,
    keep_when_not_helped=True,
    plan=plan,
    apply=apply,
    revert=None,
    tells="network_team",
    message=message,
    task_for="network",
)
