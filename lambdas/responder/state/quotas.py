"""Which ResourceQuota refuses what (Kubernetes: "Resource Quotas").

What is said: ``exceeded quota: NAME, requested: A=1, used: A=2, limited: A=2`` names only the resources that are
exceeded; ``failed quota: NAME: must specify limits.cpu`` a pod that asks for nothing where a quota wants an amount.
What is seen: a quota has no room for what a workload lacks.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from responder.model.evidence.problems import Severity
from responder.state.admission import Quota
from responder.state.basics import Ref
from responder.state.found import Found
from responder.state.misaddressed import wrong
from responder.state.needs import needs
from responder.state.refusals import refusals
from responder.state.resolving import unresolved
from responder.state.state import State
from responder.state.trouble import hurt, short
from responder.state.workloads import Workload

_EXCEEDED = re.compile(r"exceeded quota: (?P<quota>[^,]+), requested: (?P<asked>\S+), used: (?P<used>\S+), "
                       r"limited: (?P<hard>\S+)")
_UNSAID = re.compile(r"failed quota: (?P<quota>[^:]+): must specify (?P<asked>.+)")
_NO_ROOM = re.compile(r"insufficient quota to consume: (?P<asked>\S+)")
_EDGE = 1e-9
"""Amounts are compared as floats."""


def group(resource: str) -> str:
    """Return what a quota's resource is of: ``cpu``, ``memory``, ``pods``, ``services``, ``storage``, ``other``."""
    name = resource.removeprefix("count/")
    if "storage" in name or name == "persistentvolumeclaims":
        return "storage"
    if name.rpartition(".")[2] in ("cpu", "memory"):
        return name.rpartition(".")[2]
    if name.startswith("hugepages-"):
        return "memory"
    return {"pods": "pods"}.get(name) or ("services" if name.partition(".")[0] == "services" else "other")


def excesses(state: State, kind: str) -> Iterator[Found]:
    """Yield the namespaces in which no more of a kind of resource (``group``) is to be had: by what is said; else by
    what a workload lacks and a quota has no room for; else, as a mere risk, where a quota is used up.
    """
    told: dict[str, list[tuple[Ref, str, float]]] = defaultdict(list)
    for refusal in refusals(state):
        if kind in _kinds(refusal.message):
            told[refusal.top.namespace].append((refusal.top, refusal.message, refusal.since))
    for namespace, said in sorted(told.items()):
        yield _said(state, namespace, kind, said)
    for quota in sorted(state.quotas, key=lambda one: one.ref):
        if quota.ref.namespace not in told:
            yield from _seen(state, quota, kind)


def _kinds(message: str) -> set[str]:
    found = _EXCEEDED.search(message)
    if found is not None:
        return {group(part.partition("=")[0]) for part in found["asked"].split(",")}
    missing = _UNSAID.search(message) or _NO_ROOM.search(message)
    if missing is None:
        return set()
    return {group(name) for name in re.split(r"[\s,]+", _before_names(missing["asked"])) if name}


def _before_names(asked: str) -> str:
    """Since Kubernetes 1.25 each resource is followed by the containers that it is missing in."""
    return " ".join(part.partition(" for: ")[0] for part in asked.split(";"))


def _said(state: State, namespace: str, kind: str, said: list[tuple[Ref, str, float]]) -> Found:
    top, message, since = max(said, key=lambda one: (one[2], one[1]))
    tops = {ref for ref, *_ in said}
    names = ", ".join(sorted({ref.name for ref in tops}))
    severity: Severity = "stops" if any(hurt(state, ref) == "stops" for ref in tops) else "lessens"
    found = _EXCEEDED.search(message)
    if found is None:
        return Found(
            f"namespace/{namespace}", f"a quota of namespace {namespace} wants an amount of {kind} that {names} does "
            "not name: its pods are refused", severity, "said", tuple(sorted(ref.name for ref in tops)), message,
            f"name requests and limits of {kind} in {top}, or give the namespace a LimitRange with defaults", since)
    return Found(
        f"namespace/{namespace}", f"namespace {namespace} has used up its quota of {kind} ({found['quota']}: "
        f"{found['used']} of {found['hard']}): what {names} needs is refused", severity, "said",
        tuple(sorted(ref.name for ref in tops)), message,
        f"raise quota {found['quota']}, or let {names} or others in the namespace ask for less", since)


def _seen(state: State, quota: Quota, kind: str) -> Iterator[Found]:
    namespace = quota.ref.namespace
    full = {name: (quota.used.get(name, 0.0), hard) for name, hard in quota.hard.items() if group(name) == kind}
    refused = {refusal.top for refusal in refusals(state)}
    for name, (used, hard) in sorted(full.items()):
        short_of_it = sorted(one.name for one in _without(state, namespace, kind, name, used, hard, refused))
        said = f"{quota.meta.ref.name}: {name} used {used:g} of {hard:g}"
        if short_of_it:
            names = ", ".join(short_of_it)
            yield Found(
                f"namespace/{namespace}",
                f"the quota of {name} in namespace {namespace} has no room for what {names} lacks", "stops", "seen",
                tuple(short_of_it), said, f"raise quota {quota.ref.name}, or ask for less", 0.0)
            return
    for name, (used, hard) in sorted(full.items()):
        if hard > 0 and used >= hard - _EDGE:
            yield Found(
                f"namespace/{namespace}",
                f"the quota of {name} in namespace {namespace} is used up: what is new is refused", "risks", "seen",
                (), f"{quota.ref.name}: {name} used {used:g} of {hard:g}", f"raise quota {quota.ref.name}", 0.0)
            return


def _without(state: State, namespace: str, kind: str, resource: str, used: float, hard: float,
             refused: set[Ref]) -> set[Ref]:
    """Workloads that lack what this quota has no room for, and of which nobody says another reason."""
    if kind == "services":
        return _unserved(state, namespace) if used >= hard - _EDGE else set()
    found = set()
    for workload in state.workloads:
        top = state.top(workload.ref)
        if workload.ref.namespace != namespace or top is None or top in refused or workload.ref.kind == "Job":
            continue
        if workload.wanted is not None and short(workload) and workload.there < workload.wanted and (
                used + _need(workload, resource, kind) > hard + _EDGE):
            found.add(top)
    return found


def _need(workload: Workload, resource: str, kind: str) -> float:
    """What one more pod takes of a quota's resource."""
    if kind == "pods":
        return 1.0
    if kind in ("cpu", "memory"):
        return needs(workload.template, kind, limits=resource.startswith("limits."))
    return 1.0 if kind == "storage" and workload.claims and resource.endswith("persistentvolumeclaims") else 0.0


def _unserved(state: State, namespace: str) -> set[Ref]:
    """Workloads that others call by a Service that is not there; where no workload has its name, those who call."""
    if not state.lists("Service", namespace) and not state.services:
        return set()
    callers: dict[Ref, set[Ref]] = defaultdict(set)
    for one in wrong(state):
        if one.fault == "missing" and one.at_service:
            callers[one.given.target.ref].add(one.given.owner)
    for name in unresolved(state):
        if name.missing:
            callers[name.ref] |= set(name.callers)
    for ref in (*state.gone, *(Ref("Service", namespace, one) for called in state.calls.values() for one in called)):
        callers[ref] |= set()
    named = {one.ref.name: one.ref for one in state.apps if one.ref.namespace == namespace}
    served = {one.ref for service in state.services for one in state.behind(service)}
    there = {service.ref for service in state.services}
    found: set[Ref] = set()
    for ref, who in callers.items():
        if ref.kind == "Service" and ref.namespace == namespace and ref not in there:
            found |= {named[ref.name]} - served if ref.name in named else who
    return found
