"""Use the alternative payment provider, by a flag that the platform reads.

A provider that did not answer when it was asked is asked again first, for a disruption of seconds is over before a
switch helps anybody. The alternative must answer before anybody is sent there. When the first one has been well for a
while it is gone back to; where the switch did not help it is taken back unless the first one fails still, for another
fault may hide what it does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from responder.actions import Action, ActionFailed, Case, Plan, writing
from responder.clients import kubernetes
from responder.clients.failure import CallFailed
from responder.clients.flags import Changed, Flag, flag
from responder.clients.http import Http
from responder.model.finding import Finding
from responder.model.redact import decided
from responder.model.service import Provider, ProviderSwitch, Service
from responder.plan.changes import OWN_MANAGER
from responder.sources import Statement, cluster_access
from responder.sources.rollouts import gitops

_CHECKS = 2
"""So many that succeed in a row say that it answers again: where some calls fail, a single one may get through."""
_BETWEEN_SECONDS = 2.0
_CHECK_SECONDS = 2.0
_ROOT = "arn:{partition}:appconfig:{region}:{account}"


def plan(case: Case, api: kubernetes.Kubernetes | None = None, http: Http | None = None) -> Plan:
    """Choose the first other provider that answers; see ``Action.plan``."""
    switch = case.service.provider_switch
    if switch is None:
        return Plan("provider", "use another provider",
                    refusal="where the platform reads its provider is not configured")
    place = _flag(case, switch, api)
    try:
        now, metadata = place.read()
    except KeyError:
        return Plan(place.target, "use another provider", refusal=f"there is no {place.key} in {place.target}")
    failing = str(case.facts.get("provider") or now)
    others = [provider for provider in case.service.providers if provider.name not in (now, failing)]
    if now != failing:
        return Plan(place.target, "use another provider", refusal=f"{now} is in use, and {failing} is what fails")
    if not others:
        return Plan(place.target, "use another provider", refusal="there is no alternative payment method")
    if case.facts.get("provider_silent") and _answers_again(failing, case, http):
        return Plan(place.target, "use another provider", refusal=f"{failing} answers again", passing=True)
    tool = gitops(metadata)
    reasons = []
    for provider in others:
        reason = _unfit(provider, case, http)
        if not reason:
            return Plan(place.target, f"use {provider.name} in place of {now}",
                        diff=decided([(place.key, now, provider.name)]),
                        before={"value": now}, parameters={"value": provider.name}, temporary=True,
                        refusal=f"{tool} owns {place.target} and would undo it: change it in its repository"
                        if tool else "")
        reasons.append(reason)
    return Plan(place.target, "use another provider", refusal="; ".join(reasons))


def apply(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Set the value; where it is set already nothing is done."""
    return _set(case, plan, api, plan.before["value"], plan.parameters["value"])


def revert(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Set the value from before, unless somebody else has set another one."""
    _set(case, plan, api, plan.parameters["value"], plan.before["value"])
    return f"{plan.summary}: taken back"


def over(service: Service, record: Mapping[str, Any], findings: Sequence[Finding]) -> str:
    """Whether the first provider answers and its status page, where it has one, is calm; see ``Action.over``."""
    first = str(record["before"]["value"])
    told = {finding.name: finding for finding in findings
            if finding.component == f"provider:{first}" and finding.name in ("health", "status_page")}
    # What does not answer says nothing; and a page may lie, so one of the two is not enough where both are to be had.
    if not told or not all(finding.usable for finding in told.values()):
        return ""
    if (told.get("health") and not told["health"].value) or (told.get("status_page") and told["status_page"].value):
        return ""
    return f"{first} is well again by its {' and its '.join(sorted(name.replace('_', ' ') for name in told))}"


def _flag(case: Case, switch: ProviderSwitch, api: kubernetes.Kubernetes | None) -> Flag:
    if switch.config_map and api is None:
        api = kubernetes.connect(case.service.cluster.name, case.deadline)
    return flag(switch, case.service.cluster.namespace, api)


def _set(case: Case, plan: Plan, api: kubernetes.Kubernetes | None, old: str, new: str) -> str:
    switch = case.service.provider_switch
    if switch is None:
        raise ActionFailed("where the platform reads its provider is no longer configured")
    place = _flag(case, switch, api)
    try:
        now, _ = place.read()
    except KeyError as error:
        raise ActionFailed(f"{plan.target} is gone") from error
    if now == new:
        return f"{plan.summary}: it was done before"
    if now != old:
        raise ActionFailed(f"{plan.target} says {now!r} by somebody else: nothing was done")
    try:
        with writing(plan.target):
            place.write(old, new, OWN_MANAGER)
    except Changed as error:
        raise CallFailed("unavailable", f"{plan.target} changed at the same moment") from error
    return plan.summary


def _answers_again(name: str, case: Case, http: Http | None) -> bool:
    """Whether a provider that did not answer before does so now, and a moment later."""
    failing = next((provider for provider in case.service.providers if provider.name == name), None)
    if failing is None or not failing.health_url:
        return False
    for check in range(_CHECKS):
        if check:
            time.sleep(_BETWEEN_SECONDS)
        if _unfit(failing, case, http, _CHECK_SECONDS):
            return False
    return True


def _unfit(provider: Provider, case: Case, http: Http | None, seconds: float = 4.0) -> str:
    """Why a provider cannot be used; an empty text where it can, or where nobody can tell."""
    if not provider.health_url:
        return ""
    try:
        client = http or Http(min(case.deadline, time.monotonic() + seconds))
        status = client.status("GET", provider.health_url)
    except CallFailed as failed:
        return f"{provider.name}: {failed.note}"
    return "" if status < 400 else f"{provider.name} answers with status {status}"


def statements(service: Service) -> tuple[Statement, ...]:
    """What it takes to change the flag where it stands."""
    switch = service.provider_switch
    if switch and switch.ssm_parameter:
        return (Statement(("ssm:GetParameter", "ssm:PutParameter"),
                          (f"arn:{{partition}}:ssm:{{region}}:{{account}}:parameter/"
                           f"{switch.ssm_parameter.lstrip('/')}",)),)
    if switch and switch.appconfig:
        place = switch.appconfig
        root = f"{_ROOT}:application/{place.application}"
        profile, environment = f"{root}/configurationprofile/{place.profile}", f"{root}/environment/{place.environment}"
        return (
            Statement(("appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"),
                      (f"{environment}/configuration/{place.profile}",)),
            Statement(("appconfig:ListHostedConfigurationVersions", "appconfig:CreateHostedConfigurationVersion"),
                      (root, profile)),
            Statement(("appconfig:StartDeployment",),
                      (root, profile, environment, f"{_ROOT}:deploymentstrategy/{place.strategy}")))
    return cluster_access(service)


ACTION = Action(
    name="switch_provider",
    risk="medium",
    default_policy="auto",
    reversible=True,
    keep_when_not_helped=False,
    plan=plan,
    apply=apply,
    revert=revert,
    over=over,
    more=True,
    statements=statements,
    kubernetes_group="incident-responder:switch-provider",
)
