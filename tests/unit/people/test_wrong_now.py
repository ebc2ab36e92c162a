"""People read what is wrong in the cluster beside the cause: when they take over, and in the report."""

from __future__ import annotations

from dataclasses import replace

from responder.model.evidence import Finding, Window
from responder.model.evidence.problems import Problem, Problems
from responder.model.incident import Incident, IncidentRecord, Looked
from responder.model.service import Service
from responder.plan import messages
from responder.plan.review import review

ACCOUNT = Problem("missing_service_account", "admission", "deployment/payment-gateway",
                  "deployment/payment-gateway names ServiceAccount till, which is not there", "stops", "said",
                  ("payment-gateway",), said='serviceaccount "till" not found', mend="create ServiceAccount till")
NO_PODS = Problem("no_endpoints", "routing", "service/payment-gateway", "service/payment-gateway has no pod behind it",
                  "stops", "seen", ("payment-gateway",), mend="look at its pods", follows=("missing_service_account",))
RISK = Problem("oom_killed", "runtime", "deployment/frontend", "deployment/frontend is near its limit", "risks", "seen",
               ("frontend",))


def looked(moment: str, end: float, *problems: Problem) -> Looked:
    return Looked(moment, "kubernetes", "diagnose", moment, findings=(Finding(
        source="kubernetes", window=Window(end - 120, end), detail=Problems(problems)),))


INCIDENT = Incident("i-1", "payment-gateway", "2027-01-15T08:01:00.000Z", confirmed=True, outcome="escalated",
                    affected=("payment-gateway",), onset="2027-01-15T08:00:00.000Z")
RECORD = replace(IncidentRecord(INCIDENT), looked=(
    looked("2027-01-15T08:09:00.000Z", 1_799_999_900.0),
    looked("2027-01-15T08:02:00.000Z", 1_799_999_300.0, RISK, NO_PODS, ACCOUNT)))


def test_who_takes_over_reads_what_is_wrong_and_what_would_mend_it(service: Service) -> None:
    text = messages.escalation(service, RECORD, "no automatic step is left").text
    assert ("- deployment/payment-gateway names ServiceAccount till, which is not there. To mend it: create "
            "ServiceAccount till.") in text
    # A consequence and a risk would only stand in the way.
    assert "no pod behind it" not in text and "near its limit" not in text
    assert "Wrong in the cluster" not in messages.escalation(service, IncidentRecord(INCIDENT), "none is left").text


def test_the_report_lists_all_with_the_likeliest_first_and_what_follows_from_what(service: Service) -> None:
    told = review(RECORD, service=service).problems
    assert told[0].what == ACCOUNT.sentence
    assert {problem.object for problem in told} == {
        "deployment/payment-gateway", "service/payment-gateway", "deployment/frontend"}
    of_pods = next(problem for problem in told if problem.object == "service/payment-gateway")
    assert of_pods.follows_from == (ACCOUNT.sentence,)
    assert told[0].explains > 0.5 > max(problem.explains for problem in told[1:])
