"""What customers' requests leave behind, second by second, and CloudWatch's view of it.

Formats: AWS's pages "GetMetricData" and "DescribeAlarms" in the JSON protocol, which botocore speaks to CloudWatch.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from bench.bed.outage.clock import BEGAN
from bench.bed.outage.cluster import BAD, GATEWAY, GOOD
from sandbox.platform.flow import Calls, Served
from sandbox.platform.objects import KINDS
from sandbox.platform.telemetry import Telemetry
from sandbox.platform.versions import Behaviour, Versions
from sandbox.vendors.gate import Answer
from sandbox.vendors.wire import json_answer

A_SECOND, _FAILED = 8, 4
"""Few, because each query reads them all; enough for every threshold that is shipped."""
_LOG = "ERROR CardAuthorizer NullPointerException: token of the saved card is null"
_TIMES = re.compile(rb'("(?:Start|End)Time": ?\d+)[\d.]*')
KNOWN: dict[tuple[object, ...], Answer] = {}
"""What New Relic, Splunk and CloudWatch answered; each follows from its key alone, so that many runs can share it."""
_CONSTANT = {"CPUUtilization": 22.0, "DatabaseConnections": 28.0, "FreeableMemory": 6e9, "FreeStorageSpace": 8e10,
             "ReadLatency": 0.001, "WriteLatency": 0.002, "HealthyHostCount": 2.0, "UnHealthyHostCount": 0.0,
             "SuccessPercent": 100.0, "DiskQueueDepth": 0.2}


class Traffic:
    """The telemetry; it is brought up to a moment whenever somebody asks."""

    def __init__(self, time: Callable[[], float], version: Callable[[float], str]) -> None:
        self._time, self._version = time, version
        versions = Versions()
        versions.add(GATEWAY, BAD, Behaviour(error_rate=_FAILED / A_SECOND, log=_LOG))
        self.telemetry = Telemetry(versions)
        self._rng = random.Random("outage")
        self.telemetry.reset(BEGAN - 300, A_SECOND, self._rng)
        self._served = BEGAN - 300
        self._since: list[float] = []
        """Since when it fails, and works again, in turn."""
        self._failed: dict[int, int] = {}

    def up_to_now(self) -> None:
        """Let the seconds pass that have not passed yet."""
        while self._served + 1 <= self._time():
            at = self._served
            bad = self._version(at) == BAD
            if bad != (len(self._since) % 2 == 1):
                self._since.append(at)
            self.telemetry.second(at, _second(int(at), bad), self._rng)
            self._failed[int(at)] = _FAILED if bad else 0
            self._served = at + 1

    @property
    def state(self) -> tuple[object, ...]:
        """What all that was served follows from."""
        return tuple(self._since)

    def alarm_since(self) -> float | None:
        """Return since when the alarm on failures is on; None while it is off."""
        self.up_to_now()
        last = int(self._served) // 10 * 10
        if not self._failed.get(last - 5):
            return None
        since = last
        while since > BEGAN and self._failed.get(since - 5):
            since -= 10
        return float(since + 10)

    # --- CloudWatch ------------------------------------------------------------------------------------------------

    def cloudwatch(self, operation: str, body: bytes, late_seconds: float = 2.0) -> Answer:
        """Answer GetMetricData or DescribeAlarms; ``late_seconds``: how far behind the metrics are."""
        self.up_to_now()
        if operation == "DescribeAlarms":
            return json_answer({"MetricAlarms": list(self._alarms(json.loads(body))), "CompositeAlarms": []})
        # By whole seconds, as the other vendors: cells whose times differ by less share their answers.
        newest, body = math.floor(self._time() - late_seconds), _TIMES.sub(rb"\1", body)
        key = "cloudwatch", body, newest, self.state
        if key not in KNOWN:
            asked = json.loads(body)
            KNOWN[key] = json_answer({"Messages": [], "MetricDataResults": [
                {"Id": query["Id"], "Label": query["Id"], "StatusCode": "Complete"} | _points(self._values(
                    query["MetricStat"], float(asked["StartTime"]), min(float(asked["EndTime"]), newest)))
                for query in asked["MetricDataQueries"] if "MetricStat" in query]})
        return KNOWN[key]

    def _alarms(self, asked: Mapping[str, Any]) -> Any:
        since = self.alarm_since()
        for name in asked.get("AlarmNames", []):
            on = since is not None and name.endswith("-error-rate")
            state = "ALARM" if on else "OK"
            if asked.get("StateValue", state) == state:
                yield {"AlarmName": name, "StateValue": state, "StateReason": "Threshold Crossed",
                       "ActionsEnabled": True, "StateTransitionedTimestamp": since if on else BEGAN - 86_400.0,
                       "StateUpdatedTimestamp": since if on else BEGAN - 86_400.0}

    def _values(self, stat: Mapping[str, Any], start: float, end: float) -> dict[int, float]:
        name, period = stat["Metric"]["MetricName"], int(stat["Period"])
        dimensions = {item["Name"]: item["Value"] for item in stat["Metric"].get("Dimensions", [])}
        times = range(int(start) // period * period, int(end) - period + 1, period)
        if stat["Metric"]["Namespace"] == "PaymentPlatform":
            found = self._platform(name, dimensions.get("Component", ""), period, start, end)
            return {at: found[at] for at in times if at in found}
        if name in ("RequestCount", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"):
            sums = dict.fromkeys(times, 0.0)
            for row in self.telemetry.balanced_between(start, end):
                at = int(row.at) // period * period
                if at in sums:
                    sums[at] += {"RequestCount": row.requests, "HTTPCode_Target_5XX_Count": row.target_errors}.get(
                        name, row.own_errors)
            return sums
        value = _CONSTANT.get(name)
        return {} if value is None else dict.fromkeys(times, value)

    def _platform(self, name: str, component: str, period: int, start: float, end: float) -> dict[int, float]:
        sums: dict[int, list[float]] = {}
        for row in self.telemetry.between(start // period * period, end):
            if row.component == component:
                part = sums.setdefault(int(row.at) // period * period, [])
                part += row.latencies_ms if name == "Latency" else [row.requests if name == "Requests" else row.errors]
        if name != "Latency":
            return {at: float(sum(values)) for at, values in sums.items()}
        return {at: sorted(values)[int(len(values) * 0.95)] for at, values in sums.items() if values}


def _points(values: Mapping[int, float]) -> dict[str, Any]:
    return {"Timestamps": [float(at) for at in sorted(values)], "Values": [values[at] for at in sorted(values)]}


def _second(at: int, bad: bool) -> list[Served]:
    """Return what each component did in a second: every failure begins in the gateway."""
    latencies = tuple(float(90 + (at * 7 + number * 13) % 40) for number in range(8))
    failed = _FAILED if bad else int(at % 30 == 0)
    found = []
    for name in KINDS:
        callee = {"frontend": "backend", "backend": GATEWAY}.get(name)
        said = f"{callee} answered 500"
        calls = {callee: Calls(A_SECOND, failed, 40.0 * A_SECOND, {said: failed} if failed else {})} if callee else {
            "payments-db": Calls(A_SECOND, 0, 4.0 * A_SECOND),
            "api.primary.example": Calls(A_SECOND, 0, 90.0 * A_SECOND)}
        kinds = {} if not failed else {said: failed} if callee else {"own" if bad else "background": failed}
        version = (BAD if bad else GOOD) if name == GATEWAY else GOOD
        found.append(Served(name, f"{name}-{version}-00000", version, A_SECOND, failed, latencies, kinds, calls))
    return found
