"""The service as its cluster shows it: the names of workloads and Services that the configuration leaves to be found.

Changes name objects. Where a chart or a tool has named a component's workload or Service in its own way, a change of it
is the component's all the same.
"""

from __future__ import annotations

from dataclasses import replace

from responder.model.evidence import Evidence
from responder.model.evidence.endpoints import Endpoints
from responder.model.evidence.pods import Pods
from responder.model.service import Component, Service


def as_found(service: Service, evidence: Evidence) -> Service:
    """Return the service with what was found in place of what its configuration does not say."""
    components = tuple(_found(component, evidence) for component in service.components)
    return service if components == service.components else replace(service, components=components)


def _found(component: Component, evidence: Evidence) -> Component:
    workload = next((finding.detail.workload for finding in evidence.of(Pods, component.name)), "")
    behind = next((finding.detail.service for finding in evidence.of(Endpoints, component.name)), "")
    # A name that is configured is kept: the Deployment that has the template of a Rollout is where people change it.
    kept = component.workload or workload.rpartition("/")[2] in ("", component.name)
    return replace(component, workload=component.workload if kept else workload,
                   service=component.service or (behind if behind != component.name else ""))
