"""Dependencies of other kinds: failing calls are theirs, and neither the database, nor the provider, nor our code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from responder.model.evidence import Evidence
from responder.model.evidence.calls import Callee
from responder.model.fault_location import Dependency as At
from responder.model.fault_location import location_of
from responder.model.service import Dependency, Service
from responder.plan.remedies import propose
from responder.plan.remedies.inform_provider import Facts as Told
from responder.plan.remedies.inform_provider import text
from responder.plan.starved import starved
from responder.plan.weights import shipped
from tests.diagnosis import (
    ONSET,
    Found,
    both,
    callee,
    calls,
    chain,
    change,
    changes,
    database_cpu,
    error_lines,
    field,
    isolated,
    judged,
    modes,
    pods,
    proposed,
    rates,
    rollout,
    slow,
)
from tests.signals_of_load import cache, health

GATEWAY = "payment-gateway"
HOSTS = {"fraud-check": "api.fraud.example", "receipts": "sqs.us-east-1.amazonaws.com",
         "token-cache": "payments-tokens.abc123.ng.0001.use1.cache.amazonaws.com"}


def gateway(name: str, kinds: dict[str, float], **more: float) -> Found:
    """The gateway's calls: those of a dependency fail, and what comes behind it is called for the rest."""
    others = {host: callee(requests=1600.0) for host in HOSTS.values()}
    return calls(GATEWAY, {**others, HOSTS[name]: callee(kinds, **more), "payments-db": callee(requests=10.0),
                           "api.primary.example": callee(requests=10.0)})


def failing(name: str, text: str) -> list[Found]:
    return [*chain(gateway(name, {text: 1590.0})), changes(), pods(GATEWAY),
            error_lines(f"ERROR CardAuthorizer call to {HOSTS[name]} failed: {text}, order <n>")]


FRAUD = failing("fraud-check", "HTTP 503 Service Unavailable")
RECEIPTS = failing("receipts", "ThrottlingException: Rate exceeded")
CACHE = failing("token-cache", "Connection refused")


@pytest.mark.parametrize(("found", "name"), [(FRAUD, "fraud-check"), (RECEIPTS, "receipts"), (CACHE, "token-cache")])
def test_failing_calls_are_attributed_to_the_dependency_by_its_host(service: Service, found: list[Found],
                                                                    name: str) -> None:
    assert [mode.location for mode in modes(service, GATEWAY, found)] == [At(name)]
    result = judged(service, found)
    assert (result.cause, result.mechanism, result.component) == ("provider_outage", "dependency_fails", GATEWAY)


@pytest.mark.parametrize(("found", "name"), [(FRAUD, "fraud-check"), (RECEIPTS, "receipts"), (CACHE, "token-cache")])
def test_without_spans_the_log_lines_name_it_as_well(service: Service, found: list[Found], name: str) -> None:
    lines = [finding for finding in found if finding.name != "calls"]
    assert [mode.location for mode in modes(service, GATEWAY, lines)] == [At(name)]


@pytest.mark.parametrize("found", [FRAUD, RECEIPTS, CACHE])
def test_neither_a_release_nor_the_database_nor_the_provider_is_blamed_or_touched(service: Service,
                                                                                  found: list[Found]) -> None:
    innocent = [*[finding for finding in found if finding.name != "changes"], rollout(ONSET - 60), changes(change(
        "Deployment", GATEWAY, field(["template", "spec", "containers", GATEWAY, "image"], "r/g:1.0.0", "r/g:1.0.1"),
        at=ONSET - 60))]
    assert judged(service, innocent).mechanism == "dependency_fails"
    done = {remedy.action for remedy in proposed(service, innocent)}
    assert done <= {"fail_open", "cap_retries", "inform_customers", "inform_provider"}


def test_what_the_configuration_can_do_without_is_done_without(service: Service) -> None:
    assert next(remedy.action for remedy in proposed(service, FRAUD)) == "fail_open"


def test_retries_are_capped_before_anything_is_left_out(service: Service) -> None:
    thrice = gateway("fraud-check", {"read timed out": 4700.0}, requests=4800.0)
    found = [*chain(replace(thrice, detail=replace(thrice.detail, requests=1600.0, errors=1590.0))), changes(),
             pods(GATEWAY), error_lines("ERROR CardAuthorizer call to api.fraud.example failed: read timed out")]
    assert "cap_retries" in [remedy.action for remedy in proposed(service, found)]
    assert "fail_open" not in [remedy.action for remedy in proposed(service, found)]
    later = [remedy.action for remedy in proposed(service, found, [("cap_retries", GATEWAY)])]
    assert "fail_open" in later and "cap_retries" not in later


def refused(service: Service, found: Sequence[Found]) -> dict[str, str]:
    result = propose(service, judged(service, found), ONSET, Evidence(found), shipped(), ())
    return {refusal.action: refusal.reason for refusal in result.not_proposed}


def test_for_what_has_no_switch_its_owner_is_called_with_what_to_decide(service: Service) -> None:
    said = refused(service, RECEIPTS)["fail_open"]
    assert "Call Ledger team (payments-ledger, on call)" in said and "sqs.us-east-1.amazonaws.com" in said
    assert "send it later in its order" in said
    assert "never go on without it" in refused(replace(service, dependencies=(
        Dependency("receipts", "token_vault", "sqs.us-east-1.amazonaws.com"),)), RECEIPTS)["fail_open"]


def test_the_message_goes_to_who_runs_it(service: Service) -> None:
    told = next(remedy for remedy in proposed(service, RECEIPTS) if remedy.action == "inform_provider").facts
    assert isinstance(told, Told)
    said = text(told.provider, None, told.calls, told.contact)
    assert said.startswith("To Ledger team (payments-ledger, on call)")
    assert "of our 1,600 requests to receipts failed" in said and "ThrottlingException: Rate exceeded" in said


def test_a_health_url_that_does_not_answer_is_a_second_kind_of_evidence(service: Service) -> None:
    with_health = judged(service, [*FRAUD, health(well=False, note="503")])
    assert with_health.confidence >= judged(service, FRAUD).confidence
    assert "dependencies" in with_health.named[0].sources


def test_a_provider_that_fails_is_still_a_provider(service: Service) -> None:
    found = [*chain(calls(GATEWAY, {HOSTS["fraud-check"]: callee(), "payments-db": callee(), "api.primary.example":
                                    callee({"HTTP 503 Service Unavailable": 1590.0})})), changes(), pods(GATEWAY),
             error_lines("ERROR CardAuthorizer call to api.primary.example failed: HTTP 503 Service Unavailable")]
    assert judged(service, found).mechanism == "provider_fails"


def test_a_host_that_no_dependency_has_stays_unknown(service: Service) -> None:
    assert service.called("api.fraud.example:443") == "dependency:fraud-check"
    assert service.called("https://api.fraud.example/v1") == "dependency:fraud-check"
    assert service.called("api.fraud.example.evil") == ""
    assert location_of("dependency:fraud-check") == At("fraud-check")
    assert service.target("fraud-check") == "dependency:fraud-check"


COLD = [*both("frontend", 0.9), *both("backend", 0.9), *both(GATEWAY, 0.6), cache(0.1), changes(), pods(GATEWAY),
        database_cpu(97.0), error_lines("ERROR CardAuthorizer request timed out in queue, order <n>")]


def test_a_cache_that_lost_what_it_kept_is_an_overload_behind_it(service: Service) -> None:
    result = judged(service, COLD)
    assert (result.cause, result.mechanism) == ("overload", "cold_cache")
    assert not {"scale_up", "restore_database", "restart_pods", "rollback"} & {
        remedy.action for remedy in proposed(service, COLD)}


def test_a_cache_that_answers_as_ever_is_no_cause(service: Service) -> None:
    assert judged(service, [finding for finding in COLD if finding.source != "dependencies"] + [cache(0.95)]
                  ).mechanism != "cold_cache"


REJECTED = "ERROR OrderService task rejected from ThreadPoolExecutor[pool size = <n>], order <n>"


def waiting(mean_ms: float) -> list[Found]:
    """The backend refuses most of its requests for want of threads, and its calls last so long; 20 ms are usual."""
    lines = error_lines(REJECTED)
    mine = replace(lines, detail=replace(lines.detail, signatures=tuple(
        replace(one, component="backend") for one in lines.detail.signatures)))
    return [*both("frontend", 0.7), *both("backend", 0.7), rates(GATEWAY, 0.004), slow(GATEWAY, "newrelic", mean_ms),
            slow(GATEWAY, "cloudwatch", mean_ms), mine,
            calls("backend", {"payment-gateway": Callee(requests=500.0, mean_ms=mean_ms, baseline_requests=144_000.0,
                                                        baseline_ms=20.0)})]


def test_who_waits_for_a_slow_callee_with_all_its_threads_is_not_the_faulty_one(service: Service) -> None:
    evidence = Evidence(waiting(3200.0))
    assert starved(service, evidence, "backend")
    assert isolated(service, evidence).faulty == (GATEWAY,)


def test_who_waits_for_a_slow_callee_with_all_its_threads_gets_no_more_pods(service: Service) -> None:
    """More would wait as well; the callee is not known to be faulty yet, and more customers came than usual."""
    busy = [*both("frontend", 0.7, per_second=90.0), *both("backend", 0.7, per_second=90.0)]
    for mean_ms, actions in ((3200.0, []), (25.0, ["scale_up"])):
        found = [*busy, *(one for one in waiting(mean_ms) if (one.component == "backend" and one.name == "calls")
                          or one.source == "splunk"), changes(), pods("backend")]
        assert [remedy.action for remedy in proposed(service, found)] == actions


def test_who_has_no_threads_left_while_its_callees_are_quick_is_at_fault_itself(service: Service) -> None:
    evidence = Evidence(waiting(25.0))
    assert not starved(service, evidence, "backend")
    assert isolated(service, evidence).faulty == ("backend",)
