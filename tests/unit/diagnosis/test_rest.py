"""What is left after a remedy may be as young as the remedy, where the first fault has hidden it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from responder.model.evidence import Bucket, Evidence, Finding, Window
from responder.model.evidence.calls import Callee, Calls
from responder.model.evidence.error_rate import ErrorRate
from responder.model.moment import iso
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.plan.rest import last_verified, onset_of_rest

ONSET, APPLIED = 1_795_000_000.0, 1_795_000_060.0
REFUSED = "FATAL: sorry, too many clients already"
FREED = Remedy(1, "restore_database", RemedyStatus.VERIFIED, component="payment-gateway", where="database",
               mechanism="connections_exhausted", applied_at=iso(APPLIED), verified_at=iso(APPLIED + 60))


def look(start: float, refused: float, own: float) -> Evidence:
    """A minute of New Relic: of 400 requests so many failed in calls of the database, and so many by themselves."""
    window, failed = Window(start, start + 60), refused + own
    called = {"payments-db": Callee(requests=400, errors=refused, kinds={REFUSED: refused} if refused else {},
                                    baseline_requests=2400),
              "api.primary.example": Callee(requests=400 - refused, errors=0, baseline_requests=2400)}
    rate = ErrorRate(requests=400, errors=failed, series=tuple(Bucket(start + 10 * n, 400 / 6, failed / 6)
                                                               for n in range(6)))
    return Evidence([
        Finding(source="newrelic", component="payment-gateway", window=window, detail=Calls(
            requests=400, errors=failed, callees=called)),
        Finding(source="newrelic", component="payment-gateway", window=window, value=failed / 400, detail=rate)])


@pytest.mark.parametrize(("before", "since", "expected"), [
    ((300, 0), (0, 160), APPLIED),  # Hidden until the database took connections again.
    ((200, 160), (0, 160), ONSET),  # Both were seen from the beginning.
    ((300, 0), (300, 0), ONSET),    # Nothing else fails.
    ((300, 0), (150, 150), ONSET)])
def test_it_began_when_the_first_fault_no_longer_hid_it(
        service: Service, before: tuple[float, float], since: tuple[float, float], expected: float) -> None:
    assert onset_of_rest(service, ONSET, FREED, look(ONSET, *before), look(APPLIED, *since)) == expected


def test_without_evidence_or_a_remedy_that_helped_the_symptom_s_onset_counts(service: Service) -> None:
    nothing = Evidence(())
    assert onset_of_rest(service, ONSET, FREED, nothing, look(APPLIED, 0, 160)) == ONSET
    assert onset_of_rest(service, ONSET, FREED, look(ONSET, 300, 0), nothing) == ONSET
    assert onset_of_rest(service, ONSET, None, look(ONSET, 300, 0), look(APPLIED, 0, 160)) == ONSET
    assert onset_of_rest(service, None, replace(FREED, component="gone"), nothing, nothing) is None


def test_the_last_remedy_of_this_opening_that_helped_counts() -> None:
    later = replace(FREED, number=2, applied_at=iso(APPLIED + 300), verified_at=iso(APPLIED + 400))
    assert last_verified([later, FREED], "") == later
    assert last_verified([FREED], iso(APPLIED + 200)) is None
    assert last_verified([replace(FREED, status=RemedyStatus.REVERTED, rolled_back_at=iso(APPLIED + 90)),
                          replace(FREED, audience="customers")], "") is None
