"""What a change may have done to one failure mode: a component, and where its failures arise.

The change ledger tells what changed; this says whether it bears on the failures, and as what.
"""

from __future__ import annotations

from enum import StrEnum

from responder.model.change import ABSENT, PARAMETER_GROUP, Change, FieldChange
from responder.model.evidence import Evidence
from responder.model.evidence.pods import Pods
from responder.model.quantity import quantity
from responder.model.service import Service
from responder.model.writers import by_controller
from responder.plan.changes import in_effect
from responder.plan.workload_kinds import WORKLOAD_KINDS


class Effect(StrEnum):
    """What a change is for a failure mode; all but ``RELEASE`` are kinds of signals of the same id."""

    RELEASE = "release"
    """A new image: the source of rollouts tells it better."""
    CONFIGURATION = "configuration_changed"
    WORKLOAD = "workload_changed"
    PRIORITY = "priority_changed"
    DATABASE_SETTINGS = "database_settings_changed"
    DATABASE_PARAMETERS = "database_parameters_changed"
    DNS_POLICY = "dns_policy_changed"
    FEWER_REPLICAS = "replicas_reduced"
    LESS_CPU = "cpu_limit_reduced"
    NETWORK_POLICY = "network_policy_changed"
    SERVICE = "service_changed"
    QUOTA = "quota_changed"
    AUTOSCALER = "autoscaler_changed"
    NODE = "node_changed"


_OF_KIND = {"NetworkPolicy": Effect.NETWORK_POLICY, "ResourceQuota": Effect.QUOTA, "LimitRange": Effect.QUOTA,
            "HorizontalPodAutoscaler": Effect.AUTOSCALER, "ScaledObject": Effect.AUTOSCALER, "Node": Effect.NODE}
"""Kinds of objects that bear on every failure mode."""
_DATABASE_VARIABLES = ("DB_", "DATABASE", "POSTGRES", "PGHOST", "PGUSER", "PGPASS", "MYSQL", "JDBC", "DSN")
"""Parts of the names of variables that lead to the database, as most programs name them."""


def effect_of(service: Service, component: str, where: str, change: Change) -> Effect | None:
    """Return what a change is for a component's failures that arise ``where``; None: it has nothing to do with them.

    What a controller made is the consequence of something else.
    """
    touched = _touched(service, component, where)
    if by_controller(change):
        return None
    if change.kind in WORKLOAD_KINDS:
        return _of_workload(service, change) if change.name in touched and change.what == "changed" else None
    if change.kind == "ConfigMap":
        # A ConfigMap that only other components read breaks them alone, and one of them is then at fault.
        others = {other.deployment for other in service.components} - touched
        bears = not change.readers or not set(change.readers) <= others
        return Effect.CONFIGURATION if bears and change.what != "created" else None
    if change.kind == PARAMETER_GROUP:
        return Effect.DATABASE_PARAMETERS if where == "database" and any(
            in_effect(field) for field in change.fields) else None
    if change.kind == "Service":
        return Effect.SERVICE if change.name in touched else None
    if change.kind == "Canary":
        # Of what Flagger is told only the way of the requests bears on what serves now.
        return Effect.SERVICE if change.name in touched and change.touches("service") else None
    return _OF_KIND.get(change.kind)


def _touched(service: Service, name: str, where: str) -> set[str]:
    """Return the components at the ends of the calls that fail, their workloads and their Services."""
    names = {name}
    if where in service.graph:
        names.add(where)
    if where == "reach":
        names |= {caller for caller, called in service.graph.items() if name in called}
    components = [service.component(each) for each in names]
    return names | {component.deployment for component in components} | {
        component.service for component in components if component.service}


def _of_workload(service: Service, change: Change) -> Effect | None:
    template = ("template", "spec")
    if change.touches(*template, "dnsPolicy") or change.touches(*template, "dnsConfig"):
        return Effect.DNS_POLICY
    if any("image" in field.path for field in change.fields):
        return Effect.RELEASE
    if any(_fewer(field) for field in change.fields):
        return Effect.FEWER_REPLICAS
    if any(less_cpu(field) for field in change.fields):
        return Effect.LESS_CPU
    if any(_sets_database(field) for field in change.fields):
        return Effect.DATABASE_SETTINGS
    if change.touches(*template, "priorityClassName") and all(
            "priorityClassName" in field.path for field in change.fields if "template" in field.path):
        return Effect.PRIORITY
    return Effect.WORKLOAD if change.touches("template") else None


def selects_others(service: Service, component: str, where: str, change: Change, evidence: Evidence) -> bool:
    """Whether a NetworkPolicy that is there is known to select no pod at either end of the calls that fail."""
    if change.what == "deleted" or change.touches("podSelector"):
        return False
    ends = {component} | ({where} & service.graph.keys())
    if where == "reach":
        ends |= {caller for caller, called in service.graph.items() if component in called}
    known = {finding.component: finding.detail.policies for finding in evidence.of(Pods)}
    lists = [known.get(end) for end in ends]
    return all(names is not None and not {change.name, "…"} & set(names) for names in lists)


def of_a_caller_alone(service: Service, component: str, change: Change, evidence: Evidence) -> bool:
    """Whether a change is one of a caller's workload, while no pod of the component itself stays up.

    Nothing that a caller runs with ends the pods that it calls, before they answer anybody.
    """
    own = service.component(component)
    return change.kind in WORKLOAD_KINDS and change.name not in {component, own.deployment} and any(
        not finding.detail.ready and finding.detail.wanted > 0 and "CrashLoopBackOff" in finding.detail.waiting
        for finding in evidence.of(Pods, component))


def less_cpu(field: FieldChange) -> bool:
    """Whether a change of one field takes CPU from a container: a lower limit throttles it (Kubernetes: "Resource
    Management for Pods and Containers")."""
    if field.path[-2:] != ("limits", "cpu") or field.after is ABSENT:
        return False
    return quantity(field.after) < quantity("inf" if field.before is ABSENT else field.before)


def _fewer(field: FieldChange) -> bool:
    return (field.path == ("replicas",) and isinstance(field.before, int) and isinstance(field.after, int)
            and field.after < field.before)


def _sets_database(field: FieldChange) -> bool:
    """Whether a change sets a variable of the way to the database."""
    path = [str(part).upper() for part in field.path]
    return "ENV" in path and any(word in part for part in path[path.index("ENV"):] for word in _DATABASE_VARIABLES)
