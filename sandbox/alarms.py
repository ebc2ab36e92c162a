"""The deployed alarms, evaluated as CloudWatch would: dimensions, metric math, percentiles, M of N, missing data.

Sources: AWS's pages "Evaluating an alarm", "Configuring how CloudWatch alarms treat missing data" and "Using metric
math". The engine evaluates by namespace and name only, and keeps no ``Metrics``: they are read from the template.
"""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


class Alarm:
    """One alarm of the template."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self.name: str = properties["AlarmName"]
        self.description: str = properties.get("AlarmDescription", "")
        self._compare = _COMPARE[properties["ComparisonOperator"]]
        self._threshold = float(properties["Threshold"])
        self._periods = int(properties["EvaluationPeriods"])
        self._datapoints = int(properties.get("DatapointsToAlarm", self._periods))
        self._missing: str = properties.get("TreatMissingData", "missing")
        self._metrics, self._expression = _metrics(properties)
        self.period = max(int(stat["Period"]) for stat in self._metrics.values())
        self.state = "INSUFFICIENT_DATA"

    def queries(self) -> list[dict[str, Any]]:
        """The queries for GetMetricData."""
        return [{"Id": name, "ReturnData": True, "MetricStat": stat} for name, stat in self._metrics.items()]

    def evaluate(self, data: Mapping[str, Mapping[float, float]], newest: float) -> tuple[str, str]:
        """Return the state and its reason.

        ``data`` maps each query's id to {start of period: value}; ``newest`` is the start of the newest whole period.
        """
        values: list[float | None] = []
        for index in range(self._periods):
            at = newest - index * self.period
            inputs = {name: series.get(at) for name, series in data.items()}
            # Metric math gives no value where an input has none, unless FILL gives it one.
            known = {name: value for name, value in inputs.items() if value is not None}
            whole = len(known) == len(inputs) or (known and "FILL(" in self._expression)
            values.append(evaluate(self._expression, known) if whole else None)
        breaching = sum(value is not None and self._compare(value, self._threshold) for value in values)
        missing = sum(value is None for value in values)
        if missing == len(values) and self._missing == "missing":
            return "INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received"
        if missing and self._missing == "ignore" and missing == len(values):
            return self.state, "no datapoints were received"
        breaching += missing if self._missing == "breaching" else 0
        shown = ", ".join("missing" if value is None else f"{value:.4g}" for value in values)
        state = "ALARM" if breaching >= self._datapoints else "OK"
        return state, (f"Threshold Crossed: {breaching} out of the last {self._periods} datapoints [{shown}] "
                       f"{'breached' if state == 'ALARM' else 'did not breach'} the threshold ({self._threshold:g})")

    def newest(self, now: float, delay: float) -> float:
        """Return the start of the newest period that is whole and has arrived."""
        return (now - delay) // self.period * self.period - self.period


class Evaluator:
    """Evaluates all alarms of a template and sets their state in the engine."""

    def __init__(self, template: Path, cloudwatch: Any, delays: Mapping[int, float]) -> None:
        resources = json.loads(template.read_text())["Resources"].values()
        self._alarms = [Alarm(item["Properties"]) for item in resources
                        if item["Type"] == "AWS::CloudWatch::Alarm" and "AlarmName" in item["Properties"]]
        self._cloudwatch, self._delays = cloudwatch, delays
        self._evaluated: dict[str, float] = {}
        self.went_off: dict[str, float] = {}
        """Alarm to when it last went to ALARM, seconds since 1970 (UTC)."""

    def reset(self) -> None:
        """Put every alarm to OK, as after two healthy hours."""
        now = time.time()
        for alarm in self._alarms:
            self._set(alarm, "OK", "the sandbox was reset")
            # Periods that have ended are history; the one that is under way still counts.
            self._evaluated[alarm.name] = alarm.newest(now, self._delay(alarm))
        self.went_off = {}

    def step(self) -> None:
        """Evaluate each alarm whose newest period is whole and has arrived."""
        now = time.time()
        for alarm in self._alarms:
            newest = alarm.newest(now, self._delay(alarm))
            if newest <= self._evaluated.get(alarm.name, 0):
                continue
            answer = self._cloudwatch.get_metric_data(
                MetricDataQueries=alarm.queries(), ScanBy="TimestampAscending",
                StartTime=datetime.fromtimestamp(newest - 10 * alarm.period, UTC),
                EndTime=datetime.fromtimestamp(newest + alarm.period, UTC))
            data = {result["Id"]: {moment.timestamp(): value for moment, value in
                                   zip(result["Timestamps"], result["Values"], strict=True)}
                    for result in answer["MetricDataResults"]}
            state, reason = alarm.evaluate(data, newest)
            self._evaluated[alarm.name] = newest
            if state != alarm.state:
                self._set(alarm, state, reason)

    def alarms(self) -> list[str]:
        """The names of all alarms."""
        return [alarm.name for alarm in self._alarms]

    def _delay(self, alarm: Alarm) -> float:
        return self._delays[60 if alarm.period >= 60 else 10]

    def _set(self, alarm: Alarm, state: str, reason: str) -> None:
        if state == "ALARM":
            self.went_off[alarm.name] = time.time()
        self._cloudwatch.set_alarm_state(AlarmName=alarm.name, StateValue=state, StateReason=reason)
        alarm.state = state


def evaluate(expression: str, values: Mapping[str, float]) -> float | None:
    """Evaluate a metric math expression of numbers; None where it divides by nothing."""
    tree = ast.parse(expression.replace("IF(", "IF_("), mode="eval")
    try:
        return float(_value(tree.body, values))
    except ZeroDivisionError:
        return None


def _value(node: ast.AST, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left, values), _value(right, values)
            match op:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return a * b
                case ast.Div():
                    return a / b
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            a, b = _value(left, values), _value(right, values)
            compare = {ast.Gt: a > b, ast.GtE: a >= b, ast.Lt: a < b, ast.LtE: a <= b, ast.Eq: a == b}
            return float(compare[type(op)])
        case ast.Call(func=ast.Name(id="IF_"), args=[condition, yes, no]):
            return _value(yes, values) if _value(condition, values) else _value(no, values)
        case ast.Call(func=ast.Name(id="FILL"), args=[ast.Name(id=name), ast.Constant(value=number)]):
            return values.get(name, float(str(number)))
    raise ValueError(f"metric math that the sandbox does not know: {ast.dump(node)}")


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
