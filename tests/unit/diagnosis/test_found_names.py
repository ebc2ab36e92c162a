"""Changes are a component's also where a chart or a tool has named its workload and its Service in its own way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.endpoints import Endpoints
from responder.model.evidence.pods import OfTemplate
from responder.model.service import Service
from responder.plan.decide import DiagnosisInput, Judgement, judge_cause
from responder.plan.found import as_found
from responder.plan.weights import shipped
from tests.conftest import shipped_service
from tests.diagnosis import (
    NOW,
    ONSET,
    WINDOW,
    Found,
    callee,
    calls,
    chain,
    change,
    changes,
    field,
    of_gateway,
    pods,
)

GATEWAY = "payment-gateway"


def judged(*findings: Found) -> Judgement:
    """The judgement of an outage of the gateway that these findings show."""
    return judge_cause(shipped_service(), Evidence(findings), DiagnosisInput(NOW - 60, ONSET), shipped())


def told(judgement: Judgement) -> tuple[str, str, list[tuple[str, str]]]:
    """Mechanism, component, and the remedies that are proposed, with their components."""
    return (judgement.diagnosis.mechanism, judgement.diagnosis.component,
            [(one.action, one.component) for one in judgement.proposed])


FAILING = chain(of_gateway())
REFUSED = calls("backend", {GATEWAY: callee({"connect to payment-gateway:80: connection refused": 1200},
                                            requests=1200)})


def crashing(workload: str = "") -> Found:
    return pods(GATEWAY, 1, waiting={"CrashLoopBackOff": 3}, workload=workload)


def behind(service: str = "") -> Found:
    return Finding(source="kubernetes", component=GATEWAY, window=WINDOW, value=0.0, detail=Endpoints(
        exists=True, service=service))


COMMAND = field(["template", "spec", "containers", GATEWAY, "command"], ["serve"], ["serv"])
SELECTOR = field(["selector", "app"], GATEWAY, "nobody")


@given(st.sampled_from(["StatefulSet", "Rollout", "Deployment"]),
       st.from_regex(r"[a-z]{1,8}-payment-gateway|pay-primary", fullmatch=True))
@settings(max_examples=20)
def test_a_change_of_a_workload_weighs_the_same_whatever_its_kind_and_name(kind: str, name: str) -> None:
    plain = told(judged(*FAILING, crashing(), changes(change("Deployment", GATEWAY, COMMAND))))
    assert plain[:2] == ("unfit_workload", GATEWAY)
    assert told(judged(*FAILING, crashing(f"{kind.lower()}/{name}"), changes(change(kind, name, COMMAND)))) == plain
    other = told(judged(*FAILING, crashing(f"{kind.lower()}/{name}"), changes(change(kind, "another", COMMAND))))
    assert other != plain


def test_a_change_of_the_deployment_that_has_a_rollouts_template_is_the_components() -> None:
    changed = changes(change("Deployment", GATEWAY, COMMAND))
    plain = told(judged(*FAILING, crashing(), changed))
    assert told(judged(*FAILING, crashing("rollout/pay-rollout"), changed)) == plain


def test_a_service_of_any_name_is_the_components() -> None:
    seen = (REFUSED, pods(GATEWAY, templates={"a": OfTemplate(4, 4)}))
    plain = told(judged(*seen, behind(), changes(change("Service", GATEWAY, SELECTOR))))
    assert plain == ("service_definition", GATEWAY, [("restore_configuration", GATEWAY)])
    assert told(judged(*seen, behind("main-pay"), changes(change("Service", "main-pay", SELECTOR)))) == plain


@pytest.mark.parametrize(("workload", "found", "kept"), [
    ("", "statefulset/myrelease-pay", "statefulset/myrelease-pay"), ("", f"deployment/{GATEWAY}", ""),
    ("deployment/pay-api", "rollout/pay-rollout", "deployment/pay-api"), ("", "", "")])
def test_only_what_the_configuration_leaves_open_is_as_found(workload: str, found: str, kept: str) -> None:
    service: Service = shipped_service()
    service = replace(service, components=tuple(
        replace(one, workload=workload) if one.name == GATEWAY else one for one in service.components))
    seen: Finding[Any] = crashing(found)
    assert as_found(service, Evidence([seen])).component(GATEWAY).workload == kept
