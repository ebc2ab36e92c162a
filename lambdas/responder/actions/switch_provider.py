"""Use the alternative payment provider, by a flag that the platform reads.

A provider that did not answer when it was asked is asked again first, for a disruption of seconds is over before a
switch helps anybody. The alternative must answer before anybody is sent there. When the first one has been well for a
while it is gone back to; where the switch did not help it is taken back unless the first one fails still, for another
fault may hide what it does.
"""

from __future__ import annotations

import time

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected, put
from responder.clients.failure import CallFailed
from responder.clients.flags import Flag, flag, statements_of
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.model.redact import decided
from responder.model.service import Provider, ProviderSwitch, Service
from responder.plan.remedies.switch_provider import REMEDY, Facts, Value
from responder.sources import Statement, cluster_access

_CHECKS = 2
"""Checks in a row that must succeed: where some calls fail, a single one may get through."""
_BETWEEN_SECONDS = 2.0
_CHECK_SECONDS = 2.0

Planned = Plan[Value, Value]


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None,
         http: Http | None = None) -> Planned | Declined:
    """Choose the first other provider that answers; see ``Action.plan``."""
    summary, switch = "use another provider", context.service.provider_switch
    if switch is None:
        return Declined("provider", summary, "where the platform reads its provider is not configured")
    place = _flag(context, switch, api)
    try:
        read = place.read()
    except NotFound:
        return Declined(place.target, summary, f"there is no {place.key} in {place.target}")
    now, failing = read.value, facts.provider or read.value
    others = [provider for provider in context.service.providers if provider.name not in (now, failing)]
    if now != failing:
        return Declined(place.target, summary, f"{now} is in use, and {failing} is what fails")
    if not others:
        return Declined(place.target, summary, "there is no alternative payment method")
    if facts.silent and _answers_again(failing, context, http):
        return Declined(place.target, summary, f"{failing} answers again", transient=True)
    reasons = []
    for provider in others:
        reason = _unfit(provider, context, http)
        if not reason:
            return _planned(place, now, provider.name, read.owner)
        reasons.append(reason)
    return Declined(place.target, summary, "; ".join(reasons))


def _planned(place: Flag, now: str, wanted: str, owner: str) -> Planned | Declined:
    summary, diff = f"use {wanted} in place of {now}", decided([(place.key, now, wanted)])
    if owner:
        return Declined(place.target, summary,
                        f"{owner} owns {place.target} and would undo it: change it in its repository", diff=diff)
    return Plan(place.target, summary, Value(now), Value(wanted), diff, temporary=True)


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Set the value; where it is set already nothing is done."""
    return _set(context, plan, api, plan.before.value, plan.parameters.value)


def revert(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Set the value from before, unless somebody else has set another one."""
    _set(context, plan, api, plan.parameters.value, plan.before.value)
    return f"{plan.summary}: taken back"


def _flag(context: RemediationContext, switch: ProviderSwitch, api: Kubernetes | None) -> Flag:
    return flag(switch, context.namespace, connected(context, api) if switch.config_map else api)


def _set(context: RemediationContext, plan: Planned, api: Kubernetes | None, old: str, new: str) -> str:
    switch = context.service.provider_switch
    if switch is None:
        raise ActionFailed("where the platform reads its provider is no longer configured")
    return put(_flag(context, switch, api), {old}, new, plan.target, plan.summary)


def _answers_again(name: str, context: RemediationContext, http: Http | None) -> bool:
    """Whether a provider that did not answer before does so now, and a moment later."""
    failing = next((provider for provider in context.service.providers if provider.name == name), None)
    if failing is None or not failing.health_url:
        return False
    for check in range(_CHECKS):
        if check:
            time.sleep(_BETWEEN_SECONDS)
        if _unfit(failing, context, http, _CHECK_SECONDS):
            return False
    return True


def _unfit(provider: Provider, context: RemediationContext, http: Http | None, seconds: float = 4.0) -> str:
    """Why a provider cannot be used; an empty text where it can, or where nobody can tell."""
    if not provider.health_url:
        return ""
    try:
        client = http or Http(min(context.deadline, time.monotonic() + seconds))
        status = client.status("GET", provider.health_url)
    except CallFailed as failed:
        return f"{provider.name}: {failed.note}"
    return "" if status < 400 else f"{provider.name} answers with status {status}"


def statements(service: Service) -> tuple[Statement, ...]:
    """What it takes to change the flag where it stands."""
    switch = service.provider_switch
    if switch and not switch.config_map:
        return tuple(Statement(actions, arns) for actions, arns in statements_of(switch))
    return cluster_access(service)


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=statements,
    kubernetes_group="incident-responder:switch-provider",
)
