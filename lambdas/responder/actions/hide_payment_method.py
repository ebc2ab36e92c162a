"""Do not offer one method of payment, by a key of the platform's ConfigMap that names the hidden ones."""

from __future__ import annotations

import re

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected, put
from responder.clients.flags import Flag, flag
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.model.redact import decided
from responder.model.service import ProviderSwitch
from responder.plan.remedies.hide_payment_method import REMEDY, Facts, Hidden, names
from responder.sources import cluster_access

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
"""What a method may be called, for it comes from a vendor's data and is written."""

Planned = Plan[Hidden, Hidden]


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Add the method to the hidden ones; see ``Action.plan``."""
    summary, place = f"do not offer {facts.method or 'a method of payment'}", _flag(context, api)
    if place is None:
        return Declined("methods", summary, "where the platform reads which methods it offers is not configured")
    if not _NAME.fullmatch(facts.method):
        return Declined(place.target, summary, "its name is none that could be written")
    try:
        read = place.read()
    except NotFound:
        return Declined(place.target, summary, f"there is no {place.key} in {place.target}")
    hidden = names(read.value)
    if facts.method in hidden:
        return Declined(place.target, summary, f"{facts.method} is hidden already")
    if not set(facts.others) - set(hidden):
        return Declined(place.target, summary, "no method would be left")
    wanted = ",".join([*hidden, facts.method])
    diff = decided([(place.key, read.value, wanted)])
    if read.owner:
        return Declined(place.target, summary,
                        f"{read.owner} owns {place.target} and would undo it: change it in its repository", diff=diff)
    return Plan(place.target, summary, Hidden(read.value), Hidden(wanted), diff)


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Set the value; where it is set already nothing is done."""
    return _set(context, plan, api, plan.before.value, plan.parameters.value)


def revert(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Show the method again, unless somebody else has set another value."""
    _set(context, plan, api, plan.parameters.value, plan.before.value)
    return f"{plan.summary}: it is offered again"


def _flag(context: RemediationContext, api: Kubernetes | None) -> Flag | None:
    hide = context.service.payments.hide if context.service.payments else None
    if hide is None:
        return None
    return flag(ProviderSwitch(config_map=hide.config_map, key=hide.key), context.namespace, connected(context, api))


def _set(context: RemediationContext, plan: Planned, api: Kubernetes | None, old: str, new: str) -> str:
    place = _flag(context, api)
    if place is None:
        raise ActionFailed("where the platform reads which methods it offers is no longer configured")
    return put(place, {old}, new, plan.target, plan.summary)


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=cluster_access,
    configured=lambda service: service.payments is not None and service.payments.hide is not None,
    kubernetes_group="incident-responder:hide-payment-method",
)
