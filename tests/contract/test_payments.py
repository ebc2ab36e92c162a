"""Payments that are declined with status 200, from the vendors' answers to what is said and done.

Formats: New Relic's pages "NRQL reference" and "Report custom event data", Splunk's "Search Reference".
"""

from __future__ import annotations

import copy
import json
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import httpx
import pytest

from responder.clients.http import Http
from responder.model.evidence import Bucket, Detail, Evidence, Finding, Window
from responder.model.evidence.approvals import Approvals
from responder.model.evidence.changes import Changes
from responder.model.evidence.error_rate import ErrorRate
from responder.model.service import Service
from responder.plan.confirm import confirm
from responder.plan.declines import explain
from responder.plan.diagnose import Diagnosis, diagnose
from responder.plan.isolate import isolate
from responder.plan.recovery import judge
from responder.plan.remedies import propose
from responder.plan.remedies.hide_payment_method import Facts
from responder.plan.weights import shipped
from responder.sources import Query
from responder.sources.newrelic import payments as newrelic_payments
from responder.sources.newrelic.answer import read
from responder.sources.newrelic.nrql import Queries, graphql
from responder.sources.newrelic.payments import payment_queries
from responder.sources.splunk import payments as splunk_payments
from responder.sources.splunk.search import Searches
from sandbox.platform.flow import Served
from sandbox.platform.payments import Disturbed
from sandbox.platform.spoken import Spoken
from sandbox.platform.telemetry import Delays, Telemetry
from sandbox.platform.versions import Versions
from sandbox.vendors import newrelic as new_relic
from sandbox.vendors import splunk as splunk_stand_in
from sandbox.vendors.gate import Gates
from tests.conftest import shipped_service

SERVICE = shipped_service()
GATEWAY = "payment-gateway"
END = float(int(time.time()) // 10 * 10)
ISSUER = Disturbed({"issuer": "northbank"}, 0.93, reason="91 issuer unavailable")
WALLET = Disturbed({"method": "wallet"}, 0.97)
THREE_DS = Disturbed({"three_ds": "acs-two"}, 0.9)
STRICT = Disturbed({"issuer": "hillbank"}, factor=4)
NEW_VERSION = Disturbed({"version": "1.1.0"}, 0.6)


@cache
def healthy() -> Telemetry:
    """Two healthy hours, which all platforms here share."""
    telemetry = Telemetry(Versions())
    telemetry.reset(END - 120, 40, random.Random(3))
    return telemetry


@cache
def platform(*disturbed: Disturbed, healed: float = 0.0) -> Telemetry:
    """Two healthy hours and two minutes more, of which the last one is disturbed; a quarter runs another version."""
    telemetry = copy.copy(healthy())
    telemetry.lines, telemetry.payments = list(telemetry.lines), copy.copy(telemetry.payments)
    telemetry.payments.taken = list(telemetry.payments.taken)
    for second in range(120):
        at = END - 120 + second
        served = [Served(GATEWAY, f"{GATEWAY}-{pod}", version, 10, 0, (150.0,) * 5, {})
                  for pod, version in enumerate(("1.0.0", "1.0.0", "1.0.0", "1.1.0"))]
        telemetry.pay(at, served, disturbed if END - 60 <= at < END - healed else (), "")
    return telemetry


def asked(service: Service) -> Query:
    return Query(service, "diagnose", Window(END - 60, END), Window(END - 3660, END - 60), time.monotonic() + 60)


@cache
def by_newrelic(telemetry: Telemetry, dialect: str = "agents") -> tuple[Finding[Detail], ...]:
    """What New Relic says of payments alone."""
    stand_in = new_relic.NewRelic(telemetry, Gates(), Delays(0, 0, 0, 0, 0))
    stand_in.spoken = Spoken(dialect, "a")
    stand_in._late = lambda aliases: ""  # type: ignore[method-assign]
    query = asked(SERVICE)
    settings, payments = SERVICE.newrelic, SERVICE.payments
    assert settings is not None and payments is not None
    nrql = Queries(payment_queries(settings, query))
    body = {"query": graphql(nrql.asked, False), "variables": {"account": settings.account, **nrql.asked}}
    answer = json.loads(stand_in.answer({"api-key": new_relic.KEY}, json.dumps(body).encode()).body)
    return (newrelic_payments.approvals(query, payments, nrql, read(answer, nrql.asked), ""),)


@cache
def by_splunk(telemetry: Telemetry, dialect: str = "plain") -> tuple[Finding[Detail], ...]:
    """What Splunk says of payments alone."""
    stand_in = splunk_stand_in.Splunk(telemetry, Gates(), Delays(0, 0, 0, 0, 0), lambda: dialect)

    def serve(request: httpx.Request) -> httpx.Response:
        answer = stand_in.answer(dict(request.headers), request.content, request.url.path.removeprefix("/splunk"))
        return httpx.Response(answer.status, content=answer.body)

    query = asked(SERVICE)
    http = Http(query.deadline, headers={"Authorization": f"Bearer {splunk_stand_in.TOKEN}"},
                transport=httpx.MockTransport(serve))
    settings, payments = SERVICE.splunk, SERVICE.payments
    assert settings is not None and payments is not None
    return tuple(splunk_payments.approvals("splunk", query, payments, Searches(http, settings))(set()))


def both(*disturbed: Disturbed) -> tuple[Finding[Detail], ...]:
    return by_newrelic(platform(*disturbed)) + by_splunk(platform(*disturbed))


def approvals(findings: Sequence[Finding[Detail]]) -> Finding[Approvals]:
    found, = Evidence(findings).asked(Approvals, GATEWAY)
    return found


def diagnosed(service: Service, findings: Sequence[Finding[Detail]]) -> Diagnosis:
    evidence = Evidence([*findings, Finding(source="changes", window=Window(END - 180, END), value=0.0,
                                            detail=Changes(last_look=END))])
    found = confirm(service, ("cloudwatch", "newrelic", "splunk"), evidence)
    assert found.kind == "declined_payments"
    isolation = isolate(service, found.verdicts, evidence)
    assert isolation.faulty == (GATEWAY,)
    return diagnose(service, isolation, found.onset, evidence, shipped())


@pytest.mark.parametrize("dialect", ["agents", "python", "whole"])
def test_new_relic_s_events_tell_which_issuer_declines(service: Service, dialect: str) -> None:
    found = approvals(by_newrelic(platform(ISSUER), dialect))
    assert found.status == "ok" and found.value and found.baseline and found.value > found.baseline + 0.15
    assert ("three_ds" in found.note) == (dialect == "python")
    fall = explain(found.detail.tables)
    assert fall is not None and fall.part is not None and fall.part.values == (("issuer", "northbank"),)
    assert 0.2 < fall.share < 0.35


def test_opentelemetry_has_no_events_of_payments_and_that_is_said(service: Service) -> None:
    found = approvals(by_newrelic(platform(ISSUER), "opentelemetry"))
    assert found.status == "empty" and "no payment" in found.note


@pytest.mark.parametrize("dialect", ["json", "doubled"])
def test_splunk_s_lines_tell_which_method_is_declined(service: Service, dialect: str) -> None:
    found = approvals(by_splunk(platform(WALLET), dialect))
    assert found.status == "ok"
    fall = explain(found.detail.tables)
    assert fall is not None and fall.part is not None and fall.part.values == (("method", "wallet"),)


def test_an_issuer_s_declines_are_confirmed_and_left_to_people_who_know_whom_to_call(service: Service) -> None:
    findings = both(ISSUER)
    diagnosis = diagnosed(service, findings)
    assert (diagnosis.cause, diagnosis.mechanism) == ("provider_outage", "payments_declined")
    found = propose(service, diagnosis, END - 60, Evidence(findings), shipped(), ())
    assert [one.action for one in found.proposed] == ["escalate"]
    told = " ".join(refusal.reason for refusal in found.not_proposed)
    assert "call the acquirer, who reaches the issuer" in told and "payments with issuer northbank" in told
    assert "what is declined is not one method" in told


def test_a_method_is_hidden_where_two_counts_show_it(service: Service) -> None:
    findings = both(WALLET)
    found = propose(service, diagnosed(service, findings), END - 60, Evidence(findings), shipped(), ())
    assert [one.action for one in found.proposed] == ["hide_payment_method", "escalate"]
    facts = found.proposed[0].facts
    assert isinstance(facts, Facts)
    assert (facts.method, facts.most, set(facts.sources)) == ("wallet", "card", {"newrelic", "splunk"})


def test_one_count_alone_hides_nothing(service: Service) -> None:
    findings = both(WALLET)
    diagnosis = diagnosed(service, findings)
    alone = Evidence([one for one in findings if one.source == "newrelic"])
    found = propose(service, diagnosis, END - 60, alone, shipped(), ())
    assert [one.action for one in found.proposed] == ["escalate"]


def test_one_version_s_declines_are_a_release_s(service: Service) -> None:
    findings = by_newrelic(platform(NEW_VERSION), "whole") + by_splunk(platform(NEW_VERSION))
    diagnosis = diagnosed(service, findings)
    assert {one.source for one in diagnosis.signals if one.id == "one_version_declined"} == {"newrelic", "splunk"}
    assert "payments_declined" not in {one.mechanism for one in diagnosis.named}


def test_more_customers_of_a_strict_bank_are_no_outage(service: Service) -> None:
    findings = both(STRICT)
    found = confirm(service, ("newrelic", "splunk"), Evidence(findings))
    assert found.answer != "confirmed" and not any(one.state == "failing" for one in found.verdicts)


def test_who_counts_no_payments_denies_nothing(service: Service) -> None:
    requests = (Bucket(END - 10 * number, 400, 2) for number in range(6, 0, -1))
    findings = (*by_newrelic(platform(ISSUER)), Finding(source="cloudwatch", component=GATEWAY, window=Window(
        END - 60, END), value=0.005, detail=ErrorRate(series=tuple(requests), period_seconds=10, baseline_requests=9e4,
                                                     baseline_errors=400)))
    found = confirm(service, ("newrelic", "cloudwatch"), Evidence(findings))
    assert (found.votes["newrelic"], found.votes["cloudwatch"]) == ("outage", "unknown")


def test_it_is_over_when_payments_are_approved_again_and_no_sooner(service: Service) -> None:
    quick = replace(service, recovery=replace(service.recovery, hold_seconds=15))
    ill, well = (Evidence(by_newrelic(platform(ISSUER, healed=healed))) for healed in (0.0, 40.0))
    assert judge(quick, ill, END, END - 50, 600, declines=True).answer == "waiting"
    assert judge(quick, well, END, END - 50, 600, declines=True).answer == "recovered"


def test_a_version_is_not_blamed_for_what_begins_after_it(service: Service) -> None:
    telemetry = copy.copy(platform())
    telemetry.lines, telemetry.payments = list(telemetry.lines), copy.copy(telemetry.payments)
    telemetry.payments.taken = [paid for paid in telemetry.payments.taken if paid.at < END - 60]
    telemetry.lines = [line for line in telemetry.lines if line.at < END - 60]
    for second in range(60):
        # All pods have got the new version, and ten seconds later the partner fails.
        served = [Served(GATEWAY, "a", "1.0.0" if second < 10 else "2.0.0", 40, 0, (150.0,), {})]
        telemetry.pay(END - 60 + second, served, [THREE_DS] if second >= 20 else [], "")
    findings = by_newrelic(telemetry, "whole") + by_splunk(telemetry)
    for found in Evidence(findings).of(Approvals):
        fall = explain(found.detail.tables)
        assert fall is not None and fall.part is not None and fall.part.values == (("three_ds", "acs-two"),)
    assert diagnosed(service, findings).mechanism == "payments_declined"
