"""The cause ``provider_outage``: what speaks for it, and what does not take it back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.evidence import Finding
from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.status_page import StatusPage
from responder.model.service import Service
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
