"""Signs of an attack: far more refusals than usual, or one client who is hardly there otherwise; noise is none."""

from __future__ import annotations

import copy
import math
import random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from bench.diagnosis import recorded_drill, recorded_names
from responder.handlers import diagnose, step
from responder.model.evidence import Evidence, Finding, Window
from responder.model.incident import Signal
from responder.model.service import Service
from responder.plan.attack import signs
from responder.plan.decide import DiagnosisInput, judge_cause
from responder.plan.kinds import ErrorKind, kind_of, rejected_caller
from responder.plan.remedies import find
from responder.plan.replay import replay, service_of
from responder.plan.weights import shipped
from responder.records.table import seconds
from sandbox.events.traffic import Traffic
from tests.conftest import shipped_service, timeline
from tests.findings import observed, recorded

NOW = 1_800_000_000.0
WINDOW = Window(NOW - 180, NOW)


def refused(lines: int, before: int, name: str = "rejected_signatures", component: str = "frontend") -> Finding[Any]:
    return observed("splunk", name, component=component, window=WINDOW, unit="lines/min", value=lines / 3,
                   baseline=round(before / 60, 2), detail={"lines": lines, "baseline_lines": before})


def failing(failed: int, of: int, before: int, all_before: int) -> Finding[Any]:
    return observed("splunk", "failing_clients", component="frontend", window=WINDOW, value=failed / of, detail={
        "all_failed": of, "all_before": all_before,
        "clients": [{"client": "203.0.113.x", "failed": failed, "before": before}]})


def logged(text: str, count: int, usual: float = 0.0) -> Finding[Any]:
    return observed("splunk", "error_signatures", window=WINDOW, detail={"signatures": [
        {"component": "frontend", "text": text, "count": count, "usual": usual}]})


@pytest.mark.parametrize(("finding", "said"), [
    (refused(412, 0), "requests of frontend with a missing or wrong signature: 412 in 3 min, normally none"),
    (refused(300, 200, "auth_failures"),
     "failed authentications of frontend's callers: 300 in 3 min, 30 times as many"),
    (failing(570, 1000, 100, 144_000),
     "57% of frontend's failing requests come from one client (203.0.113.x), which usually sends 0.1% of its requests"),
    (logged("ERROR Webhook signature verification failed for <id>", 60),
     "requests of frontend with a missing or wrong signature: 60 in 3 min, normally none")])
def test_hostile_traffic_is_said_in_plain_words(service: Service, finding: Finding[Any], said: str) -> None:
    told, = signs(service, Evidence([finding]), NOW - 60)
    assert told.startswith(said)
    # A look that ended before the symptom says nothing of it.
    assert signs(service, Evidence([finding]), NOW + 60) == ()
    assert signs(service, Evidence([finding]), None) == (told,)


@pytest.mark.parametrize("finding", [
    refused(12, 0), refused(40, 800), refused(200, 1200), refused(5, 0, "auth_failures"),
    refused(400, 0, component="somebody-else"),
    failing(50, 1000, 0, 144_000), failing(570, 1000, 40_000, 144_000), failing(12, 14, 0, 144_000),
    failing(570, 1000, 0, 0),  # no line named its client before
    logged("ERROR CardAuthorizer NullPointerException: merchantId", 900),
    logged("ERROR Webhook signature verification failed", 60, usual=30.0), logged("ERROR no signature", 8)])
def test_noise_and_habits_are_no_attack(service: Service, finding: Finding[Any]) -> None:
    assert signs(service, Evidence([finding]), NOW - 60) == ()


def test_a_log_that_was_searched_for_is_not_counted_twice(service: Service) -> None:
    assert len(signs(service, Evidence([refused(412, 0), logged("ERROR missing signature", 60)]), NOW - 60)) == 1


@given(st.floats(0.0, 3.0), st.floats(0.5, 2.0), st.integers(0, 2**32), st.sampled_from(
    ["rejected_signatures", "auth_failures"]))
def test_requests_at_their_usual_rate_are_never_an_attack(a_second: float, swing: float, seed: int, name: str) -> None:
    """Twice the load of the hour before, whatever is usual."""
    rng = random.Random(seed)

    def drawn(mean: float) -> int:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))

    finding = refused(drawn(a_second * swing * 180), drawn(a_second * 3600), name)
    if a_second == 0 or a_second * 180 * swing >= 1:
        assert signs(shipped_service(), Evidence([finding]), NOW - 60) == ()


@given(st.integers(100, 5000), st.integers(2, 9))
def test_a_few_clients_that_fail_by_their_usual_shares_are_no_attack(failed: int, clients: int) -> None:
    """A platform with few customers: each has a good part of what fails, as of all requests."""
    share = 1 / clients
    assert signs(shipped_service(), Evidence([failing(round(failed * share), failed, round(36_000 * share), 36_000)]),
                 NOW - 60) == ()


@pytest.mark.parametrize(("text", "kind"), [
    ("WARN rejected callback: missing signature", "signature"), ("webhook: invalid HMAC signature", "signature"),
    ("No signatures found matching the expected signature for payload", "signature"),
    ("unsigned callback refused", "signature"), ("SignatureDoesNotMatch: signature does not match", "signature"),
    ("error_signatures of the last hour", ""), ("card signature panel printed", ""), ("NullPointerException", "")])
def test_callers_that_are_refused_for_their_signature_are_a_kind_of_their_own(text: str, kind: str) -> None:
    assert rejected_caller(text) == kind
    # It is no failure of ours: which mechanism it is it does not say.
    assert kind_of(text) == ErrorKind.OTHER


@pytest.mark.parametrize("name", recorded_names())
def test_no_recorded_drill_without_hostile_traffic_asks_people_for_fear_of_one(name: str) -> None:
    _, drill, record = recorded_drill(name)
    service, items = service_of(record), sorted(record["items"], key=lambda item: str(item["sk"]))
    told = {sign for item in items if item["sk"].startswith("TIMELINE#") and item.get("kind") == "decision"
            and item["step"] == "Diagnose the root cause"
            for sign in signs(service, recorded(items, last=item["sk"].split("#")[1]),
                              item["detail"].get("onset"))}
    hostile = any(isinstance(event.fields, Traffic) and event.fields.client for event in drill.events) or (
        "unsigned" in drill.name or "stuffing" in drill.name)
    assert bool(told) <= hostile


def test_the_signs_are_judged_and_replayed() -> None:
    record: Any = copy.deepcopy(recorded_drill("bad-release")[2])
    items = sorted(record["items"], key=lambda item: str(item["sk"]))
    run = next(item for item in items if item.get("step") == "Diagnose the root cause"
                 and item.get("kind") == "decision")
    opened = seconds(next(item for item in items if item["sk"] == "INCIDENT")["opened_at"])
    findings = recorded(items, last=run["sk"].split("#")[1])
    end = max(f.window.end for f in findings.every if f.window)
    hostile = observed("splunk", "rejected_signatures", component="frontend", value=100.0, baseline=0.0,
                       window=Window(end - 180, end), detail={"lines": 300, "baseline_lines": 0})
    service, onset = service_of(record), run["detail"]["onset"]
    without, with_it = (judge_cause(service, given, DiagnosisInput(opened, onset), shipped())
                        for given in (findings, Evidence([*findings.every, hostile])))
    assert without.attack_signs == () and len(with_it.attack_signs) == 1
    # It weighs nothing in the diagnosis: the same remedy is proposed, and the guardrails ask for it.
    assert [p.action for p in with_it.proposed] == [p.action for p in without.proposed] == ["rollback"]
    assert all(find(p.action).undoes_change for p in with_it.proposed)
    run["detail"] |= {"attack_signs": [], "not_proposed": []}
    again = next(d for d in replay(record) if d.step == "Diagnose the root cause")
    assert again.again["attack_signs"] == [] and again.same
    run["detail"]["attack_signs"] = ["made up"]
    assert not next(d for d in replay(record) if d.step == "Diagnose the root cause").same


def test_signs_and_refusals_stand_on_the_incident_s_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the guardrails and people read: on the incident's own item, and on the timeline for a replay."""
    record: Any = recorded_drill("bad-release")[2]
    items = sorted(record["items"], key=lambda item: str(item["sk"]))
    run = next(item for item in items if item.get("step") == "Diagnose the root cause"
                 and item.get("kind") == "decision")
    opened = next(item for item in items if item["sk"] == "INCIDENT")["opened_at"]
    findings = recorded(items, last=run["sk"].split("#")[1])
    end = max(f.window.end for f in findings.every if f.window)
    hostile = observed("splunk", "rejected_signatures", component="frontend", value=100.0, baseline=0.0,
                       window=Window(end - 180, end), detail={"lines": 300, "baseline_lines": 0})
    monkeypatch.setattr(step, "load", lambda name: service_of(record))
    monkeypatch.setattr(diagnose, "deployed", lambda name: SimpleNamespace(remedies=()))
    with mock_aws():
        records = timeline()
        monkeypatch.setattr(step, "records", lambda: records)
        records.open("payment-gateway", "i-1", "e", opened, Signal(opened, "alarm", "a", "k"))
        # It was rolled back before, and is there again.
        records.plan_action("i-1", 1, {"action": "rollback", "cause": "code_bug", "status": "failed", "number": 1,
                                       "component": "payment-gateway", "target": "deployment/payment-gateway"})
        diagnose.handler({
            "incident": {"id": "i-1", "service": "payment-gateway", "opened_at": opened, "execution": "e"},
            "entered": run["sk"].split("#")[1], "confirmation": {"onset": run["detail"]["onset"]},
            "answers": [{"source": "all", "milliseconds": 1,
                         "findings": [f.to_json() for f in (*findings.every, hostile)]}]}, None)
        item = records.incident("i-1") or {}
        noted = next(entry for entry in records.everything("i-1") if entry["sk"].startswith("TIMELINE#")
                     and entry.get("step") == "Diagnose the root cause")["detail"]
    assert "300 in 3 min" in item["attack_signs"][0] and noted["attack_signs"] == item["attack_signs"]
    refused, = item["not_proposed"]
    assert (refused["action"], refused["component"], refused["mechanism"]) == (
        "rollback", "payment-gateway", "bad_release")
    assert "carried out before" in refused["reason"] and noted["not_proposed"] == item["not_proposed"]
