"""What a configuration of alarms and starters may say, and what is refused before anything is built."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from responder.model.service import Objective, OwnAlarm, Service, Starter, Starters, Tag
from responder.plan.burn import objective
from stacks.alarm_names import alarm_names, in_patterns
from stacks.consistency import inconsistent


def found(service: Service) -> list[str]:
    return [".".join(map(str, path)) for path, _, _ in inconsistent(service)]


@pytest.mark.parametrize(("changed", "place"), [
    ({"objective": 0.9}, "alarms.objective"), ({"objective": 1.0}, "alarms.objective"),
    ({"traffic_share": 1.5}, "alarms.traffic_share"), ({"minimum_failures": 0}, "alarms.minimum_failures"),
    ({"false_alarms_a_week": 0.0}, "alarms.false_alarms_a_week"), ({"own": (OwnAlarm(),)}, "alarms.own.0"),
    ({"own": (OwnAlarm("a", Tag("k", "v")),)}, "alarms.own.0"),
    ({"own": (OwnAlarm("a"), OwnAlarm(tag=Tag("k", "")))}, "alarms.own.1.tag")])
def test_what_cannot_hold_is_refused(service: Service, changed: dict[str, Any], place: str) -> None:
    assert place in found(replace(service, alarms=replace(service.alarms, **changed)))


def test_a_system_that_proves_itself_by_nothing_is_refused(service: Service) -> None:
    starters = Starters(Starter(""), Starter("own/newrelic"), Starter(""))
    assert found(replace(service, starters=starters)) == ["starters.pagerduty.secret", "starters.splunk.secret"]


@pytest.mark.parametrize(("dimension", "operations", "place"), [
    ("Operation", (), "metrics.operations"), ("", ("refund",), "metrics.operations"),
    ("Operation", ("refund", "refund"), "metrics.operations.1"), ("Operation", ('a"',), "metrics.operations.0"),
    ("Operation", tuple(f"o{number}" for number in range(51)), "metrics.operations")])
def test_operations_need_a_dimension_and_names_for_alarms(service: Service, dimension: str,
                                                          operations: tuple[str, ...], place: str) -> None:
    assert found(replace(service, metrics=replace(
        service.metrics, operation_dimension=dimension, operations=operations))) == [place]


def test_the_alarms_follow_from_the_configuration(service: Service) -> None:
    own = replace(service.alarms, own=(OwnAlarm("mine"), OwnAlarm(tag=Tag("k", "v"))), objective=None)
    without = replace(service, alarms=own)
    assert objective(without) is None
    assert {"p-payment-gateway-error-rate", "p-payment-gateway-loss-of-traffic", "mine"} <= set(
        alarm_names("p", without))
    reports = replace(service.reports, objective=Objective(0.995, 1000.0))
    assert objective(replace(without, reports=reports)) == 0.995
    # What burns the error budget is judged by the sweep, and has no alarm.
    assert alarm_names("p", replace(without, reports=reports)) == alarm_names("p", without)
    operations = replace(without, metrics=replace(
        service.metrics, operation_dimension="Operation", operations=("refund",)))
    assert "p-payment-gateway-error-rate-of-refund" in alarm_names("p", operations)
    assert found(operations) == []


def test_the_names_of_many_alarms_have_room_in_event_patterns() -> None:
    names = [f"incident-response-payment-gateway-error-rate-of-{number:03}" for number in range(120)]
    groups = list(in_patterns(names))
    assert [name for group in groups for name in group] == names and len(groups) > 1
    assert all(sum(len(name) + 3 for name in group) <= 1500 for group in groups)
    assert list(in_patterns([])) == []


@pytest.mark.parametrize(("seconds", "metric", "refused"), [
    (60, 10, False), (10, 10, False), (30, 10, False), (20, 10, True), (10, 60, True), (60, 60, False)])
def test_latency_is_judged_by_periods_that_there_are(service: Service, seconds: int, metric: int,
                                                     refused: bool) -> None:
    changed = replace(service, alarms=replace(service.alarms, latency_period_seconds=seconds),
                      metrics=replace(service.metrics, period_seconds=metric))
    assert ("alarms.latency_period_seconds" in found(changed)) is refused
