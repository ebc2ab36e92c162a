"""Which functions speak to which clusters, and by which of the groups of ``kubernetes/rbac.yaml``. No CDK is needed."""

from __future__ import annotations

from collections.abc import Sequence

from responder import sources
from responder.actions import find
from responder.model.service import Service
from stacks.elsewhere import is_elsewhere
from stacks.network import action_units, source_units


def groups_of(service: Service, services: Sequence[Service]) -> list[tuple[str, str, str]]:
    """Return the functions that speak to a service's cluster: (kind, function, Kubernetes group)."""
    units = [*(("source", unit, sources.load(unit.name).kubernetes_group) for unit in source_units(services)),
             *(("action", unit, find(unit.name).kubernetes_group) for unit in action_units(services))]
    return [(kind, unit.key, group) for kind, unit, group in units if group and service in unit.services]


def access_groups(services: Sequence[Service]) -> list[tuple[str, str, str, str]]:
    """Return the functions' access to clusters at home: (cluster, kind, function, Kubernetes group), each once."""
    return sorted({(service.cluster.name, *found) for service in services if not is_elsewhere(service)
                   for found in groups_of(service, services)})
