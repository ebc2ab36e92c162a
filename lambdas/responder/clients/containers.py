"""Which container of a pod is the application, and which stand beside it.

Formats: the Kubernetes API reference (Container v1), its page "Well-Known Labels, Annotations and Taints"
(``kubectl.kubernetes.io/default-container``) and its page "Sidecar Containers" (init containers that go on).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from responder.model.quantity import quantity
from responder.model.service import Component

_DEFAULT = "kubectl.kubernetes.io/default-container"
_SIDECAR = re.compile(
    r"^(istio-proxy|istio-validation|linkerd-proxy|envoy|envoy-sidecar|consul-dataplane|kuma-sidecar|daprd|queue-proxy"
    r"|datadog(-agent|-trace-agent)?|otc-container|otel(-collector|-agent)?|opentelemetry-collector|adot-collector"
    r"|aws-otel-collector|xray-daemon|cloudwatch-agent|newrelic-infra(structure)?|splunk-otel-collector"
    r"|fluent-?bit|fluentd|filebeat|vector|promtail|log-router|aws-for-fluent-bit|vault-agent|cloud-sql-proxy"
    r"|pgbouncer|oauth2-proxy|kube-rbac-proxy|config-reloader|[\w-]*-exporter)$")
"""Names by which sidecars are known: what the injectors of meshes, agents and proxies call them in their own pages."""
_SIDECAR_IMAGE = re.compile(
    r"(^|/)(istio/proxyv2|linkerd/proxy|proxyv2|envoyproxy/envoy|appmesh/aws-appmesh-envoy|aws-appmesh-envoy"
    r"|hashicorp/consul-dataplane|kumahq/kuma-dp|daprio/daprd|datadog/agent|aws-observability/[\w-]+|otel/[\w-]+"
    r"|aws-for-fluent-bit|fluent/fluent-bit|fluent/fluentd|beats/filebeat|timberio/vector|grafana/promtail"
    r"|hashicorp/vault|cloud-sql-proxy|oauth2-proxy/oauth2-proxy|cloudwatch-agent|aws-xray-daemon)(?=[:@]|$)")


class App(NamedTuple):
    """The container of a pod that is the application."""

    name: str
    """Empty: there is none."""
    why: str
    """How it was told from the others, as people read it; empty: it is the only one."""


def app_of(component: Component, template: Mapping[str, Any]) -> App:
    """Return the application's container in the template of a component's pods.

    What an injector adds to the pods is not in the template, and so is never the application. The configuration
    decides, then the annotation by which ``kubectl logs`` chooses, then the component's name; else known sidecars are
    left out, and of what is left the one that asks for most is meant.
    """
    spec = template.get("spec") or {}
    containers = {container.get("name", ""): container for container in spec.get("containers") or []}
    if component.container in containers:
        return App(component.container, "the configuration names it")
    if len(containers) == 1:
        return App(next(iter(containers)), "")
    annotation = ((template.get("metadata") or {}).get("annotations") or {}).get(_DEFAULT, "")
    if annotation in containers:
        return App(annotation, f"the annotation {_DEFAULT} names it")
    for name in (component.name, component.deployment):
        if name in containers:
            return App(name, "it has the component's name")
    left = {name: container for name, container in containers.items() if not is_sidecar(container)}
    if len(left) == 1:
        return App(next(iter(left)), "the others are known sidecars")
    return App(_largest(left or containers), "it asks for the largest share of CPU and memory")


def is_sidecar(container: Mapping[str, Any]) -> bool:
    """Whether a container is a known sidecar, by its name or its image."""
    return bool(_SIDECAR.match(container.get("name", "")) or _SIDECAR_IMAGE.search(container.get("image") or ""))


def goes_on(container: Mapping[str, Any]) -> bool:
    """Whether an init container is a sidecar that runs as long as its pod (Kubernetes 1.29 and later)."""
    return container.get("restartPolicy") == "Always"


def _largest(containers: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the name of the container with the largest share of what all ask for; the first, where none asks."""
    asked = {name: [_asked(container, resource) for resource in ("cpu", "memory")]
             for name, container in containers.items()}
    total = [sum(amounts) or 1.0 for amounts in zip(*asked.values(), strict=True)]
    return max(asked, key=lambda name: sum(part / whole for part, whole in zip(asked[name], total, strict=True)),
               default="")


def _asked(container: Mapping[str, Any], resource: str) -> float:
    resources = container.get("resources") or {}
    return next((quantity(amounts[resource]) for kind in ("requests", "limits")
                 if resource in (amounts := resources.get(kind) or {})), 0.0)
