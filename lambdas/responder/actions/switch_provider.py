"""Use the alternative payment provider, by the value of a ConfigMap that the platform reads.

The alternative must answer before anybody is sent there.
"""

from __future__ import annotations

import time
from typing import Any

from responder.actions import Action, ActionFailed, Case, Plan, writing
from responder.clients import kubernetes
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.service import Provider
from responder.plan.changes import OWN_MANAGER
from responder.sources import cluster_access
from responder.sources.rollouts import gitops


def plan(case: Case, api: kubernetes.Kubernetes | None = None, http: Http | None = None) -> Plan:
    """Choose the first other provider that answers; see ``Action.plan``."""
    switch, namespace = case.service.provider_switch, case.service.cluster.namespace
    if switch is None:
        return Plan("provider", "use another provider",
                    refusal="where the platform reads its provider is not configured")
    target = f"configmap/{switch.config_map}"
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    try:
        item = api.get("api/v1", "configmaps", namespace, switch.config_map)
    except KeyError:
        return Plan(target, "use another provider", refusal=f"there is no ConfigMap {switch.config_map}")
    now = str((item.get("data") or {}).get(switch.key, ""))
    failing = str(case.facts.get("provider") or now)
    others = [provider for provider in case.service.providers if provider.name not in (now, failing)]
    if now != failing:
        return Plan(target, "use another provider", refusal=f"{now} is in use, and {failing} is what fails")
    if not others:
        return Plan(target, "use another provider", refusal="there is no alternative payment method")
    tool = gitops(item["metadata"])
    reasons = []
    for provider in others:
        reason = _unfit(provider, case, http)
        if not reason:
            return Plan(target, f"use {provider.name} in place of {now}",
                        diff=f"- {switch.key}: {now}\n+ {switch.key}: {provider.name}",
                        before={"value": now}, parameters={"value": provider.name, "key": switch.key,
                                                           "name": switch.config_map},
                        refusal=f"{tool} owns {target} and would undo it: change it in its repository" if tool else "")
        reasons.append(reason)
    return Plan(target, "use another provider", refusal="; ".join(reasons))


def apply(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Set the value; where it is set already nothing is done."""
    return _set(case, plan, api, plan.before["value"], plan.parameters["value"])


def revert(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Set the value from before, unless somebody else has set another one."""
    _set(case, plan, api, plan.parameters["value"], plan.before["value"])
    return f"{plan.summary}: taken back"


def _set(case: Case, plan: Plan, api: kubernetes.Kubernetes | None, old: str, new: str) -> str:
    namespace, name, key = case.service.cluster.namespace, plan.parameters["name"], plan.parameters["key"]
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    try:
        now: Any = (api.get("api/v1", "configmaps", namespace, name).get("data") or {}).get(key)
    except KeyError as error:
        raise ActionFailed(f"{plan.target} is gone") from error
    if now == new:
        return f"{plan.summary}: it was done before"
    if now != old:
        raise ActionFailed(f"{plan.target} says {now!r} by somebody else: nothing was done")
    path = "/data/" + key.replace("~", "~0").replace("/", "~1")
    with writing(plan.target):
        api.patch("api/v1", "configmaps", namespace, name, [
            {"op": "test", "path": path, "value": old}, {"op": "replace", "path": path, "value": new}],
            manager=OWN_MANAGER)
    return plan.summary


def _unfit(provider: Provider, case: Case, http: Http | None) -> str:
    """Why a provider cannot be used; an empty text where it can, or where nobody can tell."""
    if not provider.health_url:
        return ""
    try:
        client = http or Http(min(case.deadline, time.monotonic() + 4.0))
        status = client.answer("GET", provider.health_url).status_code
    except CallFailed as failed:
        return f"{provider.name}: {failed.note}"
    return "" if status < 400 else f"{provider.name} answers with status {status}"


ACTION = Action(
    name="switch_provider",
    risk="medium",
    default_policy="auto",
    reversible=True,
    keep_when_not_helped=False,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=cluster_access,
    kubernetes_group="incident-responder:switch-provider",
)
