"""The service mesh of the world ``mesh: istio``: the injection of its proxy into pods, and what Envoy says of failures.

Pods get the proxy when they are created (``sandbox/vendors/istiod.py``): templates of workloads do not show it.
Connections that leave the cluster (the database's and the provider's) do not pass it, as many teams set it by
``excludeOutboundPorts``. Sources: Istio's pages "Installing the Sidecar", "Kubernetes Native Sidecars in Istio" and
"Health Checking of Istio Services"; Envoy's page "Access logging" (response flags) and the texts of its local replies.
"""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from sandbox.platform.cluster import Object
from sandbox.platform.shape import Shape
from sandbox.platform.versions import PROXY

_IMAGE = "docker.io/istio/proxyv2:1.27.3"
_OUTSIDE = "443,5432,3306"
_REFUSED = ("upstream connect error or disconnect/reset before headers. reset reason: connection failure, transport "
            "failure reason: delayed connect error: 111",
            "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote "
            "connection failure, transport failure reason: delayed connect error: Connection refused")
_ROUTE = "upstream request timeout"
_TIMED_OUT = ("upstream connect error or disconnect/reset before headers. reset reason: connection timeout", _ROUTE)
_SAYS = {
    "connection refused": _REFUSED, "connect timed out": _TIMED_OUT,
    "connection reset by peer": ("upstream connect error or disconnect/reset before headers. reset reason: connection "
                                 "termination",),
    "no address": ("no healthy upstream",),
}
"""Failure of a call inside the mesh to what the caller is answered, by version and settings of the mesh."""


def worded(shape: Shape, kind: str) -> str:
    """What a caller inside the cluster tells of a failed connection; where there is a mesh, its own proxy answers it.

    Some clients raise what was answered, as Spring's RestTemplate does; others hand out the status.
    """
    if shape.mesh == "none" or kind not in _SAYS:
        return "connection refused" if kind == "no address" else kind
    texts = _SAYS[kind]
    said = texts[("native", "first", "last").index(shape.injection) % len(texts)]
    code, phrase = (504, "Gateway Timeout") if said == _ROUTE else (503, "Service Unavailable")
    raises = random.Random(f"client {shape.untidy}").random() < 0.5
    return f'{code} {phrase}: "{said}"' if raises else f"HTTP {code}: {said}"


def inject(shape: Shape, pod: Object) -> Object:
    """The pod with the proxy in it; its HTTP probes go through the proxy."""
    injected = copy.deepcopy(pod)
    spec, metadata = injected["spec"], injected["metadata"]
    app = spec["containers"][0]["name"]
    probers = {}
    for container in spec["containers"]:
        for probe, word in (("readinessProbe", "readyz"), ("livenessProbe", "livez"), ("startupProbe", "startupz")):
            asked = container.get(probe) or {}
            if "httpGet" in asked:
                path = f"/app-health/{container['name']}/{word}"
                probers[path] = {"httpGet": asked["httpGet"], "timeoutSeconds": asked.get("timeoutSeconds", 1)}
                container[probe] = {**asked, "httpGet": {"path": path, "port": 15020, "scheme": "HTTP"}}
    proxy = _proxy(probers)
    first: list[Object] = [{"name": "istio-init", "image": _IMAGE, "resources": proxy["resources"],
                            "args": ["istio-iptables", "-p", "15001", "-z", "15006", "-u", "1337"]}]
    if shape.injection == "native":
        first.append({**proxy, "restartPolicy": "Always"})
    elif shape.injection == "first":
        spec["containers"] = [proxy, *spec["containers"]]
    else:
        spec["containers"] = [*spec["containers"], proxy]
    spec["initContainers"] = [*first, *(spec.get("initContainers") or [])]
    labels = metadata.get("labels") or {}
    metadata["labels"] = {
        **labels, "security.istio.io/tlsMode": "istio", "service.istio.io/canonical-name": labels.get("app", app),
        "service.istio.io/canonical-revision": "latest"}
    inside = {"initContainers": [item["name"] for item in first], "containers": [PROXY]}
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}), "kubectl.kubernetes.io/default-container": app,
        "kubectl.kubernetes.io/default-logs-container": app, "prometheus.io/path": "/stats/prometheus",
        "prometheus.io/port": "15020", "prometheus.io/scrape": "true",
        "sidecar.istio.io/status": json.dumps(inside),
        "traffic.sidecar.istio.io/excludeOutboundPorts": _OUTSIDE}
    return injected


def asked_of_app(pod: Object, probe: dict[str, Any]) -> dict[str, Any]:
    """The probe that reaches the app: the proxy passes one of its own on to what it stands for."""
    path = (probe.get("httpGet") or {}).get("path", "")
    if not path.startswith("/app-health/"):
        return probe
    for container in [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]:
        for item in (container.get("env") or []) if container["name"] == PROXY else []:
            if item["name"] == "ISTIO_KUBE_APP_PROBERS":
                found: dict[str, Any] = json.loads(item["value"]).get(path, probe)
                return found
    return probe


def _proxy(probers: dict[str, Any]) -> Object:
    ready = {"httpGet": {"path": "/healthz/ready", "port": 15021, "scheme": "HTTP"}}
    return {
        "name": PROXY, "image": _IMAGE, "args": ["proxy", "sidecar", "--domain", "$(POD_NAMESPACE).svc.cluster.local"],
        "ports": [{"containerPort": 15090, "name": "http-envoy-prom", "protocol": "TCP"}],
        "env": [{"name": "ISTIO_KUBE_APP_PROBERS", "value": json.dumps(probers)}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        "startupProbe": {**ready, "failureThreshold": 600, "periodSeconds": 1},
        "readinessProbe": {**ready, "failureThreshold": 4, "periodSeconds": 15}}
