"""The alarms of a service, and what starts the state machine when one goes off.

Each alarm looks at one thing, and each starts the state machine: the incident lock makes one incident of them. What
eats the error budget without being seen otherwise is judged by the sweep (``plan/burn.py``). ``docs/alarms.md`` has the
thresholds with their reasons, and what they find.

Missing data raise exactly one alarm: error rate and latency treat missing data as no outage (no requests, no error
rate), and no data at all is loss of traffic (``breaching``) until something is known of the traffic of other weeks.
Sources: AWS's pages "Using metric math", "Using Amazon CloudWatch alarms" and "Alarm evaluation window".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from responder.model.service import Service
from responder.plan.sureness import sureness
from responder.plan.usual_traffic import METRIC
from stacks.alarm_math import below_usual, below_usual_or_floor, share_at_least
from stacks.alarm_names import alarm_names, in_patterns
from stacks.deployment import Settings

_LESS = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_MINUTE = 60
_SLOW_TRAFFIC_SECONDS = 600
_SLOW_SHARE = 20
"""The p95 is beyond a bound where one of this many requests is; the p99 where one of five times as many."""


class Alarms(Construct):
    """The alarms of one service."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, service: Service) -> None:
        super().__init__(scope, construct_id)
        self._service, self._prefix = service, settings.prefix
        self._name = f"{settings.prefix}-{service.service}"
        self._entry = {service.metrics.dimension: service.entry}
        self._error_rates()
        self._latencies()
        self._traffic()

    def _error_rates(self) -> None:
        """Alarm on the share of failed requests, of all of them, of single operations, and at the load balancer."""
        service, metrics, settings = self._service, self._service.metrics, self._service.alarms
        period, periods = metrics.period_seconds, settings.evaluation_periods
        if settings.datapoints_to_alarm == 1:
            # It goes off with the first bad period all the same, and stays on for a minute after the last one: a share
            # of failures around the threshold is not a start of the plan every ten seconds.
            periods = max(periods, _MINUTE // period)
        self._error_rate("error-rate", "share of failed requests", period, self._entry, periods,
                         settings.datapoints_to_alarm)
        if period < _MINUTE:
            # With few requests a minute says what ten seconds cannot.
            self._error_rate("error-rate-minute", "share of failed requests in a minute", _MINUTE, self._entry)
        for operation in metrics.operations:
            self._error_rate(f"error-rate-of-{operation}", f"share of failed requests of {operation}", _MINUTE,
                             self._entry | {metrics.operation_dimension: operation})
        if metrics.load_balancer:
            balancer = {"LoadBalancer": metrics.load_balancer}
            self._alarm(
                "load-balancer-error-rate", f"{service.service}: share of 5xx answers at the load balancer",
                self._share({"errors": self._metric("HTTPCode_Target_5XX_Count", "Sum", _MINUTE, balancer,
                                                    "AWS/ApplicationELB"),
                             "requests": self._metric("RequestCount", "Sum", _MINUTE, balancer,
                                                      "AWS/ApplicationELB")}, _MINUTE), settings.error_rate)

    def _error_rate(self, kind: str, what: str, seconds: int, dimensions: Mapping[str, str], periods: int = 1,
                    datapoints: int = 1) -> None:
        service = self._service
        self._alarm(kind, f"{service.service}: {what} at {service.entry}, beyond doubt",
                    self._share(self._counts(seconds, dimensions), seconds), service.alarms.error_rate, periods,
                    datapoints)

    def _latencies(self) -> None:
        settings, metrics = self._service.alarms, self._service.metrics
        period = settings.latency_period_seconds
        # Latency varies more than errors do, and one slow period of seconds is no outage.
        periods, datapoints = (1, 1) if period >= _MINUTE else (3, 2)
        for kind, statistic, bound, slowest in (("latency", "p95", settings.latency_p95_ms, 1),
                                                ("latency-p99", "p99", settings.latency_p99_ms, 5)):
            if bound is None:
                continue
            # Of fewer requests the percentile is the slowest one. A minute alone must have as many slow ones as an
            # error rate must have failures.
            least = slowest * max(settings.minimum_requests_per_period, _SLOW_SHARE * settings.minimum_failures
                                  if period >= _MINUTE else 0)
            slow = cloudwatch.MathExpression(
                expression=f"IF(requests >= {least}, latency, 0)", label=statistic, period=Duration.seconds(period),
                using_metrics={"requests": self._metric(metrics.requests, "Sum", period),
                               "latency": self._metric(metrics.latency, statistic, period)})
            self._alarm(kind, f"{self._service.service}: {statistic} of the latency at {self._service.entry}, in ms",
                        slow, bound, periods, datapoints)

    def _traffic(self) -> None:
        """Alarm on loss of traffic: held against the same time of the last weeks, or against a floor until these are
        known."""
        service, settings, period = self._service, self._service.alarms, self._service.metrics.period_seconds
        periods = settings.traffic_evaluation_periods
        # No data at all, neither of requests nor of what is usual, is the floor's loss of traffic.
        self._alarm("loss-of-traffic", f"{service.service}: far fewer requests than usual at this time reach "
                                       f"{service.entry}, or hardly any while nothing usual is known",
                    self._traffic_metric(period, periods, settings.traffic_floor_requests_per_period), 0, periods,
                    comparison=_LESS, missing=cloudwatch.TreatMissingData.BREACHING)
        self._alarm("loss-of-traffic-slow", f"{service.service}: far fewer requests than usual in ten minutes",
                    self._traffic_metric(_SLOW_TRAFFIC_SECONDS, 1), 0, comparison=_LESS)

    # --- parts --------------------------------------------------------------------------------------------------------

    def _metric(self, name: str, statistic: str, seconds: int, dimensions: Mapping[str, str] | None = None,
                namespace: str = "") -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=namespace or self._service.metrics.namespace, metric_name=name, statistic=statistic,
            period=Duration.seconds(seconds), dimensions_map=dict(dimensions or self._entry))

    def _usual(self, seconds: int) -> cloudwatch.Metric:
        return self._metric(METRIC, "Average", seconds, {"Service": self._service.service},
                            self._prefix)

    def _counts(self, seconds: int, dimensions: Mapping[str, str]) -> dict[str, cloudwatch.IMetric]:
        metrics = self._service.metrics
        return {"errors": self._metric(metrics.errors, "Sum", seconds, dimensions),
                "requests": self._metric(metrics.requests, "Sum", seconds, dimensions)}

    def _share(self, counts: Mapping[str, cloudwatch.IMetric], seconds: int) -> cloudwatch.MathExpression:
        settings = self._service.alarms
        return cloudwatch.MathExpression(
            expression=share_at_least("errors", "requests", sureness(settings.false_alarms_a_week, seconds),
                                      settings.minimum_failures),
            label="share of failed requests, at least", period=Duration.seconds(seconds), using_metrics=dict(counts))

    def _traffic_metric(self, seconds: int, periods: int, floor: float | None = None) -> cloudwatch.MathExpression:
        settings = self._service.alarms
        given = ("requests", "usual", seconds, settings.traffic_share,
                 sureness(settings.false_alarms_a_week, seconds, periods))
        return cloudwatch.MathExpression(
            expression=below_usual(*given) if floor is None else below_usual_or_floor(*given, floor),
            label="requests above the least that is usual", period=Duration.seconds(seconds),
            using_metrics={"requests": self._metric(self._service.metrics.requests, "Sum", seconds),
                           "usual": self._usual(seconds)})

    def _alarm(self, kind: str, description: str, metric: cloudwatch.IMetric, threshold: float, periods: int = 1,
               datapoints: int | None = None, *, comparison: cloudwatch.ComparisonOperator | None = None,
               missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING) -> None:
        cloudwatch.Alarm(
            self, _id(kind), alarm_name=f"{self._name}-{kind}",
            alarm_description=description, metric=metric, threshold=threshold, evaluation_periods=periods,
            datapoints_to_alarm=datapoints, treat_missing_data=missing,
            comparison_operator=comparison or cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD)


def _id(kind: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in kind.split("-"))


class Starter(Construct):
    """Starts the state machine when one of the alarms goes off; undeliverable events stay in a queue."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 state_machine: sfn.IStateMachine, origins: tuple[list[str], list[str]]) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = sqs.Queue(self, "DeadLetters", encryption=sqs.QueueEncryption.SQS_MANAGED,
                                      enforce_ssl=True, retention_period=Duration.days(14))
        names = list(dict.fromkeys(name for service in services for name in alarm_names(settings.prefix, service)))
        # Only alarms of the services' accounts and Regions (``origins``), so that events of others on the bus start
        # nothing.
        self.rules = [events.Rule(
            self, "Rule" if not number else f"Rule{number}",
            description="An alarm of a service that the incident responder looks after went off",
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"], detail_type=["CloudWatch Alarm State Change"],
                account=origins[0], region=origins[1],
                detail={"alarmName": group, "state": {"value": ["ALARM"]}}),
            targets=[targets.SfnStateMachine(
                state_machine, dead_letter_queue=self.dead_letters, retry_attempts=8,
                max_event_age=Duration.hours(1))]) for number, group in enumerate(in_patterns(names))]
