"""Which Service stands in front of a component's pods, and what stands behind it.

Formats: the Kubernetes API reference (Service v1, EndpointSlice v1, Endpoints v1), its page "EndpointSlices".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from responder.clients.kubernetes import Kubernetes
from responder.clients.owners import Workload
from responder.model.evidence import Finding
from responder.model.evidence.endpoints import Endpoints
from responder.model.service import Component
from responder.sources import Query
from responder.sources.kubernetes.live import Live
from responder.sources.kubernetes.objects import Pod, labels_of, listening
from responder.sources.kubernetes.read import optional

_OF_SERVICE = "kubernetes.io/service-name"
_LABEL = "app.kubernetes.io/name"
_SLICES = 5_000


@dataclass(frozen=True)
class ClusterService:
    """A Service."""

    name: str
    label: str
    """Its label ``app.kubernetes.io/name``."""
    selector: dict[str, str]
    ports: tuple[tuple[int | str | None, int | str | None], ...]
    """[port, target port]."""
    headless: bool
    """Whether it has no address of its own: StatefulSets have one such for their pods' names."""
    elsewhere: bool
    """Whether it is another host's name (``ExternalName``), behind which nothing stands here."""

    @classmethod
    def of(cls, item: dict[str, Any]) -> ClusterService:
        """Read a Service."""
        spec, metadata = item.get("spec") or {}, item["metadata"]
        return cls(metadata["name"], str((metadata.get("labels") or {}).get(_LABEL, "")), spec.get("selector") or {},
                   tuple((port.get("port"), port.get("targetPort", port.get("port")))
                         for port in spec.get("ports") or []), spec.get("clusterIP") == "None",
                   spec.get("type") == "ExternalName")

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether its selector selects pods with these labels."""
        return bool(self.selector) and all(labels.get(key) == value for key, value in self.selector.items())


@dataclass(frozen=True)
class Addresses:
    """What stands behind a Service."""

    ready: int = 0
    not_ready: int = 0


@dataclass(frozen=True)
class Services:
    """The Services of a namespace, and what stands behind them."""

    every: tuple[ClusterService, ...]
    addresses: dict[str, Addresses] | None
    """By the Service's name; None: they could not be read."""


def read(api: Kubernetes, namespace: str, live: Live) -> Services | None:
    """Return the Services of a namespace; None where they may not be read. Raises CallFailed."""
    services = optional(api, ("api/v1",), "services", namespace, live.kept("Service", ClusterService.of))
    if services is None:
        return None
    live.listed("Service", namespace)
    slices = optional(api, ("apis/discovery.k8s.io/v1",), "endpointslices", namespace,
                      live.kept("EndpointSlice", _slice), _SLICES)
    if slices is not None:
        return Services(tuple(services), _joined(slices))
    # Before Kubernetes 1.21, or where the rights are of before.
    old = optional(api, ("api/v1",), "endpoints", namespace, live.kept("Endpoints", _endpoints))
    return Services(tuple(services), None if old is None else dict(old))


_Slice = tuple[str, str, dict[str, bool]]
"""The Service's name, the kind of address, and address to whether it is ready."""


def _slice(item: dict[str, Any]) -> _Slice:
    """Read an EndpointSlice; an unknown condition ``ready`` is to be taken as true (API reference)."""
    found: dict[str, bool] = {}
    for endpoint in item.get("endpoints") or []:
        ready = (endpoint.get("conditions") or {}).get("ready") is not False
        for address in (endpoint.get("addresses") or [])[:1]:
            found[address] = ready
    return (item["metadata"].get("labels") or {}).get(_OF_SERVICE, ""), str(item.get("addressType", "")), found


def _joined(slices: Iterable[_Slice]) -> dict[str, Addresses]:
    """Return what stands behind each Service.

    An endpoint may be in two slices for a moment, and has one slice for each kind of address.
    """
    by_service: dict[str, dict[str, dict[str, bool]]] = defaultdict(lambda: defaultdict(dict))
    for service, kind, addresses in slices:
        for address, ready in addresses.items():
            kept = by_service[service][kind]
            kept[address] = kept.get(address, False) or ready
    found = {}
    for service, kinds in by_service.items():
        most = max(kinds.values(), key=len)
        found[service] = Addresses(sum(most.values()), len(most) - sum(most.values()))
    return found


def _endpoints(item: dict[str, Any]) -> tuple[str, Addresses]:
    """Read Endpoints."""
    subsets = item.get("subsets") or []
    return item["metadata"]["name"], Addresses(
        sum(len(subset.get("addresses") or []) for subset in subsets),
        sum(len(subset.get("notReadyAddresses") or []) for subset in subsets))


def finding(query: Query, component: Component, workload: Workload, pods: list[Pod],
            services: Services | None) -> Finding[Endpoints]:
    """Return what stands behind a component's Service; a component without one has no observation."""
    command = f"kubectl -n {workload.ref.namespace} get service,endpointslices"
    if services is None:
        return Finding(source="kubernetes", component=component.name, window=query.window, status="unauthorized",
                       query=command, detail=Endpoints(), note="the Services may not be read")
    service, how = _in_front(component, workload, services.every)
    if service is not None and service.elsewhere:
        return Finding(source="kubernetes", component=component.name, window=query.window, status="empty",
                       query=command, detail=Endpoints(), note=f"Service {service.name} is another host's name")
    if service is None and not component.service:
        return Finding(source="kubernetes", component=component.name, window=query.window, status="empty",
                       query=command, detail=Endpoints(), note=f"no Service selects the pods of {workload.ref}, and "
                       "none has its name: what nobody calls needs none")
    name = service.name if service else component.service
    known = None if services.addresses is None else services.addresses.get(name, Addresses())
    behind = known or Addresses()
    ports = service.ports if service else ()
    declared = listening(workload)
    selects = sum(service.selects(pod.labels) for pod in pods if not pod.leaving) if service else 0
    return Finding(
        source="kubernetes", component=component.name, window=query.window, unit="addresses",
        value=None if known is None else float(behind.ready), query=f"{command} {name}",
        note=how if known is not None else "what stands behind the Service may not be read",
        detail=Endpoints(
            exists=service is not None, ready=behind.ready, not_ready=behind.not_ready, ports=ports, service=name,
            # Whoever leaves the selector out writes the addresses himself.
            selects=selects if service is None or service.selector else behind.ready + behind.not_ready,
            # What containers declare is for information: where an address is ready, its port is there.
            fits=bool(behind.ready) or known is None or not declared or all(
                target in declared for _, target in ports)))


def _in_front(component: Component, workload: Workload,
              services: tuple[ClusterService, ...]) -> tuple[ClusterService | None, str]:
    """Return the Service in front of a workload, and how it was found where that is not by its name.

    The configuration names it; else it has the component's or the workload's name, whatever it selects; else it
    selects the workload's pods; else it has the component's label.
    """
    if component.service:
        return next((service for service in services if service.name == component.service), None), ""
    names = (component.name, component.deployment, workload.ref.name)
    for service in services:
        if service.name in names:
            return service, ""
    labels = labels_of(workload)
    selecting = sorted((service for service in services if service.selects(labels)),
                       key=lambda service: (service.headless, service.name))
    if selecting:
        others = ", ".join(service.name for service in selecting[1:3])
        return selecting[0], "found by its selector" + (f", as {others}" if others else "")
    labelled = [service for service in services if service.label == component.name]
    return (labelled[0], f"found by its label {_LABEL}") if len(labelled) == 1 else (None, "")
