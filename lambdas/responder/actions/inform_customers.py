"""Tell customers, plainly: what does not work, what does, since when, and when more will be said.

Never a cause that is not established, and never internals.
"""

from __future__ import annotations

import os

from responder.actions import Action, Case, Plan
from responder.people import sns
from responder.records.table import iso


def plan(case: Case) -> Plan:
    """Write the message; see ``Action.plan``."""
    since = iso(case.onset)[11:16] + " UTC" if case.onset else "a few minutes ago"
    other = ("We are moving payments to another payment provider; you can try again in a few minutes."
             if "switch_provider" in case.facts.get("with", []) else
             "Please try again later; no payment is taken twice.")
    text = (f"Card payments are failing for some customers since {since}. {other} "
            "We will say more within 30 minutes.")
    return Plan("customers", "tell customers", diff=text, parameters={"text": text})


def apply(case: Case, plan: Plan) -> str:
    """Publish the message for customers on the incident topic, from where the status page's integration takes it."""
    sns.publish(os.environ["TOPIC"], "Payments are disturbed", plan.parameters["text"], case.incident,
                audience="customers")
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
)
