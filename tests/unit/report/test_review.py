"""What a postmortem says: each sentence and each figure follows from a fact of the record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.change import Change
from responder.model.evidence import Bucket, Detail, Finding, Series, Window
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.changes import Changes
from responder.model.evidence.error_rate import ErrorRate
from responder.model.incident import (
    Cause,
    Entry,
    Hypothesis,
    Incident,
    IncidentRecord,
    Looked,
    Signal,
)
from responder.model.remedy import Remedy, RemedyStatus
from responder.plan.review import Review, review
from responder.plan.review.contents import ComponentImpact, FurtherCause, Impact, PastIncident
from responder.plan.review.improvements.alarm import BetterAlarm, sooner
from responder.plan.review.similar import past_incident

BUG = Cause("code_bug", "bad_release", "payment-gateway", 0.97, "a bad release")
INCIDENT = Incident(
    id="i", service="payment-gateway", status="closed", outcome="resolved", confirmed=True, kind="high_error_rate",
    opened_at="2027-01-15T08:01:00.000Z", onset="2027-01-15T08:00:50.000Z", confirmed_at="2027-01-15T08:01:02.000Z",
    recovered_at="2027-01-15T08:01:30.000Z", recovery_verified_at="2027-01-15T08:02:00.000Z",
    affected=("payment-gateway",), cause=BUG)
ROLLBACK = Remedy(1, "rollback", RemedyStatus.VERIFIED, "payment-gateway", "code_bug", "bad_release",
                  target="deployment/x", summary="roll x back", applied_at="2027-01-15T08:01:10.000Z",
                  verified_at="2027-01-15T08:02:00.000Z")
SERIES = tuple(Bucket(1_800_000_000.0 + 10 * n, 400.0, 160.0 if 5 <= n < 9 else 1.0) for n in range(16))
OLDER = PastIncident("older", "payment-gateway", "2027-01-02T00:00:00.000Z", "resolved", "code_bug", "bad_release",
                     "payment-gateway", 90.0, 5)


def looked(*findings: Finding[Any]) -> Looked:
    return Looked("2027-01-15T08:01:00.000Z", "a source", "Diagnose the root cause", "", findings)


def found(detail: Detail, **more: Any) -> Looked:
    return looked(Finding(source="a source", detail=detail, **more))


RECORD = IncidentRecord(INCIDENT, (Signal("2027-01-15T08:01:00.000Z", "alarm", "error-rate"),), (
    looked(Finding(source="cloudwatch", component="frontend", detail=ErrorRate(series=SERIES))),), (), (ROLLBACK,))


def with_incident(**changed: Any) -> IncidentRecord:
    return replace(RECORD, incident=replace(INCIDENT, **changed))


def with_evidence(*more: Looked) -> IncidentRecord:
    return replace(RECORD, looked=(*RECORD.looked, *more))


def with_remedies(*remedies: Remedy, **changed: Any) -> IncidentRecord:
    return replace(with_incident(**changed), remedies=remedies)


def whats(contents: Review) -> list[str]:
    return [improvement.what for improvement in contents.improvements]


# --- figures ----------------------------------------------------------------------------------------------------------


MITIGATE = "time to mitigate, from the onset until a remedy was applied"


def test_impact_and_phases_are_computed() -> None:
    contents = review(RECORD)
    assert contents.impact == Impact(
        failed_requests=640, failed_error=0, missing_requests=0, missing_error=0, affected_share=0.4,
        worst_error_rate=0.4, onset="2027-01-15T08:00:50.000Z", ended="2027-01-15T08:01:30.000Z",
        measured_until="2027-01-15T08:01:30.000Z", accuracy_seconds=10.0, seconds=40.0,
        components=(ComponentImpact("frontend", 1600, 640, ("cloudwatch",)),))
    phases = {phase.phase: phase for phase in contents.phases}
    assert phases[MITIGATE].seconds == 20.0 and phases[MITIGATE].met is None
    assert phases["initial response"].target_seconds == 1800 and phases["initial response"].met is True


def test_requests_that_never_came_count_where_chance_does_not_explain_them() -> None:
    silent = tuple(bucket for bucket in SERIES if not 5 <= (bucket.start - 1_800_000_000) / 10 < 9)
    for series, missing in ((silent, 1600), (SERIES, 0)):
        record = replace(RECORD, looked=(found(ErrorRate(series=series), component="frontend",
                                               window=Window(SERIES[0].start, SERIES[-1].start + 10)),))
        assert review(record, entry="frontend").impact.missing_requests == missing


@pytest.mark.parametrize(("changed", "said"), [
    ({}, "Bad release of payment-gateway failed 40% of requests for 40 s"),
    ({"outcome": "escalated"}, "Bad release of payment-gateway failed 40% of requests; not over"),
    ({"outcome": None}, "Bad release of payment-gateway failed 40% of requests; still open"),
    ({"kind": "degraded_latency"}, "Bad release of payment-gateway slowed requests down for 40 s"),
    ({"kind": "loss_of_connectivity"}, "Bad release of payment-gateway stopped requests for 40 s"),
    ({"cause": replace(BUG, mechanism="gone")}, "Fault in code or configuration of payment-gateway failed 40%"),
    ({"cause": Cause("unknown")}, "High error rate of payment-gateway, cause unknown: 40% of requests failed"),
    ({"confirmed": None, "outcome": "escalated", "cause": None}, "An alarm of payment-gateway that could not be"),
    ({"outcome": "false_alarm", "cause": Cause("none")}, "False alarm of payment-gateway")])
def test_the_headline_says_what_happened_and_how_bad_it_was(changed: dict[str, Any], said: str) -> None:
    unknown = "cause" in changed and (changed["cause"] is None or changed["cause"].id == "unknown")
    record = with_remedies(**changed) if unknown else with_incident(**changed)
    assert review(record).headline.startswith(said)


# --- how it ended -----------------------------------------------------------------------------------------------------


def test_two_faults_at_once_are_both_named() -> None:
    switch = Remedy(2, "switch_provider", RemedyStatus.VERIFIED, "payment-gateway", "provider_outage", "provider_fails")
    assert review(with_remedies(ROLLBACK, switch)).further_causes == (
        FurtherCause("provider_outage", "provider_fails", "payment-gateway", "switch_provider"),)
    for status in (RemedyStatus.REVERTED, RemedyStatus.FAILED, RemedyStatus.DONE):
        assert not review(with_remedies(ROLLBACK, replace(switch, status=status))).further_causes


@pytest.mark.parametrize(("outcome", "remedies", "said"), [
    ("resolved", (ROLLBACK,), "Roll x back (applied 08:01:10, found to help 08:02:00)."),
    ("resolved", (), "It recovered while people had it"),
    ("escalated", (ROLLBACK,), "people have it since 08:03:00 UTC. Found to help before that: roll x back"),
    ("escalated", (), "It is not over as far as the record goes: people have it since 08:03:00 UTC."),
    ("observed", (), "the responder only watches, and people have it since 08:03:00 UTC."),
    (None, (), "The symptom is gone since 08:01:30 UTC, and it is watched."),
    ("false_alarm", (), "Nothing was wrong")])
def test_the_resolution_says_how_it_ended(outcome: Any, remedies: tuple[Remedy, ...], said: str) -> None:
    record = with_remedies(*remedies, outcome=outcome, escalated_at="2027-01-15T08:03:00.000Z")
    assert said in review(record).resolution


def test_a_cause_is_ruled_out_with_what_speaks_against_it() -> None:
    causes = (("code_bug", 0.05, ()), ("overload", 0.04, ("the load is as usual",)), ("network", 0.02, ()),
              ("cluster_failure", 0.3, ()))
    ranking = tuple(Hypothesis(cause, "m", "c", "", confidence, 0.0, (), against, ())
                    for cause, confidence, against in causes)
    assert [(cause.cause, cause.because) for cause in review(with_incident(ranking=ranking)).ruled_out] == [
        ("overload", ("the load is as usual",)), ("network", ("nothing points at it",))]


# --- what went well, and what did not ---------------------------------------------------------------------------------


QUESTION = Entry("2027-01-15T08:01:05.000Z", 0, "2027-01-15T08:01:05.000Z", "Ask for approval", "approval is asked for",
                 kind="approval", fact="approval_asked", detail={
                     "task": "01", "asked": ["sre: Ada"], "expires": "2027-01-15T08:06:05.000Z",
                     "summary": "roll x back"})
ANSWER = Entry("2027-01-15T08:02:45.000Z", 0, "2027-01-15T08:02:45.000Z", "Decide", "rollback is approved", by="Ada",
               kind="approval", fact="answered", detail={})
RULING = Entry("2027-01-15T08:06:06.000Z", 0, "2027-01-15T08:06:06.000Z", "Check the guardrails",
               "rollback: rejected", kind="decision")


def test_no_decision_by_people_was_needed_is_said_only_where_none_was_asked_for() -> None:
    assert "No decision by people was needed." in review(RECORD).went_well
    assert "No decision by people was needed." not in review(replace(RECORD, timeline=(QUESTION,))).went_well


@pytest.mark.parametrize(("entries", "said"), [
    ((QUESTION, ANSWER, RULING), "Roll x back: asked at 08:01:05, answered at 08:02:45, 1 min 40 s later"),
    ((QUESTION, RULING), "Roll x back: asked at 08:01:05, answered at 08:06:06, 5 min 1 s later"), ((RULING,), "")])
def test_the_report_says_how_long_people_were_waited_for(entries: tuple[Entry, ...], said: str) -> None:
    told = [improvement.evidence for improvement in review(replace(RECORD, timeline=entries)).improvements
            if improvement.what == "The rollback waited for a person"]
    assert told == [said] * bool(said)


def test_the_report_says_what_did_not_go_well() -> None:
    failed = Entry("t", 50, "t", "Assemble the team", "slack could not be used", kind="notification",
                   fact="undelivered", detail={"failed": "slack", "status": "timeout"})
    slow = with_remedies(replace(ROLLBACK, status=RemedyStatus.FAILED), cause=Cause("unknown"),
                         isolated_at="2027-01-15T09:01:00.000Z")
    assert review(replace(slow, timeline=(failed,))).went_badly == (
        "Initial response took 1 h; the plan allows 30 min.", "It did not help to roll x back.",
        "Slack could not be used to tell people.", "No cause was found.")


def test_a_remedy_of_what_was_escalated_is_not_said_to_have_helped() -> None:
    assert "The first remedy that was tried helped." in review(RECORD).went_well
    relapsed = review(with_incident(outcome="escalated"))
    assert relapsed.went_well == ("The symptom was gone for a while after rollback.",)
    assert relapsed.measures[3].answer == "An automatic way of recovery worked for a while: rollback."
    assert "proves no automatic way" in review(with_remedies()).measures[3].answer


# --- improvements -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "by", "told"), [
    (10.0, "kubectl-edit", True), (10.0, "argocd", False), (1000.0, "kubectl-edit", False),
    (-30.0, "kubectl-edit", False)])
def test_a_change_by_hand_shortly_before_the_symptom_is_an_improvement(before: float, by: str, told: bool) -> None:
    at = 1_800_000_050.0 - before
    contents = review(with_evidence(found(Changes((Change("ConfigMap", "c", "changed", at, at, by),)))))
    assert ("A change went out by hand" in whats(contents)) is told
    assert ("Changed by hand shortly before: ConfigMap c;" in contents.measures[2].answer) is told


@pytest.mark.parametrize(("findings", "said"), [
    ((), "were not looked at"), ((found(AuthFailures(), status="empty"),), "Nothing unusual"),
    ((found(AuthFailures(), value=2.0, baseline=3.0),), "Nothing unusual"),
    ((found(AuthFailures(), value=9.0, baseline=3.0),), "above what is usual")])
def test_refused_logins_are_reported_as_observed(findings: tuple[Looked, ...], said: str) -> None:
    assert said in review(with_evidence(*findings)).measures[1].answer


# --- incidents before -------------------------------------------------------------------------------------------------


def test_an_incident_that_comes_again_is_recognised() -> None:
    others = [OLDER, replace(OLDER, id="another-cause", mechanism="bad_configuration"),
              replace(OLDER, id="later", opened_at="2027-02-01T00:00:00.000Z"), replace(OLDER, id="i")]
    contents = review(RECORD, others)
    assert [past.id for past in contents.similar] == ["older"]
    assert (contents.before.incidents, contents.before.median_recovery_seconds) == (2, 90.0)
    assert past_incident(contents) == replace(
        OLDER, id="i", opened_at=INCIDENT.opened_at, recovery_seconds=40.0, failed_requests=640, severity=3,
        title="Bad release of payment-gateway failed 40% of requests for 40 s")


# --- the alarm --------------------------------------------------------------------------------------------------------


ROWS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 100)), min_size=4, max_size=40).map(
    lambda pairs: tuple(Bucket(1000.0 + 10 * n, float(requests), float(min(errors, requests)))
                        for n, (requests, errors) in enumerate(pairs)))


@given(ROWS, ROWS, st.integers(1, 20), st.integers(1, 20))
def test_an_alarm_is_proposed_only_if_it_fires_earlier_and_has_no_false_alarms(series: Series, weeks: Series,
                                                                               onset: int, late: int) -> None:
    began, opened = 1000.0 + 10 * onset, 1000.0 + 10 * (onset + late)
    before = tuple(bucket._replace(start=bucket.start - 700_000 + 300 * n) for n, bucket in enumerate(weeks))
    alarm = sooner(series, before, began, opened)
    if alarm:
        assert 0 < alarm.saved_seconds <= opened - began
        assert alarm.false_alarms_a_week <= 1 and alarm.counted_seconds >= 0
        # The period after which it would have gone off is one of those that were measured.
        assert any(bucket.start + 10 == opened - alarm.saved_seconds for bucket in series)
        assert alarm.over_seconds >= 10 and 0 < alarm.threshold < 1


def test_the_alarm_that_would_have_fired_earlier_is_found() -> None:
    series = tuple(Bucket(1000.0 + 10 * n, 400.0, 1.0 if n < 10 else 14.0 if n < 20 else 200.0) for n in range(30))
    quiet = tuple(Bucket(1000.0 - 300 * n, 12_000.0, 48.0) for n in range(4000, 0, -1))
    assert sooner(series, quiet, 1100.0, 1210.0) == BetterAlarm(0.03, 10.0, 100.0, 0.0, 3999 * 300.0)
    noisy = tuple(bucket._replace(errors=600.0) if n % 500 == 0 else bucket for n, bucket in enumerate(quiet))
    # Two per cent and three would have gone off falsely each other day.
    assert sooner(series, noisy, 1100.0, 1210.0) is None


def test_an_alarm_that_came_late_is_an_improvement_and_earlier_incidents_are_no_false_alarms() -> None:
    late = with_incident(opened_at="2027-01-15T08:02:30.000Z")
    weeks = tuple(Bucket(1_800_000_000.0 - 300 * n, 12_000.0, 6000.0 if n == 2000 else 48.0)
                  for n in range(4000, 0, -1))
    before = PastIncident("b", "s", "2027-01-08T09:20:00.000Z", "resolved", recovery_seconds=300.0)
    for history, falsely in (((), "about 0.5 times a week falsely"), ((before,), "about 0 times a week falsely")):
        [told] = [one for one in review(late, history, weeks).improvements if one.what == "The alarm came late"]
        assert "The first signal came 1 min 40 s after" in told.evidence and falsely in told.evidence
        assert "would have told 1 min 30 s sooner" in told.evidence
