"""Inform customers, plainly: what does not work and since when, what is done about it, what to do, when they hear more.

People approve the sentences. What is sent are those of them that are still so when it is sent. Later steps tell those
who were told this what changes, and that it is over (``handlers/customers.py``).
"""

from __future__ import annotations

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext
from responder.model.moment import epoch, iso
from responder.model.shown import shown
from responder.people import Message
from responder.plan import customers
from responder.plan.customers.facts import facts as known
from responder.plan.remedies import Nothing
from responder.plan.remedies.inform_customers import REMEDY, Facts, Parameters

_MORE = "When they hear more is added when it is sent: it is a time, and the responder keeps it."


def plan(context: RemediationContext, facts: Facts) -> Plan[Nothing, Parameters] | Declined:
    """Write the message; see ``Action.plan``."""
    told = customers.message(context.service, known(context.service, context.record(), context.at,
                                                    onset=context.onset))
    if told is None:
        return Declined("customers", "tell customers", "nothing is confirmed that they could be told")
    text = told.text + (f"\n\n({_MORE})" if context.more_by else "")
    return Plan("customers", "tell customers", Nothing(), Parameters(told.said), shown(text))


def _told(context: RemediationContext, plan: Plan[Nothing, Parameters]) -> customers.Told:
    """Return the message as it is sent now; raises ActionFailed where there is nothing left to tell."""
    told = customers.message(context.service, known(
        context.service, context.record(), context.at, epoch(context.more_by), context.onset), plan.parameters.said)
    if told is None:
        raise ActionFailed("what customers were to be told is no longer so")
    return told


def message(context: RemediationContext, plan: Plan[Nothing, Parameters]) -> Message:
    """Return what customers are told; see ``Action.message``."""
    told = _told(context, plan)
    return Message("customers", f"customers-first-{context.number}", context.incident, told.subject, told.text,
                   phase=told.phase, affected=(context.component,), extent=told.extent, said=told.said,
                   works=told.works, also_fails=told.also_fails, also_works=told.also_works,
                   more_by=iso(told.more_by) if told.more_by else "")


def apply(context: RemediationContext, plan: Plan[Nothing, Parameters]) -> str:
    """Say what was done; the message is delivered by then."""
    return f"customers were told: {_told(context, plan).text}"


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    message=message,
)
