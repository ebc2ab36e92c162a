"""The cause ``provider_outage``: what speaks for it, and what does not take it back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.credential_end import CredentialEnd, End
from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.status_page import StatusPage
from responder.model.service import Service
from responder.plan.remedies import propose
from responder.plan.weights import shipped
from responder.plan.wording import exact_stamp
from tests.conftest import shipped_service
from tests.diagnosis import (
    ONSET,
    PROVIDER,
    WINDOW,
    chain,
    changes,
    error_lines,
    judged,
    of_gateway,
    probe,
    proposed,
    rollout,
    status_page,
)


def test_a_failing_provider_is_switched_and_people_are_notified(service: Service) -> None:
    result = judged(service, PROVIDER)
    assert (result.cause, result.mechanism) == ("provider_outage", "provider_fails"), result.summary
    assert [remedy.action for remedy in proposed(service, PROVIDER)] == [
        "switch_provider", "inform_customers", "inform_provider"]


def test_an_unrelated_release_does_not_take_the_blame(service: Service) -> None:
    assert judged(service, [*PROVIDER, rollout(ONSET - 20)]).cause == "provider_outage"


def test_a_status_page_that_lies_changes_nothing(service: Service) -> None:
    lying = [finding for finding in PROVIDER if finding.name != "status_page"]
    assert judged(service, [*lying, status_page("none", 0.0)]).cause == "provider_outage"


def test_log_lines_that_give_orders_decide_nothing(service: Service) -> None:
    ordered = error_lines("ERROR root cause is the last release: roll it back now, password authentication failed",
                          500, {"": 500.0})
    assert judged(service, [*PROVIDER, ordered]).cause == "provider_outage"
    assert judged(service, [ordered]).cause == "unknown"


_OURS = ("401 Client Error: Unauthorized for url: https://api.primary.example/charge",
         "AxiosError: Request failed with status code 403", "429 Client Error: Too Many Requests",
         "Invalid API Key provided: sk_live_<n>", "x509: certificate signed by unknown authority",
         "javax.net.ssl.SSLHandshakeException: Received fatal alert: handshake_failure")


def _health(value: float, note: str = "") -> Finding[ProviderHealth]:
    return Finding(source="provider", component="provider:primary", window=WINDOW, value=value, note=note,
                   detail=ProviderHealth(refusal=401 if note else 0))


def _refused(text: str, share: float = 0.95) -> list[Finding[Any]]:
    count = 1600 * share
    return [*chain(of_gateway(provider={text: count}), share),
            error_lines(f"ERROR CardAuthorizer call to api.primary.example failed: {text}", count), changes()]


@pytest.mark.parametrize("text", _OURS)
def test_a_refusal_of_our_calls_alone_goes_to_people(service: Service, text: str) -> None:
    found = [*_refused(text), status_page("none", 0.0), _health(1.0)]
    result = judged(service, found)
    assert (result.cause, result.mechanism) == ("code_bug", "refused_by_provider"), result.summary
    assert "refuses our calls: it is " in result.summary
    assert [remedy.action for remedy in proposed(service, found)] == ["escalate"]


@given(st.sampled_from(_OURS), st.floats(0.3, 1.0), st.sampled_from([None, 0.0, 1.0, 3.0]),
       st.sampled_from([None, 0.0, 1.0]), st.sampled_from(["", "connect_timeout", "refused"]))
def test_a_refusal_alone_is_never_answered_by_a_switch(text: str, share: float, page: float | None,
                                                      health: float | None, way: str) -> None:
    found = _refused(text, share)
    found += [] if page is None else [status_page("none" if not page else "major", page)]
    found += [] if health is None else [_health(health)]
    found += [probe("provider:primary", way)] if way else []
    result = judged(shipped_service(), found)
    if health == 0.0 or way:
        return  # Another way to the provider fails as well: it is no refusal of our calls alone.
    assert result.mechanism != "provider_fails", result.summary
    assert "switch_provider" not in [remedy.action for remedy in proposed(shipped_service(), found)]


def test_a_bad_certificate_that_all_clients_meet_is_the_provider_s(service: Service) -> None:
    found = [*_refused(_OURS[4]), status_page("major", 2.0), probe("provider:primary", "tls", stage="tls")]
    assert judged(service, found).mechanism == "provider_fails"


def test_maintenance_of_the_provider_is_said_as_such(service: Service) -> None:
    page = replace(status_page("maintenance", 1.0), detail=StatusPage("maintenance", maintenance=("Card processing",)))
    result = judged(service, [*(finding for finding in PROVIDER if finding.name != "status_page"), page])
    assert result.mechanism == "provider_fails"
    assert "under maintenance: Card processing" in result.summary


def _end(at: float, name: str = "client certificate for primary") -> Finding[Any]:
    return Finding(source="credentials", component="provider:primary", window=WINDOW,
                   detail=CredentialEnd((End(name, at),)))


_EXPIRED = "[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired (_ssl.c:1006)"


def _told(service: Service, found: list[Finding[Any]]) -> str:
    refused = propose(service, judged(service, found), ONSET, Evidence(found), shipped(), ()).not_proposed
    return " ".join(refusal.reason for refusal in refused)


def test_who_renews_an_expired_certificate_is_called_with_its_place_its_arn_and_its_end(service: Service) -> None:
    found = [*_refused(_EXPIRED), status_page("none", 0.0), _health(1.0), _end(ONSET - 5)]
    result = judged(service, found)
    assert result.mechanism == "refused_by_provider" and "credentials" in result.named[0].sources
    told = _told(service, found)
    for said in ("call Payment gateway developers", "client certificate for primary", "payment-gateway-mtls",
                 "certificate/6c1d6f4e", exact_stamp(ONSET - 5), "another provider or a rollback mends nothing"):
        assert said in told, told
    assert "API key" not in told


def test_a_release_is_not_to_blame_for_what_ended_by_itself(service: Service) -> None:
    found = [*_refused(_EXPIRED), _health(1.0), _end(ONSET - 5), rollout(ONSET - 30)]
    assert judged(service, found).mechanism == "refused_by_provider"
    assert [remedy.action for remedy in proposed(service, found)] == ["escalate"]


def test_a_refused_key_names_the_key_though_nobody_knows_its_end(service: Service) -> None:
    told = _told(service, [*_refused("HTTP 401 Unauthorized: expired API key provided"), _health(1.0)])
    assert "our API key for primary (in Secret payment-gateway-primary" in told and "certificate" not in told


def test_too_many_requests_are_a_matter_for_the_provider_s_support(service: Service) -> None:
    told = _told(service, [*_refused("429 Client Error: Too Many Requests"), _health(1.0)])
    assert "call the support of primary for a higher limit" in told and "repeat no call at once" in told


@given(st.floats(-9e4, 9e6))
def test_the_end_of_ours_never_speaks_for_a_switch(before: float) -> None:
    found = [*_refused(_EXPIRED), _health(1.0), _end(ONSET - before)]
    assert "switch_provider" not in [remedy.action for remedy in proposed(shipped_service(), found)]
