"""Why a remedy of a named cause is not proposed: each has a reason in a sentence, and people are told it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responder.model.finding import Finding
from responder.model.incident import IncidentRecord
from responder.model.remedy import RemedyStatus
from responder.model.service import Service

PEOPLE = "escalate"
"""No remedy: the plan leaves the mechanism to people."""
_MOST_TOLD = 12
_WORDS = {"rollback": "roll back", "restore_configuration": "restore of the configuration",
          "restore_database": "restore of the database", "restore_parameter_group": "restore of the parameter group",
          "restore_security_group": "restore of the security group", "scale_up": "scale up",
          "restart_pods": "restart of the pods", "cycle_deployment": "scale to nothing and back",
          "switch_provider": "switch of the provider", "engage_network_team": "task for the network team",
          "inform_customers": "message to customers", "inform_provider": "message to the provider",
          PEOPLE: "automatic repair"}
"""Each is followed by "of" and the component."""
_BROUGHT_BY = {"bad_release": ("rollout_just_before", "rollout_amid_it"), "unfit_workload": ("workload_changed",),
               "dns_policy": ("dns_policy_changed",), "wrong_database_settings": ("database_settings_changed",)}
"""A mechanism that a rollback undoes, to the observations of the change that brings it."""


@dataclass(frozen=True)
class Refusal:
    """A remedy of a named cause that is not proposed, and why."""

    action: str
    component: str
    cause: str
    mechanism: str
    reason: str
    """A sentence without a capital and a full stop."""


@dataclass(frozen=True)
class Considered:
    """A remedy that a mechanism has, before it is known whether it is proposed."""

    action: str
    component: str
    cause: str
    mechanism: str
    contested: bool
    """Whether a mechanism of the same cause that is nearly as likely has other remedies."""
    rivals: tuple[str, ...]
    """The other mechanisms of the same cause that are nearly as likely."""
    together: tuple[str, ...]
    """The remedies that are meant with this one, itself included."""


def words(action: str) -> str:
    """Return a remedy's name as people read it."""
    return _WORDS.get(action, action.replace("_", " "))


def not_done(record: IncidentRecord) -> list[str]:
    """Return a sentence for each remedy that an incident thought of and did not carry out.

    First those that were planned and then refused, or that nobody approved; then those that were not proposed.
    """
    told = [f"{remedy.summary or words(remedy.action)}: {remedy.reason or remedy.status}" for remedy in record.remedies
            if remedy.status in (RemedyStatus.REFUSED, RemedyStatus.REJECTED)]
    return list(dict.fromkeys([*told, *not_proposed(record)]))[:_MOST_TOLD]


def not_proposed(record: IncidentRecord) -> list[str]:
    """Return a sentence for each remedy of the cause that was named last which was not even planned."""
    planned = {(remedy.action, remedy.component) for remedy in record.remedies}
    return [f"{words(refusal.action)} of {refusal.component}: {refusal.reason}"
            for refusal in record.incident.not_proposed if (refusal.action, refusal.component) not in planned]


def against(service: Service, remedy: Considered, facts: Mapping[str, Any], findings: Sequence[Finding],
            tried: Sequence[tuple[str, str]], observed: frozenset[str], weights: Mapping[str, Any], *,
            early: bool) -> str:
    """Return why a remedy is not proposed; an empty text where it is.

    ``observed`` are the ids of all observations. ``early``: which of two mechanisms it is may show yet.
    """
    action, component = remedy.action, remedy.component
    if (action, component) in tried:
        return "it was carried out before, and the symptom stayed or came back"
    return (_unsuited(service, remedy, facts, findings, tried)
            or (_untold(remedy, facts, observed, weights, early) if remedy.contested else ""))


def _unsuited(service: Service, remedy: Considered, facts: Mapping[str, Any], findings: Sequence[Finding],
              tried: Sequence[tuple[str, str]]) -> str:
    """What speaks against a remedy whether or not its mechanism is the only one."""
    component, together = remedy.component, remedy.together
    match remedy.action:
        case "switch_provider" if not _alternative(service, facts["provider"], findings):
            return "no other provider is known to be up"
        case "scale_up" if together[0] == "restore_configuration" and facts["changes"]:
            return "what took the capacity away is put back instead"
        case "restore_configuration" if not facts["changes"] and "scale_up" in together:
            return "no change was seen that took the capacity away"
        case "cycle_deployment" if ("restart_pods", component) not in tried:
            return "it takes all pods away, and is a last resort after their restart"
        case "cycle_deployment" if _serves(component, findings):
            return f"pods of {component} serve, and it would take them away"
        case "restart_pods" if no_place(findings):
            return "no node is ready and open, so new pods would find no place"
        case "restore_security_group" if not {rule["group"] for rule in facts["revoked"]} & set(
                service.aws.security_groups):
            return "no rule is known to have been taken from a security group that it may change"
    return ""


def _untold(remedy: Considered, facts: Mapping[str, Any], observed: frozenset[str], weights: Mapping[str, Any],
            early: bool) -> str:
    """What speaks against a remedy of which it is not known whether its mechanism is the one."""
    rivals = " or ".join(rival.replace("_", " ") for rival in remedy.rivals)
    if remedy.action == PEOPLE:
        return f"whether it is {remedy.mechanism.replace('_', ' ')} or {rivals} is for people to find out"
    for rival in remedy.rivals:
        if remedy.action in weights["mechanisms"][rival].get("worsened_by", ()):
            return f"it would make it worse if it is {rival.replace('_', ' ')}, which is nearly as likely"
    brought = _BROUGHT_BY.get(remedy.mechanism, ())
    if remedy.action == "rollback" and not observed & set(brought):
        return "no change of the workload was seen that it would take back"
    if remedy.action in ("restore_configuration", "restore_parameter_group") and not facts["changes"]:
        return "no change was seen that it would put back"
    if early:
        return f"{rivals} is nearly as likely: the evidence is gathered once more before one of the two is acted upon"
    return ""


def no_place(findings: Sequence[Finding]) -> bool:
    """Whether no node is ready and open, so that new pods would find no place."""
    return any(f.name == "nodes" and (f.usable or f.status == "empty") and not set(f.detail.get("names", [])) - {
        *f.detail.get("not_ready", []), *f.detail.get("unschedulable", [])} for f in findings)


def _serves(component: str, findings: Sequence[Finding]) -> bool:
    """Whether any pod of a component is ready, or nobody can tell."""
    return not any(f.name == "pods" and f.usable and f.component == component and not f.detail.get("ready")
                   for f in findings)


def _alternative(service: Service, failing: str, findings: Sequence[Finding]) -> bool:
    """Whether there is another provider that is not known to be down; the remedy itself asks it once more."""
    down = {f.component.removeprefix("provider:") for f in findings if f.name == "health" and f.usable and f.value == 0}
    return any(provider.name not in down | {failing} for provider in service.providers)
