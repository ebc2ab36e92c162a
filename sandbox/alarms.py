"""The deployed alarms, evaluated as CloudWatch would: dimensions, metric math, percentiles, M of N, missing data.

They are read from the synthesized template, so that what is evaluated, here and by ``bench/alarms.py``, is what is
deployed. Sources: AWS's pages "Evaluating an alarm", "Configuring how CloudWatch alarms treat missing data" and "Alarm
evaluation window" (a window of a minute or more slides, each minute). The engine evaluates by namespace and name only,
and keeps no ``Metrics``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.metric_math import compiled

MINUTE = 60
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_FOLD: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum, "SampleCount": sum, "Average": lambda values: sum(values) / len(values), "Maximum": max,
    "Minimum": min}
"""How a longer period's value follows from those of its minutes."""

Read = Callable[[str, float, float], float | None]
"""A metric's id in the alarm, start and end of a period (seconds since 1970, UTC) to its value; None: it has none."""


class Alarm:
    """One metric alarm of the template."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self.name: str = properties["AlarmName"]
        self.description: str = properties.get("AlarmDescription", "")
        self._compare = _COMPARE[properties["ComparisonOperator"]]
        self._threshold = float(properties["Threshold"])
        self._periods = int(properties["EvaluationPeriods"])
        self._datapoints = int(properties.get("DatapointsToAlarm", self._periods))
        self._missing: str = properties.get("TreatMissingData", "missing")
        self.metrics, expression = _metrics(properties)
        """Id to ``MetricStat``."""
        self._expression = compiled(expression)
        self.period = max(int(stat["Period"]) for stat in self.metrics.values())
        # A longer period's percentile does not follow from those of its minutes.
        folds = all(stat["Stat"] in _FOLD for stat in self.metrics.values())
        self.step = min(self.period, MINUTE) if folds else self.period
        """Seconds between two evaluations."""
        self.state = "INSUFFICIENT_DATA"

    @property
    def window(self) -> int:
        """Seconds that one evaluation looks back."""
        return self._periods * self.period

    def queries(self) -> list[dict[str, Any]]:
        """The queries for GetMetricData: by the minute, where a period is longer."""
        return [{"Id": name, "ReturnData": True, "MetricStat": {**stat, "Period": self.step}}
                for name, stat in self.metrics.items()]

    def read(self, data: Mapping[str, Mapping[float, float]]) -> Read:
        """Return how to read from each query's {start of a step: value}."""

        def value(name: str, start: float, end: float) -> float | None:
            if self.step == self.period:
                return data[name].get(start)
            found = [value for at, value in data[name].items() if start <= at < end]
            return _FOLD[self.metrics[name]["Stat"]](found) if found else None

        return value

    def evaluate(self, read: Read, end: float) -> tuple[str, str]:
        """Return the state and its reason; ``end`` is the end of the newest period that is whole and has arrived."""
        values = [self._value(read, end - index * self.period) for index in range(self._periods)]
        breaching = sum(value is not None and self._compare(value, self._threshold) for value in values)
        missing = sum(value is None for value in values)
        if missing == len(values) and self._missing == "missing":
            return "INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received"
        if missing and self._missing == "ignore" and missing == len(values):
            return self.state, "no datapoints were received"
        breaching += missing if self._missing == "breaching" else 0
        state = "ALARM" if breaching >= self._datapoints else "OK"
        if state == self.state:
            return state, ""
        shown = ", ".join("missing" if value is None else f"{value:.4g}" for value in values)
        return state, (f"Threshold Crossed: {breaching} out of the last {self._periods} datapoints [{shown}] "
                       f"{'breached' if state == 'ALARM' else 'did not breach'} the threshold ({self._threshold:g})")

    def _value(self, read: Read, end: float) -> float | None:
        return self._expression({name: read(name, end - self.period, end) for name in self.metrics})

    def newest(self, now: float, delay: float) -> float:
        """Return the end of the newest period that is whole and has arrived."""
        return (now - delay) // self.step * self.step


def deployed(template: Path) -> list[Alarm]:
    """Return the alarms of a template that have a name: those of services."""
    resources = json.loads(template.read_text())["Resources"].values()
    return [Alarm(item["Properties"]) for item in resources
            if item["Type"] == "AWS::CloudWatch::Alarm" and "AlarmName" in item["Properties"]]


class Evaluator:
    """Evaluates all alarms of a template and sets their state in the engine."""

    def __init__(self, template: Path, cloudwatch: Any, delays: Mapping[int, float]) -> None:
        self._alarms = deployed(template)
        self._cloudwatch, self._delays = cloudwatch, delays
        self._evaluated: dict[str, float] = {}
        self.went_off: dict[str, float] = {}
        """Alarm to when it last went to ALARM, seconds since 1970 (UTC)."""

    def reset(self) -> None:
        """Put every alarm to what it makes of the healthy hours that were."""
        now = time.time()
        for alarm in self._alarms:
            newest = alarm.newest(now, self._delay(alarm))
            state, reason = alarm.evaluate(alarm.read(self._data(alarm, newest)), newest)
            self._set(alarm, state, reason or "the sandbox was reset")
            # Periods that have ended are history; the one that is under way still counts.
            self._evaluated[alarm.name] = newest
        self.went_off = {}

    def step(self) -> None:
        """Evaluate each alarm whose newest period is whole and has arrived."""
        now = time.time()
        for alarm in self._alarms:
            newest = alarm.newest(now, self._delay(alarm))
            if newest <= self._evaluated.get(alarm.name, 0):
                continue
            state, reason = alarm.evaluate(alarm.read(self._data(alarm, newest)), newest)
            self._evaluated[alarm.name] = newest
            if state != alarm.state:
                self._set(alarm, state, reason)

    def starting(self) -> list[str]:
        """The names of the alarms that start the responder."""
        return [alarm.name for alarm in self._alarms]

    def _data(self, alarm: Alarm, newest: float) -> dict[str, dict[float, float]]:
        answer = self._cloudwatch.get_metric_data(
            MetricDataQueries=alarm.queries(), ScanBy="TimestampAscending",
            StartTime=datetime.fromtimestamp(newest - alarm.window, UTC),
            EndTime=datetime.fromtimestamp(newest, UTC))
        return {result["Id"]: {moment.timestamp(): value for moment, value in
                               zip(result["Timestamps"], result["Values"], strict=True)}
                for result in answer["MetricDataResults"]}

    def _delay(self, alarm: Alarm) -> float:
        return self._delays[MINUTE if alarm.period >= MINUTE else 10]

    def _set(self, alarm: Alarm, state: str, reason: str) -> None:
        if state == "ALARM":
            self.went_off[alarm.name] = time.time()
        self._cloudwatch.set_alarm_state(AlarmName=alarm.name, StateValue=state, StateReason=reason)
        alarm.state = state


def _metrics(properties: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], str]:
    """Return the metrics that an alarm looks at, by id, and the expression over them."""
    if "Metrics" not in properties:
        stat = {"Metric": {key: properties[key] for key in ("Namespace", "MetricName", "Dimensions")
                           if key in properties},
                "Period": properties["Period"],
                "Stat": properties.get("Statistic") or properties["ExtendedStatistic"]}
        return {"m": stat}, "m"
    metrics: dict[str, dict[str, Any]] = {}
    expression = ""
    items: Sequence[Mapping[str, Any]] = properties["Metrics"]
    for item in items:
        if "Expression" in item:
            expression = item["Expression"]
        else:
            metrics[item["Id"]] = {key: item["MetricStat"][key] for key in ("Metric", "Period", "Stat")}
    return metrics, expression or next(iter(metrics))
