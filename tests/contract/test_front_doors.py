"""What CloudWatch has of each front door, and what is made of it.

Sources: AWS's pages "CloudWatch metrics for your Application Load Balancer", "CloudWatch metrics for your Network Load
Balancer", "Amazon API Gateway dimensions and metrics", "Working with metrics for HTTP APIs", "Types of metrics for
CloudFront".
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from responder.clients import aws
from responder.model.evidence import Bucket, Finding, Window
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.front_door import FrontDoor
from responder.model.evidence.healthy_hosts import HealthyHosts
from responder.model.evidence.target_connection_errors import TargetConnectionErrors
from responder.model.fault_location import UNREACHED
from responder.model.service import ApiGateway, Service
from responder.sources import Query
from responder.sources.cloudwatch import doors, outside
from stacks.consistency import inconsistent
from tests.diagnosis import seen

NOW = 1_800_000_000.0
NLB, HOSTS = "net/payments/50dc6c495c0c9188", "targetgroup/frontend/6d0ecf831eec9f09"
_KNOWN = {
    "AWS/NetworkELB": ({"NewFlowCount": "Sum", "TCP_Target_Reset_Count": "Sum", "HealthyHostCount": "Minimum",
                        "UnHealthyHostCount": "Maximum"}, {"LoadBalancer", "TargetGroup"}),
    "AWS/ApiGateway": ({"Count": "Sum", "5XXError": "Sum", "5xx": "Sum"}, {"ApiName", "ApiId", "Stage"}),
    "AWS/CloudFront": ({"Requests": "Sum", "5xxErrorRate": "Average"}, {"DistributionId", "Region"}),
}
"""Namespace to its metrics, each with the statistic that AWS calls valid, and its dimensions."""


class CloudWatch:
    """GetMetricData of what AWS publishes; what it does not publish has no points, as there."""

    def __init__(self, points: dict[str, list[float]], region: str | None = None) -> None:
        self.points, self.region = points, region
        self.asked: list[dict[str, Any]] = []

    def get_metric_data(self, **arguments: Any) -> dict[str, Any]:
        results = []
        for query in arguments["MetricDataQueries"]:
            stat = query["MetricStat"]
            name, dimensions = stat["Metric"]["MetricName"], stat["Metric"]["Dimensions"]
            metrics, known = _KNOWN[stat["Metric"]["Namespace"]]
            assert metrics[name] == stat["Stat"] and {one["Name"] for one in dimensions} <= known
            assert stat["Period"] == 60
            if stat["Metric"]["Namespace"] == "AWS/CloudFront":
                assert self.region == "us-east-1" and {"Name": "Region", "Value": "Global"} in dimensions
            self.asked.append({one["Name"]: one["Value"] for one in dimensions} | {"metric": name})
            values = self.points.get(name, [])
            results.append({"Id": query["Id"], "StatusCode": "Complete", "Values": values, "Timestamps": [
                datetime.fromtimestamp(NOW - 60 * (len(values) - place), UTC) for place in range(len(values))]})
        return {"MetricDataResults": results}


def _query(service: Service, **metrics: Any) -> Query:
    plain = {"load_balancer": "", "target_group": "", "canaries": ()}
    return Query(replace(service, metrics=replace(service.metrics, **(plain | metrics))), "diagnose",
                 Window(NOW - 120, NOW), Window(NOW - 720, NOW - 120), time.monotonic() + 10)


def _one(findings: list[Finding[Any]], kind: type) -> Finding[Any]:
    return next(finding for finding in findings if isinstance(finding.detail, kind))


def test_a_network_load_balancer_tells_of_connections_and_hosts(service: Service) -> None:
    asked = CloudWatch({"NewFlowCount": [2400.0] * 12, "TCP_Target_Reset_Count": [5.0] * 10 + [900.0, 1200.0],
                        "HealthyHostCount": [2.0] * 11 + [0.0], "UnHealthyHostCount": [0.0] * 11 + [2.0]})
    found = outside.collect("cloudwatch", _query(service, network_load_balancer=NLB, target_group=HOSTS), asked)
    errors, hosts = _one(found, TargetConnectionErrors), _one(found, HealthyHosts)
    assert (errors.detail.errors, errors.detail.requests, errors.detail.elb_5xx) == (2100.0, 4800.0, 0.0)
    assert (hosts.value, hosts.baseline, hosts.detail.unhealthy) == (0.0, 2.0, 2.0)
    assert {"LoadBalancer": NLB, "TargetGroup": HOSTS, "metric": "HealthyHostCount"} in asked.asked
    said = seen(service, "frontend", errors, hosts, where=UNREACHED)
    assert {"targets_refuse_connections", "healthy_hosts_gone"} <= set(said)


def test_resets_as_usual_are_no_sign(service: Service) -> None:
    asked = CloudWatch({"NewFlowCount": [2400.0] * 12, "TCP_Target_Reset_Count": [300.0] * 12})
    found = outside.collect("cloudwatch", _query(service, network_load_balancer=NLB), asked)
    assert "targets_refuse_connections" not in seen(service, "frontend", *found, where=UNREACHED)


@pytest.mark.parametrize(("settings", "points", "dimensions"), [
    ({"api_gateway": ApiGateway(name="payments", stage="prod")},
     {"Count": [1000.0] * 12, "5XXError": [3.0] * 10 + [400.0] * 2}, {"ApiName": "payments", "Stage": "prod"}),
    ({"api_gateway": ApiGateway(id="a1b2c3d4e5", stage="$default")},
     {"Count": [1000.0] * 12, "5xx": [3.0] * 10 + [400.0] * 2}, {"ApiId": "a1b2c3d4e5", "Stage": "$default"}),
    ({"api_gateway": ApiGateway(name="payments")},
     {"Count": [1000.0] * 12, "5XXError": [3.0] * 10 + [400.0] * 2}, {"ApiName": "payments"}),
    ({"cloudfront": "E2QWRUHAPOMQZL"}, {"Requests": [1000.0] * 12, "5xxErrorRate": [0.3] * 10 + [40.0] * 2},
     {"DistributionId": "E2QWRUHAPOMQZL", "Region": "Global"})])
def test_a_door_tells_what_customers_get(service: Service, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any],
                                         points: dict[str, list[float]], dimensions: dict[str, str]) -> None:
    asked: list[CloudWatch] = []

    def client(name: str, timeout: int, region: str | None = None) -> CloudWatch:
        asked.append(CloudWatch(points, region))
        return asked[-1]

    monkeypatch.setattr(aws, "client", client)
    found, = doors.collect("cloudwatch", _query(service, **settings), 5)
    assert isinstance(found.detail, FrontDoor)
    assert (found.status, found.value, found.baseline) == ("ok", 0.4, 0.003)
    assert (found.detail.requests, found.detail.errors) == (2000.0, 800.0)
    assert found.detail.series == (Bucket(NOW - 120, 1000.0, 400.0), Bucket(NOW - 60, 1000.0, 400.0))
    assert all({key: value for key, value in one.items() if key != "metric"} == dimensions for one in asked[0].asked)

    def entry(errors: float) -> Finding[ErrorRate]:
        return Finding(source="newrelic", component="frontend", window=Window(NOW - 120, NOW),
                       detail=ErrorRate(requests=1000.0, errors=errors))

    assert "requests_end_before_entry" in seen(service, "frontend", found, entry(4.0), where=UNREACHED)
    # What the entry fails itself ends there, and nothing is known where nobody counts at the entry.
    assert "requests_end_before_entry" not in seen(service, "frontend", found, entry(400.0), where=UNREACHED)
    assert "requests_end_before_entry" not in seen(service, "frontend", found, where=UNREACHED)


def test_a_door_without_recent_requests_says_so(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for points, said in (({}, "no data of it at all"), ({"Count": [7.0] * 5 + [0.0] * 2}, "late")):
        monkeypatch.setattr(aws, "client", lambda *_, points=points, **__: CloudWatch(points))
        found, = doors.collect("cloudwatch", _query(service, api_gateway=ApiGateway(name="x")), 5)
        assert (found.status, found.value) == ("empty", None) and said in found.note


@pytest.mark.parametrize(("settings", "said"), [
    ({"network_load_balancer": "app/payments/50dc6c495c0c9188", "load_balancer": ""}, "goes into load_balancer"),
    ({"load_balancer": NLB}, "goes into network_load_balancer"), ({"load_balancer": HOSTS}, "goes into target_group"),
    ({"load_balancer": "payments-1.eu-west-1.elb.amazonaws.com"}, "DNS name"),
    ({"load_balancer": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/p/50dc6c495c0c9188"},
     "behind loadbalancer/"),
    ({"load_balancer": "E2QWRUHAPOMQZL"}, "goes into cloudfront"),
    ({"cloudfront": "d111111abcdef8.cloudfront.net"}, "no id"),
    ({"network_load_balancer": NLB}, "a load balancer of each kind"), ({"load_balancer": ""}, "no load balancer"),
    ({"api_gateway": ApiGateway(name="a", id="a1b2c3d4e5")}, "both or neither"),
    ({"api_gateway": ApiGateway()}, "both or neither"),
    ({"api_gateway": ApiGateway(id="https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com")}, "ten letters and")])
def test_a_wrong_kind_of_door_is_refused_when_checked(service: Service, settings: dict[str, Any], said: str) -> None:
    found = [f"{found}; {expected}" for _, found, expected in inconsistent(
        replace(service, metrics=replace(service.metrics, **settings)))]
    assert any(said in one for one in found), found
