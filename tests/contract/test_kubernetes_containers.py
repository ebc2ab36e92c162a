"""The application's container, told from the sidecars."""

from __future__ import annotations

from typing import Any

import pytest

from responder.clients.containers import app_of, goes_on, is_sidecar
from responder.model.service import Component

PAY = Component("pay")
APP = {"name": "app", "image": "registry.example/pay:1.0.0"}
HELPER = {"name": "helper", "image": "registry.example/helper:1.0.0"}
ISTIO = {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.24.0"}


def chosen(*containers: dict[str, Any], component: Component = PAY, **annotations: str) -> str:
    """The container that is chosen of a template."""
    return app_of(component, {"metadata": {"annotations": annotations}, "spec": {"containers": [*containers]}}).name


def test_the_configuration_comes_first_then_the_annotation_then_the_name() -> None:
    named = {"kubectl.kubernetes.io/default-container": "helper"}
    pay = {"name": "pay", "image": "registry.example/pay:1.0.0"}
    assert chosen(APP, HELPER, pay, component=Component("pay", container="app"), **named) == "app"
    assert chosen(APP, HELPER, pay, component=Component("pay", container="not-there"), **named) == "helper"
    assert chosen(APP, HELPER, pay) == "pay"


@pytest.mark.parametrize("sidecar", [
    ISTIO, {"name": "linkerd-proxy", "image": "cr.l5d.io/linkerd/proxy:stable-2.14.0"},
    {"name": "envoy", "image": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.29.6.1-prod"},
    {"name": "mesh", "image": "registry.example:5000/mirror/istio/proxyv2@sha256:aaaa"},
    {"name": "datadog-agent", "image": "gcr.io/datadoghq/agent:7"},
    {"name": "logs", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable"},
    {"name": "redis-exporter", "image": "registry.example/x:1"}], ids=lambda container: str(container["name"]))
def test_known_sidecars_are_not_the_application_wherever_they_stand(sidecar: dict[str, Any]) -> None:
    assert is_sidecar(sidecar)
    large = {**sidecar, "resources": {"requests": {"cpu": "4", "memory": "8Gi"}}}
    assert chosen(large, APP) == chosen(APP, large) == "app"
    assert "known sidecars" in app_of(PAY, {"spec": {"containers": [large, APP]}}).why


def test_of_several_unknown_ones_the_largest_by_requests_is_meant_and_limits_stand_for_them() -> None:
    small = {**HELPER, "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}}
    large = {**APP, "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}}}
    limited = {**APP, "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}
    assert chosen(small, large) == chosen(small, limited) == "app"
    assert chosen(HELPER, APP) == "helper", "nobody asks for anything: the first"


def test_only_an_init_container_that_restarts_always_goes_on() -> None:
    assert goes_on({"name": "istio-proxy", "restartPolicy": "Always"})
    assert not goes_on({"name": "migrate"})
    assert app_of(PAY, {}).name == ""
