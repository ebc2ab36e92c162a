"""The cause ``provider_outage``: what speaks for it, and what does not take it back."""

from __future__ import annotations

from responder.model.service import Service
from tests.diagnosis import ONSET, PROVIDER, error_lines, judged, proposed, rollout, status_page


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
