"""The change ledger's comparisons, and putting back precisely what was there."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from bench.bed.objects import Cluster
from responder import sources
from responder.actions import ActionFailed, AnyPlan, Declined, Plan, RemediationContext, restore_configuration
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.clients.watched import KINDS
from responder.clients.watched import watched as watched_object
from responder.handlers import ledger
from responder.model.change import Change, FieldChange
from responder.model.codec import decode, encode
from responder.model.evidence import Window
from responder.model.masking import unkept
from responder.model.service import Service
from responder.model.shown import NotExact, hide, is_hidden
from responder.model.watched import Watched, snapshot_of
from responder.plan.changes import compare, difference
from responder.plan.effects import Effect, effect_of
from responder.plan.remedies.restore_configuration import Before, Facts, Parameters, Step
from responder.records.ledger import Ledger
from responder.sources import Query
from tests.conftest import shipped_service, timeline_in_aws
from tests.remedies import asked, planned, refusal

EXAMPLE = shipped_service()

pytestmark = pytest.mark.usefixtures("changes_pass")

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
                    max_leaves=12)


@given(JSON)
def test_equal_objects_have_no_difference(value: Any) -> None:
    assert list(compare(value, deepcopy(value))) == []


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4), st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_restoring_each_field_gives_the_previous_value(before: dict[str, Any], after: dict[str, Any]) -> None:
    body = deepcopy(after)
    for item in compare(before, after):
        restore_configuration._set(body, item.path, item.before)
    assert body == before


def watched(kind: str, name: str, body: Any, written: float = 10.0) -> Watched:
    return Watched(kind, name, body, "payments", 10.0, written, "kubectl")


def test_the_time_of_a_change_is_what_the_object_says_else_an_interval() -> None:
    before = snapshot_of(watched("ConfigMap", "c", {"data": {"A": "1"}}), watched("Service", "s", {}))
    after = snapshot_of(watched("ConfigMap", "c", {"data": {"A": "2"}}, written=150.0))
    changed, deleted = difference(before, after, 100.0, 160.0)
    assert (changed.earliest, changed.latest, changed.what) == (150.0, 150.0, "changed")
    assert (deleted.earliest, deleted.latest, deleted.what) == (100.0, 160.0, "deleted")
    assert difference(after, after, 100.0, 160.0) == []


class Server:
    """One ConfigMap and one NetworkPolicy over HTTP."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {"apiVersion": "v1", "metadata": {
            "name": "c", "uid": "u", "resourceVersion": "7"}, "data": {"A": "2", "B": "x"}}
        self.policy: dict[str, Any] | None = {"apiVersion": "networking.k8s.io/v1", "metadata": {
            "name": "lock", "uid": "p", "resourceVersion": "1"}, "spec": {"podSelector": {}}}
        self.writes: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        policy = "networkpolicies" in request.url.path
        found = self.policy if policy else self.config
        if found is None:
            return httpx.Response(404, json={"reason": "NotFound"})
        if request.method == "PATCH":
            self.writes.append("patch")
            for item in json.loads(request.content):
                if item["op"] == "add":
                    found[item["path"].split("/")[1]] = item["value"]
            return httpx.Response(200, json=found)
        if request.method == "DELETE":
            self.writes.append("delete")
            self.policy = None
            return httpx.Response(200, json={})
        return httpx.Response(200, json=found)


@pytest.mark.parametrize(("deployment", "spec"), [
    ("payment-gateway", {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}),
    ("payment-gateway", {"volumes": [{"projected": {"sources": [{"secret": {"name": "c"}}, {"configMap": {
        "name": "c"}}]}}]}),
    ("payment-gateway", {"containers": [{"name": "a", "envFrom": [{"configMapRef": {"name": "c"}}]}]}),
    ("payment-gateway", {"initContainers": [{"name": "a", "env": [{"name": "A", "value": "1"}, {
        "name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}]}]}),
    ("config-server", {"volumes": [{"configMap": {"name": "c"}}]}),
    ("payment-gateway", {"volumes": [{"secret": {"secretName": "c"}}, {"emptyDir": {}}]})])
def test_a_configuration_key_that_only_another_component_reads_is_no_suspect(service: Service, deployment: str,
                                                                     spec: dict[str, Any]) -> None:
    workload = watched_object("Deployment", {"metadata": {"name": deployment}, "spec": {"template": {"spec": spec}}})
    before = snapshot_of(watched("ConfigMap", "c", {"data": {"A": "1"}}), workload)
    after = before | snapshot_of(watched("ConfigMap", "c", {"data": {"A": "2"}}, written=150.0))
    change, = difference(before, after, 100.0, 160.0)
    assert decode(Change, json.loads(json.dumps(encode(change)))) == change
    another = deployment == "payment-gateway" and bool(change.readers)
    for component, where in (("payment-gateway", "own"), ("frontend", "own"), ("backend", "payment-gateway")):
        bears = component == "payment-gateway" or where == "payment-gateway" or not another
        assert effect_of(service, component, where, change) is (
            Effect.CONFIGURATION if bears else None)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def api(server: Server) -> Kubernetes:
    return Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(server)), "https://k8s")


def case(service: Service) -> RemediationContext:
    return asked(service, "bad_configuration", onset=100.0)


def plan_of(service: Service, api: Kubernetes, *changes: Change) -> AnyPlan | Declined:
    return restore_configuration.plan(case(service), Facts(changes), api)


VALUE = Change("ConfigMap", "c", "changed", 90.0, 90.0, "kubectl",
               (FieldChange(("data", "A"), "1", "2"),), "payments")


def test_only_the_changed_field_is_restored_and_only_once(server: Server, api: Kubernetes, service: Service) -> None:
    plan = planned(plan_of(service, api, VALUE))
    assert plan.target == "configmap/c"
    for _ in range(2):
        restore_configuration.apply(case(service), plan, api)
    assert server.config["data"] == {"A": "1", "B": "x"} and server.writes == ["patch"]
    restore_configuration.revert(case(service), plan, api)
    assert server.config["data"]["A"] == "2"


def test_a_value_that_somebody_has_changed_again_is_left_alone(server: Server, api: Kubernetes,
                                                               service: Service) -> None:
    plan = planned(plan_of(service, api, VALUE))
    server.config["data"]["A"] = "3"
    assert "changed again" in refusal(plan_of(service, api, VALUE))
    with pytest.raises(ActionFailed):
        restore_configuration.apply(case(service), plan, api)
    assert server.writes == []


def test_a_created_object_is_deleted(server: Server, api: Kubernetes, service: Service) -> None:
    created = Change("NetworkPolicy", "lock", "created", 90.0, 90.0, "kubectl", (), "payments")
    plan = planned(plan_of(service, api, created))
    restore_configuration.apply(case(service), plan, api)
    restore_configuration.apply(case(service), plan, api)
    assert server.writes == ["delete"]


CARD = "4111111111111111"


@pytest.mark.parametrize("hidden", ["[masked]", "[masked a99f]", "[card …1111]", {"$hidden": "a.b"},
                                    {"$hidden": ""}, CARD])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("nested", [False, True])
def test_it_refuses_by_name_what_is_not_exact_and_writes_nothing(server: Server, api: Kubernetes, service: Service,
                                                                 hidden: Any, side: str, nested: bool) -> None:
    """A mark was once written into a ConfigMap, for only one of two marks was refused."""
    value = [hidden] if nested else hidden
    field = FieldChange(("data", "A"), *((value, "2") if side == "before" else ("1", value)))
    change = Change("ConfigMap", "c", "changed", 90.0, 90.0, "kubectl", (field,), "payments")
    declined = plan_of(service, api, change)
    assert "ConfigMap c: data.A" in refusal(declined) and CARD not in declined.diff.text
    if hidden != CARD:  # what an older ledger kept as exact is not a mark
        with pytest.raises(NotExact):  # there is no plan with operands that are not exact, so none can be applied
            Plan("t", "s", Before(), Parameters((Step(change, "u"),)))
    assert server.writes == []


@pytest.mark.parametrize(("data", "where"), [
    ({"A": "1", "DB_PWD": "hunter22"}, "data.DB_PWD"), ({"A": f"id {CARD}"}, "data.A"), ({"A": "1"}, "")])
def test_a_created_or_deleted_object_is_restored_only_if_all_of_it_is_exact(server: Server, api: Kubernetes,
                                                                            service: Service, data: dict[str, str],
                                                                            where: str) -> None:
    server.config["data"] = data
    created = Change("ConfigMap", "c", "created", 90.0, 90.0, "kubectl", (), "payments")
    plan = plan_of(service, api, created)
    assert (where in refusal(plan) and "ConfigMap c" in refusal(plan)) if where else refusal(plan) == ""
    body = hide({"data": data}, b"k" * 32)
    deleted = Change("ConfigMap", "c", "deleted", 90.0, 90.0, "", (FieldChange((), before=body),), "payments")
    plan = plan_of(service, api, deleted)
    assert (where in refusal(plan) and "ConfigMap c" in refusal(plan)) if where else refusal(plan) == ""
    assert not where or isinstance(plan, Declined)
    told = str(plan)
    assert not any(value in told for value in data.values() if where and len(value) > 1)


def test_an_object_with_a_secret_beside_the_changed_field_can_be_restored(server: Server, api: Kubernetes,
                                                                          service: Service) -> None:
    server.config["data"] = {"A": "2", "DB_PWD": "hunter22", "UID": CARD}
    plan = planned(plan_of(service, api, VALUE))
    assert "hunter22" not in json.dumps([encode(plan.before), encode(plan.parameters)])
    restore_configuration.apply(case(service), plan, api)
    assert server.config["data"] == {"A": "1", "DB_PWD": "hunter22", "UID": CARD}


@given(st.dictionaries(st.text("abcABC_", min_size=1, max_size=5), st.text(max_size=12) | st.sampled_from(
    ["1700000000123", "3f2a8c1e-1111-4222-8333-444455556666", CARD, "hunter"]), min_size=1, max_size=4),
    st.text(max_size=12))
def test_a_plan_keeps_exact_values_through_json(data: dict[str, str], now: str) -> None:
    """Over any values: the plan's operands are those of the cluster to the letter, or it refuses."""
    name = sorted(data)[0]
    change = Change("ConfigMap", "c", "changed", 90.0, 90.0, "kubectl", (
        FieldChange(("data", name), data[name], now),), "payments")
    server = Server()
    server.config["data"] = {**data, name: now}
    api = Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(server)), "https://k8s")
    plan = plan_of(EXAMPLE, api, change)
    secret = bool(unkept({name: data[name]}) or unkept({name: now}))
    assert isinstance(plan, Declined) is secret
    if isinstance(plan, Plan):
        before, parameters = json.loads(json.dumps([encode(plan.before), encode(plan.parameters)]))
        kept = replace(plan, before=decode(Before, before), parameters=decode(Parameters, parameters))
        assert kept == plan
        restore_configuration.apply(case(EXAMPLE), kept, api)
        assert server.config["data"] == data


@mock_aws
def test_the_ledger_keeps_exact_leaves_and_marks_and_sees_neither_change_in_what_stayed(
        service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE", "timeline")
    monkeypatch.setattr("responder.clients.marks.key", lambda: b"k" * 32)
    kept = Ledger(timeline_in_aws(), service.service)
    data = {"DB_PWD": "hunter22", "CALLBACK": "1700000000123", "ID": "3f2a8c1e-1111-4222-8333-444455556666"}

    def look(**more: str) -> dict[str, Watched]:
        item = {"metadata": {"name": "c", "namespace": "payments"}, "data": data | more}
        return snapshot_of(watched_object("ConfigMap", item))

    kept.keep(100.0, {}, look(), [])
    before = kept.last_snapshot()[1]
    body = before["ConfigMap/c"].body["data"]
    assert body == data | {"DB_PWD": body["DB_PWD"]} and is_hidden(body["DB_PWD"])
    assert difference(before, look(), 100.0, 160.0) == []
    change, = difference(before, look(DB_PWD="hunter23"), 100.0, 160.0)
    assert [field.path for field in change.fields] == [("data", "DB_PWD")]
    kept.keep(160.0, before, look(DB_PWD="hunter23"), [change])
    assert kept.changes(0.0) == [change]
    # An item that an older version kept, by its marks and without rules, is read and is no change.
    old = replace(before["ConfigMap/c"], body={"data": data | {"DB_PWD": "[masked a99f]"}}, rules="")
    kept.keep(100.0, {}, snapshot_of(old), [])
    assert difference(kept.last_snapshot()[1], look(), 100.0, 160.0) == []
    # What it kept in clear and today's rules hide is hidden before it is compared.
    kept.keep(100.0, {}, snapshot_of(replace(old, body={"data": data})), [])
    assert difference(kept.last_snapshot()[1], look(), 100.0, 160.0) == []


@pytest.mark.parametrize(("change", "said"), [
    (Change("Node", "n", "changed", 90.0, 90.0, "", (FieldChange(("unschedulable",), False, True),)),
     "not opened again"),
    (Change("ConfigMap", "c", "changed", 90.0, 90.0, "",
            (FieldChange(("data", "A"), "[masked]", "2"),)), "secret"),
])
def test_it_refuses(api: Kubernetes, service: Service, change: Change, said: str) -> None:
    assert said in refusal(plan_of(service, api, change))


def test_the_benchmarks_cluster_has_every_kind_that_is_watched() -> None:
    """Else its functions would read less than they are measured for. Kinds of operators it has none of."""
    lists = Cluster(5).lists
    assert [kind.plural for kind in KINDS.values() if not kind.custom and not any(
        path.rpartition("/")[2] == kind.plural for path in lists)] == []


@mock_aws
def test_a_cluster_that_shows_nothing_at_all_has_not_been_deleted(service: Service,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE", "timeline")
    kept = Ledger(timeline_in_aws(), service.service)
    before = snapshot_of(watched("Service", "s", {}), watched("Node", "n", {}))
    kept.keep(time.time(), {}, before, [])
    nothing = Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(
        lambda request: httpx.Response(200, json={"items": []}))), "https://k8s")
    monkeypatch.setattr("responder.clients.kubernetes.connect", lambda *arguments: nothing)
    monkeypatch.setattr("responder.handlers.ledger.names", lambda: [service.service])
    monkeypatch.setattr("responder.handlers.ledger.load", lambda name: service)
    now = time.time()
    query = Query(service, "diagnose", Window(now - 180, now), Window(now - 3780, now - 180),
                  time.monotonic() + 5)
    with pytest.raises(CallFailed) as failed:
        sources.load("changes").collect(query)
    assert failed.value.status == "empty"
    assert ledger.handler({}, None) == {service.service: None}
    assert kept.last_snapshot()[1].keys() == before.keys()
    assert kept.changes(0.0) == []


@mock_aws
def test_a_hidden_value_that_is_written_again_is_one_change_and_not_one_each_minute(service: Service) -> None:
    kept = Ledger(timeline_in_aws(), service.service)
    body = {"data": {"DB_PWD": {"$hidden": ""}}}
    before, after = (snapshot_of(watched("ConfigMap", "c", body, written)) for written in (10.0, 150.0))
    assert len(difference(before, after, 100.0, 160.0)) == 1
    kept.keep(160.0, before, after, [])
    assert difference(kept.last_snapshot()[1], after, 160.0, 220.0) == []
