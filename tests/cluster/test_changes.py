"""What events of the sandbox change in the cluster goes back, by the real API server with its defaults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.platform.changes import Changes, bare
from sandbox.platform.objects import deployment
from tests.cluster.conftest import Api, Object

NAME = "taken-back"


@pytest.fixture
def changes(api: Api) -> Iterator[Changes]:
    manifest = deployment("backend", "1.0.0", 2)
    manifest["metadata"]["name"] = manifest["spec"]["template"]["spec"]["containers"][0]["name"] = NAME
    for labels in (manifest["spec"]["selector"]["matchLabels"], manifest["spec"]["template"]["metadata"]["labels"]):
        labels["app"] = NAME
    api.cluster.apply(manifest)
    api.cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": {
        "selector": {"app": NAME}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})
    yield Changes(api.cluster)
    for kind in ("Deployment", "Service"):
        api.cluster.delete(kind, NAME)


def of(api: Api, kind: str) -> Object | None:
    return bare(api.cluster.get(kind, NAME))


def template(container: Object, **rest: object) -> Object:
    return {"spec": {"template": {"spec": {"containers": [{"name": NAME, **container}], **rest}}}}


def test_a_deployment_is_as_it_was_after_all_changes(api: Api, changes: Changes) -> None:
    before = of(api, "Deployment")
    limits = changes.patch("Deployment", NAME, template({"resources": {"limits": {"cpu": "100m"}}},
                                                        nodeSelector={"disk": "ssd"}))
    release = changes.patch("Deployment", NAME, template({"image": "registry.example/backend:1.2.0"}))
    probe = changes.patch("Deployment", NAME, template({"readinessProbe": {"httpGet": {"port": 9}}}))
    changes.take_back(limits)
    found = of(api, "Deployment")
    assert found is not None
    spec = found["spec"]["template"]["spec"]
    container, = spec["containers"]
    assert container["image"].endswith(":1.2.0") and container["readinessProbe"]["httpGet"]["port"] == 9
    assert container["resources"]["limits"]["cpu"] == "500m" and "nodeSelector" not in spec
    changes.take_back(probe)
    changes.take_back(release)
    assert of(api, "Deployment") == before


def test_a_deleted_service_comes_back_with_its_address(api: Api, changes: Changes) -> None:
    before = of(api, "Service")
    turned = changes.patch("Service", NAME, {"spec": {"selector": {"app": "nobody"}, "ports": [
        {"name": "http", "port": 80, "targetPort": 9999}]}})
    deleted = changes.delete("Service", NAME)
    assert of(api, "Service") is None
    changes.take_back(turned)
    assert of(api, "Service") is None
    changes.take_back(deleted)
    assert of(api, "Service") == before


def test_a_policy_that_two_events_applied_goes_with_the_second(api: Api, changes: Changes) -> None:
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": NAME},
              "spec": {"podSelector": {"matchLabels": {"app": NAME}}, "policyTypes": ["Egress"]}}
    made = changes.apply(policy)
    opened = changes.apply(policy | {"spec": policy["spec"] | {"egress": [{"ports": [{"port": 53}]}]}})
    changes.take_back(made)
    found = of(api, "NetworkPolicy")
    assert found is not None and found["spec"]["egress"]
    changes.take_back(opened)
    assert of(api, "NetworkPolicy") is None


def test_a_secret_has_its_former_value(api: Api, changes: Changes) -> None:
    api.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}, "stringData": {"a": "1"}})
    before = of(api, "Secret")
    one = changes.patch("Secret", NAME, {"stringData": {"a": "2"}})
    two = changes.patch("Secret", NAME, {"stringData": {"b": "3"}})
    changes.take_back(one)
    changes.take_back(two)
    assert of(api, "Secret") == before
    api.cluster.delete("Secret", NAME)
