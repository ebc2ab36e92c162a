"""Objects that several services share: one incident remediates such an object for all, the others watch."""

from __future__ import annotations

from collections.abc import Iterable

from responder.model.service import Service

OF_NEIGHBOURS = frozenset({"lease", "neighbour"})
"""Guardrails that refuse a remedy because another incident sees to the same object."""
_OF_AN_ACCOUNT = frozenset({"rds", "parameter-group", "security-group"})
"""Kinds of targets that are AWS's: any service of the account and the Region may depend on one."""
_OF_A_CLUSTER = frozenset({"node"})


def object_of(service: Service, target: str) -> str:
    """Return the object that a remedy changes, by one name for all services that share it.

    ``target`` is as the remedy names it: ``rds/payments-db``, ``node/n1``, ``deployment/backend``.
    """
    kind, cluster = target.partition("/")[0], service.cluster
    if kind in _OF_AN_ACCOUNT:
        return f"aws/{service.aws.account}/{service.aws.region}/{target}"
    if kind in _OF_A_CLUSTER:
        return f"{cluster.name}/{target}"
    return f"{cluster.name}/{cluster.namespace}/{target}"


def is_shared(target: str) -> bool:
    """Whether several services may depend on what a remedy changes."""
    return target.partition("/")[0] in _OF_AN_ACCOUNT | _OF_A_CLUSTER


def leads(place: str) -> str:
    """Return the lease of the incident that leads those whose cause lies at a place."""
    return f"common/{place}"


def tells_customers(place: str, service: Service) -> str:
    """Return the lease of the incident that tells customers for all whose cause lies at a place.

    Those who read another status page hear of their own incident.
    """
    page = service.statuspage.page if service.statuspage else "no page"
    return f"customers/{page}/{place}"


def keeps(lease: str, others: Iterable[tuple[str, bool]]) -> bool:
    """Whether an incident keeps its lease on an object although this remedy may not change it.

    ``others`` are its other remedies: the lease of each, and whether it may have run. What one of them changed is still
    watched, and may have to be undone.
    """
    return any(held == lease and may_have_run for held, may_have_run in others)
