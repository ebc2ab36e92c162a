"""The way from the responder to CloudWatch and to the Kubernetes API, which can be broken.

Requests pass untouched unless a fault is set; a fault answers in the vendor's own words.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from sandbox.iam import wire
from sandbox.vendors.aws import Permits
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.wire import answered, passed, query_failed

_SHORT = (1, 5, 10, 20, 30)
"""Periods under a minute that metrics of high resolution have (AWS's page "MetricStat")."""
_REGULAR = re.compile(r"AWS/|ContainerInsights$|CloudWatchSynthetics$")
"""Namespaces whose metrics AWS publishes each minute: they have no data for shorter periods."""


class CloudWatch:
    """The engine's CloudWatch, as the responder's functions reach it; ``permits`` is IAM."""

    def __init__(self, engine: str, gates: Gates, permits: Permits = lambda access_key, call: "") -> None:
        self._client = httpx.Client(base_url=engine, timeout=30)
        self._gates, self._permits = gates, permits

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Pass a request on, unless a fault or IAM says otherwise."""
        fault = self._gates.fault("cloudwatch")
        if fault == "down":
            return Answer(0, b"")
        if fault == "slow":
            self._gates.hold("cloudwatch")
        if fault == "throttled":
            return _error(headers, 400, "ThrottlingException", "Rate exceeded")
        if fault == "unauthorized":
            return _error(headers, 403, "AccessDeniedException", "User is not authorized to perform: "
                          "cloudwatch:GetMetricData")
        if fault == "malformed":
            return Answer(200, b"\x00\x01 not an answer", "application/x-amz-json-1.0")
        if why := self._refusal(method, path, {key.lower(): value for key, value in headers.items()}, body):
            return _error(headers, 403, "AccessDeniedException", why)
        periods = _periods(headers, body)
        wrong = [period for _, period in periods.values() if period not in _SHORT and period % 60]
        if wrong:
            return _error(headers, 400, "ValidationError", f"The value {wrong[0]} for parameter Period is invalid.")
        response = self._client.request(method, path, headers=passed(headers), content=body)
        content = response.content
        coarse = {name for name, (space, period) in periods.items() if period in _SHORT and _REGULAR.match(space)}
        if coarse and "json" in response.headers.get("content-type", ""):
            content = _without(response.json(), coarse)
        if fault in ("empty", "stale"):
            content = self._cut(response, fault)
        return answered(response, content)

    def _refusal(self, method: str, path: str, headers: dict[str, str], body: bytes) -> str:
        """Say why IAM refuses a request; empty: it does not."""
        asked = wire.asked("cloudwatch", method, path, headers, body)
        return next((why for call in asked if (why := self._permits(wire.access_key(headers), call))), "")

    def _cut(self, response: httpx.Response, fault: str) -> bytes:
        """Leave out the data that an empty or stale store would not have."""
        kind = response.headers.get("content-type", "")
        if "json" in kind:
            value: dict[str, Any] = response.json()
            newest = self._gates.newest("cloudwatch", 0)
            for result in value.get("MetricDataResults", []):
                kept = [] if fault == "empty" else [
                    pair for pair in zip(result["Timestamps"], result["Values"], strict=False)
                    if _seconds(pair[0]) < newest]
                result["Timestamps"], result["Values"] = [k[0] for k in kept], [k[1] for k in kept]
            return json.dumps(value).encode()
        return response.content


class Kubernetes:
    """The API server, as EKS's endpoint."""

    def __init__(self, server: str, ca: str, gates: Gates, gone: Callable[[], bool]) -> None:
        self._gone = gone
        context = ssl.create_default_context(cafile=ca)
        self._client = httpx.Client(base_url=server, verify=context, timeout=30)
        self._gates = gates

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Pass a request on, unless a fault says otherwise."""
        fault = self._gates.fault("kubernetes")
        if fault == "down" or self._gone():
            return Answer(0, b"")
        if fault == "slow":
            self._gates.hold("kubernetes")
        if fault in ("throttled", "unauthorized"):
            code, reason = (429, "TooManyRequests") if fault == "throttled" else (401, "Unauthorized")
            return Answer(code, json.dumps({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": reason,
                "reason": reason, "code": code}).encode(), headers=(("Retry-After", "30"),) if code == 429 else ())
        if fault == "malformed":
            return Answer(200, b'{"kind": "PodList", "items": [{"metadata"')
        response = self._client.request(method, path, headers=passed(headers), content=body)
        content = response.content
        if fault in ("empty", "stale") and method == "GET":
            try:
                value = json.loads(content)
            except ValueError:
                value = {}
            if isinstance(value.get("items"), list):
                newest = self._gates.newest("kubernetes", 0)
                value["items"] = [] if fault == "empty" else [
                    item for item in value["items"]
                    if _seconds(item["metadata"]["creationTimestamp"]) < newest]
                content = json.dumps(value).encode()
        return Answer(response.status_code, content, response.headers.get("content-type", "application/json"))


def _periods(headers: dict[str, str], body: bytes) -> dict[str, tuple[str, int]]:
    """What a GetMetricData asks for: its queries' ids to namespace and period."""
    if "json" not in headers.get("content-type", "") or b"MetricDataQueries" not in body:
        return {}
    return {str(item["Id"]): (str(item["MetricStat"]["Metric"].get("Namespace")), int(item["MetricStat"]["Period"]))
            for item in json.loads(body)["MetricDataQueries"] if "MetricStat" in item}


def _without(value: dict[str, Any], coarse: set[str]) -> bytes:
    """The answer, without data of metrics that have none for so short a period."""
    for result in value.get("MetricDataResults", []):
        if result["Id"] in coarse:
            result["Timestamps"], result["Values"] = [], []
    return json.dumps(value).encode()


def _error(headers: dict[str, str], status: int, code: str, message: str) -> Answer:
    """An AWS error in the protocol of the request."""
    if "json" in headers.get("content-type", ""):
        return Answer(status, json.dumps({"__type": f"com.amazonaws.cloudwatch#{code}", "message": message}).encode(),
                      "application/x-amz-json-1.0")
    return query_failed(status, code, message, "0")


def _seconds(moment: Any) -> float:
    return float(moment) if isinstance(moment, int | float) else datetime.fromisoformat(str(moment)).timestamp()
