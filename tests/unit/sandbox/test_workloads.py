"""What a drill's words about Deployments mean where the platform runs on other workloads."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.drill.contract import read
from sandbox.events.kubernetes import Kubernetes
from sandbox.platform.merge import difference, merged
from sandbox.platform.objects import image, platform
from sandbox.platform.reach import addresses
from sandbox.platform.shape import Shape
from sandbox.platform.versions import component_of
from sandbox.platform.workloads import CHANGED, fitted, kind_of, parts
from tests.conftest import ROOT

STATEFUL, ROLLOUT = Shape(workloads="statefulset"), Shape(workloads="rollout")
SCALER: dict[str, Any] = {
    "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "gateway"}, "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "payment-gateway"}}}


def made(shape: Shape, name: str) -> dict[str, dict[str, Any]]:
    """The workloads of a component, by kind."""
    return {item["kind"]: item for item in platform({}, shape)
            if item["metadata"]["name"] == name and item["kind"] in ("Deployment", "StatefulSet", "Rollout")}


def test_each_world_has_its_workloads_and_the_frontend_is_always_a_deployment() -> None:
    assert [set(made(shape, "frontend")) for shape in (Shape(), STATEFUL, ROLLOUT)] == [{"Deployment"}] * 3
    for name in CHANGED:
        assert set(made(Shape(), name)) == {"Deployment"} and set(made(STATEFUL, name)) == {"StatefulSet"}
        assert kind_of(ROLLOUT, name) == "Rollout" in made(ROLLOUT, name)


def test_the_backends_rollout_refers_to_a_deployment_at_none() -> None:
    found = made(ROLLOUT, "backend")
    assert found["Deployment"]["spec"]["replicas"] == 0 and found["Rollout"]["spec"]["replicas"] == 3
    assert found["Rollout"]["spec"]["workloadRef"]["name"] == "backend" and "template" not in found["Rollout"]["spec"]
    own, = made(ROLLOUT, "payment-gateway").values()
    assert own["spec"]["strategy"] == {"canary": {"maxSurge": "25%", "maxUnavailable": "25%"}}


def test_what_a_stateful_set_does_not_have_is_left_out() -> None:
    patch = {"metadata": {"labels": {"a": "b"}}, "spec": {
        "replicas": 2, "paused": True, "strategy": {"type": "Recreate"}, "template": {"metadata": {}}}}
    part, = parts(STATEFUL, "Deployment", "payment-gateway", patch)
    assert (part.kind, set(part.patch["spec"])) == ("StatefulSet", {"replicas", "template"})
    assert part.patch["metadata"] == patch["metadata"]
    assert not parts(STATEFUL, "Deployment", "backend", {"spec": {"strategy": {"type": "Recreate"}}})


def test_a_template_goes_to_the_deployment_that_a_rollout_refers_to_and_the_rest_to_the_rollout() -> None:
    template, own = parts(ROLLOUT, "Deployment", "backend", {"spec": {
        "replicas": 1, "strategy": {"type": "Recreate", "rollingUpdate": None}, "template": {"spec": {}}}})
    assert (template.kind, set(template.patch["spec"])) == ("Deployment", {"template"})
    assert own.kind == "Rollout" and own.patch["spec"] == {
        "replicas": 1, "strategy": {"canary": {"maxSurge": 0, "maxUnavailable": "100%"}}}


@pytest.mark.parametrize(("shape", "target"), [
    (Shape(), ("apps/v1", "Deployment")), (STATEFUL, ("apps/v1", "StatefulSet")),
    (ROLLOUT, ("argoproj.io/v1alpha1", "Rollout"))])
def test_an_autoscaler_scales_what_is_there(shape: Shape, target: tuple[str, str]) -> None:
    found, = fitted(shape, copy.deepcopy(SCALER))
    reference = found["spec"]["scaleTargetRef"]
    assert (reference["apiVersion"], reference["kind"], reference["name"]) == (*target, "payment-gateway")


def test_every_change_of_every_drill_has_a_place_in_every_world() -> None:
    drills = read([ROOT / "drills", ROOT / "drills" / "catalogue", ROOT / "drills" / "unseen"])
    changed = [fields.patch for drill in drills for event in drill.events
               if isinstance(fields := event.fields, Kubernetes) and fields.patch is not None]
    assert len(changed) > 30
    for patch in changed:
        for shape in (Shape(), STATEFUL, ROLLOUT):
            found = parts(shape, patch.kind, patch.name, patch.patch or {})
            strategy_alone = set((patch.patch or {}).get("spec") or {}) == {"strategy"}
            assert found or (strategy_alone and shape is STATEFUL), patch


def test_a_reference_with_a_digest_is_of_the_same_version() -> None:
    found = image("backend", "1.2.0", Shape(images="digest"))
    assert found.startswith("registry.example/backend:1.2.0@sha256:") and len(found.partition("sha256:")[2]) == 64
    assert component_of(found) == component_of(image("backend", "1.2.0")) == ("backend", "1.2.0")
    assert found != image("backend", "1.2.1", Shape(images="digest"))


def test_an_address_that_is_about_to_go_is_none() -> None:
    def endpoint(name: str, **conditions: bool) -> dict[str, Any]:
        return {"addresses": ["10.1.0.9"], "conditions": conditions, "targetRef": {"name": name}}

    found = addresses([
        {"metadata": {"labels": {"kubernetes.io/service-name": "backend"}}, "ports": [{"port": 8080}], "endpoints": [
            endpoint("a", ready=True), endpoint("b", ready=False), endpoint("c", ready=True, terminating=True)]},
        {"metadata": {"labels": {"kubernetes.io/service-name": "backend"}}, "endpoints": [endpoint("d")]}])
    assert [[item["targetRef"]["name"] for item in subset["addresses"]] for subset in found["backend"]["subsets"]] == [
        ["a"], ["d"]]
    assert [item["targetRef"]["name"] for item in found["backend"]["subsets"][0]["notReadyAddresses"]] == ["b"]


values = st.recursive(st.integers(0, 3) | st.text("ab", max_size=2) | st.none(),
                      lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8)
mappings = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


def without_nulls(value: Any) -> Any:
    return {key: without_nulls(item) for key, item in value.items() if item is not None} if isinstance(value, dict) \
        else value


@settings(max_examples=60, deadline=None)
@given(mappings, mappings)
def test_a_custom_resource_is_patched_to_what_a_strategic_patch_makes_of_it(now: dict[str, Any],
                                                                            patch: dict[str, Any]) -> None:
    now = without_nulls(now)
    wanted = merged(now, patch)
    assert merged(now, difference(now, wanted)) == wanted
    assert without_nulls(wanted) == wanted


def test_named_lists_merge_by_name() -> None:
    assert merged([{"name": "a", "x": 1}, {"name": "b"}], [{"name": "a", "y": 2}]) == [
        {"name": "a", "x": 1, "y": 2}, {"name": "b"}]
