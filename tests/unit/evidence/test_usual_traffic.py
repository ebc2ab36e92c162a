"""What is usual at a time of the week, and what is published of it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.clients import aws
from responder.handlers import usual_traffic
from responder.plan.usual_traffic import METRIC, STEP_SECONDS, WEEKS, same_times, usual
from tests.conftest import shipped_service


def test_the_same_time_follows_the_team_s_clock() -> None:
    """Clocks in Berlin were put back on 25 October 2026: nine o'clock there was 7:00 UTC before, and is 8:00 now."""
    at = datetime(2026, 10, 27, 8, tzinfo=UTC).timestamp()
    first = [datetime.fromtimestamp(start, UTC).isoformat()[:16] for start, _ in same_times(
        at, at + 7200, ZoneInfo("Europe/Berlin"))]
    assert first == ["2026-10-20T07:00", "2026-10-13T07:00", "2026-10-06T07:00", "2026-09-29T07:00"]
    assert [at - start for start, _ in same_times(at, at + 7200)] == [week * 604_800.0 for week in (1, 2, 3, 4)]


def test_one_odd_week_is_left_out() -> None:
    weeks = [{0: 600.0}, {0: 0.0, 1: 5.0}, {0: 660.0}, {0: 540.0}]
    assert usual(weeks, 1) == [570.0 / STEP_SECONDS]


def test_one_week_alone_says_nothing_and_a_count_of_nothing_is_not_published() -> None:
    assert usual([{0: 600.0}, {}, {}, {}], 2) == [None, None]
    assert usual([{0: 600.0}, {0: 600.0}, {}, {}], 2) == [1.0, 0.0]


@given(st.lists(st.dictionaries(st.sampled_from([0.0, 1.0, 2.0]), st.floats(0, 1e6), min_size=1), min_size=2,
                max_size=WEEKS))
def test_what_is_usual_is_between_what_was(weeks: list[dict[float, float]]) -> None:
    for step, rate in enumerate(usual(weeks, 3)):
        counts = [week.get(step, 0.0) for week in weeks]
        assert rate is not None and min(counts) <= rate * STEP_SECONDS * (1 + 1e-9) + 1e-9
        assert rate * STEP_SECONDS <= max(counts) * (1 + 1e-9) + 1e-9


class CloudWatch:
    """Has the requests of some weeks: so many a step of ten minutes."""

    def __init__(self, *weeks: float) -> None:
        self._weeks = weeks
        self.asked = 0
        self.put: list[dict[str, Any]] = []

    def get_metric_data(self, *, StartTime: datetime, EndTime: datetime,  # noqa: N803 - boto3's names
                        MetricDataQueries: list[dict[str, Any]], ScanBy: str) -> dict[str, Any]:  # noqa: N803
        query, = MetricDataQueries
        assert ScanBy and query["MetricStat"]["Period"] == STEP_SECONDS and StartTime.timestamp() % STEP_SECONDS == 0
        self.asked += 1
        times = {at: round((NOW - at) / 604_800) for at in range(
            int(StartTime.timestamp()), int(EndTime.timestamp()), STEP_SECONDS)}
        known = {at: self._weeks[back - 1] for at, back in times.items() if 1 <= back <= len(self._weeks)}
        return {"MetricDataResults": [{"Id": query["Id"], "StatusCode": "Complete", "Timestamps": [
            datetime.fromtimestamp(at, UTC) for at in known], "Values": list(known.values())}]}

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803
        assert Namespace == "incident-response" and len(MetricData) <= 1000
        self.put += MetricData


NOW = datetime(2026, 11, 26, 8, 3, 20, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("weeks", "rate"), [((600.0, 1200.0, 540.0, 660.0), 1.05), ((600.0, 600.0), 1.0)])
def test_the_next_two_hours_are_published_for_each_period(monkeypatch: pytest.MonkeyPatch, weeks: tuple[float, ...],
                                                          rate: float) -> None:
    cloudwatch = CloudWatch(*weeks)
    monkeypatch.setattr(aws, "client", lambda *_: cloudwatch)
    monkeypatch.setattr(usual_traffic.time, "time", lambda: NOW)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "incident-response")
    count = usual_traffic._published(shipped_service())
    assert cloudwatch.asked == 1
    times = [item["Timestamp"].timestamp() for item in cloudwatch.put]
    assert count == len(times) == len(set(times))
    # CloudWatch takes data of up to two hours ahead, and the alarms need one for each of their periods.
    assert NOW - 10 <= min(times) <= NOW and max(times) < NOW + 7200
    assert {round(later - before) for before, later in pairwise(times)} == {10}
    assert {(item["MetricName"], item["Value"], item["StorageResolution"]) for item in cloudwatch.put} == {
        (METRIC, rate, 1)}
    # Half an hour later three runs may have failed before a gap comes.
    assert max(times) - NOW > 3 * 1800


def test_nothing_is_published_of_one_week(monkeypatch: pytest.MonkeyPatch) -> None:
    cloudwatch = CloudWatch(600.0)
    monkeypatch.setattr(aws, "client", lambda *_: cloudwatch)
    monkeypatch.setattr(usual_traffic.time, "time", lambda: NOW)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "incident-response")
    assert usual_traffic._published(shipped_service()) == 0 and cloudwatch.put == []
