"""What is said to be better: each item stands on the record, and over all recorded incidents some things hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.change import Change, FieldChange
from responder.model.evidence import Bucket, Finding
from responder.model.evidence.changes import Changes
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.instance import DatabaseInstance
from responder.model.evidence.pods import Pods
from responder.model.incident import Cause, Entry, Hypothesis, Incident, IncidentRecord, Looked, Signal
from responder.model.moment import epoch, iso
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service, recorded_service
from responder.plan.review import Review, review
from responder.plan.review.contents import Improvement, PastIncident
from responder.plan.wording import clock, duration, share
from responder.records.record import unpack
from tests.conftest import shipped_service

ROOT = Path(__file__).resolve().parents[3]
RECORDS = sorted((ROOT / "tests" / "records").glob("*.json.gz"))
ONSET = 1_800_000_000.0


def at(seconds: float) -> str:
    """A moment, in seconds after the onset."""
    return iso(ONSET + seconds)


@cache
def recorded(name: str) -> tuple[Review, IncidentRecord, dict[str, Any]]:
    value = unpack((ROOT / "tests" / "records" / f"{name}.json.gz").read_bytes())
    record, service = IncidentRecord.of(value["items"]), recorded_service(value["service"])
    contents = review(record, entry=service.entry, service=service)
    # A report has the measured onset and end, which are more exact than those of the first look.
    incident = replace(record.incident, onset=contents.impact.onset, recovered_at=contents.impact.ended)
    return contents, replace(record, incident=incident), value


def items_of(name: str) -> tuple[Improvement, ...]:
    return recorded(name)[0].improvements


def item(name: str, what: str) -> Improvement:
    [found] = [one for one in items_of(name) if one.what == what]
    return found


# --- over all recorded incidents --------------------------------------------------------------------------------------


every_record = pytest.mark.parametrize("name", [path.name.removesuffix(".json.gz") for path in RECORDS])


@every_record
def test_each_item_can_be_done_by_somebody_and_seen_to_be_done(name: str) -> None:
    for one in items_of(name):
        for text in (one.what, one.evidence, one.object, one.measure, one.owner, one.done_when, one.fingerprint):
            assert text.strip() == text != ""
            assert not text.endswith((".", ";", ",")) and "; ;" not in text and "  " not in text, text
        assert one.size in ("small", "medium", "large")


@every_record
def test_no_two_items_are_the_same(name: str) -> None:
    items = items_of(name)
    assert len({(one.measure, one.object) for one in items}) == len(items)
    assert len({one.fingerprint for one in items}) == len(items)


@every_record
def test_what_an_item_saves_lies_within_the_incident(name: str) -> None:
    contents, record, _ = recorded(name)
    onset, end = epoch(record.incident.onset), epoch(record.incident.recovered_at)
    stretches = sorted((epoch(part.start) or 0.0, epoch(part.end) or 0.0)
                       for one in contents.improvements for part in one.saves)
    for start, until in stretches:
        assert onset is not None and onset <= start < until
        assert end is None or until <= end + 0.001
    for one in contents.improvements:
        assert (one.saves_seconds is None) == (one.saves == ())
        if one.saves_seconds is not None:
            total = sum((epoch(part.end) or 0.0) - (epoch(part.start) or 0.0) for part in one.saves)
            assert one.saves_seconds == pytest.approx(total, abs=0.1)
        assert not (one.saves_at_least and end is not None), "what it saved of a finished incident is known"
        assert all(first.end < second.start for first, second in pairwise(one.saves))
    if stretches and end is not None and onset is not None:
        together, reached = 0.0, 0.0
        for start, until in stretches:
            together += max(0.0, until - max(start, reached))
            reached = max(reached, until)
        assert together <= end - onset + 0.1


@every_record
def test_what_saves_most_comes_first_and_of_equals_what_is_least_work(name: str) -> None:
    order = [(not one.saves_at_least, -(one.saves_seconds or 0.0), ("small", "medium", "large").index(one.size))
             for one in items_of(name)]
    assert order == sorted(order)


@every_record
def test_the_facts_of_an_item_are_in_the_record(name: str) -> None:
    contents, record, value = recorded(name)
    text = json.dumps(value, ensure_ascii=False)
    known = set(re.findall(r"[A-Za-z0-9_.:/-]+", text)) | set(re.findall(r"\d+(?:\.\d+)?", text)) | computed(record)
    for one in contents.improvements:
        for number in re.findall(r"(?<![\w.-])\d[\d.,:]*(?:%| GiB| s| min| h)?", one.evidence):
            plain = number.rstrip(".,:").replace(",", "")
            assert plain in known or plain.partition(" ")[0].rstrip("%") in known or plain in text, (number, one)
        for host in re.findall(r"\b[a-z]+(?:-[a-z0-9]+)+\b(?!\.)", one.evidence):
            assert host in text, (host, one)


def computed(record: IncidentRecord) -> set[str]:
    """What is worked out of the record: times of day, durations between moments, shares, requests a second."""
    incident = record.incident
    moments = [moment for moment in (
        *(epoch(stamp) for stamp in (incident.onset, incident.opened_at, incident.recovered_at, incident.escalated_at,
                                     *incident.reopened_at)),
        *(epoch(stamp) for remedy in record.remedies for stamp in (
            remedy.planned_at, remedy.applied_at, remedy.verified_at)),
        *(epoch(entry.at) for entry in record.timeline), *(epoch(signal.at) for signal in record.signals)) if moment]
    evidence = record.evidence()
    spans = {abs(one - other) for one in moments for other in moments}
    onset = epoch(incident.onset) or 0.0
    spans |= {onset - change.latest for finding in evidence.looks(Changes) for change in finding.detail.changes}
    # The looks that had to be repeated are told with their sum.
    entered = sorted({epoch(look.entered) or 0.0 for look in record.looked})
    steps = [later - earlier for earlier, later in pairwise(entered)]
    spans |= {sum(steps[start:end]) for start in range(len(steps)) for end in range(start, len(steps) + 1)}
    spans |= {one + other for one in steps for other in steps}
    said = {duration(span) for span in spans if span >= 0} | {clock(moment) for moment in moments}
    said |= {part for text in said for part in (text, *re.findall(r"\d[\d.]* (?:s|min|h)", text))}
    said |= {clock(event.at) for finding in evidence.every if finding.name == "events"
             for event in finding.detail.events}
    said |= {f"{value:,.0f}" for finding in evidence.looks(ErrorRate)
             for value in (finding.detail.usual_per_second,
                           *(bucket.requests / 10 for bucket in finding.detail.series))}
    said |= {share(finding.value) for finding in evidence.every} | {f"{finding.value:.1f}" for finding in evidence.every
                                                                    if finding.value is not None}
    said |= {str(number) for number in range(len(record.looked) + len(record.signals) + 1)}
    return said | {share(guard) for guard in (0.8,)} | {share(hypothesis.confidence)
                                                      for hypothesis in incident.ranking} | {"0%", "0"} | {
        share(client.count / finding.detail.total) for finding in evidence.every if finding.name == "clients"
        and finding.detail.total for client in finding.detail.clients} | {
        share(client.usual / (finding.detail.usual_per_second * finding.detail.seconds)) for finding in evidence.every
        if finding.name == "clients" and finding.detail.seconds and finding.detail.usual_per_second
        for client in finding.detail.clients}


@every_record
def test_only_drills_that_there_are_are_named(name: str) -> None:
    drills = {path.stem for path in (ROOT / "drills").rglob("*.yaml")}
    for one in items_of(name):
        for text in (one.evidence, one.measure, one.done_when):
            for drill in re.findall(r"\bthe drill ([\w-]+)", text):
                assert drill in drills, drill


def test_only_false_alarms_that_nobody_was_woken_for_have_none() -> None:
    """A few alarms for nothing are what the sources are asked for."""
    without = [path.name.removesuffix(".json.gz") for path in RECORDS
               if not items_of(path.name.removesuffix(".json.gz"))]
    for name in without:
        _, record, _ = recorded(name)
        assert record.incident.outcome == "false_alarm" and len(record.signals) < 10, name
    assert len(without) < 7


# --- what a strong engineer would write, by what happened -------------------------------------------------------------


@pytest.mark.parametrize(("name", "what", "thing"), [
    ("bad-config-timeout", "A configuration value went out unchecked",
     "ConfigMap payment-gateway-config, key AUTHORIZATION_TIMEOUT_MS"),
    ("db-host-wrong", "Database settings went out that were never tried",
     "Deployment payment-gateway, variable DB_HOST"),
    ("frontend-probe-moved", "A workload definition went out that its pods cannot live with",
     "Deployment frontend, readinessProbe.httpGet.path and readinessProbe.httpGet.port"),
    ("backend-image-missing-blind", "An image went out that cannot be pulled", "Deployment backend, image"),
    ("gateway-oom-all-at-once", "A version went out that does not stay up", "Deployment payment-gateway, image"),
    ("gateway-slow-release", "A slow version replaced a fast one", "Deployment payment-gateway, rollout"),
    ("policy-denies-gateway", "A NetworkPolicy went out that cuts off a way in use", "NetworkPolicy pci-lockdown"),
    ("backend-service-wrong-port", "A Service went out by which nobody is reached",
     "Service backend, ports.http.targetPort"),
    ("backend-service-deleted", "A Service in use could be deleted", "Service backend"),
    ("statements-cut-short", "A database parameter went live untried",
     "DB parameter group payments-pg16, parameter statement_timeout"),
    ("backend-dns-policy", "A workload's way of resolving names was changed, and nothing objected",
     "Deployment backend, dnsPolicy"),
    ("gateway-scaled-down", "Capacity was taken away under load, and nothing objected",
     "Deployment payment-gateway, replicas"),
    ("autoscaler-capped", "Capacity was taken away under load, and nothing objected",
     "HorizontalPodAutoscaler payment-gateway"),
    ("quota-counts-pods", "A quota was set without room for a restart", "ResourceQuota pod-ceiling"),
    ("surge-under-quota", "A quota left no room for more pods", "ResourceQuota cost-ceiling"),
    ("db-connections-exhausted", "One client could take all connections",
     "the database role of ledger-export in RDS instance payments-db"),
    ("db-credentials-rotated", "The rotation made the password in use invalid at once",
     "secret payments-db/payment-gateway, rotation"),
    ("database-rule-revoked", "A rule in use was taken from a security group", "security group sg-0f1e2d3c4b5a69788"),
    ("rule-outside-the-fence", "The responder may not put the rule back",
     "configuration, aws.security_groups (sg-0b0c1d2e3f4a59687)"),
    ("one-client-floods", "One client could take the capacity of all", "entry frontend, rate limit"),
    ("all-nodes-tainted", "All nodes were closed to pods together", "PodDisruptionBudget of Deployment backend")])
def test_the_mechanism_s_item_names_the_object(name: str, what: str, thing: str) -> None:
    assert item(name, what).object == thing


def test_one_refused_credential_is_one_item() -> None:
    """It names what was blind, and the remedy that was refused because of it."""
    items = items_of("control-plane-and-provider")
    [found] = [one for one in items if "cluster" in one.what]
    assert found.evidence.endswith("so changes, kubernetes, rollouts and utilisation were blind and switch provider of "
                                   "payment-gateway was refused")
    assert not [one for one in items if "was refused" in one.what]
    both = [one for one in items_of("providers-both-out") if "refused the responder's credentials" in one.what]
    assert [one.object for one in both] == [
        "access entries of the roles of changes, kubernetes, rollouts and utilisation in cluster payments"]


@pytest.mark.parametrize(("name", "because"), [
    ("providers-both-out", "The fallback was not used, because fallback did not answer either"),
    ("provider-errors-switch-off", "The fallback was not used, because the policy for switch_provider is off")])
def test_where_there_is_a_second_provider_none_is_asked_for(name: str, because: str) -> None:
    assert any(one.evidence.startswith(because) for one in items_of(name))
    assert not any("second provider" in one.measure for one in items_of(name))


def test_a_canary_release_is_proposed_for_releases_alone() -> None:
    for path in RECORDS:
        contents, record, _ = recorded(path.name.removesuffix(".json.gz"))
        mechanisms = {contents.cause.mechanism, *(remedy.mechanism for remedy in record.remedies)}
        if any("release to a few pods first" in one.measure for one in contents.improvements):
            assert "bad_release" in mechanisms


def test_of_two_causes_each_costs_what_came_after_the_other_was_mended() -> None:
    """Preventing the one that was mended first would have saved nothing: the other kept the service down."""
    release = item("two-causes-release-and-credentials", "A version that fails went out to customers")
    password = item("two-causes-release-and-credentials", "The rotation made the password in use invalid at once")
    _, record, _ = recorded("two-causes-release-and-credentials")
    mended = next(remedy for remedy in record.remedies if remedy.action == "restore_database")
    assert password.saves == () and [part.start for part in release.saves] == [mended.applied_at]


def test_nobody_answered_costs_all_that_came_after_the_question() -> None:
    found = item("approval-unanswered", "Nobody answered in time whether the rollback may be done")
    assert found.saves_at_least and found.saves_seconds == pytest.approx(61, abs=1.5)


# --- of incidents that were not recorded ------------------------------------------------------------------------------


BUG = Cause("code_bug", "bad_configuration", "payment-gateway", 0.97, "a bad value")
SEEN = Hypothesis("code_bug", "bad_configuration", "payment-gateway", "own", 0.97, 3.0, ("it fails in itself",), (),
                  ("newrelic",))
INCIDENT = Incident(
    id="i", service="payment-gateway", status="closed", outcome="resolved", kind="high_error_rate", opened_at=at(20),
    onset=at(0), confirmed_at=at(22), diagnosed_at=at(30), recovered_at=at(100), recovery_verified_at=at(160),
    affected=("payment-gateway",), cause=BUG, ranking=(SEEN,))
EDIT = Change("ConfigMap", "payment-gateway-config", "changed", ONSET - 5, ONSET - 5, "kubectl-edit",
              (FieldChange(("data", "LIMIT"), "5", "0"),), readers=("payment-gateway",))


def looked(*findings: Finding[Any], entered: float = 25.0, step: str = "Diagnose the root cause") -> Looked:
    return Looked(at(entered), findings[0].source, step, at(entered), findings)


def seen(*findings: Finding[Any], service: Service | None = None, history: tuple[PastIncident, ...] = (),
         remedies: tuple[Remedy, ...] = (), **changed: Any) -> tuple[Improvement, ...]:
    record = IncidentRecord(replace(INCIDENT, **changed), (Signal(at(20), "alarm", "error-rate"),),
                            tuple(looked(finding) for finding in findings), (), remedies)
    return review(record, history, service=service or shipped_service()).improvements


def changes(*several: Change) -> Finding[Changes]:
    return Finding(source="changes", detail=Changes(several))


@given(st.floats(-300.0, 300.0), st.floats(-300.0, 600.0), st.booleans())
def test_no_item_saves_more_than_the_incident(opened: float, recovered: float, over: bool) -> None:
    items = seen(changes(EDIT), opened_at=at(opened), recovered_at=at(recovered) if over else None,
                 outcome="resolved" if over else "escalated", escalated_at=None if over else at(recovered))
    for one in items:
        assert sum((epoch(part.end) or 0.0) - (epoch(part.start) or 0.0) for part in one.saves) <= max(
            recovered, 30.0) + 0.01


def test_a_change_by_hand_is_told_with_what_it_cost_only_where_it_is_at_fault() -> None:
    for change, saves in ((EDIT, 100.0), (replace(EDIT, name="other", readers=("frontend",)), None)):
        [found] = [one for one in seen(changes(change)) if one.what == "A change went out by hand"]
        assert found.saves_seconds == saves and change.by in found.evidence


def test_the_same_item_has_the_same_fingerprint_in_every_incident() -> None:
    first = {one.what: one.fingerprint for one in seen(changes(EDIT))}
    later = {one.what: one.fingerprint for one in seen(changes(replace(EDIT, fields=(
        FieldChange(("data", "LIMIT"), "7", "1"),))), id="j", recovered_at=at(50))}
    assert first == later and len(set(first.values())) == len(first)
    other = {one.what: one.fingerprint for one in seen(changes(replace(EDIT, name="another-config")))}
    assert other["A configuration value went out unchecked"] != first["A configuration value went out unchecked"]


def test_the_looks_that_waited_for_a_blind_source_are_counted() -> None:
    blind: Finding[Any] = Finding(source="kubernetes", detail=Pods(), status="timeout", note="x did not answer")
    record = IncidentRecord(INCIDENT, (), (looked(blind, entered=25), looked(blind, entered=40),
                                           looked(Finding(source="kubernetes", detail=Pods()), entered=55)))
    [found] = [one for one in review(record, service=shipped_service()).improvements if "cluster" in one.what]
    assert found.saves_seconds == 30.0 and "2 looks had to be repeated (30 s)" in found.evidence


@pytest.mark.parametrize(("status", "what"), [
    ("unauthorized", "refused the responder's credentials"), ("throttled", "throttled the responder"),
    ("timeout", "did not answer in time"), ("unavailable", "could not be reached"),
    ("malformed", "answered what nobody can read")])
def test_a_source_s_item_says_how_it_failed(status: Any, what: str) -> None:
    items = seen(Finding(source="newrelic", detail=ErrorRate(), status=status, note="no"))
    [found] = [one for one in items if one.what.startswith("New Relic")]
    assert found.what == f"New Relic {what}"


@pytest.mark.parametrize(("guardrail", "what"), [
    ("kill_switch", "The kill switch stopped a remedy"), ("policy", "The policy has no rollback"),
    ("freeze", "The rollback was refused"), ("cooldown", "The rollback was refused")])
def test_a_refusal_costs_what_came_after_it(guardrail: str, what: str) -> None:
    refused = Remedy(1, "rollback", RemedyStatus.REFUSED, "payment-gateway", mechanism="bad_release",
                     summary="roll x back", guardrail=guardrail, reason="so it is", planned_at=at(40))
    [found] = [one for one in seen(remedies=(refused,)) if one.what == what]
    assert found.saves_seconds == 60.0 and "so it is" in found.evidence
    helped = replace(refused, number=2, status=RemedyStatus.VERIFIED)
    assert what not in [one.what for one in seen(remedies=(refused, helped))]


def test_what_did_not_help_costs_until_the_next_remedy() -> None:
    vain = Remedy(1, "restart_pods", RemedyStatus.FAILED, "payment-gateway", applied_at=at(40), summary="restart it")
    other = Remedy(2, "rollback", RemedyStatus.VERIFIED, "payment-gateway", applied_at=at(70), summary="roll it back")
    [found] = [one for one in seen(remedies=(vain, other)) if "did not help" in one.what]
    assert found.saves_seconds == 30.0 and "roll it back" in found.evidence
    assert "make replay INCIDENT=i" in found.measure


def test_what_came_back_is_told_unless_it_was_well() -> None:
    helped = Remedy(1, "rollback", RemedyStatus.VERIFIED, "payment-gateway", applied_at=at(40), verified_at=at(60),
                    summary="roll it back")
    for well, told in ((None, True), (at(50), False)):
        items = seen(remedies=(helped,), reopened_at=(at(80),), recovered_at=well, outcome="escalated",
                     escalated_at=at(120))
        assert ("It came back after the rollback" in [one.what for one in items]) is told


def test_an_alarm_for_nothing_is_told_where_it_is_often() -> None:
    past = tuple(PastIncident(str(day), "payment-gateway", iso(ONSET - day * 86_400), "false_alarm")
                 for day in (1, 2, 9))
    for history, told in ((past, True), (past[1:], False)):
        items = seen(outcome="false_alarm", cause=Cause("none"), history=history, ranking=())
        assert ([one.what for one in items] == ["An alarm goes off for nothing"]) is told


def test_no_cause_is_told_with_the_likeliest_one() -> None:
    items = seen(cause=Cause("unknown", component="payment-gateway"), ranking=(replace(SEEN, confidence=0.6),))
    [found] = [one for one in items if one.what == "No cause was named"]
    assert "came to 60%, and 80% are needed" in found.evidence


def test_a_second_provider_is_asked_for_where_there_is_none() -> None:
    out = Cause("provider_outage", "provider_fails", "payment-gateway", 0.97)
    ranking = (replace(SEEN, cause="provider_outage", mechanism="provider_fails", where="provider:primary"),)
    alone = replace(shipped_service(), providers=shipped_service().providers[:1])
    assert "There was no other way to pay" in [one.what for one in seen(cause=out, ranking=ranking, service=alone)]
    down: Finding[Any] = Finding(source="provider", component="provider:fallback", value=0.0, detail=ProviderHealth())
    whats = [one.what for one in seen(down, cause=out, ranking=ranking)]
    assert "All providers failed together" in whats and "There was no other way to pay" not in whats


def test_a_wait_for_an_answer_is_told_where_it_was_long() -> None:
    def entry(seconds: float, kind: Any, fact: str = "", **detail: Any) -> Entry:
        return Entry(at(seconds), 0, at(seconds), "a step", "something", kind=kind, fact=fact, detail=detail)

    remedy = Remedy(1, "rollback", RemedyStatus.VERIFIED, "payment-gateway", summary="roll x back")
    asked = entry(30, "approval", "approval_asked", task="01", asked=["sre: Ada"], expires=at(930),
                  summary="roll x back")
    for answered, told in ((70, True), (35, False)):
        record = IncidentRecord(INCIDENT, (), (), (asked, entry(answered, "approval", "answered")), (remedy,))
        whats = {one.what: one for one in review(record, service=shipped_service()).improvements}
        assert ("The rollback waited for a person" in whats) is told


def test_single_points_are_told_of_what_failed() -> None:
    lone: Finding[Any] = Finding(source="kubernetes", component="payment-gateway", detail=Pods(wanted=1, ready=1))
    other = replace(lone, component="backend")
    assert "payment-gateway is a single pod" in [one.what for one in seen(lone, other)]
    assert "backend is a single pod" not in [one.what for one in seen(lone, other)]
    zone: Finding[Any] = Finding(source="rds", detail=DatabaseInstance(multi_az=False))
    full = Cause("database_connection", "storage_full", "payment-gateway", 0.97)
    assert "The database is in one availability zone" in [one.what for one in seen(zone, cause=full)]
    assert "The database is in one availability zone" not in [one.what for one in seen(zone)]


def several() -> Iterator[Finding[Any]]:
    """Findings without a configuration: a report is written all the same."""
    yield changes(EDIT)
    yield Finding(source="cloudwatch", component="frontend", detail=ErrorRate(
        series=tuple(Bucket(ONSET + 10 * number, 100.0, 50.0) for number in range(3))))


def test_a_record_without_its_configuration_has_items_too() -> None:
    record = IncidentRecord(INCIDENT, (), tuple(looked(finding) for finding in several()))
    assert "A change went out by hand" in [one.what for one in review(record).improvements]


def test_an_improvement_names_the_workload_as_it_was_found() -> None:
    lone: Finding[Any] = Finding(source="kubernetes", component="payment-gateway", detail=Pods(
        wanted=1, ready=1, workload="statefulset/pay-main"))
    told = next(one for one in seen(lone) if one.what == "payment-gateway is a single pod")
    assert "StatefulSet pay-main" in told.evidence and "get statefulset/pay-main" in told.done_when
