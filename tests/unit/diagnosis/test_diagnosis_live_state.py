"""What is wrong now names the cause without any history: the ledger saw no change, or was not there."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.pods import Pods
from responder.model.evidence.problems import Basis, Family, Problem, Problems, Severity, Sign
from responder.model.service import Service
from responder.plan.object_at_fault import object_at_fault
from responder.plan.weights import shipped
from tests.diagnosis import ONSET, WINDOW, Found, both, callee, calls, changes, judged, pods

GATEWAY = "payment-gateway"


def wrong(sign: Sign, basis: Basis = "said", severity: Severity = "stops", apps: tuple[str, ...] = (GATEWAY,)) -> Found:
    family: Family = "routing" if sign in ("route", "gone") else "startup"
    return Finding(source="kubernetes", window=WINDOW, detail=Problems((Problem(
        "some_check", family, f"deployment/{GATEWAY}", "it cannot start", severity, basis, apps, sign=sign),)))


@pytest.mark.parametrize(("sign", "mechanism"), [
    ("admission", "refused_by_admission"), ("volume", "volume_unavailable"), ("registry", "registry_unreachable"),
    ("definition", "unfit_workload"), ("placement", "unfit_workload"), ("room", "unschedulable"),
    ("quota", "quota_exhausted")])
@pytest.mark.parametrize("history", [True, False])
def test_a_sign_of_the_live_state_names_the_mechanism(service: Service, sign: Sign, mechanism: str,
                                                     history: bool) -> None:
    seen = [*both(GATEWAY, 1.0), pods(GATEWAY, ready=0), wrong(sign), *([changes()] if history else [])]
    best = judged(service, seen).ranking[0]
    assert best.mechanism == mechanism


def test_what_the_configuration_names_and_is_gone_is_lost_capacity(service: Service) -> None:
    seen = [*both("backend", 1.0), calls("backend", {GATEWAY: callee({"Connection refused": 1600.0})}), changes(),
            Finding(source="kubernetes", component=GATEWAY, status="empty", window=WINDOW, detail=Pods())]
    assert judged(service, [*seen, wrong("gone")]).ranking[0].mechanism == "lost_capacity"


@pytest.mark.parametrize("sign", sorted(sign for sign in get_args(Sign) if sign))
@pytest.mark.parametrize("problem", [{"basis": "guessed"}, {"severity": "risks"}, {"apps": ("ledger",)}])
def test_a_guess_a_risk_and_somebody_elses_problem_weigh_nothing(service: Service, sign: Sign,
                                                                 problem: dict[str, Any]) -> None:
    seen = [*both(GATEWAY, 1.0), pods(GATEWAY, ready=0), changes()]
    without = judged(service, seen)
    assert judged(service, [*seen, wrong(sign, **problem)]).ranking == without.ranking


@pytest.mark.parametrize("reached", [True, False])
def test_a_wrong_route_counts_where_somebody_is_not_reached(service: Service, reached: bool) -> None:
    lost = {"payment-gateway answered 500": 1600.0} if reached else {"Connection refused": 1600.0}
    seen = [*both("frontend", 1.0), *both("backend", 1.0), *(both(GATEWAY, 1.0) if reached else ()),
            calls("backend", {GATEWAY: callee(lost)}), pods(GATEWAY), changes(), wrong("route")]
    told = judged(service, seen)
    assert (told.ranking[0].mechanism == "service_definition") is not reached


@pytest.mark.parametrize("sign", ["definition", "placement", "admission", "volume", "registry", "image", "room"])
def test_what_keeps_pods_from_starting_is_no_cause_where_all_are_ready(service: Service, sign: Sign) -> None:
    seen = [*both(GATEWAY, 1.0), pods(GATEWAY), changes()]
    assert judged(service, [*seen, wrong(sign)]).ranking == judged(service, seen).ranking


@pytest.mark.parametrize(("sign", "mechanism"), [("quota", "quota_exhausted"), ("admission", "refused_by_admission"),
                                                 (None, "")])
def test_pods_that_are_refused_are_a_quotas_only_where_the_message_says_so(
        service: Service, sign: Sign | None, mechanism: str) -> None:
    refused = pods(GATEWAY, ready=0, events={"FailedCreate": 3}, conditions={"ReplicaFailure": "FailedCreate"})
    looked = Finding(source="kubernetes", window=WINDOW, detail=Problems()) if sign is None else wrong(sign)
    told = judged(service, [*both(GATEWAY, 1.0), refused, looked])
    assert ("quota_refuses_pods" in {signal.id for signal in told.signals}) is (sign == "quota")
    assert mechanism in ("", told.ranking[0].mechanism)


def named(service: Service, *problems: Problem) -> str:
    """The object at fault in an outage of the gateway whose claim is not bound, beside other problems."""
    seen = [*both(GATEWAY, 1.0), calls("backend", {GATEWAY: callee({"Connection refused": 1600.0})}),
            pods(GATEWAY, ready=0), changes(), Finding(source="kubernetes", window=WINDOW, detail=Problems(problems))]
    diagnosis = judged(service, seen)
    return object_at_fault(diagnosis, Evidence(seen), service, ONSET, shipped())


def test_the_object_at_fault_is_named_where_it_speaks_for_the_cause_and_hits_the_component(service: Service) -> None:
    claim = Problem("claim", "scheduling", "persistentvolumeclaim/data", "no volume", "stops", "said", (GATEWAY,),
                    sign="volume")
    node = Problem("node", "infrastructure", "node/n1", "not ready", "stops", "said", ("ledger",), sign="node")
    risk = Problem("size", "scheduling", "persistentvolumeclaim/logs", "nearly full", "risks", "seen", (GATEWAY,),
                   sign="volume")
    assert named(service, node, risk, claim) == "persistentvolumeclaim/data"
    assert named(service, node, risk) == ""
    assert named(service) == ""
