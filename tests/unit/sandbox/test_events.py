"""The sandbox's events: each takes away only what it brought about itself, however events overlap."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox import events
from sandbox.control import Control
from sandbox.drill.contract import ContractError, read
from sandbox.parts import Sandbox
from sandbox.platform.changes import Changes
from sandbox.platform.objects import KINDS, deployment, nodes, platform
from sandbox.platform.state import World
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Versions
from sandbox.truth import Truth, from_json
from sandbox.vendors.gate import Gates
from tests.conftest import ROOT


class Memory:
    """A cluster in memory: the objects of the platform, and the verbs that events use."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.pods: list[dict[str, Any]] = []
        for item in [*nodes(), *platform({})]:
            self.apply(item)
        for name, kind in KINDS.items():
            template = deployment(name, "1.0.0", 1)["spec"]["template"]
            self.pods += [{"metadata": {"name": f"{name}-{number}", "uid": f"{name}-{number}", "labels": {"app": name}},
                           "spec": template["spec"] | {"nodeName": f"node-{'abc'[number % 3]}"}}
                          for number in range(kind.pods)]

    def items(self, path: str) -> list[dict[str, Any]]:
        assert path.endswith("/pods")
        return self.pods

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        return copy.deepcopy(self.objects.get((kind, name)))

    def apply(self, manifest: dict[str, Any]) -> dict[str, Any]:
        key = (manifest["kind"], manifest["metadata"]["name"])
        self.objects[key] = _merged(self.objects.get(key), manifest, named=False)
        return copy.deepcopy(self.objects[key])

    def patch(self, kind: str, name: str, patch: dict[str, Any], namespace: str | None = None, *,
              strategic: bool = True, manager: str = "") -> dict[str, Any]:
        self.objects[kind, name] = _merged(self.objects[kind, name], patch, named=strategic)
        return copy.deepcopy(self.objects[kind, name])

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        self.objects.pop((kind, name), None)

    def create(self, path: str, body: dict[str, Any]) -> None:
        self.objects.setdefault((body["kind"], body["metadata"]["name"]), copy.deepcopy(body))

    def delete_now(self, path: str) -> None:
        assert path.startswith("/api/v1/nodes/")
        self.objects.pop(("Node", path.rpartition("/")[2]), None)

    def patch_status(self, path: str, status: dict[str, Any]) -> None:
        pass


def _merged(value: Any, patch: Any, named: bool) -> Any:
    if isinstance(patch, Mapping):
        base = value if isinstance(value, Mapping) else {}
        return {key: _merged(base.get(key), patch[key], named) if key in patch else copy.deepcopy(base[key])
                for key in [*base, *(key for key in patch if key not in base)]
                if patch.get(key, "") is not None}
    if named and isinstance(patch, list) and all(isinstance(item, Mapping) and "name" in item for item in patch):
        base = {item["name"]: item for item in value or []}
        return list({**base, **{item["name"]: _merged(base.get(item["name"]), item, named)
                                for item in patch}}.values())
    return copy.deepcopy(patch)


class Engine:
    """Keeps the events of AWS that are sent."""

    def __init__(self) -> None:
        self.sent: list[Mapping[str, Any]] = []

    def aws_event(self, detail_type: str, source: str, detail: Mapping[str, Any]) -> None:
        self.sent.append(detail)

    def alarm_events(self, name: str, count: int, reason: str) -> None:
        self.sent.append({"alarm": name, "count": count})


class Stage:
    """The platform without servers and clock, and the events that go on."""

    def __init__(self) -> None:
        self.cluster, self.engine = Memory(), Engine()
        versions, gates = Versions(), Gates()
        self.switched: list[str] = []
        parameters = SimpleNamespace(put_parameter=lambda **given: self.switched.append(given["Value"]))
        self.sandbox = Sandbox(
            self.engine, self.cluster, Changes(self.cluster), SimpleNamespace(beat_now=lambda: None), None,
            SimpleNamespace(mark=lambda component, version: None), Telemetry(versions), Delays.read(), versions, gates,
            None, parameters, running_pods=self.cluster.pods)
        self._control = Control(self.sandbox, None, None, None, None)

    @property
    def world(self) -> World:
        return self.sandbox.world

    def begin(self, name: str, kind: str, fields: dict[str, Any]) -> None:
        # As the runner does: what the file says is checked, sent as JSON, and read there.
        given = events.every()[kind].schema.model_validate(fields).model_dump(mode="json", by_alias=True)
        self._control.answer("begin", json.loads(json.dumps({"event": name, "kind": kind, "fields": given})))

    def end(self, name: str) -> None:
        self._control.answer("heal", {"event": name})

    def truth(self) -> Truth:
        return from_json(json.loads(json.dumps(self._control.answer("truth", {}))))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_the_truth_has_the_moments_of_each_event(stage: Stage) -> None:
    before = time.time()
    stage.begin("0", "traffic", {"factor": 2})
    stage.begin("1", "kill_switch", {})
    stage.end("0")
    surge, switch = stage.truth().events
    assert (surge.kind, switch.kind, switch.healed) == ("traffic", "kill_switch", None)
    assert before <= surge.began <= surge.done <= switch.began <= surge.healed <= time.time()


def image_of(stage: Stage, component: str) -> str:
    found = stage.cluster.objects["Deployment", component]
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"]).rpartition(":")[2]


def test_traffic_falls_by_what_ended_alone(stage: Stage) -> None:
    stage.begin("first", "traffic", {"factor": 2})
    stage.begin("second", "traffic", {"factor": 3})
    stage.end("first")
    assert stage.world.factor == 3
    stage.end("second")
    assert stage.world.factor == 1


def test_a_source_stays_down_until_its_last_fault_ends(stage: Stage) -> None:
    stage.begin("first", "telemetry", {"source": "splunk", "fault": "slow"})
    stage.begin("second", "telemetry", {"source": "splunk", "fault": "down"})
    assert stage.sandbox.gates.fault("splunk") == "down"
    stage.end("second")
    assert stage.sandbox.gates.fault("splunk") == "slow"


def test_pods_hang_until_their_own_event_ends(stage: Stage) -> None:
    stage.begin("first", "pods", {"component": "frontend", "fault": "hung"})
    stage.begin("second", "pods", {"component": "backend", "fault": "hung"})
    stage.end("first")
    assert set(stage.world.hung) == {"backend-0", "backend-1", "backend-2"}


def test_a_line_is_logged_until_its_own_event_ends(stage: Stage) -> None:
    for name in ("first", "second"):
        stage.begin(name, "log", {"component": "backend", "line": name})
    stage.end("first")
    stage.begin("third", "log", {"component": "backend", "line": "third"})
    assert sorted(line.text for line in stage.sandbox.lines) == ["second", "third"]


def test_a_provider_is_as_the_remaining_event_says(stage: Stage) -> None:
    stage.begin("first", "provider", {"name": "primary", "fault": "slow"})
    stage.begin("second", "provider", {"name": "primary", "fault": "down"})
    stage.end("second")
    assert stage.world.providers["primary"].fault == "slow"


def test_the_control_plane_stays_down_until_the_last_event_ends(stage: Stage) -> None:
    for name in ("first", "second"):
        stage.begin(name, "control_plane", {"fault": "down"})
    stage.end("first")
    assert stage.world.control_plane_down


def test_a_path_stays_broken_until_the_last_event_ends(stage: Stage) -> None:
    for name in ("first", "second"):
        stage.begin(name, "network", {"from": "backend", "to": "payment-gateway", "fault": "blocked"})
    stage.end("first")
    assert stage.world.path("backend", "payment-gateway") == "blocked"


def test_a_node_stays_silent_until_the_last_event_ends(stage: Stage) -> None:
    for name in ("first", "second"):
        stage.begin(name, "nodes", {"fault": "not_ready", "names": ["node-a"]})
    stage.end("first")
    assert set(stage.world.silent_nodes) == {"node-a"}


def test_the_database_keeps_the_fault_that_has_not_ended(stage: Stage) -> None:
    stage.begin("first", "database", {"fault": "slow"})
    stage.begin("second", "database", {"fault": "refuses_connections"})
    stage.end("second")
    assert stage.world.database.fault == "slow"


def test_a_parameter_goes_back_to_what_it_was_before_all_events(stage: Stage) -> None:
    stage.begin("first", "database", {"parameters": {"statement_timeout": "3"}})
    stage.begin("second", "database", {"parameters": {"statement_timeout": "9"}})
    stage.end("first")
    assert stage.world.database.parameters["statement_timeout"] == "9"
    stage.end("second")
    assert stage.world.database.parameters["statement_timeout"] == "30000"


def test_a_release_is_withdrawn_without_the_one_that_came_after_it(stage: Stage) -> None:
    stage.begin("first", "release", {"component": "backend", "version": "1.1.0"})
    stage.begin("second", "release", {"component": "backend", "version": "1.2.0"})
    stage.end("first")
    assert image_of(stage, "backend") == "1.2.0"
    stage.end("second")
    assert image_of(stage, "backend") == "1.0.0"


def test_a_value_of_the_configuration_stays_until_its_own_event_ends(stage: Stage) -> None:
    stage.begin("first", "configuration", {"set": {"CURRENCY": "USD"}})
    stage.begin("second", "configuration", {"set": {"CURRENCY": "GBP"}})
    stage.end("first")
    config = stage.cluster.objects["ConfigMap", "payment-gateway-config"]
    assert config["data"]["CURRENCY"] == "GBP"
    stage.end("second")
    config = stage.cluster.objects["ConfigMap", "payment-gateway-config"]
    assert config["data"]["CURRENCY"] == "EUR"


def test_an_object_keeps_what_another_event_patched(stage: Stage) -> None:
    stage.begin("first", "kubernetes", {"patch": {"kind": "Deployment", "name": "backend", "patch": {
        "spec": {"replicas": 1}}}})
    stage.begin("second", "kubernetes", {"patch": {"kind": "Deployment", "name": "backend", "patch": {
        "spec": {"replicas": 0, "paused": True}}}})
    stage.end("first")
    assert stage.cluster.objects["Deployment", "backend"]["spec"]["replicas"] == 0
    stage.end("second")
    assert stage.cluster.objects["Deployment", "backend"]["spec"]["replicas"] == 3
    assert "paused" not in stage.cluster.objects["Deployment", "backend"]["spec"]


def test_the_kill_switch_stays_engaged_until_the_last_event_ends(stage: Stage) -> None:
    for name in ("first", "second"):
        stage.begin(name, "kill_switch", {})
    stage.end("first")
    assert stage.switched == ["engaged", "engaged", "engaged"]
    stage.end("second")
    assert stage.switched[-1] == "released"


def test_two_equal_aws_health_events_close_one_by_one(stage: Stage) -> None:
    for name in ("first", "second"):
        stage.begin(name, "aws_health", {"service": "RDS", "code": "AWS_RDS_OPERATIONAL_ISSUE"})
    stage.end("second")
    assert [event.status for event in stage.world.health] == ["open", "closed"]
    assert len({detail["eventArn"] for detail in stage.engine.sent}) == 2


def test_a_node_is_there_again_after_the_last_event_that_took_it(stage: Stage) -> None:
    stage.begin("first", "nodes", {"fault": "gone", "names": ["node-a"]})
    stage.begin("second", "nodes", {"fault": "gone", "names": ["node-a", "node-b"]})
    stage.end("first")
    assert ("Node", "node-a") not in stage.cluster.objects
    stage.end("second")
    assert ("Node", "node-a") in stage.cluster.objects and ("Node", "node-b") in stage.cluster.objects
    assert stage.world.silent_nodes == set()


def test_the_nodes_with_most_gateway_pods_fail_first(stage: Stage) -> None:
    stage.begin("first", "nodes", {"fault": "not_ready"})
    assert stage.world.silent_nodes == {"node-a"}


def test_the_surplus_of_a_client_comes_and_goes_with_its_event(stage: Stage) -> None:
    stage.begin("all", "traffic", {"factor": 2})
    stage.begin("one", "traffic", {"factor": 4, "client": "203.0.113.7"})
    assert (stage.world.factor, stage.world.floods) == (8.0, {"203.0.113.7": 6.0})
    stage.end("one")
    assert (stage.world.factor, stage.world.floods) == (2.0, {})


def test_a_rotated_password_stays_until_the_last_rotation_is_undone(stage: Stage) -> None:
    for name in ("first", "second"):
        stage.begin(name, "database", {"fault": "rejects_credentials"})
    rotated = stage.world.database.password
    stage.end("first")
    secret = stage.cluster.objects["Secret", "payment-gateway-db"]["stringData"]
    assert secret["password"] == stage.world.database.password == rotated != "first-password"
    stage.end("second")
    assert stage.world.database.password == "first-password" and stage.world.database.fault == ""


def test_a_repaired_fault_does_not_return_when_another_ends(stage: Stage) -> None:
    stage.begin("first", "database", {"fault": "slow"})
    stage.begin("second", "database", {"fault": "storage_full"})
    stage.world.database.reboot(100.0, failover=False)
    stage.end("second")
    assert stage.world.database.fault == ""


def test_a_path_whose_rule_was_authorized_again_is_not_recorded_twice(stage: Stage) -> None:
    stage.begin("first", "network", {"from": "backend", "to": "payment-gateway", "fault": "blocked"})
    stage.world.broken = []
    stage.end("first")
    assert [event.name for event in stage.world.trail] == ["RevokeSecurityGroupIngress"]


def test_an_event_heals_the_fields_that_another_event_s_patch_left_alone(stage: Stage) -> None:
    limits = {"containers": [{"name": "backend", "resources": {"limits": {"cpu": "10m"}}}]}
    stage.begin("limit", "kubernetes", {"patch": {"kind": "Deployment", "name": "backend", "patch": {
        "spec": {"template": {"spec": {**limits, "nodeSelector": {"disk": "ssd"}}}}}}})
    stage.begin("release", "release", {"component": "backend", "version": "1.2.0"})
    stage.end("limit")
    spec = stage.cluster.objects["Deployment", "backend"]["spec"]["template"]["spec"]
    assert image_of(stage, "backend") == "1.2.0"
    assert spec["containers"][0]["resources"]["limits"]["cpu"] == "500m" and "nodeSelector" not in spec


def test_an_object_that_was_made_and_changed_goes_with_the_last_event(stage: Stage) -> None:
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"},
              "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}
    stage.begin("made", "kubernetes", {"apply": policy})
    stage.begin("changed", "kubernetes", {"apply": policy | {"spec": {
        "podSelector": {}, "policyTypes": ["Ingress"]}}})
    stage.end("made")
    assert stage.cluster.objects["NetworkPolicy", "deny"]["spec"]["policyTypes"] == ["Ingress"]
    stage.end("changed")
    assert ("NetworkPolicy", "deny") not in stage.cluster.objects


def test_a_deleted_object_comes_back_as_it_was_before_all_events(stage: Stage) -> None:
    stage.begin("patched", "kubernetes", {"patch": {"kind": "Service", "name": "backend", "patch": {
        "spec": {"selector": {"app": "nobody"}}}}})
    stage.begin("deleted", "kubernetes", {"delete": {"kind": "Service", "name": "backend"}})
    stage.end("patched")
    assert ("Service", "backend") not in stage.cluster.objects
    stage.end("deleted")
    assert stage.cluster.objects["Service", "backend"]["spec"]["selector"] == {"app": "backend"}


def test_the_same_release_twice_is_withdrawn_with_its_last_event(stage: Stage) -> None:
    for name in ("first", "second"):
        stage.begin(name, "release", {"component": "backend", "version": "1.1.0"})
    stage.end("first")
    assert image_of(stage, "backend") == "1.1.0"
    stage.end("second")
    assert image_of(stage, "backend") == "1.0.0"


def test_a_null_in_a_patch_deletes_and_comes_back(stage: Stage) -> None:
    stage.begin("first", "kubernetes", {"patch": {"kind": "ConfigMap", "name": "payment-gateway-config", "patch": {
        "data": {"CURRENCY": None}}}})
    assert "CURRENCY" not in stage.cluster.objects["ConfigMap", "payment-gateway-config"]["data"]
    stage.end("first")
    assert stage.cluster.objects["ConfigMap", "payment-gateway-config"]["data"]["CURRENCY"] == "EUR"


def test_one_file_is_one_event(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stage: Stage) -> None:
    (tmp_path / "throw_away.py").write_text("""
from sandbox.events.event import Event, Fields

class ThrowAway(Fields):
    line: str

def apply(sandbox, fields):
    sandbox.lines.append(fields.line)
    return fields.line

def heal(sandbox, trace):
    sandbox.lines.remove(trace)

EVENT = Event("throw_away", ThrowAway, apply, heal)
""")
    (tmp_path / "x.yaml").write_text("name: x\nabout: y\nevents:\n- at: 0s\n  throw_away: {lin: z}\n")
    monkeypatch.setattr(events, "__path__", [*events.__path__, str(tmp_path)])
    events.every.cache_clear()
    try:
        with pytest.raises(ContractError, match=r"5: events\[0\]\.throw_away\.lin: found an unknown field"):
            read([tmp_path / "x.yaml"])
        stage.begin("first", "throw_away", {"line": "z"})
        assert stage.sandbox.lines == ["z"]
        stage.end("first")
        assert stage.sandbox.lines == []
    finally:
        monkeypatch.undo()
        events.every.cache_clear()


def test_each_event_is_named_where_drills_are_described() -> None:
    text = (ROOT / "docs" / "drills.md").read_text()
    assert [name for name in events.every() if f"`{name}`" not in text] == []


def test_each_event_of_every_drill_is_the_same_after_it_was_sent() -> None:
    for drill in read([*(folder for folder in (ROOT / "drills").glob("*/")), ROOT / "drills"]):
        for event in drill.events:
            schema = events.every()[event.kind].schema
            sent = json.loads(event.fields.model_dump_json(by_alias=True))
            assert schema.model_validate(sent) == event.fields, drill.name
