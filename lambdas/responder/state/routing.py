"""How requests find pods. Formats: the Kubernetes API reference (Service, Endpoints, EndpointSlice, NetworkPolicy and
Ingress v1), Istio's reference (VirtualService, DestinationRule and Gateway).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from responder.state.basics import Json, Meta, Ref, Selector, texts


class ServicePort(NamedTuple):
    """A port of a Service."""

    name: str
    number: int
    target: str
    """A number, or the name of a container's port."""
    protocol: str
    """``TCP``, ``UDP`` or ``SCTP``."""
    app_protocol: str
    """Empty: not said."""
    node_port: int = 0


class Service(NamedTuple):
    """A Service."""

    meta: Meta
    selector: Mapping[str, str]
    """Empty: somebody else writes its addresses."""
    ports: tuple[ServicePort, ...]
    kind: str
    """``ClusterIP``, ``NodePort``, ``LoadBalancer`` or ``ExternalName``."""
    address: str
    """Its cluster IP; ``None``: it is headless; empty: not known."""
    external_name: str = ""

    @classmethod
    def of(cls, item: Json) -> Service:
        """Read a Service."""
        spec = item.get("spec") or {}
        return cls(
            Meta.of(item, "Service"), texts(spec.get("selector")),
            tuple(ServicePort(
                str(port.get("name") or ""), int(port.get("port") or 0),
                str(port.get("targetPort") or port.get("port") or ""), str(port.get("protocol") or "TCP"),
                str(port.get("appProtocol") or ""), int(port.get("nodePort") or 0))
                for port in spec.get("ports") or ()),
            str(spec.get("type") or "ClusterIP"), str(spec.get("clusterIP") or ""),
            str(spec.get("externalName") or ""))

    @property
    def ref(self) -> Ref:
        """The Service, by name."""
        return self.meta.ref


class Endpoints(NamedTuple):
    """The addresses behind a Service."""

    service: Ref
    ready: tuple[str, ...]
    """IP addresses that take requests."""
    not_ready: tuple[str, ...]
    ports: tuple[int, ...]
    """Port numbers at these addresses."""

    @classmethod
    def of(cls, item: Json) -> Endpoints:
        """Read Endpoints, or an EndpointSlice."""
        meta = Meta.of(item, "Endpoints")
        name = meta.labels.get("kubernetes.io/service-name", meta.ref.name)
        service = Ref("Service", meta.ref.namespace, name)
        if "endpoints" in item or item.get("kind") == "EndpointSlice":
            ready: list[str] = []
            other: list[str] = []
            for one in item.get("endpoints") or ():
                serves = (one.get("conditions") or {}).get("ready") is not False
                (ready if serves else other).extend(map(str, one.get("addresses") or ()))
            return cls(service, tuple(ready), tuple(other),
                       tuple(int(port.get("port") or 0) for port in item.get("ports") or ()))
        subsets = item.get("subsets") or ()
        return cls(
            service, tuple(str(one.get("ip", "")) for part in subsets for one in part.get("addresses") or ()),
            tuple(str(one.get("ip", "")) for part in subsets for one in part.get("notReadyAddresses") or ()),
            tuple(int(port.get("port") or 0) for part in subsets for port in part.get("ports") or ()))


class Rule(NamedTuple):
    """What one rule of a NetworkPolicy lets through."""

    peers: tuple[Selector, ...]
    """Pods of the same namespace; empty: see ``anyone`` and ``elsewhere``."""
    anyone: bool
    """Whether it names nobody, and so lets everybody through."""
    elsewhere: bool
    """Whether it (also) names namespaces or addresses."""
    ports: tuple[str, ...]
    """Numbers or names; empty: all."""


class Policy(NamedTuple):
    """A NetworkPolicy."""

    meta: Meta
    pods: Selector
    """Whom it is for; empty: all pods of the namespace."""
    ingress: tuple[Rule, ...] | None
    """None: it says nothing of what comes in."""
    egress: tuple[Rule, ...] | None

    @classmethod
    def of(cls, item: Json) -> Policy:
        """Read a NetworkPolicy."""
        spec = item.get("spec") or {}
        kinds = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
        return cls(Meta.of(item, "NetworkPolicy"), Selector.of(spec.get("podSelector")),
                   _rules(spec.get("ingress"), "from") if "Ingress" in kinds else None,
                   _rules(spec.get("egress"), "to") if "Egress" in kinds else None)


def _rules(items: list[Json] | None, side: str) -> tuple[Rule, ...]:
    rules = []
    for item in items or ():
        peers = item.get(side) or ()
        pods = tuple(Selector.of(peer["podSelector"]) for peer in peers
                     if "podSelector" in peer and "namespaceSelector" not in peer)
        rules.append(Rule(pods, not peers, len(pods) < len(peers),
                          tuple(str(port.get("port") or "") for port in item.get("ports") or ())))
    return tuple(rules)


class Route(NamedTuple):
    """Where an Ingress, an HTTPRoute or a mesh's VirtualService sends requests."""

    meta: Meta
    hosts: tuple[str, ...]
    targets: tuple[tuple[str, str, str], ...]
    """Service (or host), port (number or name; empty: not said) and subset (empty: none)."""

    @classmethod
    def of(cls, item: Json) -> Route:
        """Read an Ingress, an HTTPRoute or a VirtualService."""
        spec = item.get("spec") or {}
        targets: list[tuple[str, str, str]] = []
        hosts = list(map(str, spec.get("hosts") or spec.get("hostnames") or ()))
        backends = [spec.get("defaultBackend") or {}]
        for rule in spec.get("rules") or ():
            hosts += [str(rule["host"])] if rule.get("host") else []
            backends += [path.get("backend") or {} for path in (rule.get("http") or {}).get("paths") or ()]
            targets += [(str(one.get("name", "")), str(one.get("port") or ""), "")
                        for one in rule.get("backendRefs") or ()]
        for backend in backends:
            service = backend.get("service") or {}
            if service:
                port = service.get("port") or {}
                targets.append((str(service.get("name", "")), str(port.get("number") or port.get("name") or ""), ""))
        for kind in ("http", "tcp", "tls"):
            for rule in spec.get(kind) or ():
                for one in rule.get("route") or ():
                    to = one.get("destination") or {}
                    targets.append((str(to.get("host", "")), str((to.get("port") or {}).get("number") or ""),
                                    str(to.get("subset") or "")))
        return cls(Meta.of(item), tuple(hosts), tuple(targets))


class Subsets(NamedTuple):
    """What a mesh's DestinationRule makes of a Service."""

    meta: Meta
    host: str
    names: tuple[str, ...]
    """Of its subsets, which a route may name."""

    @classmethod
    def of(cls, item: Json) -> Subsets:
        """Read a DestinationRule."""
        spec = item.get("spec") or {}
        return cls(Meta.of(item, "DestinationRule"), str(spec.get("host") or ""),
                   tuple(str(one.get("name", "")) for one in spec.get("subsets") or ()))
