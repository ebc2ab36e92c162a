"""How the service looks from outside, by the minute: its load balancer, the balancer's targets, and the canaries.

Formats: AWS's pages "CloudWatch metrics for your Application Load Balancer" (each minute; counts are reported only
where they are not zero, hosts only where targets are registered), "CloudWatch metrics for your Network Load Balancer"
(the same of connections: it knows no requests and no answers) and "CloudWatch metrics published by canaries".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from responder.model.evidence import Detail, Finding, Window
from responder.model.evidence.canary import Canary, CanaryRuns
from responder.model.evidence.healthy_hosts import HealthyHosts
from responder.model.evidence.target_connection_errors import BalancerMinute, TargetConnectionErrors
from responder.model.frozen import dataclass
from responder.model.service import Metrics
from responder.sources import Query
from responder.sources.cloudwatch.metrics import MINUTE, Points, metric, read

_OF_KIND = {
    "AWS/ApplicationELB": {"requests": "RequestCount", "errors": "TargetConnectionErrorCount",
                           "elb_5xx": "HTTPCode_ELB_5XX_Count"},
    # A target that takes no connection answers with a reset, which the load balancer hands on to the client.
    "AWS/NetworkELB": {"requests": "NewFlowCount", "errors": "TCP_Target_Reset_Count"}}
"""The namespace of a kind of load balancer to what is asked of it."""


@dataclass(frozen=True)
class _Seen:
    """What was seen of the service within a stretch of time, by the minute."""

    requests: Points
    errors: Points
    elb_5xx: Points
    healthy: Points
    unhealthy: Points
    canaries: tuple[Points, ...]
    """Per cent of success, in the order of the configuration's canaries."""

    @classmethod
    def of(cls, found: Mapping[str, Points], canaries: int, belongs: Callable[[float], bool]) -> _Seen:
        """Return the minutes that belong to a stretch."""
        def points(key: str) -> Points:
            return {at: value for at, value in sorted(found.get(key, {}).items()) if belongs(at)}

        return cls(points("requests"), points("errors"), points("elb_5xx"), points("healthy"), points("unhealthy"),
                   tuple(points(f"canary{index}") for index in range(canaries)))

    @property
    def counted(self) -> bool:
        """Whether there is any count of the load balancer."""
        return bool(self.requests or self.errors or self.elb_5xx)


def collect(source: str, query: Query, cloudwatch: Any) -> list[Finding[Detail]]:
    """Return ``target_connection_errors``, ``healthy_hosts`` and ``canary`` where configured; raises CallFailed."""
    metrics = query.service.metrics
    queries = _queries(metrics)
    if not queries:
        return []
    found, note = read(cloudwatch, queries, Window(query.baseline.start, query.window.end), MINUTE)
    # The minute in which the window begins belongs to it as a whole, for what is of a minute cannot be split.
    start = query.window.start // MINUTE * MINUTE
    now = _Seen.of(found, len(metrics.canaries), lambda at: at >= start)
    past = _Seen.of(found, len(metrics.canaries), lambda at: at < start)
    common: Finding[Detail] = Finding(source=source, detail=Detail(), component=query.service.entry,
                                      window=query.window, note=note, status="partial" if note else "ok")
    findings: list[Finding[Detail]] = []
    if _balancer(metrics):
        findings.append(_connections(common, query, now, past))
    if _balancer(metrics) and metrics.target_group:
        findings.append(_hosts(common, metrics, now, past))
    if metrics.canaries:
        findings.append(_canary(common, metrics, now, past))
    return findings


def _queries(metrics: Metrics) -> list[dict[str, Any]]:
    namespace, balancer = _namespace(metrics), [("LoadBalancer", _balancer(metrics))]
    hosts = [("TargetGroup", metrics.target_group), *balancer]
    queries: list[dict[str, Any]] = []
    if _balancer(metrics):
        queries += [metric(key, namespace, name, balancer, "Sum") for key, name in _OF_KIND[namespace].items()]
    if _balancer(metrics) and metrics.target_group:
        queries += [metric("healthy", namespace, "HealthyHostCount", hosts, "Minimum"),
                    metric("unhealthy", namespace, "UnHealthyHostCount", hosts, "Maximum")]
    return queries + [
        metric(f"canary{index}", "CloudWatchSynthetics", "SuccessPercent", [("CanaryName", name)], "Average")
        for index, name in enumerate(metrics.canaries)]


def _balancer(metrics: Metrics) -> str:
    return metrics.load_balancer or metrics.network_load_balancer


def _namespace(metrics: Metrics) -> str:
    return "AWS/ApplicationELB" if metrics.load_balancer else "AWS/NetworkELB"


def _connections(common: Finding[Detail], query: Query, now: _Seen, past: _Seen) -> Finding[Detail]:
    metrics = query.service.metrics
    common = replace(
        common, unit="errors/min", link=_link(metrics), detail=TargetConnectionErrors(),
        query=(f"{_namespace(metrics)} {', '.join(_OF_KIND[_namespace(metrics)].values())} "
               f"LoadBalancer={_balancer(metrics)}"))
    if not now.counted and not past.counted:
        return replace(common, status="empty",
                       note=common.note or "CloudWatch has no data of the load balancer at all")
    # A count that is zero is not reported: with requests there, no connection error is none.
    errors, errors_before = sum(now.errors.values()), sum(past.errors.values())
    start = query.window.start // MINUTE * MINUTE
    minutes = sorted({*now.requests, *now.errors, *now.elb_5xx})
    return replace(
        common, value=round(errors / (query.window.end - start) * 60, 2),
        baseline=round(errors_before / (start - query.baseline.start) * 60, 2),
        detail=TargetConnectionErrors(
            requests=sum(now.requests.values()), errors=errors, elb_5xx=sum(now.elb_5xx.values()),
            baseline_requests=sum(past.requests.values()), baseline_errors=errors_before,
            baseline_elb_5xx=sum(past.elb_5xx.values()),
            series=tuple(BalancerMinute(at, now.requests.get(at, 0.0), now.errors.get(at, 0.0),
                                        now.elb_5xx.get(at, 0.0)) for at in minutes)))


def _hosts(common: Finding[Detail], metrics: Metrics, now: _Seen, past: _Seen) -> Finding[Detail]:
    usual = sorted(past.healthy.values())
    common = replace(
        common, unit="hosts", link=_link(metrics), baseline=usual[len(usual) // 2] if usual else None,
        query=(f"{_namespace(metrics)} HealthyHostCount, UnHealthyHostCount TargetGroup={metrics.target_group} "
               f"LoadBalancer={_balancer(metrics)}"),
        detail=HealthyHosts(unhealthy=now.unhealthy[max(now.unhealthy)] if now.unhealthy else None))
    if now.healthy:
        return replace(common, value=now.healthy[max(now.healthy)])
    return replace(common, status="empty", note=common.note or (
        "CloudWatch has no recent count of hosts: no target is registered, or the data are late" if usual
        else "CloudWatch has no count of hosts at all"))


def _canary(common: Finding[Detail], metrics: Metrics, now: _Seen, past: _Seen) -> Finding[Detail]:
    canaries: dict[str, CanaryRuns] = {}
    for name, points, points_before in zip(metrics.canaries, now.canaries, past.canaries, strict=True):
        runs, before = list(points.values()), list(points_before.values())
        if runs:
            canaries[name] = CanaryRuns(success=round(sum(runs) / len(runs), 1), runs=float(len(runs)),
                                        usual=round(sum(before) / len(before), 1) if before else None)
    common = replace(
        common, unit="%", detail=Canary(canaries=canaries),
        query=f"CloudWatchSynthetics SuccessPercent CanaryName={', '.join(metrics.canaries)}",
        link="https://console.aws.amazon.com/cloudwatch/home#synthetics:canary/list")
    if not canaries:
        return replace(common, status="empty",
                       note=common.note or "no canary has run lately, or the data are late")
    worst = min(canaries.values(), key=lambda canary: canary.success)
    return replace(common, value=worst.success, baseline=worst.usual)


def _link(metrics: Metrics) -> str:
    return f"https://console.aws.amazon.com/ec2/home#LoadBalancers:search={_balancer(metrics)}"
