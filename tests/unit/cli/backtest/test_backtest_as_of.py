"""The sources are asked as of a past time: nothing of later is told, and what tells only of now is left out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from cli.backtest import asking, limits
from cli.backtest.asking import AsOf, used_by
from cli.backtest.outcome import Moment
from responder import sources
from responder.model.change import Change, FieldChange
from responder.model.evidence import Finding, Window
from responder.model.evidence.alarms import Alarms
from responder.model.evidence.answer import Answer
from responder.model.evidence.changes import Changes
from responder.model.evidence.error_rate import ErrorRate
from responder.model.moment import iso, seconds
from responder.model.service import Service
from responder.records.ledger import Ledger
from responder.sources import NOT_THEN, Query, changes, cloudwatch
from responder.sources.cloudwatch.metrics import shortest_kept
from tests.conftest import shipped_service, timeline

THEN = 1_790_000_000.0


def query(age_seconds: float, end: float = THEN) -> Query:
    return Query(shipped_service(), "diagnose", Window(end - 180, end), Window(end - 3780, end - 180),
                 time.monotonic() + 10, age_seconds)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    with mock_aws():
        records = timeline()
        monkeypatch.setenv("TABLE", "timeline")
        monkeypatch.setattr(changes, "Records", lambda name: records)
        yield Ledger(records, shipped_service().service)


def image(at: float, name: str = "payment-gateway") -> Change:
    return Change("Deployment", name, "changed", at, at, "kubectl", (FieldChange(
        ("template", "spec", "containers", name, "image"), f"{name}:1", f"{name}:2"),))


def look(ledger: Ledger, first: float, last: float) -> None:
    """It looks from one time to another without a gap, and sees no change."""
    for second in range(int(first), int(last), 170):
        ledger.keep(float(second), {}, {}, [])


def test_the_ledger_tells_what_was_changed_by_then_and_nothing_of_later(ledger: Ledger) -> None:
    look(ledger, THEN - 9000, THEN + 600)
    ledger.keep(THEN + 600, {}, {}, [image(THEN - 8000), image(THEN - 30), image(THEN + 5)])
    (found,) = changes.collect(query(900.0))
    assert [change.latest for change in found.detail.changes] == [THEN - 30]
    assert found.status == "ok" and found.detail.last_look == THEN


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(times=st.lists(st.floats(-7200, 7200), max_size=6, unique=True))
@mock_aws
def test_whatever_changed_later_is_never_told(times: list[float]) -> None:
    records = timeline()
    kept = Ledger(records, shipped_service().service)
    look(kept, THEN - 9000, THEN + 9000)
    kept.keep(THEN + 9000, {}, {}, [image(THEN + at) for at in times])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TABLE", "timeline")
        patch.setattr(changes, "Records", lambda name: records)
        (found,) = changes.collect(query(9000.0))
    told = [change.latest for change in found.detail.changes]
    # The table keeps milliseconds in its keys.
    assert all(at <= THEN + 0.001 for at in told)
    assert {round(at - THEN, 2) for at in told} >= {round(at, 2) for at in times if -3700 < at < -0.01}


def test_before_the_ledger_looked_nothing_is_known_and_nothing_unchanged_is_claimed(ledger: Ledger) -> None:
    ledger.keep(THEN + 60, {}, {}, [])
    (found,) = changes.collect(query(900.0))
    assert found.status == "empty" and "is known to have looked from" in found.note
    assert not found.usable


def test_a_gap_in_the_ledgers_looks_begins_its_knowledge_anew(ledger: Ledger) -> None:
    ledger.keep(THEN - 9000, {}, {}, [])
    ledger.keep(THEN - 8940, {}, {}, [])
    assert ledger.since() == THEN - 9000
    ledger.keep(THEN + 60, {}, {}, [])
    assert ledger.since() == THEN + 60


def test_a_ledger_of_before_has_looked_since_its_oldest_change(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.keep(THEN + 60, {}, {}, [image(THEN - 500)])
    ledger._records.delete(ledger._pk, "SINCE")
    assert ledger.since() == pytest.approx(THEN - 500, abs=0.001)


@settings(max_examples=30)
@given(st.floats(1e9, 2e9), st.sampled_from([10, 60, 300]))
def test_a_period_that_had_not_ended_then_is_not_asked_for(end: float, period: int) -> None:
    whole = query(1.0, end).whole(period)
    assert (whole.end <= end and whole.end % period == 0) or whole.end == whole.start
    assert query(0.0, end).whole(period) == query(0.0, end).window


@pytest.mark.parametrize(("age_seconds", "period"), [(0.0, 10), (600.0, 10), (3 * 3600.0, 60), (9e5, 60)])
def test_periods_under_a_minute_are_asked_for_only_while_cloudwatch_keeps_them(age_seconds: float, period: int) -> None:
    assert shortest_kept(10, query(age_seconds)) == period


class CloudWatch:
    """Keeps what it is asked, and has no data."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def get_metric_data(self, **given: Any) -> dict[str, Any]:
        self.calls.append("GetMetricData")
        assert given["EndTime"].timestamp() <= THEN
        return {"MetricDataResults": []}

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} tells of now, and was asked")


def test_cloudwatch_is_not_asked_for_the_state_of_its_alarms_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    client = CloudWatch()
    monkeypatch.setattr(cloudwatch.aws, "client", lambda *_: client)
    found = cloudwatch.collect(query(900.0))
    assert client.calls
    (alarms,) = [finding for finding in found if isinstance(finding.detail, Alarms)]
    assert (alarms.status, alarms.note) == ("unavailable", NOT_THEN)


def asked(source: sources.Source, monkeypatch: pytest.MonkeyPatch) -> list[Finding[Any]]:
    monkeypatch.setattr(asking, "time", time)
    (answer,) = AsOf(shipped_service(), [source], THEN)("diagnose", THEN + 1)
    return list(answer.findings)


def test_a_source_that_tells_only_of_now_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def collect(given: Query) -> list[Finding[Any]]:
        raise AssertionError("it was asked")

    for source in used_by(shipped_service()):
        if not source.past and "diagnose" in source.phases:
            (found,) = asked(replace(source, collect=collect), monkeypatch)
            assert (found.status, found.note) == ("unavailable", NOT_THEN)


def test_a_source_is_asked_with_then_as_the_present_and_a_failure_is_a_finding(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Query] = []

    def collect(given: Query) -> list[Finding[Any]]:
        seen.append(given)
        raise ValueError("broken")

    found = asked(sources.Source("newrelic", frozenset({"diagnose"}), collect), monkeypatch)
    (given,) = seen
    assert given.window.end == THEN + 1 and given.past and given.service.aws.role_arn == ""
    assert isinstance(found[0].detail, Answer) and found[0].status == "malformed"
    # What the functions log is not mixed with the report.
    assert capsys.readouterr().out == ""


def test_a_kind_that_tells_only_of_now_is_left_out_of_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Finding[Any]] = [
        Finding(source="x", detail=Alarms(), value=1.0), Finding(source="x", detail=ErrorRate(), value=0.5)]
    found = asked(sources.Source("x", frozenset({"diagnose"}), lambda given: told, now_only=frozenset({Alarms})),
                  monkeypatch)
    assert [(finding.name, finding.usable) for finding in found] == [("alarms", False), ("error_rate", True)]


def test_each_source_says_whether_it_can_be_asked_about_the_past() -> None:
    """Those that ask the cluster or the network cannot: whoever adds one decides it."""
    assert {source.name for source in sources.all() if not source.past} == {
        "credentials", "eks", "kubernetes", "network", "provider", "rollouts", "utilisation"}


def test_windows_past_a_vendors_retention_are_named() -> None:
    service: Service = shipped_service()
    used, now = used_by(service), THEN
    moments = [Moment(service.service, iso(now - days * 86400), "") for days in (1, 10, 20)]
    said = " ".join(limits.past_retention(used, moments, now))
    assert "New Relic keeps events for 8 days" in said and "of 2 of 3 incidents" in said
    assert "RDS keeps events for 14 days" in said and "of 1 of 3 incidents" in said
    assert "CloudTrail" not in said
    assert not list(limits.past_retention(used, moments[:1], now))
    assert seconds(moments[0].at) < now


def test_what_is_asked_at_most_counts_every_look_that_the_settings_allow() -> None:
    service = shipped_service()
    used = used_by(service)
    most = limits.most_calls(service, used)
    assert set(most) == {source.name for source in used if source.past}
    more = limits.most_calls(replace(service, confirm=replace(service.confirm, rounds=6)), used)
    assert more["newrelic"] == most["newrelic"] + 3 and more["cloudtrail"] == most["cloudtrail"]


def test_what_is_changed_is_told_by_the_ledger_alone(ledger: Ledger) -> None:
    """The cluster of now is not asked about then: a connection would fail here."""
    look(ledger, THEN - 9000, THEN)
    ledger.keep(THEN, {}, {}, [])
    (found,) = changes.collect(query(60.0))
    assert isinstance(found.detail, Changes) and found.usable and found.detail.changes == ()
