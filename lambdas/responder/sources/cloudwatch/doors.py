"""What customers get from Amazon API Gateway or CloudFront in front of the service, by the minute.

Formats: AWS's pages "Amazon API Gateway dimensions and metrics" (a REST API: ``5XXError``, dimensions ApiName and
Stage), "Working with metrics for HTTP APIs" (an HTTP API: ``5xx``, dimensions ApiId and Stage; each minute, of both the
sum is the count) and "Types of metrics for CloudFront" (``5xxErrorRate`` in per cent, its average alone is valid;
``Requests``; dimension Region is always Global, and only us-east-1 has them). All of them come minutes late.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from responder.clients import aws
from responder.model.evidence import Bucket, Detail, Finding, Window
from responder.model.evidence.front_door import FrontDoor
from responder.model.frozen import dataclass
from responder.model.service import ApiGateway, Metrics
from responder.sources import Query
from responder.sources.cloudwatch.metrics import MINUTE, Points, metric, read

CLOUDFRONT_REGION = "us-east-1"


@dataclass(frozen=True)
class _Door:
    """What is in front, and how its metrics are asked for."""

    name: str
    namespace: str
    dimensions: tuple[tuple[str, str], ...]
    requests: str
    errors: str
    statistic: str
    """``Sum`` where the errors are counted; ``Average`` where they are per cent of the requests."""
    region: str | None = None

    @property
    def text(self) -> str:
        """As a person looks for it."""
        of = " ".join(f"{key}={value}" for key, value in self.dimensions)
        return f"{self.namespace} {self.requests}, {self.errors} {of}"

    @property
    def link(self) -> str:
        """The console's page of its metrics."""
        region = f"region={self.region}" if self.region else ""
        return f"https://console.aws.amazon.com/cloudwatch/home?{region}#metricsV2?namespace={self.namespace}"


def collect(source: str, query: Query, read_timeout_seconds: int) -> list[Finding[Detail]]:
    """Return ``front_door`` of each door that is configured; raises CallFailed."""
    return [_finding(source, query, door, aws.client("cloudwatch", read_timeout_seconds, region=door.region))
            for door in _doors(query.service.metrics)]


def _doors(metrics: Metrics) -> list[_Door]:
    doors = []
    if metrics.api_gateway:
        doors.append(_api(metrics.api_gateway))
    if metrics.cloudfront:
        doors.append(_Door("cloudfront", "AWS/CloudFront", (
            ("DistributionId", metrics.cloudfront), ("Region", "Global")), "Requests", "5xxErrorRate", "Average",
            CLOUDFRONT_REGION))
    return doors


def _api(api: ApiGateway) -> _Door:
    stage = (("Stage", api.stage),) if api.stage else ()
    if api.id:
        return _Door("api_gateway", "AWS/ApiGateway", (("ApiId", api.id), *stage), "Count", "5xx", "Sum")
    return _Door("api_gateway", "AWS/ApiGateway", (("ApiName", api.name), *stage), "Count", "5XXError", "Sum")


def _finding(source: str, query: Query, door: _Door, cloudwatch: Any) -> Finding[Detail]:
    found, note = read(cloudwatch, [
        metric("requests", door.namespace, door.requests, door.dimensions, "Sum"),
        metric("errors", door.namespace, door.errors, door.dimensions, door.statistic)],
        Window(query.baseline.start, query.window.end), MINUTE)
    # The minute in which the window begins belongs to it as a whole, for what is of a minute cannot be split.
    start = query.window.start // MINUTE * MINUTE
    minutes = _minutes(door, found)
    now = [minute for minute in minutes if minute.start >= start]
    past = [minute for minute in minutes if minute.start < start]
    requests, errors = sum(minute.requests for minute in now), sum(minute.errors for minute in now)
    before, errors_before = sum(minute.requests for minute in past), sum(minute.errors for minute in past)
    return Finding(
        source=source, component=query.service.entry, window=query.window, unit="share", query=door.text,
        link=door.link, value=errors / requests if requests else None,
        baseline=errors_before / before if before else None,
        status="empty" if not requests else "partial" if note else "ok",
        note=note or ("" if requests else "CloudWatch has no recent requests to it: the data are late, or none came"
                      if before else "CloudWatch has no data of it at all"),
        detail=FrontDoor(door=door.name, requests=requests, errors=errors, baseline_requests=before,
                         baseline_errors=errors_before, series=tuple(now)))


def _minutes(door: _Door, found: Mapping[str, Points]) -> list[Bucket]:
    errors = found.get("errors", {})
    return [Bucket(at, count, round(errors.get(at, 0.0) * (count / 100 if door.statistic == "Average" else 1.0), 2))
            for at, count in sorted(found.get("requests", {}).items())]
