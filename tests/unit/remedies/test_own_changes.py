"""Whoever writes under the responder's name is evidence, unless a remedy on record has written just that."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.diagnosis import recorded_drill
from responder.handlers import diagnose
from responder.model.change import OWN_MANAGER, Change, FieldChange
from responder.model.codec import decode, encode
from responder.model.evidence import Evidence, Finding, Window
from responder.model.evidence.changes import Changes
from responder.model.incident import Incident, IncidentRecord, Looked
from responder.model.remedy import Execution, Remedy
from responder.plan.decide import DiagnosisInput, judge_cause
from responder.plan.own import Write, without_own, written
from responder.plan.replay import replay, service_of
from responder.plan.weights import shipped
from responder.records.table import iso, seconds
from tests.findings import recorded

NOW = 1_800_000_000.0


def finding(*changes: Change) -> Finding[Changes]:
    return Finding(source="changes", window=Window(NOW - 180, NOW), value=float(len(changes)),
                   detail=Changes(changes=changes, last_look=NOW))


def change(kind: str = "Deployment", name: str = "payment-gateway", path: tuple[str, ...] = ("replicas",),
           after: Any = 6, at: float = NOW - 60, by: str = OWN_MANAGER, what: Any = "changed") -> Change:
    return Change(kind, name, what, at, at, by, (FieldChange(path, 4, after),))


def action(name: str = "scale_up", target: str = "deployment/payment-gateway", status: str = "applied",
           applied: float | None = NOW - 58, **more: Any) -> Remedy:
    before, parameters = OPERANDS.get(name, ({"replicas": 4}, {"replicas": 6}))
    return Remedy.of({"sk": "ACTION#01", "action": name, "target": target, "status": status,
                      "planned_at": iso(NOW - 70), "applied_at": iso(applied) if applied else None, "before": before,
                      "parameters": parameters, **more})


OPERANDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "rollback": ({"revision": 2, "replica_set": "b"}, {"revision": 1, "replica_set": "a", "uid": "u"}),
    "restore_configuration": ({"objects": [None]}, {"steps": []}), "restart_pods": ({}, {"close": ["node-a"]}),
    "switch_provider": ({"value": "primary"}, {"value": "fallback"}),
    "hide_payment_method": ({"value": ""}, {"value": "wallet"})}
"""As ``plan/remedies`` keeps them."""


def left(changes: list[Change], remedies: list[Remedy]) -> list[Change]:
    own = written(remedies, NOW)
    # What is kept on the timeline comes back the same.
    assert [decode(Write, json.loads(json.dumps(encode(write)))) for write in own] == own
    found, = without_own(Evidence([finding(*changes)]), own).every
    assert found.value == len(found.detail.changes)
    return list(found.detail.changes)


@pytest.mark.parametrize(("seen", "done"), [
    (change(), action()), (change(after=4), action(status="reverted")),
    (change(), action(status="applying", applied=None)),
    (change(after=4, at=NOW - 30), action(status="verified", applied=NOW - 50_000, put_back_at=iso(NOW - 29))),
    (change("HorizontalPodAutoscaler", "hpa", ("maxReplicas",), 6),
     action(before={"replicas": 4, "scaler": "hpa", "minimum": 2, "maximum": 5})),
    (change("Node", "node-a", ("unschedulable",), True), action("restart_pods")),
    (change("ConfigMap", "config", ("data", "PROVIDER"), "fallback"),
     action("switch_provider", "configmap/config")),
    (change(path=("template", "spec", "containers", "gateway", "image"), after="r/x:1.0.0"),
     action("rollback")),
    (change(after=0), action("cycle_deployment", status="failed")),
    (change("NetworkPolicy", "lock", (), what="deleted", by=""), action("restore_configuration", "networkpolicy/lock",
     parameters={"steps": [{"change": encode(change("NetworkPolicy", "lock", (), what="created"))}]})),
    (change("ConfigMap", "c", ("data", "A"), "1"), action("restore_configuration", "configmap/c", parameters={
        "steps": [{"change": encode(change("ConfigMap", "c", ("data", "A"), "2", by="kubectl"))}]}))])
def test_a_recorded_remedy_s_writes_are_no_evidence(seen: Change, done: Remedy) -> None:
    assert left([seen], [done]) == []
    # The same by another manager was somebody else's, and without the record nobody knows whose it was.
    assert left([seen], []) == [seen]
    if seen.what == "changed":
        assert left([replace(seen, by="kubectl")], [done]) != []


@pytest.mark.parametrize(("seen", "done"), [
    (change(name="backend"), action()), (change(path=("template", "spec", "x")), action()), (change(after=0), action()),
    (change(at=NOW - 4000), action()), (change(at=NOW + 600), action()), (change(), action(status="refused")),
    (change("Service"), action()), (change(), action(target="deployment/frontend")),
    (change(), action("inform_customers", "customers", status="done"))])
def test_another_writer_under_our_name_is_not_hidden(seen: Change, done: Remedy) -> None:
    assert left([seen], [done]) == [seen]
    assert "no remedy of ours is on record: somebody wrote under its name" in seen.sentence()
    assert "on record" not in replace(seen, by="kubectl").sentence()


def test_a_change_beside_a_remedy_between_two_snapshots_is_kept() -> None:
    both = replace(change(), fields=(*change().fields, FieldChange(("template", "spec", "image"), after="evil")))
    kept_part, = left([both], [action()])
    assert [item.path for item in kept_part.fields] == [("template", "spec", "image")]
    assert kept_part.by == "" and "under its name" not in kept_part.sentence()


PATHS = st.sampled_from([("replicas",), ("template", "spec", "image"), ("data", "PROVIDER"), ("unschedulable",)])
CHANGES = st.builds(change, kind=st.sampled_from(["Deployment", "ConfigMap", "Node"]),
                    name=st.sampled_from(["payment-gateway", "backend", "node-a"]), path=PATHS,
                    after=st.sampled_from([0, 4, 6, "x"]), at=st.floats(NOW - 9000, NOW),
                    by=st.sampled_from([OWN_MANAGER, "", "kubectl", "helm"]),
                    what=st.sampled_from(["changed", "created", "deleted"]))
ACTIONS = st.builds(action, name=st.sampled_from(["scale_up", "rollback", "restart_pods", "switch_provider", "wait"]),
                    target=st.sampled_from(["deployment/payment-gateway", "configmap/backend", "rds/db"]),
                    status=st.sampled_from(["applied", "refused", "verified", "planned", "failed"]),
                    applied=st.one_of(st.none(), st.floats(NOW - 9000, NOW)))


@given(st.lists(CHANGES, max_size=5), st.lists(ACTIONS, max_size=4))
def test_nothing_is_hidden_that_no_remedy_on_record_explains(changes: list[Change],
                                                             actions: list[Remedy]) -> None:
    found = left(changes, actions)
    for seen in changes:
        explained = any(
            done.status.may_have_run and done.target.endswith(f"/{seen.name}") and (
                done.applied_at is None or abs(seen.latest - seconds(done.applied_at)) <= 330)
            for done in actions)
        if not explained or seen.by not in (OWN_MANAGER, ""):
            assert seen in found
    assert len(found) <= len(changes)


def test_a_bad_value_under_our_name_is_diagnosed_as_anybody_else_s() -> None:
    """The same evidence with the field manager of the responder: it was left out, and the cause was unknown."""
    _, _, record = recorded_drill("bad-config-rejected")
    service = service_of(record)
    items = sorted(record["items"], key=lambda item: str(item["sk"]))
    opened = seconds(next(item for item in items if item["sk"] == "INCIDENT")["opened_at"])
    run = next(item for item in items if item.get("step") == "Diagnose the root cause"
                 and item.get("kind") == "decision")
    findings = recorded(items, last=run["sk"].split("#")[1])
    forged = Evidence(replace(f, detail=replace(f.detail, changes=tuple(
        replace(change, by=OWN_MANAGER) for change in f.detail.changes)))
        if f.name == "changes" and f.usable else f for f in findings.every)

    def judged(given: Evidence) -> Any:
        return judge_cause(service, given, DiagnosisInput(opened, run["detail"]["onset"]),
                           shipped()).diagnosis

    assert (judged(forged).cause, judged(forged).mechanism) == (judged(findings).cause, judged(findings).mechanism)
    assert "somebody wrote under its name" in judged(forged).summary


def test_a_replay_knows_what_was_our_own() -> None:
    record = copy.deepcopy(recorded_drill("bad-config-rejected")[2])
    run = next(item for item in record["items"] if item.get("step") == "Diagnose the root cause"
                 and item.get("kind") == "decision")
    before = next(d for d in replay(record) if d.step == "Diagnose the root cause").again
    for item in record["items"]:
        for found in item.get("findings") or ():
            if found["name"] == "changes":
                for seen in found["detail"].get("changes") or ():
                    seen["by"] = OWN_MANAGER
    own = [Write("ConfigMap", "payment-gateway-config", ("data",), (), 0.0, 9e9)]
    run["detail"] |= {"own": encode(own)}
    again = next(d for d in replay(record) if d.step == "Diagnose the root cause").again
    assert again["mechanism"] != before["mechanism"] == "bad_configuration"


def test_remedies_of_earlier_incidents_count_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    class Records:
        def executions(self, service: str, since: float) -> list[Execution]:
            return [Execution(NOW, incident, 1, "scale_up") for incident in ("before", "this")]

        def remedies_of(self, incident: str) -> list[Remedy]:
            assert incident == "before"
            return [action(applied=NOW - 900, planned_at=iso(NOW - 910))]

    class Visit:
        records, incident = Records(), "this"

        class service:  # noqa: N801 - as a run has it
            service = "payment-gateway"

    def own(by: str) -> list[Write]:
        findings = (finding(change(at=NOW - 905, by=by)),)
        record = IncidentRecord(Incident("this", "payment-gateway", iso(NOW)), looked=(
            Looked(iso(NOW), "changes", "Diagnose the root cause", iso(NOW), findings),))
        return diagnose._own(Visit(), record)  # type: ignore[arg-type]  # it stands for a step

    monkeypatch.setattr(diagnose.time, "time", lambda: NOW)
    seen = Evidence([finding(change(at=NOW - 905))])
    assert without_own(seen, own(OWN_MANAGER)).every[0].detail.changes == ()
    # Where nobody claims to be us nobody is asked.
    assert own("kubectl") == []
