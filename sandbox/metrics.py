"""What the platform publishes to CloudWatch, in the names and periods of AWS.

Formats: AWS's pages "CloudWatch metrics for your Application Load Balancer", "Amazon CloudWatch metrics for Amazon
RDS", "CloudWatch Synthetics canary metrics" and "Amazon EKS and Kubernetes Container Insights metrics". What AWS
publishes each minute is published here each minute; only the platform's own metrics are of high resolution.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Any

from sandbox.parts import Sandbox
from sandbox.places import CANARY, LOAD_BALANCER, TARGET_GROUP
from sandbox.platform import dependencies
from sandbox.platform.database import Database
from sandbox.platform.objects import KINDS
from sandbox.platform.telemetry import metric_data
from sandbox.platform.usage import memory_metrics

_LATE_SECONDS = 1.0
"""A period is published this long after its end, besides the source's own delay."""
_HISTORY_MINUTES = 130
_STEADY_CONNECTIONS = 28.0


class Metrics:
    """The publisher."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._published = self._published_minute = 0.0
        """Until when periods of ten seconds, and of a minute, have been published."""
        self._canary = random.Random("canary")
        self._samples: dict[float, list[dict[str, dict[str, float]]]] = {}
        """Start of a minute to what was measured of each instance of the database in it."""

    def step(self) -> None:
        """Publish the periods that have ended, then evaluate the alarms; to be called a few times a second."""
        sandbox = self._sandbox
        if not sandbox.running or sandbox.evaluator is None:
            return
        now = time.time() - _LATE_SECONDS
        with sandbox.lock:
            period = (now - sandbox.delays.cloudwatch) // 10 * 10
            if period > self._published:
                self._put("PaymentPlatform", metric_data(sandbox.telemetry.between(self._published, period), 10))
                self._published = period
            self._measure(now)
            minute = (now - sandbox.delays.load_balancer) // 60 * 60
            if minute > self._published_minute:
                self.put_balancer(self._published_minute, minute)
                self.put_targets(self._published_minute, minute)
                self._put_database(minute)
                self._put_dependencies(minute)
                self._published_minute = minute
        sandbox.evaluator.step()

    def begin(self, now: float) -> None:
        """Publish two healthy hours of history, which the telemetry has already."""
        self._published, self._published_minute = (now - 2) // 10 * 10, (now - 2) // 60 * 60
        self._samples = {}
        self._put("PaymentPlatform", metric_data(self._sandbox.telemetry.between(0, self._published), 10))
        self.put_balancer(0, self._published_minute)
        minutes = range(1, _HISTORY_MINUTES)
        self._put_hosts([self._published_minute - 60 * minute for minute in minutes])
        self._put("ContainerInsights", [
            metric for name, kind in KINDS.items() for minute in minutes
            for metric in memory_metrics(name, kind.memory_mib, self._published_minute - 60 * minute)])
        for one in self._sandbox.world.dependencies.values():
            counted = one.usual(self._sandbox.world.requests_per_second * 60)
            self._put(dependencies.namespace(one), [
                datum for minute in minutes
                for datum in dependencies.metric_data(one, self._published_minute - 60 * minute, counted)])
        healthy = Database.of(self._sandbox.world.database.engine)
        for instance, metrics in healthy.metrics_by_instance(now).items():
            usual = metrics | ({"DatabaseConnections": _STEADY_CONNECTIONS} if instance == healthy.writer else {})
            self._put("AWS/RDS", [
                {"MetricName": name, "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": instance}],
                 "Timestamp": now - 60 * minute, "Value": value * self._sandbox.rng.uniform(0.97, 1.03)}
                for name, value in usual.items() for minute in minutes])

    def put_balancer(self, start: float, end: float) -> None:
        """Publish what the load balancer counts, each minute, and the canary that goes through it."""
        sums: dict[float, list[int]] = {}
        for row in self._sandbox.telemetry.balanced_between(start, end):
            entry = sums.setdefault(row.at // 60 * 60, [0, 0, 0])
            for place, value in enumerate((row.requests, row.target_errors, row.own_errors)):
                entry[place] += value
        common = {"Dimensions": [{"Name": "LoadBalancer", "Value": LOAD_BALANCER}], "Unit": "Count"}
        self._put("AWS/ApplicationELB", [
            common | {"MetricName": name, "Timestamp": at, "Value": float(value)}
            for at, values in sorted(sums.items())
            for name, value in zip(("RequestCount", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"), values,
                                   strict=True)])
        self._put("CloudWatchSynthetics", [
            {"MetricName": "SuccessPercent", "Dimensions": [{"Name": "CanaryName", "Value": CANARY}],
             "Unit": "Percent", "Timestamp": at, "Value": self._run_canary(at + 60)} for at in sorted(sums)])

    def put_targets(self, start: float, end: float) -> None:
        """Publish the hosts behind the load balancer, the connections that they did not take, and utilisation.

        A count of nothing is not published, as in AWS.
        """
        self._put_hosts([end - 60])
        failed: dict[float, int] = {}
        for row in self._sandbox.telemetry.balanced_between(start, end):
            failed[row.at // 60 * 60] = failed.get(row.at // 60 * 60, 0) + row.not_connected
        self._put("AWS/ApplicationELB", [
            {"MetricName": "TargetConnectionErrorCount", "Unit": "Count", "Timestamp": at, "Value": float(count),
             "Dimensions": [{"Name": "LoadBalancer", "Value": LOAD_BALANCER}]}
            for at, count in sorted(failed.items()) if count])
        self._put("ContainerInsights", self._sandbox.usage.insights(
            end - 60, proxies=self._sandbox.world.shape.mesh != "none", held_mib=self._sandbox.world.memory))

    def _run_canary(self, at: float) -> float:
        """Success, in per cent, of a request at the end of a minute: it fails as often as the customers' requests."""
        rows = list(self._sandbox.telemetry.balanced_between(at - 10, at))
        requests, failed = sum(row.requests for row in rows), sum(row.target_errors + row.own_errors for row in rows)
        return 0.0 if requests and self._canary.random() < failed / requests else 100.0

    def _put_hosts(self, times: Iterable[float]) -> None:
        """Publish the hosts of the target group, where any are registered."""
        healthy, unhealthy = self._sandbox.targets
        common = {"Dimensions": [{"Name": "TargetGroup", "Value": TARGET_GROUP},
                                 {"Name": "LoadBalancer", "Value": LOAD_BALANCER}], "Unit": "Count"}
        self._put("AWS/ApplicationELB", [
            common | {"MetricName": name, "Timestamp": at, "Value": float(value)} for at in times
            for name, value in (("HealthyHostCount", healthy), ("UnHealthyHostCount", unhealthy))
            if healthy + unhealthy])

    def _measure(self, now: float) -> None:
        """Measure the database, as RDS does within each minute."""
        self._samples.setdefault(now // 60 * 60, []).append(self._sandbox.world.database.metrics_by_instance(now))

    def _put_database(self, end: float) -> None:
        """Publish what RDS does: the means of the minutes that ended by ``end``."""
        for minute in sorted(at for at in self._samples if at < end):
            values: dict[tuple[str, str], list[float]] = {}
            for sample in self._samples.pop(minute):
                for instance, metrics in sample.items():
                    for name, value in metrics.items():
                        values.setdefault((instance, name), []).append(value)
            self._put("AWS/RDS", [
                {"MetricName": name, "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": instance}],
                 "Timestamp": minute, "Value": sum(found) / len(found)}
                for (instance, name), found in values.items()])

    def _put_dependencies(self, end: float) -> None:
        """Publish what AWS does of a cache and a queue: the minutes that ended by ``end``."""
        for one in self._sandbox.world.dependencies.values():
            for minute in sorted(at for at in one.minutes if at < end):
                self._put(dependencies.namespace(one), dependencies.metric_data(one, minute, one.minutes.pop(minute)))

    def _put(self, namespace: str, data: list[dict[str, Any]]) -> None:
        for first in range(0, len(data), 1000):
            self._sandbox.cloudwatch.put_metric_data(Namespace=namespace, MetricData=data[first:first + 1000])
