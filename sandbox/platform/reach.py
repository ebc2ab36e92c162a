"""Which pods a connection reaches: Services and their endpoints, NetworkPolicies, DNS policy.

Sources: Kubernetes' pages "Service", "Network Policies" and "DNS for Services and Pods".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.places import NAMESPACE
from sandbox.platform.cluster import Object
from sandbox.platform.versions import app_of, component_of


@dataclass
class Snapshot:
    """The objects that decide how requests flow, as they are right now."""

    pods: Sequence[Object]
    endpoints: Mapping[str, Object]
    """Service to its addresses, as ``addresses`` gives them."""
    services: Mapping[str, Object]
    policies: Sequence[Object]
    config: Mapping[str, str]
    """The gateway's ConfigMap, as its pods have read it."""
    secret: Mapping[str, str]
    """The database's Secret, decoded."""
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Uid of a pod to the variables that it was started with."""


def addresses(slices: Iterable[Object]) -> dict[str, Object]:
    """Service to ``{"subsets": [{"ports", "addresses", "notReadyAddresses"}]}``, from its EndpointSlices.

    An address that is about to go is not among them, as kube-proxy and load balancers leave it out.
    """
    found: dict[str, Object] = {}
    for item in slices:
        subset: Object = {"ports": item.get("ports") or [], "addresses": [], "notReadyAddresses": []}
        for endpoint in item.get("endpoints") or []:
            conditions = endpoint.get("conditions") or {}
            if not conditions.get("terminating"):
                # Without a word about it an endpoint is ready (Kubernetes' page "EndpointSlices").
                subset["addresses" if conditions.get("ready", True) else "notReadyAddresses"].append(endpoint)
        service = (item["metadata"].get("labels") or {}).get("kubernetes.io/service-name", "")
        found.setdefault(service, {"subsets": []})["subsets"].append(subset)
    return found


def ready(name: str, snapshot: Snapshot) -> tuple[list[Object], bool]:
    """The pods behind a Service that can answer, and whether it has addresses where nobody listens."""
    endpoints = snapshot.endpoints.get(name)
    ports = {port["port"] for port in ((snapshot.services.get(name) or {}).get("spec") or {}).get("ports") or []}
    if endpoints is None or 80 not in ports:
        return [], False
    by_name = {pod["metadata"]["name"]: pod for pod in snapshot.pods}
    found, refused = [], False
    for subset in endpoints.get("subsets") or []:
        targets = {port["port"] for port in subset.get("ports") or []}
        for address in subset.get("addresses") or []:
            target = address.get("targetRef") or {}
            pod = by_name.get(target.get("name", ""))
            # A StatefulSet's new pod has the name of the old one.
            if pod is None or pod["metadata"].get("deletionTimestamp") or target.get("uid", pod["metadata"]["uid"]) != (
                    pod["metadata"]["uid"]):
                continue
            if 8080 in targets and component_of(app_of(pod)["image"])[0] == name:
                found.append(pod)
            else:
                refused = True
    return found, refused


def resolves(pod: Object) -> bool:
    """Whether a pod can look up the names of Services; it cannot if its DNS policy leaves out the cluster's DNS."""
    policy = pod["spec"].get("dnsPolicy", "ClusterFirst")
    if policy == "ClusterFirst":
        return True
    servers = (pod["spec"].get("dnsConfig") or {}).get("nameservers") or []
    return policy == "None" and any(server.startswith("10.0.0.") for server in servers)


def allowed(caller: Object, pod: Object, snapshot: Snapshot) -> bool:
    """Whether NetworkPolicies let a connection through, on both sides (Kubernetes: "Network Policies")."""
    return (_side(caller, pod, snapshot, "Egress", "egress", "to")
            and _side(pod, caller, snapshot, "Ingress", "ingress", "from"))


def allowed_outside(pod: Object, snapshot: Snapshot, port: int) -> bool:
    return _side(pod, None, snapshot, "Egress", "egress", "to", port)


def _side(pod: Object, peer: Object | None, snapshot: Snapshot, kind: str, rules: str, peers: str,
          outside: int = 0) -> bool:
    selecting = []
    for policy in snapshot.policies:
        spec = policy["spec"]
        kinds = spec.get("policyTypes") or (["Ingress", "Egress"] if "egress" in spec else ["Ingress"])
        if kind in kinds and _matches(spec.get("podSelector") or {}, pod["metadata"].get("labels") or {}):
            selecting.append(spec)
    if not selecting:
        return True
    for spec in selecting:
        for rule in spec.get(rules) or []:
            ports = [port.get("port") for port in rule.get("ports") or []]
            if ports and not any(port in ((outside,) if outside else (8080, "http")) or port is None
                                 for port in ports):
                continue
            if not rule.get(peers) or any(_is_peer(item, peer) for item in rule[peers]):
                return True
    return False


def _is_peer(item: dict[str, Any], peer: Object | None) -> bool:
    if "ipBlock" in item:
        return str(item["ipBlock"].get("cidr", "")).endswith("/0") and (
            peer is not None or not item["ipBlock"].get("except"))
    if peer is None:
        return False
    if "namespaceSelector" in item and not _matches(
            item["namespaceSelector"], {"kubernetes.io/metadata.name": NAMESPACE, "name": NAMESPACE}):
        return False
    return _matches(item.get("podSelector") or {}, peer["metadata"].get("labels") or {})


def _matches(selector: dict[str, Any], labels: Mapping[str, str]) -> bool:
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions") or []:
        value, values = labels.get(expression["key"]), expression.get("values") or []
        holds = {"In": value in values, "NotIn": value not in values, "Exists": value is not None,
                 "DoesNotExist": value is None}.get(expression["operator"], False)
        if not holds:
            return False
    return True


def environment_of(pod: Object, snapshot: Snapshot) -> dict[str, str]:
    """The values that a pod would be started with now."""
    found = {}
    for item in app_of(pod).get("env") or []:
        source = item.get("valueFrom") or {}
        if "secretKeyRef" in source:
            found[item["name"]] = snapshot.secret.get(source["secretKeyRef"]["key"], "")
        elif "configMapKeyRef" in source:
            found[item["name"]] = snapshot.config.get(source["configMapKeyRef"]["key"], "")
        else:
            found[item["name"]] = item.get("value", "")
    return found
