"""Which remedies follow from a diagnosis, in which order, and what they need to know.

Facts of a remedy: ``healthy_versions`` {component: [versions]}, ``healthy_before`` [components], ``changes`` (those
that the mechanism is about), ``requests_per_second`` and ``served_per_pod`` {component: number}, ``provider``,
``connection_holder``, ``database_connections`` {used, maximum}, ``evidence``, ``where``, ``with`` (the other remedies),
``undoing`` (commands that undo what changed in AWS' network), ``revoked`` (rules that were taken from security groups:
group, direction, permissions), ``provider_calls`` {requests, errors, kinds, at}.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responder.model.finding import Finding, buckets, latest
from responder.model.service import Service
from responder.plan.changes import PARAMETER_GROUP, Change, in_effect
from responder.plan.diagnose import Diagnosis, Hypothesis
from responder.plan.observe import less_cpu, meaning, selects_others
from responder.plan.rates import upper_bound
from responder.plan.refusals import PEOPLE, Considered, Refusal, against
from responder.plan.symptom import period_seconds
from responder.plan.times import just_before, may_have_caused

_LATE_SECONDS = 50.0
WAIT = "wait"
"""No remedy: the cause is known to heal by itself, and anything else would make it worse."""
_KINDS = {"bad_configuration": ("ConfigMap",), "network_policy": ("NetworkPolicy",),
          "service_definition": ("Service",), "quota_exhausted": ("ResourceQuota", "LimitRange"),
          "lost_capacity": ("Deployment", "HorizontalPodAutoscaler"), "database_parameters": (PARAMETER_GROUP,)}
_RISK = {"engage_network_team": (False, 0), "scale_up": (False, 0), "restart_pods": (False, 0),
         "rollback": (False, 1), "restore_configuration": (False, 1), "restore_parameter_group": (False, 1),
         "restore_security_group": (False, 1), "switch_provider": (False, 1), "cycle_deployment": (False, 2),
         "restore_database": (True, 2)}
"""A remedy to whether it cannot be taken back, and its risk (0: low), as the remedies themselves declare them."""


@dataclass(frozen=True)
class Proposed:
    """A remedy that follows from one named cause."""

    action: str
    cause: str
    mechanism: str
    component: str
    confidence: float
    sources: tuple[str, ...]
    facts: dict[str, Any]
    contested: bool = False
    """Whether a mechanism of the same cause that is nearly as likely does not have it. Of such remedies one is applied
    at a time, and the next only where it did not help."""


@dataclass(frozen=True)
class Remedies:
    """What follows from a diagnosis: every remedy of every named cause is in one of the two."""

    proposed: tuple[Proposed, ...] = ()
    """In the order in which they are tried."""
    not_proposed: tuple[Refusal, ...] = ()

    def withheld(self, reason: str) -> Remedies:
        """Return the same with nothing proposed, for one reason."""
        return Remedies((), self.not_proposed + tuple(
            Refusal(p.action, p.component, p.cause, p.mechanism, reason) for p in self.proposed))


def propose(service: Service, diagnosis: Diagnosis, onset: float | None, findings: Sequence[Finding],
            weights: Mapping[str, Any], tried: Sequence[tuple[str, str]], *, early: bool = False) -> Remedies:
    """Return the remedies of all named causes, without those that were ``tried`` (action, component) before.

    Of mechanisms of one cause that are nearly as likely, the remedies of all are proposed: those that can be taken
    back first, of these the one that risks least, then that of the likelier mechanism. Where one of them heals by
    itself it is waited for. ``early``: it may show yet which of them it is, so what not all share is held back.
    """
    findings = latest(findings)
    found: list[Proposed] = []
    refused: list[Refusal] = []
    observed = frozenset(observation.id for observation in diagnosis.observations)
    for hypothesis in diagnosis.named:
        for remedy, of in _considered(service, hypothesis, diagnosis.close, onset, findings, weights):
            if any((p.action, p.component) == (remedy.action, remedy.component)
                   and (remedy.contested or p.mechanism == remedy.mechanism) for p in found):
                continue
            facts = _facts(service, of, onset, findings) | {"with": list(remedy.together)}
            reason = _waited_for(remedy, weights) or against(service, remedy, facts, findings, tried, observed,
                                                             weights, early=early)
            if not reason:
                found.append(Proposed(remedy.action, of.cause, of.mechanism, remedy.component, of.confidence,
                                      of.sources, facts, remedy.contested))
            if not reason and remedy.action == PEOPLE:
                reason = f"the responder has none for {remedy.mechanism.replace('_', ' ')}: it is left to people"
            if reason:
                refused.append(Refusal(remedy.action, remedy.component, of.cause, of.mechanism, reason))
    return Remedies(tuple(found), tuple(dict.fromkeys(refused)))


def _considered(service: Service, hypothesis: Hypothesis, close: Sequence[Hypothesis], onset: float | None,
                findings: Sequence[Finding], weights: Mapping[str, Any]) -> list[tuple[Considered, Hypothesis]]:
    """Return the remedies of a named hypothesis and of its rivals, in the order in which they are tried."""
    table = weights["mechanisms"]
    group = (hypothesis, *(rival for rival in close if rival.mechanism in hypothesis.rivals and (
        rival.cause, rival.component, rival.where) == (hypothesis.cause, hypothesis.component, hypothesis.where)))
    names = (hypothesis.mechanism, *hypothesis.rivals)
    heals = [name for name in names if WAIT in table[name]["remedies"]]
    shared = tuple(action for action in table[hypothesis.mechanism]["remedies"]
                   if all(action in table[name]["remedies"] for name in names))
    found = [(Considered(WAIT, hypothesis.component, hypothesis.cause, hypothesis.mechanism, False, (), (WAIT,)),
              hypothesis)] if heals else []
    for of in group:
        components = [mended(service, of, onset, findings)]
        if of.mechanism == "nodes_down":
            components += [name for name in _on_bad_nodes(service, findings) if name not in components]
        for action in (name for name in table[of.mechanism]["remedies"] if name != WAIT):
            contested = action not in shared
            if of is not hypothesis and not contested:
                continue  # it is the likelier mechanism's as well
            together = tuple(table[of.mechanism]["remedies"]) if contested else shared
            rivals = tuple(name for name in names if name != of.mechanism)
            found += [(Considered(action, component, of.cause, of.mechanism, contested, rivals, together), of)
                      for component in components]
    if len(names) > 1:
        found.sort(key=lambda item: _RISK.get(item[0].action, (False, 0)))
    return found


def _waited_for(remedy: Considered, weights: Mapping[str, Any]) -> str:
    """Why a remedy is not proposed where the cause, or one nearly as likely, heals by itself; else an empty text."""
    healing = next((name for name in (remedy.mechanism, *remedy.rivals)
                    if WAIT in weights["mechanisms"][name]["remedies"]), "")
    return (f"{healing.replace('_', ' ')}, which heals by itself, is as likely, and would be made worse: it is waited "
            "for") if healing and remedy.action != WAIT else ""


LONG_OUTAGE = "long_outage"
"""The mechanism of a message that no cause asks for, but the time."""


def long_outage(service: Service, onset: float | None, now: float, votes: Mapping[str, str],
                tried: Sequence[tuple[str, str]]) -> list[Proposed]:
    """Return the message to customers that is due by now, whatever the cause; nothing where they were told before.

    ``votes`` is how the sources confirmed the symptom: that is all that customers are told, and how sure it is.
    """
    sources = tuple(source for source, vote in votes.items() if vote == "outage")
    if onset is None or now - onset < service.recovery.long_outage_seconds or not sources or any(
            action == "inform_customers" for action, _ in tried):
        return []
    return [Proposed("inform_customers", "unknown", LONG_OUTAGE, service.entry, 1.0, sources, {"with": []})]


_OF_A_WORKLOAD = {"unfit_workload": "workload_changed", "dns_policy": "dns_policy_changed",
                  "wrong_database_settings": "database_settings_changed"}
"""A mechanism that comes by a change of a workload, to the observation of that change."""


def mended(service: Service, hypothesis: Hypothesis, onset: float | None, findings: Sequence[Finding]) -> str:
    """Return the component to be mended: the one that was changed, where it is not the one that cannot be reached."""
    wanted = _OF_A_WORKLOAD.get(hypothesis.mechanism)
    changes = [Change.from_json(item) for finding in findings if finding.name == "changes" and finding.usable
               for item in finding.detail.get("changes", [])] if wanted else []
    names = {change.name for change in changes if just_before(change, onset) and meaning(
        service, hypothesis.component, hypothesis.where, change) == wanted}
    changed = {component.name for component in service.components if component.deployment in names}
    return changed.pop() if len(changed) == 1 else hypothesis.component


def _on_bad_nodes(service: Service, findings: Sequence[Finding]) -> list[str]:
    """Return the components that have pods on nodes that are gone or not ready: such pods serve nobody."""
    bad = {node for finding in findings if finding.name == "nodes" and finding.usable
           for node in finding.detail.get("not_ready", [])}
    return [component.name for component in service.components for finding in findings
            if finding.name == "pods" and finding.usable and finding.component == component.name
            and (finding.detail.get("gone_nodes") or bad & set(finding.detail.get("unready_on", {})))]


def _facts(service: Service, hypothesis: Hypothesis, onset: float | None,
           findings: Sequence[Finding]) -> dict[str, Any]:
    rates, each = throughput(service, findings)
    holder = ""
    connections: dict[str, float] = {}
    for finding in findings:
        if finding.source == "rds" and finding.name == "waits" and finding.usable:
            clients = {name: load for name, load in finding.detail.get("clients", {}).items()
                       if not service.called(name) and name != "rdsadmin"}
            holder = max(clients, key=lambda name: clients[name], default="")
        if finding.source == "rds" and finding.name == "connections" and finding.usable:
            connections = {"used": finding.value or 0.0, "maximum": finding.detail.get("maximum") or 0}
    changed = rules_changed(onset, findings) if hypothesis.mechanism == "path_below" else []
    silent = any(f.name == "health" and f.usable and f.value == 0 and f.component == hypothesis.where for f in findings)
    return {"healthy_versions": healthy_versions(service, findings),
            "healthy_before": healthy_before(service, findings),
            "changes": _changes(service, hypothesis, onset, findings), "requests_per_second": rates,
            "served_per_pod": each, "connection_holder": holder, "database_connections": connections,
            "provider": hypothesis.where.removeprefix("provider:") if hypothesis.where.startswith("provider:") else "",
            "provider_silent": silent, "provider_calls": _provider_calls(hypothesis, findings),
            "where": hypothesis.where,
            "evidence": list(hypothesis.evidence_for),
            "undoing": undoing(changed),
            "revoked": [rule for rule in changed if rule["name"].startswith("Revoke")]}


def _provider_calls(hypothesis: Hypothesis, findings: Sequence[Finding]) -> dict[str, Any]:
    """What the failing provider's callers see of it: requests, errors, their kinds, and when."""
    for finding in findings:
        if finding.name != "calls" or not finding.usable or finding.component != hypothesis.component or (
                not hypothesis.where.startswith("provider:")):
            continue
        for host, seen in finding.detail.get("callees", {}).items():
            if hypothesis.where.removeprefix("provider:") in host and seen.get("errors"):
                return {"requests": seen.get("requests", 0.0), "errors": seen["errors"],
                        "kinds": dict(list(seen.get("kinds", {}).items())[:8]),
                        "at": finding.window.end if finding.window else None}
    return {}


_BACK = {"RevokeSecurityGroupIngress": "authorize-security-group-ingress",
         "RevokeSecurityGroupEgress": "authorize-security-group-egress",
         "AuthorizeSecurityGroupIngress": "revoke-security-group-ingress",
         "AuthorizeSecurityGroupEgress": "revoke-security-group-egress"}


def rules_changed(onset: float | None, findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the changes of security groups just before the onset, newest first: name, group, direction, permissions.

    ``permissions`` is as EC2's calls take it. Format: CloudTrail's ``requestParameters`` of RevokeSecurityGroupIngress
    and its like. What it does not tell (a rule named by its id alone) is left out.
    """
    found = []
    events = [event for finding in findings if finding.name == "trail" and finding.usable
              for event in finding.detail.get("events", [])]
    for event in sorted(events, key=lambda event: -float(event["at"])):
        parameters = event.get("parameters") or {}
        group, rules = parameters.get("groupId"), _items(parameters.get("ipPermissions"))
        if not group or not rules or event["name"] not in _BACK or not may_have_caused(onset, event["at"]):
            continue
        permissions = [{
            "IpProtocol": str(rule.get("ipProtocol", "-1")),
            **{name: rule[key] for name, key in (("FromPort", "fromPort"), ("ToPort", "toPort")) if key in rule},
            **{name: whom for name, whom in (
                ("IpRanges", [{"CidrIp": item["cidrIp"]} for item in _items(rule.get("ipRanges")) if "cidrIp" in item]),
                ("Ipv6Ranges", [{"CidrIpv6": item["cidrIpv6"]} for item in _items(rule.get("ipv6Ranges"))
                                if "cidrIpv6" in item]),
                ("PrefixListIds", [{"PrefixListId": item["prefixListId"]} for item in _items(rule.get("prefixListIds"))
                                   if "prefixListId" in item]),
                ("UserIdGroupPairs", [{"GroupId": item["groupId"]} for item in _items(rule.get("groups"))
                                      if "groupId" in item])) if whom}} for rule in rules]
        found.append({"name": event["name"], "group": str(group), "permissions": permissions,
                      "direction": "egress" if event["name"].endswith("Egress") else "ingress"})
    return found


def undoing(changed: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the AWS CLI's commands that undo changes of security groups, for people to run.

    Source: the CLI's page "authorize-security-group-ingress" and its like.
    """
    return [f"aws ec2 {_BACK[change['name']]} --group-id {shlex.quote(change['group'])} "
            f"--ip-permissions {shlex.quote(json.dumps(change['permissions']))}" for change in changed]


def _items(value: Any) -> list[Mapping[str, Any]]:
    items = value.get("items") if isinstance(value, Mapping) else value
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _changes(service: Service, hypothesis: Hypothesis, onset: float | None,
             findings: Sequence[Finding]) -> list[dict[str, Any]]:
    kinds = _KINDS.get(hypothesis.mechanism, ())
    newest = next((f for f in findings if f.name == "changes" and f.usable), None)
    if newest is None:
        return []
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for item in newest.detail.get("changes", []):
        change = Change.from_json(item)
        if change.kind not in kinds or not just_before(change, onset):
            continue
        if change.kind == "Deployment":
            fields = tuple(f for f in change.fields if f["path"] == ["replicas"] or less_cpu(f))
            if change.name != service.component(hypothesis.component).deployment or not fields:
                continue
            item = item | {"fields": list(fields)}
        if change.kind == "NetworkPolicy" and selects_others(service, hypothesis.component, hypothesis.where, change,
                                                             findings):
            continue
        if change.kind == PARAMETER_GROUP:
            item = item | {"fields": _merged(found.get((change.kind, change.name), {}).get("fields", ()), change)}
            if not item["fields"]:
                continue
        if change.kind == "Service" and change.name not in {component.name for component in service.components}:
            continue
        found[change.kind, change.name] = item
    return list(found.values())


def _merged(earlier: Sequence[Mapping[str, Any]], change: Change) -> list[Mapping[str, Any]]:
    """Return the parameters that changed, each from before its first change to after its last."""
    fields = {tuple(item["path"]): item for item in earlier}
    for item in change.fields if change.what == "changed" else ():
        first = fields.get(tuple(item["path"]), item)
        if in_effect(item):
            told = {"before": first.get("before"), "after": item.get("after")}
            fields[tuple(item["path"])] = {"path": item["path"],
                                           **{key: value for key, value in told.items() if value is not None}}
    return list(fields.values())


def healthy_versions(service: Service, findings: Sequence[Finding]) -> dict[str, list[str]]:
    """Return per component the versions that served enough requests before the symptom, and served them well."""
    found: dict[str, set[str]] = {}
    for finding in findings:
        if finding.name == "error_rate_by_version" and finding.usable:
            for version, (requests, errors) in finding.detail.get("baseline", {}).items():
                if _served_well(service, requests, errors):
                    found.setdefault(finding.component, set()).add(version)
    return {component: sorted(versions) for component, versions in found.items()}


def healthy_before(service: Service, findings: Sequence[Finding]) -> list[str]:
    """Return the components that served well before the symptom, by any source of requests."""
    found = set()
    for finding in findings:
        if finding.name == "error_rate" and finding.usable and _served_well(
                service, finding.detail.get("baseline_requests", 0.0), finding.detail.get("baseline_errors", 0.0)):
            found.add(finding.component)
    return sorted(found)


def _served_well(service: Service, requests: float, errors: float) -> bool:
    return (requests >= 10 * service.confirm.minimum_requests
            and upper_bound(errors, requests) < service.confirm.error_rate)


def throughput(service: Service, findings: Sequence[Finding]) -> tuple[dict[str, float], dict[str, float]]:
    """Return per component the requests a second that come now, and those a second that one ready pod serves well.

    Both are the most of the newest whole periods, of which two at least: a load that has just risen is hidden by the
    mean, and what a pod can do shows only while it has more to do than that.
    """
    pods = {f.component: f.detail.get("ready", 0) for f in findings if f.name == "pods" and f.usable}
    comes: dict[str, float] = {}
    each: dict[str, float] = {}
    for finding in sorted((f for f in findings if f.name == "error_rate" and f.usable and f.window),
                          key=lambda f: (f.window.end if f.window else 0.0, f.source)):
        end = finding.window.end if finding.window else 0.0
        series = buckets(finding)
        period = period_seconds(series)
        late = [b for b in series if end - max(_LATE_SECONDS, 3 * period) <= b.start <= end - period]
        if len(late) < 2:
            continue
        comes[finding.component] = max(b.requests for b in late) / period
        if pods.get(finding.component):
            each[finding.component] = max(b.requests - b.errors for b in late) / period / pods[finding.component]
    # A component that is given less than it asks for asks for as much as its callers let through to it.
    return comes, each
