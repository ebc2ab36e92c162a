"""Publish how many requests are usual in the next two hours, for the alarms on loss of traffic. A schedule starts it.

Each run covers the time of four runs, so one that fails leaves no gap. Source: AWS's page "PutMetricData" (data of up
to two hours ahead, 1,000 of them a call; the mean of what is published twice is the same).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.observed import observed
from responder.handlers.step import log
from responder.model.codec import Json
from responder.model.evidence import Window
from responder.model.service import Service, load, names
from responder.model.zone import zone
from responder.plan.usual_traffic import METRIC, STEP_SECONDS, by_week, same_times, usual
from responder.sources import cloudwatch

_AHEAD_STEPS = 12
"""Two hours: CloudWatch takes nothing later."""
_DATA_A_CALL = 1000
_ANSWER_SECONDS = 8


@observed()
def handler(event: Json, context: object) -> dict[str, int | None]:
    """Publish for every service; returns {service: data published}, None where CloudWatch failed."""
    return {name: _published(load(name)) for name in names()}


def _published(service: Service) -> int | None:
    if service.aws.role_arn or service.aws.region:
        # Its metrics and alarms are in another account or Region, where this function publishes nothing.
        return 0
    start = time.time() // STEP_SECONDS * STEP_SECONDS
    try:
        times = list(same_times(start, start + _AHEAD_STEPS * STEP_SECONDS, zone(service.reports.time_zone) or UTC))
        rates = usual(by_week(_requests(service, times), times), _AHEAD_STEPS)
        count = _publish(service, start, rates)
    except CallFailed as failed:
        log(step="usual_traffic", service=service.service, failed=failed.note)
        return None
    log(step="usual_traffic", service=service.service, published=count)
    return count


def _requests(service: Service, times: Sequence[tuple[float, float]]) -> Mapping[float, float]:
    """Return the requests to the entry, by the start of each step of all weeks: AWS charges for each metric of a call,
    and not for how far it reaches."""
    return cloudwatch.entry_requests(service, Window(min(start for start, _ in times), max(end for _, end in times)),
                                     STEP_SECONDS)


def _publish(service: Service, start: float, rates: list[float | None]) -> int:
    """Publish a value for each period of the service's alarms, and return how many."""
    period, now = service.metrics.period_seconds, time.time()
    times = [(start + step * STEP_SECONDS + seconds, rate) for step, rate in enumerate(rates) if rate is not None
             for seconds in range(0, STEP_SECONDS, period)]
    data = [{"MetricName": METRIC, "Dimensions": [{"Name": "Service", "Value": service.service}],
             "Timestamp": datetime.fromtimestamp(at, UTC), "Value": rate, "Unit": "Count/Second",
             "StorageResolution": 1 if period < 60 else 60}
            for at, rate in times if now - period <= at]
    for first in range(0, len(data), _DATA_A_CALL):
        with aws.failures("CloudWatch"):
            aws.client("cloudwatch", _ANSWER_SECONDS).put_metric_data(
                Namespace=environment.namespace(), MetricData=data[first:first + _DATA_A_CALL])
    return len(data)
