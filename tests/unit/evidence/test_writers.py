"""Who wrote which field in Kubernetes, by ``managedFields``.

Sources: Kubernetes' page "Server-Side Apply" (field management), the API reference (ManagedFieldsEntry: time,
operation, subresource), and the pages that ``tests/corpus/field_managers.tsv`` names for each manager.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.clients.watched import watched
from responder.model.change import ABSENT, Change, FieldChange
from responder.model.service import Service
from responder.model.watched import Watched, Writing, snapshot_of
from responder.model.writers import Role, by_controller, writer
from responder.plan.changes import compare, difference
from responder.plan.effects import Effect, effect_of
from responder.plan.writings import owned
from tests.conftest import ROOT

NOW = 1_790_000_000.0
CORPUS = [line.split("\t") for line in (ROOT / "tests" / "corpus" / "field_managers.tsv").read_text().splitlines()
          if not line.startswith("#")]


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def entry(manager: str, at: float, spec: Any, *, subresource: str = "", operation: str = "Update") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": stamp(at),
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": spec},
            **({"subresource": subresource} if subresource else {})}


def deployment(replicas: int, *entries: dict[str, Any], kind: str = "Deployment", image: str = "r/pay:1.0.0",
               variables: dict[str, str] | None = None) -> Watched:
    env = [{"name": name, "value": value} for name, value in (variables or {}).items()]
    return watched(kind, {
        "metadata": {"name": "payment-gateway", "namespace": "payments", "creationTimestamp": stamp(NOW - 4e6),
                     "managedFields": list(entries)},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [
            {"name": "app", "image": image, "env": env}]}}}})


def changes(before: Watched, after: Watched) -> list[Change]:
    return difference(snapshot_of(before), snapshot_of(after), NOW - 60, NOW)


HELM = entry("helm", NOW - 40 * 86_400, {"f:template": {}})
SCALED = entry("kube-controller-manager", NOW - 20, {"f:replicas": {}}, subresource="scale")


@pytest.mark.parametrize(("manager", "role"), [line[:2] for line in CORPUS], ids=lambda value: str(value))
def test_each_documented_manager_has_its_role(manager: str, role: str) -> None:
    assert writer(manager).role == role


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Rollout"])
@pytest.mark.parametrize("ago", [20, 70])
def test_an_autoscaler_s_scaling_is_nobody_s_change(service: Service, kind: str, ago: int) -> None:
    scaled = entry("kube-controller-manager", NOW - ago, {"f:replicas": {}}, subresource="scale")
    found, = changes(deployment(6, HELM, kind=kind), deployment(4, HELM, scaled, kind=kind))
    assert found.by == "kube-controller-manager" and by_controller(found)
    assert effect_of(service, "payment-gateway", "own", found) is None


def test_a_person_s_scaling_through_the_same_subresource_is_a_change(service: Service) -> None:
    by_hand = entry("kubectl", NOW - 20, {"f:replicas": {}}, subresource="scale")
    found, = changes(deployment(6, HELM, SCALED), deployment(4, HELM, by_hand))
    assert (found.by, found.latest) == ("kubectl", NOW - 20)
    assert effect_of(service, "payment-gateway", "own", found) is Effect.FEWER_REPLICAS


def test_each_field_is_told_to_its_own_manager_at_its_own_time(service: Service) -> None:
    image = entry("argocd-controller", NOW - 40, {"f:template": {"f:spec": {"f:containers": {
        'k:{"name":"app"}': {".": {}, "f:name": {}, "f:image": {}}}}}}, operation="Apply")
    found = {change.by: change for change in changes(
        deployment(6, HELM), deployment(4, HELM, image, SCALED, image="r/pay:1.1.0"))}
    assert {by: change.latest for by, change in found.items()} == {
        "argocd-controller": NOW - 40, "kube-controller-manager": NOW - 20}
    assert effect_of(service, "payment-gateway", "own", found["argocd-controller"]) is Effect.RELEASE
    assert writer("argocd-controller").role is Role.GITOPS


def test_a_value_that_no_owner_has_written_lately_is_of_nobody_known() -> None:
    """Before Kubernetes 1.22 the scale subresource left no trace in ``managedFields``."""
    old = entry("helm", NOW - 40 * 86_400, {"f:replicas": {}, "f:template": {}})
    found, = changes(deployment(6, old), deployment(4, old))
    assert (found.by, found.earliest, found.latest) == ("", NOW - 60, NOW)


def test_a_variable_that_is_gone_was_removed_by_who_wrote_in_that_time() -> None:
    owns = {"f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:env": {
        ".": {}, 'k:{"name":"A"}': {".": {}, "f:value": {}}}}}}}}
    by_hand = entry("kubectl-edit", NOW - 30, owns)
    found, = changes(deployment(4, HELM, variables={"A": "1", "B": "2"}),
                     deployment(4, HELM, by_hand, SCALED, variables={"A": "1"}))
    assert (found.by, found.fields[0].path[-1], found.fields[0].after) == ("kubectl-edit", "B", ABSENT)


def test_an_object_that_a_controller_created_is_nobody_s_change() -> None:
    """KEDA creates the autoscaler ``keda-hpa-NAME`` (KEDA: "Scaling Deployments, StatefulSets & Custom Resources")."""
    hpa = watched("HorizontalPodAutoscaler", {
        "metadata": {"name": "keda-hpa-pay", "creationTimestamp": stamp(NOW - 30), "managedFields": [
            entry("keda", NOW - 30, {"f:minReplicas": {}, "f:maxReplicas": {}})]},
        "spec": {"minReplicas": 1, "maxReplicas": 5}})
    found, = difference({}, snapshot_of(hpa), NOW - 60, NOW)
    assert by_controller(found)


@pytest.mark.parametrize(("key", "manager", "controller"), [
    ("karpenter.sh/disrupted", "", True), ("ToBeDeletedByClusterAutoscaler", "", True),
    ("node.cilium.io/agent-not-ready", "unknown", True), ("team", "kubectl", False), ("team", "karpenter", True)])
def test_a_taint_that_controllers_set_is_nobody_s_change(key: str, manager: str, controller: bool) -> None:
    taint = {"key": key, "effect": "NoSchedule"}
    assert by_controller(Change("Node", "n", "changed", NOW, NOW, manager, (
        FieldChange(("taints",), [], [taint]),))) is controller
    assert by_controller(Change("Node", "n", "deleted", NOW, NOW, "", (
        FieldChange((), {"taints": [taint], "unschedulable": False}),))) is (key != "team")


def fields_of(value: Any) -> Any:
    """What a manager owns that has written a whole value, as Kubernetes writes it down."""
    if isinstance(value, dict):
        return {f"f:{key}": fields_of(item) for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        return {".": {}, **{f"k:{json.dumps({'name': item['name']}, separators=(',', ':'))}": {
            ".": {}, **fields_of(item)} for item in value}}
    return {}


LEAF = st.integers(0, 3) | st.sampled_from(["", "a", "b"])
NAMED = st.lists(st.sampled_from("xyz"), unique=True, max_size=3).flatmap(lambda names: st.tuples(*(
    st.fixed_dictionaries({"name": st.just(name), "value": LEAF}) for name in names))).map(list)
SIDE = st.dictionaries(st.sampled_from("abc"), LEAF | NAMED | st.dictionaries(st.sampled_from("de"), LEAF, max_size=2),
                       max_size=3)


@given(SIDE, SIDE, SIDE, SIDE)
def test_every_changed_field_is_told_to_the_one_who_set_it(one: Any, other: Any, one_before: Any,
                                                          other_before: Any) -> None:
    """Two managers with a part each, of whom each changed what is its own."""
    writings = (Writing("person", NOW - 30, "", {"f:person": fields_of(one)}),
                Writing("controller", NOW - 20, "", {"f:controller": fields_of(other)}))
    before = Watched("Service", "s", {"person": one_before, "controller": other_before}, written=1.0)
    after = Watched("Service", "s", {"person": one, "controller": other}, written=2.0, writings=writings)
    found = changes(before, after)
    told = [(field, change.by) for change in found for field in change.fields]
    assert sorted(str(field.path) for field, _ in told) == sorted(
        str(field.path) for field in compare(before.body, after.body))
    for field, by in told:
        if field.after is not ABSENT and field.after not in ({}, []):
            assert by == field.path[0]
    for change in found:
        assert change.latest == (NOW - 30 if change.by == "person" else NOW - 20)


@given(SIDE)
def test_a_manager_owns_what_it_has_written_and_nothing_else(value: Any) -> None:
    fields = fields_of({"own": value})
    for item in compare({"own": {}}, {"own": value}):
        if item.after != {}:
            assert owned(fields, item.path)
        assert not owned(fields, ("other", *item.path[1:]))


def test_a_port_is_found_though_its_key_is_a_number() -> None:
    fields = {"f:ports": {'k:{"containerPort":8080,"protocol":"TCP"}': {".": {}, "f:name": {}, "f:hostPort": {}}}}
    assert owned(fields, ("ports", "http", "hostPort")) and not owned(fields, ("ports", "http", "other"))
