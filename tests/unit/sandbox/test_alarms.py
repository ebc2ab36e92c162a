"""The alarms as CloudWatch evaluates them: what the math says, what is missing."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.plan.sureness import sureness
from sandbox.alarms import Alarm
from sandbox.metric_math import compiled
from stacks.alarm_math import below_usual, below_usual_or_floor, share_at_least

STAT = {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}


def alarm(**changed: Any) -> Alarm:
    return Alarm({"AlarmName": "a", "ComparisonOperator": "GreaterThanThreshold", "Threshold": 0.5,
                  "EvaluationPeriods": 1, "TreatMissingData": "notBreaching", "Metrics": [
                      {"Id": "e", "Expression": "errors / requests"},
                      {"Id": "errors", "MetricStat": STAT}, {"Id": "requests", "MetricStat": STAT}], **changed})


@given(st.integers(1, 5000), st.data())
def test_the_lower_bound_is_wilsons_and_below_the_share(requests: int, data: st.DataObject) -> None:
    errors, z = data.draw(st.integers(0, requests)), 4.0
    found = compiled(share_at_least("errors", "requests", z, 3))({"errors": errors, "requests": requests})
    assert found is not None
    if errors < 3:
        assert found == 0
        return
    share = errors / requests
    half = z * math.sqrt(share * (1 - share) / requests + z * z / (4 * requests ** 2))
    wilson = (share + z * z / (2 * requests) - half) / (1 + z * z / requests)
    assert found == pytest.approx(wilson, abs=1e-5)
    assert found <= share + 1e-9


@given(st.integers(3, 500), st.integers(0, 500))
def test_more_failures_of_as_many_requests_are_never_less_bad(errors: int, others: int) -> None:
    bound, requests = compiled(share_at_least("errors", "requests", 4.65, 3)), errors + others + 1
    first, second = (bound({"errors": count, "requests": requests}) for count in (errors, errors + 1))
    assert first is not None and second is not None and second >= first - 1e-9


@pytest.mark.parametrize(("errors", "requests", "goes_off"), [
    (4, 4, False), (5, 5, True), (5, 20, False), (7, 20, True), (20, 200, False), (40, 200, True), (400, 1000, True),
    (400, 300, True)])
def test_few_requests_need_more_failures(errors: int, requests: int, goes_off: bool) -> None:
    """20 requests are not needed: five of five are enough, and five of twenty are not."""
    found = compiled(share_at_least("errors", "requests", sureness(0.1, 10), 5))(
        {"errors": errors, "requests": requests})
    assert found is not None and (found > 0.05) is goes_off


def test_an_alarm_that_looks_more_often_must_be_surer() -> None:
    assert sureness(0.1, 10) > sureness(0.1, 60) > sureness(0.1, 3600) > sureness(0.1, 21_600) > 0
    assert sureness(0.1, 10, periods=3) < sureness(0.1, 10)


@pytest.mark.parametrize(("requests", "usual", "lost"), [
    (None, 2.0, True), (None, 0.2, False), (20.0, 2.0, False), (1.0, 4.0, True), (None, None, None),
    (5.0, None, False)])
def test_traffic_is_lost_only_where_much_is_usual(requests: float | None, usual: float | None,
                                                  lost: bool | None) -> None:
    """Silence is no loss at night, and nothing is said where nothing is known."""
    found = compiled(below_usual("requests", "usual", 10, 0.5, sureness(0.1, 10, 3)))(
        {"requests": requests, "usual": usual})
    assert (None if found is None else found < 0) is lost


@pytest.mark.parametrize(("requests", "usual", "lost"), [
    (None, None, None), (0.0, None, True), (2.0, None, True), (3.0, None, False), (500.0, None, False),
    (None, 0.0, False), (None, 0.1, False), (2.0, 0.1, False), (1.0, 4.0, True), (None, 4.0, True), (40.0, 4.0, False)])
def test_until_something_usual_is_known_a_floor_tells_loss_of_traffic(requests: float | None, usual: float | None,
                                                                      lost: bool | None) -> None:
    """No data of either make no data point, which the alarm takes as a loss."""
    found = compiled(below_usual_or_floor("requests", "usual", 10, 0.4, sureness(0.1, 10, 3), 3.0))(
        {"requests": requests, "usual": usual})
    assert (None if found is None else found < 0) is lost


@given(st.one_of(st.none(), st.floats(0, 1e5)), st.floats(0, 1e4))
def test_the_floor_changes_nothing_where_something_usual_is_known(requests: float | None, usual: float) -> None:
    z = sureness(0.1, 10, 3)
    values = {"requests": requests, "usual": usual}
    alone = compiled(below_usual("requests", "usual", 10, 0.4, z))(values)
    both = compiled(below_usual_or_floor("requests", "usual", 10, 0.4, z, 3.0))(values)
    assert alone is not None and both == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize(("expression", "values", "expected"), [
    ("a / b", {"a": 1.0, "b": 0.0}, None), ("a / b", {"a": None, "b": 4.0}, 0.0),
    ("a - b", {"a": None, "b": None}, None),
    ("a + 1", {"a": None}, None), ("-a", {"a": 2.0}, -2.0), ("IF(a > 1, b, 7)", {"a": None, "b": 1.0}, None),
    ("IF(a > 1, b, 7)", {"a": 2.0, "b": None}, 0.0), ("IF(a > 1, 5, b)", {"a": 0.0, "b": None}, None),
    ("a ^ 0.5", {"a": -1.0}, None), ("2 * (a ^ 0.5)", {"a": 9.0}, 6.0), ("ABS(a - b)", {"a": 1.0, "b": 4.0}, 3.0)])
def test_missing_values_count_as_documented(expression: str, values: dict[str, float | None],
                                            expected: float | None) -> None:
    """AWS's page "Using metric math": arithmetic takes them as 0, a condition drops them, so does a division by 0."""
    assert compiled(expression)(values) == expected


@pytest.mark.parametrize("expression", ["SUM(a)", "a if b else c", "__import__('os')", "a.b", "a[0]", "a % b"])
def test_metric_math_that_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="does not know"):
        compiled(expression)


def test_a_long_window_slides_by_the_minute() -> None:
    stat = {**STAT, "Period": 300}
    found = alarm(Metrics=[{"Id": "e", "Expression": "errors / requests"}, {"Id": "errors", "MetricStat": stat},
                           {"Id": "requests", "MetricStat": stat}])
    data = {"errors": {float(at): 9.0 for at in range(600, 900, 60)},
            "requests": {float(at): 10.0 for at in range(0, 900, 60)}}
    assert found.step == 60 and found.window == 300
    assert [found.evaluate(found.read(data), end)[0] for end in (660, 720, 780, 840)] == ["OK", "OK", "ALARM", "ALARM"]
    assert found.newest(1000.0, 2.0) == 960


@pytest.mark.parametrize(("missing", "state"), [("notBreaching", "OK"), ("breaching", "ALARM"),
                                                ("missing", "INSUFFICIENT_DATA"), ("ignore", "INSUFFICIENT_DATA")])
def test_no_data_at_all(missing: str, state: str) -> None:
    found = alarm(TreatMissingData=missing)
    assert found.evaluate(found.read({"errors": {}, "requests": {}}), 600.0)[0] == state


def test_m_of_n() -> None:
    found = alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    data = {"errors": {0.0: 9.0, 60.0: 0.0, 120.0: 9.0}, "requests": {0.0: 10.0, 60.0: 10.0, 120.0: 10.0}}
    assert found.evaluate(found.read(data), 180.0)[0] == "ALARM"
    assert found.evaluate(found.read(data), 120.0)[0] == "OK"
