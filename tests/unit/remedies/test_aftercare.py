"""Temporary mitigations: restored when their reason is gone, with the leave of the guardrails, never in a hurry."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from responder.actions import (
    Action,
    ActionFailed,
    AnyPlan,
    Declined,
    Plan,
    RemediationContext,
    restart_pods,
    scale_up,
    switch_provider,
)
from responder.clients import aws, flags, gate
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from responder.handlers import act, aftercare, close, step
from responder.model.evidence import Evidence, Finding, Window
from responder.model.evidence.nodes import Nodes
from responder.model.incident import Signal
from responder.model.remedy import Remedy
from responder.model.service import AppConfig, Freeze, ProviderSwitch, Service
from responder.people import sns
from responder.plan.aftercare import care, in_place
from responder.plan.remedies import OnRecord
from responder.plan.remedies import restart_pods as restarting_rule
from responder.plan.remedies import scale_up as scaling_rule
from responder.plan.remedies import switch_provider as switching_rule
from responder.records.table import Records, iso
from tests.conftest import shipped_service, timeline
from tests.findings import observed
from tests.remedies import Anything, asked, planned, refusal, remedy

pytestmark = pytest.mark.usefixtures("changes_pass")

NOW = 1_800_000_000.0
CALM = shipped_service().recovery.calm_seconds


def item(number: int = 1, **more: Any) -> Remedy:
    return Remedy.of({"sk": f"ACTION#{number:02d}", "number": number, "action": "scale_up",
            "target": "deployment/payment-gateway", "component": "payment-gateway", "status": "verified",
            "applied_at": iso(NOW - 9000), "temporary": True, "summary": "scale it",
            "over_since": NOW - CALM - 1, **more})


@pytest.fixture
def acting(service: Service) -> Service:
    return replace(service, mode="auto", policy={**service.policy, "scale_up": "auto"})


def test_a_mitigation_is_restored_after_the_stabilisation_period(acting: Service) -> None:
    found = care(acting, [item()], {1: "calm"}, NOW, NOW - 7200, "released", False)
    assert (found.answer, found.numbers) == ("put_back", (1,))
    short = care(acting, [item(over_since=NOW - 60)], {1: "calm"}, NOW, NOW - 7200, "released", False)
    assert (short.answer, short.since) == ("waiting", {1: NOW - 60})
    # The reason came back meanwhile: the time begins anew.
    back = care(acting, [item()], {1: ""}, NOW, NOW - 7200, "released", False)
    assert (back.answer, back.since) == ("waiting", {1: None})


@pytest.mark.parametrize(("change", "kill_switch", "busy", "answer"), [
    ({}, "engaged", False, "waiting"), ({}, None, False, "waiting"), ({}, "released", True, "waiting"),
    ({"guardrails": {"freezes": (Freeze(iso(NOW - 60), iso(NOW + 60)),)}}, "released", False, "waiting"),
    ({"mode": "approve"}, "released", False, "people"), ({"mode": "observe"}, "released", False, "people"),
    ({"policy": {"scale_up": "approve"}}, "released", False, "people"),
    ({"policy": {}}, "released", False, "people")])
def test_each_guardrail_holds_it_up(acting: Service, change: dict[str, Any], kill_switch: str | None, busy: bool,
                                    answer: str) -> None:
    if "guardrails" in change:
        change = {"guardrails": replace(acting.guardrails, **change["guardrails"])}
    found = care(replace(acting, **change), [item()], {1: "calm"}, NOW, NOW - 7200, kill_switch, busy)
    assert found.answer == answer


def test_a_mitigation_that_was_needed_again_is_left_to_people(acting: Service) -> None:
    first = item(1, put_back_at=iso(NOW - 6000))
    found = care(acting, [first, item(2)], {2: "calm"}, NOW, NOW - 7200, "released", False)
    assert (found.answer, found.numbers) == ("people", (2,))


def test_a_mitigation_is_left_to_people_after_three_failed_restores(acting: Service) -> None:
    found = care(acting, [item(put_back_tries=3)], {1: "calm"}, NOW, NOW - 7200, "released", False)
    assert (found.answer, "3 times" in found.reason) == ("people", True)
    # What is hindered for long is asked about seldom, and not for ever.
    hindered = care(acting, [item()], {1: "calm"}, NOW, NOW - 7200, "engaged", False)
    assert hindered.wait_seconds == acting.recovery.check_at_most_every_seconds
    assert care(acting, [item()], {1: "calm"}, NOW, NOW - 90_000, "engaged", False).answer == "people"


def test_calm_before_the_aftercare_counts_from_the_start_of_the_aftercare(acting: Service) -> None:
    found = care(acting, [item(over_since=NOW - 90_000)], {1: "calm"}, NOW, NOW - 60, "released", False)
    assert (found.answer, found.since) == ("waiting", {1: NOW - 60})


def test_it_does_not_wait_for_ever(acting: Service) -> None:
    long_ago = NOW - acting.recovery.aftercare_seconds
    assert care(acting, [item()], {1: ""}, NOW, long_ago, "released", False).answer == "people"
    assert care(acting, [item(put_back_at="x")], {}, NOW, long_ago, "released", False).answer == "done"


@given(st.lists(st.tuples(st.sampled_from(["planned", "applied", "verified", "reverted", "failed", "refused"]),
                          st.booleans(), st.booleans(), st.floats(0, 4000), st.booleans()), max_size=4),
       st.sampled_from(["released", "engaged", None]), st.booleans(), st.sampled_from(["auto", "approve", "observe"]),
       st.floats(0, 30_000))
def test_a_mitigation_that_may_not_be_restored_stays(items: list[tuple[str, bool, bool, float, bool]],
                                                     switch: str | None, busy: bool, mode: Any, elapsed: float) -> None:
    service = replace(shipped_service(), mode=mode)
    records = [item(n, status=status, temporary=temporary, over_since=NOW - calm,
                    **({"put_back_at": "x"} if done else {}), target=f"deployment/{n}")
               for n, (status, temporary, done, calm, _) in enumerate(items, 1)]
    over = {n: "calm" if gone else "" for n, (*_, gone) in enumerate(items, 1)}
    found = care(service, records, over, NOW, NOW - elapsed, switch, busy)
    if found.answer == "put_back":
        assert switch == "released" and not busy and mode == "auto"
        for number in found.numbers:
            record = records[number - 1]
            assert record in in_place(records) and over[number] and NOW - (record.condition_cleared_at or NOW) >= CALM
    assert found.answer != "done" or not in_place(records)
    if found.answer == "waiting":
        assert service.recovery.check_every_seconds <= found.wait_seconds <= (
            service.recovery.check_at_most_every_seconds)


# --- what the remedies themselves say ---------------------------------------------------------------------------------

def load(per_second: float) -> Finding[Any]:
    return observed("cloudwatch", "error_rate", component="payment-gateway", window=Window(NOW - 60, NOW), detail={
        "series": [[NOW - 60 + 10 * n, 10 * per_second, 0.0] for n in range(6)]})


def test_more_pods_are_needed_as_long_as_the_load_is_more_than_those_before_serve(service: Service) -> None:
    def gone(*findings: Finding[Any], **parameters: Any) -> str:
        return scaling_rule.REMEDY.reason_gone(
            service, "deployment/payment-gateway", "payment-gateway", {"replicas": 4}, {"replicas": 8, **parameters},
            Evidence(findings))

    assert not gone(load(120), each=20.0)
    assert not gone(load(70), each=20.0)  # four serve it, but with no reserve
    assert "40 requests/s" in gone(load(40), each=20.0)
    assert not gone(each=20.0)
    assert not gone(load(40))


def test_the_first_provider_is_gone_back_to_when_all_that_can_tell_say_so(service: Service) -> None:
    def said(health: float | None, page: float | None, status: Any = "ok") -> str:
        found = [] if health is None else [
            observed("provider", "health", component="provider:primary", value=health)]
        if page is not None:
            found.append(observed("provider", "status_page", status, component="provider:primary", value=page))
        return switching_rule.REMEDY.reason_gone(
            service, "configmap/c", "payment-gateway", {"value": "primary"}, {"value": "fallback"}, Evidence([
                *found, observed("provider", "health", component="provider:fallback", value=1.0)]))

    assert said(1.0, 0.0) and said(1.0, None)
    assert not said(0.0, 0.0) and not said(1.0, 2.0) and not said(None, None)
    assert not said(1.0, 0.0, "timeout")


class Cluster:
    """Two pods on a node that is not ready, one elsewhere."""

    def __init__(self, forbidden: bool = False) -> None:
        self.nodes: dict[str, Any] = {name: {
            "metadata": {"name": name, "resourceVersion": "1"}, "spec": {}, "status": {"conditions": [
                {"type": "Ready", "status": "Unknown" if name == "node-a" else "True"}]}}
            for name in ("node-a", "node-b")}
        self.forbidden = forbidden
        self.evicted: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/eviction"):
            self.evicted.append(path.split("/")[-2])
            return httpx.Response(201, json={})
        if "/nodes/" in path:
            node = self.nodes.get(path.rsplit("/", 1)[1])
            if node is None:
                return httpx.Response(404, json={"reason": "NotFound"})
            if request.method == "PATCH":
                if self.forbidden:
                    return httpx.Response(403, json={"reason": "Forbidden", "message": "no"})
                patch = json.loads(request.content)
                node["spec"] = {key: value for key, value in patch["spec"].items() if value is not None}
                node["metadata"]["annotations"] = {
                    key: value for key, value in patch["metadata"]["annotations"].items() if value is not None}
            return httpx.Response(200, json=node)
        items: list[Any] = []
        if path.endswith("/nodes"):
            items = list(self.nodes.values())
        elif path.endswith("/deployments"):
            items = [{"metadata": {"name": "payment-gateway"}, "spec": {"replicas": 3}}]
        elif path.endswith("/deployments/payment-gateway"):
            return httpx.Response(200, json={"metadata": {"name": "payment-gateway"}, "spec": {"replicas": 3}})
        elif path.endswith("/replicasets"):
            items = [{"metadata": {"name": "rs", "namespace": "payments", "ownerReferences": [
                {"kind": "Deployment", "name": "payment-gateway", "controller": True}]}}]
        elif path.endswith("/pods"):
            items = [{"metadata": {"name": f"p{n}", "uid": f"u{n}", "namespace": "payments", "ownerReferences": [
                {"kind": "ReplicaSet", "name": "rs", "controller": True}]}, "spec": {"nodeName": node},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
                for n, node in enumerate(("node-a", "node-gone", "node-b"))]
        return httpx.Response(200, json={"items": items})


def restarting(cluster: Cluster, service: Service) -> tuple[RemediationContext, Kubernetes]:
    return asked(service, "nodes_down"), Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(cluster)), "https://k8s")


def test_a_bad_node_is_closed_and_opened_again_and_a_gone_one_has_no_ready_pods(service: Service) -> None:
    cluster = Cluster()
    case, api = restarting(cluster, service)
    plan = planned(restart_pods.plan(case, restart_pods.Facts(), api))
    assert (plan.parameters.close, plan.temporary) == (("node-a",), True)
    assert plan.before.pods == ("p0", "p1")
    restart_pods.apply(case, plan, api)
    assert cluster.evicted == ["p0", "p1"]
    assert cluster.nodes["node-a"]["spec"] == {"unschedulable": True}
    record = OnRecord(plan.target, "payment-gateway", plan.before, plan.parameters)
    nodes = observed("kubernetes", "nodes", detail={"not_ready": ["node-a"]})
    assert not restarting_rule.no_longer_needed(service, record, Evidence([nodes]))
    assert restarting_rule.no_longer_needed(service, record, Evidence([replace(nodes, detail=Nodes())]))
    assert "node-a" in restart_pods.revert(case, plan, api)
    assert cluster.nodes["node-a"]["spec"] == {}


def test_a_node_that_somebody_else_closed_stays_closed(service: Service) -> None:
    cluster = Cluster()
    cluster.nodes["node-a"]["spec"] = {"unschedulable": True}
    case, api = restarting(cluster, service)
    plan = planned(restart_pods.plan(case, restart_pods.Facts(), api))
    assert (plan.parameters.close, plan.temporary) == ((), False)
    # Closed by somebody between plan and deed: it is not the responder's to open.
    closing = replace(plan, parameters=replace(plan.parameters, close=("node-a",)))
    restart_pods.apply(case, closing, api)
    restart_pods.revert(case, closing, api)
    assert cluster.nodes["node-a"]["spec"] == {"unschedulable": True}


def test_pods_are_restarted_even_if_no_node_may_be_cordoned(service: Service) -> None:
    cluster = Cluster(forbidden=True)
    case, api = restarting(cluster, service)
    restart_pods.apply(case, planned(restart_pods.plan(case, restart_pods.Facts(), api)), api)
    assert cluster.evicted == ["p0", "p1"]


# --- where the flag stands --------------------------------------------------------------------------------------------

class Profiles:
    """AppConfig as far as it is used; the answers have the shapes of its API reference."""

    def __init__(self) -> None:
        self.versions = {1: {"PROVIDER": "primary", "OTHER": 1}, 2: {"PROVIDER": "never deployed"}}
        self.deployed = 1

    def start_configuration_session(self, **given: Any) -> dict[str, Any]:
        return {"InitialConfigurationToken": "t"}

    def get_latest_configuration(self, **given: Any) -> dict[str, Any]:
        return {"Configuration": io.BytesIO(json.dumps(self.versions[self.deployed]).encode())}

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **given: [{"Items": [{"VersionNumber": n} for n in self.versions]}])

    def create_hosted_configuration_version(self, **given: Any) -> dict[str, Any]:
        assert given["LatestVersionNumber"] == max(self.versions)
        self.versions[3] = json.loads(given["Content"])
        return {"VersionNumber": 3}

    def start_deployment(self, **given: Any) -> dict[str, Any]:
        self.deployed = int(given["ConfigurationVersion"])
        return {"State": "DEPLOYING"}


PRIMARY = switching_rule.Facts("primary")


def switching(service: Service, switch: ProviderSwitch) -> RemediationContext:
    service = replace(service, provider_switch=switch, providers=tuple(
        replace(provider, health_url="") for provider in service.providers))
    return asked(service, "provider_fails")


def test_a_flag_in_appconfig_is_deployed_with_all_else_that_is_there(service: Service,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = Profiles()
    monkeypatch.setattr(aws, "client", lambda name, *more: profiles)
    case = switching(service, ProviderSwitch(key="PROVIDER", appconfig=AppConfig("app1", "env1", "prof1")))
    plan = planned(switch_provider.plan(case, PRIMARY))
    assert (plan.target, plan.before) == ("appconfig/app1/prof1", switching_rule.Value("primary"))
    switch_provider.apply(case, plan)
    assert profiles.versions[profiles.deployed] == {"PROVIDER": "fallback", "OTHER": 1}
    assert switch_provider.apply(case, plan).endswith("it was done before")
    profiles.versions[4] = {"PROVIDER": "somebody's"}
    profiles.deployed = 4
    with pytest.raises(flags.Changed):
        flags.flag(case.service.provider_switch or ProviderSwitch(), "", None).write("fallback", "primary", "m")


@mock_aws
def test_a_flag_in_a_parameter_is_set_and_set_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    ssm = boto3.client("ssm")
    monkeypatch.setattr(aws, "client", lambda name, *more: boto3.client(name))
    case = switching(service, ProviderSwitch(ssm_parameter="/payments/provider"))
    assert "there is no" in refusal(switch_provider.plan(case, PRIMARY))
    ssm.put_parameter(Name="/payments/provider", Value="primary", Type="String")
    plan = planned(switch_provider.plan(case, PRIMARY))
    switch_provider.apply(case, plan)
    assert ssm.get_parameter(Name="/payments/provider")["Parameter"]["Value"] == "fallback"
    switch_provider.revert(case, plan)
    assert ssm.get_parameter(Name="/payments/provider")["Parameter"]["Value"] == "primary"


# --- by its steps -----------------------------------------------------------------------------------------------------

class Stage:
    """An incident that was closed with a temporary mitigation in place."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, records: Records, service: Service) -> None:
        self.records, self.service, self.switch, self.undone = records, service, "released", 0
        self.over = "calm"
        rule = remedy("scale_up", no_longer_needed=lambda service, record, evidence: self.over)
        action = Action(rule, lambda context, facts: Plan("", "", Anything(), Anything()), lambda context, plan: "",
                        self._revert)
        monkeypatch.setenv("ACTION", "scale_up")
        monkeypatch.setenv("TOPIC", "t")
        monkeypatch.setattr(act.remedy.actions, "find", lambda name: action)
        monkeypatch.setattr(aftercare, "find", lambda name: rule)
        for module in (act.remedy, aftercare):
            monkeypatch.setattr(module, "kill_switch", lambda service: self.switch)
        monkeypatch.setattr(step, "records", lambda: records)
        monkeypatch.setattr(step, "load", lambda name: self.service)
        monkeypatch.setattr(close, "deployed", lambda name: SimpleNamespace(alarms=()))
        monkeypatch.setattr(aftercare, "deployed", lambda name: SimpleNamespace(remedies=(
            SimpleNamespace(action="scale_up", function="f"),)))
        monkeypatch.setattr(sns, "publish", lambda *given, **more: "m")
        records.open(service.service, "i-1", "e1", iso(time.time() - 60),
                     Signal(iso(time.time() - 60), "alarm", "a", "k"))
        fence = records.hold("c/deployment", "i-1", 600)
        records.plan_action("i-1", 1, {"action": "scale_up", "component": "payment-gateway", "status": "verified",
                                       "applied_at": iso(time.time()), "temporary": True, "target": "deployment/x",
                                       "summary": "scale it", "diff": "", "before": {}, "parameters": {},
                                       "cause": "overload", "mechanism": "more_traffic"})
        records.judge_action("i-1", 1, action="scale_up", lease="c/deployment", fence=fence,
                             ruled_on=Remedy.of(records.action("i-1", 1) or {}).digest)
        records.update("i-1", confirmed=True, recovery_verified_at=iso(time.time()),
                       evidence_cutoff=iso(time.time()))

    def _revert(self, context: RemediationContext, plan: AnyPlan) -> str:
        gate.check("scale it")
        self.undone += 1
        return "scaled back"

    def step(self, handler: Any, execution: str = "e1", **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler({
            "incident": {"id": "i-1", "service": self.service.service, "opened_at": iso(time.time() - 60),
                         "execution": execution}, "entered": iso(time.time()),
            "now": iso(time.time()), "since": iso(time.time() - 30), "answers": [], "number": 1, **more}, None)
        return found


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Stage]:
    with mock_aws():
        yield Stage(monkeypatch, timeline(), replace(
            service, mode="auto", policy={"scale_up": "auto"}, recovery=replace(service.recovery, calm_seconds=0)))


def test_a_mitigation_is_restored_once_and_still_counts_as_having_helped(stage: Stage) -> None:
    assert stage.step(close.handler, operation="stand_down")["temporary"]
    found = stage.step(aftercare.handler)
    assert found["answer"] == "put_back"
    entry, = found["items"]
    assert entry["remedy"]["function"] == "f"
    for _ in range(2):
        assert stage.step(act.handler, operation="revert", over=True, remedy=entry["remedy"], why="calm")["reverted"]
    record = stage.records.action("i-1", 1) or {}
    assert (stage.undone, record["status"], bool(record["put_back_at"])) == (1, "verified", True)
    assert stage.step(aftercare.handler)["answer"] == "done"


def test_an_incident_that_was_opened_again_is_no_longer_cared_for(stage: Stage) -> None:
    stage.step(close.handler, operation="stand_down")
    stage.records.open(stage.service.service, "i-2", "e2", iso(time.time()),
                       Signal(iso(time.time() + 1), "alarm", "a", "l"), relapse_seconds=1800)
    assert stage.step(aftercare.handler)["answer"] == "done"
    assert stage.undone == 0


@pytest.mark.parametrize("hindrance", ["switch", "busy", "lease"])
def test_it_waits_while_something_else_is_going_on(stage: Stage, hindrance: str) -> None:
    stage.step(close.handler, operation="stand_down")
    if hindrance == "switch":
        stage.switch = "engaged"
    elif hindrance == "busy":
        stage.records.open(stage.service.service, "i-2", "e2", iso(time.time()),
                           Signal(iso(time.time() + 1), "alarm", "a", "l"))
    else:
        assert stage.records.hold("c/deployment", "i-9", 600)
    assert stage.step(aftercare.handler)["answer"] == "waiting"


def test_a_mitigation_left_to_people_is_reported_and_not_checked_again(stage: Stage) -> None:
    stage.step(close.handler, operation="stand_down")
    stage.service = replace(stage.service, mode="approve")
    found = stage.step(aftercare.handler)
    assert found["answer"] == "people" and "scale it (deployment/x)" in found["reason"]
    assert stage.step(close.handler, operation="left", why=found["reason"])["left"]
    assert stage.step(aftercare.handler)["answer"] == "done"


class Scaler:
    """A Deployment with an autoscaler."""

    def __init__(self, minimum: int, maximum: int) -> None:
        self.item: dict[str, Any] = {"metadata": {"name": "hpa"}, "spec": {
            "minReplicas": minimum, "maxReplicas": maximum, "scaleTargetRef": {"name": "payment-gateway"}}}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            self.item["spec"] |= json.loads(request.content)["spec"]
            return httpx.Response(200, json=self.item)
        return httpx.Response(200, json={"items": [self.item]})


@pytest.mark.parametrize(("bounds", "left"), [((8, 10), (4, 10)), ((4, 10), (4, 10)), ((9, 30), (9, 30))])
def test_an_autoscaler_gets_its_bounds_back_unless_somebody_has_set_others(
        service: Service, bounds: tuple[int, int], left: tuple[int, int]) -> None:
    scaler = Scaler(*bounds)
    api = Kubernetes(Http(time.monotonic() + 5, transport=httpx.MockTransport(scaler)), "https://k8s")
    case = asked(service, "more_traffic")
    plan = Plan("deployment/payment-gateway", "scale it", scaling_rule.Before(4, "hpa", 4, 10),
                scaling_rule.Parameters(8))
    if bounds == (9, 30):
        with pytest.raises(ActionFailed, match="somebody else"):
            scale_up.revert(case, plan, api)
    else:
        scale_up.revert(case, plan, api)
    assert (scaler.item["spec"]["minReplicas"], scaler.item["spec"]["maxReplicas"]) == left


@mock_aws
@pytest.mark.parametrize(("silent", "answers", "refused"), [
    (True, [200, 200], True), (True, [503], False), (True, [200, 503], False), (True, [None], False),
    # It answered all along, and what it answers is what fails: that it does is no news.
    (False, [], False)])
def test_a_provider_that_answers_again_is_not_left(service: Service, monkeypatch: pytest.MonkeyPatch, silent: bool,
                                                   answers: list[int | None], refused: bool) -> None:
    monkeypatch.setattr(aws, "client", lambda name, *more: boto3.client(name))
    monkeypatch.setattr(switch_provider, "_BETWEEN_SECONDS", 0.0)
    boto3.client("ssm").put_parameter(Name="/payments/provider", Value="primary", Type="String")
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        status = answers.pop(0) if asked[-1].endswith("/primary") else 200
        if status is None:
            raise httpx.ConnectError("connection refused")
        return httpx.Response(status)

    case = switching(service, ProviderSwitch(ssm_parameter="/payments/provider"))
    case = replace(case, service=replace(case.service, providers=tuple(
        replace(provider, health_url=f"https://x/{provider.name}") for provider in case.service.providers)))
    plan = switch_provider.plan(case, replace(PRIMARY, silent=silent), http=Http(
        time.monotonic() + 5, transport=httpx.MockTransport(answer)))
    assert refusal(plan) == ("primary answers again" if refused else "")
    assert not isinstance(plan, Declined) or plan.transient  # it may fail again
    assert not answers and refused == (asked[-1] == "https://x/primary")
