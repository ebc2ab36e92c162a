"""The alarms of a service, and what starts the state machine when one goes off.

Each metric alarm looks at one thing. Two composite alarms join them, and only these start the state machine, so that
one outage is one alarm: ``outage`` for what is bad now, ``slow-burn`` for what eats the error budget without being seen
otherwise. ``docs/alarms.md`` has the thresholds with their reasons, and what they find.

Missing data raise exactly one alarm: error rate and latency treat missing data as no outage (no requests, no error
rate), and no data at all is loss of traffic (``breaching``) until something is known of the traffic of other weeks.
Sources: AWS's pages "Using metric math", "Create a composite alarm" and "Alarm evaluation window"; Google's Site
Reliability Workbook, "Alerting on SLOs" (multiwindow, multi-burn-rate alerts).
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
from responder.plan.usual_traffic import METRIC
from stacks.alarm_math import below_usual, share_at_least, sureness
from stacks.alarm_names import OUTAGE, SLOW_BURN, objective, starting_names
from stacks.deployment import Settings

_LESS = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_MINUTE = 60
_SLOW_TRAFFIC_SECONDS = 600
_DAYS = 30
BURNS = ((0.02, 3600, 300), (0.05, 21_600, 1800))
"""Share of the error budget, the long window in which it is used up, and the short one, which ends the alarm soon after
the outage; in seconds. The workbook's two that are worth waking for; its third, 10 % in three days, is a ticket."""
_CUSTOMERS = 4
"""Hours see several customers who each try again; a minute sees one."""
_UNKNOWN, _FLOOR = "traffic-not-compared", "no-traffic"
_NAMES_A_RULE = 20
"""An event pattern has up to 2,048 characters (AWS: "Amazon EventBridge quotas")."""


class Alarms(Construct):
    """The alarms of one service."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, service: Service) -> None:
        super().__init__(scope, construct_id)
        self._service, self._prefix = service, settings.prefix
        self._name = f"{settings.prefix}-{service.service}"
        self._entry = {service.metrics.dimension: service.entry}
        self._made: dict[str, cloudwatch.Alarm] = {}
        bad_now = [*self._error_rates(), *self._latencies()]
        traffic = self._traffic()
        self.starting: list[cloudwatch.CompositeAlarm] = [self._composite(
            OUTAGE, f"{service.service}: customers are served badly, or not at all",
            " OR ".join([*(self._on(kind) for kind in bad_now), traffic]))]
        """The alarms whose change to ALARM starts the state machine."""
        if share := objective(service):
            self.starting.append(self._burn(1.0 - share))

    def _error_rates(self) -> list[str]:
        """Alarm on the share of failed requests, of all of them, of single operations, and at the load balancer."""
        service, metrics, settings = self._service, self._service.metrics, self._service.alarms
        period = metrics.period_seconds
        made = [self._error_rate("error-rate", "share of failed requests", period, self._entry,
                                 settings.evaluation_periods, settings.datapoints_to_alarm)]
        if period < _MINUTE:
            # With few requests a minute says what ten seconds cannot.
            made.append(self._error_rate("error-rate-minute", "share of failed requests in a minute", _MINUTE,
                                         self._entry))
        made += [self._error_rate(
            f"error-rate-of-{operation}", f"share of failed requests of {operation}", _MINUTE,
            self._entry | {metrics.operation_dimension: operation}) for operation in metrics.operations]
        if metrics.load_balancer:
            balancer = {"LoadBalancer": metrics.load_balancer}
            made.append(self._alarm(
                "load-balancer-error-rate", f"{service.service}: share of 5xx answers at the load balancer",
                self._share({"errors": self._metric("HTTPCode_Target_5XX_Count", "Sum", _MINUTE, balancer,
                                                    "AWS/ApplicationELB"),
                             "requests": self._metric("RequestCount", "Sum", _MINUTE, balancer,
                                                      "AWS/ApplicationELB")}, _MINUTE), settings.error_rate))
        return made

    def _error_rate(self, kind: str, what: str, seconds: int, dimensions: Mapping[str, str], periods: int = 1,
                    datapoints: int = 1) -> str:
        service = self._service
        return self._alarm(kind, f"{service.service}: {what} at {service.entry}, beyond doubt",
                           self._share(self._counts(seconds, dimensions), seconds), service.alarms.error_rate, periods,
                           datapoints)

    def _latencies(self) -> list[str]:
        settings, metrics = self._service.alarms, self._service.metrics
        made = []
        for kind, statistic, bound, least in (
                ("latency", "p95", settings.latency_p95_ms, settings.minimum_requests_per_period),
                ("latency-p99", "p99", settings.latency_p99_ms, 5 * settings.minimum_requests_per_period)):
            if bound is None:
                continue
            period = metrics.period_seconds
            # Of fewer requests the percentile is the slowest one.
            slow = cloudwatch.MathExpression(
                expression=f"IF(requests >= {least}, latency, 0)", label=statistic, period=Duration.seconds(period),
                using_metrics={"requests": self._metric(metrics.requests, "Sum", period),
                               "latency": self._metric(metrics.latency, statistic, period)})
            # Latency varies more than errors do, and one slow period is no outage.
            made.append(self._alarm(
                kind, f"{self._service.service}: {statistic} of the latency at {self._service.entry}, in ms", slow,
                bound, 3, 2))
        return made

    def _traffic(self) -> str:
        """Alarm on loss of traffic: held against the same time of the last weeks, or against a floor until these are
        known. Returns the rule of both."""
        service, settings, period = self._service, self._service.alarms, self._service.metrics.period_seconds
        periods = settings.traffic_evaluation_periods
        usual = self._usual(_MINUTE)
        self._alarm("loss-of-traffic", f"{service.service}: far fewer requests than usual at this time",
                    self._below_usual(period, periods), 0, periods, comparison=_LESS)
        self._alarm("loss-of-traffic-slow", f"{service.service}: far fewer requests than usual in ten minutes",
                    self._below_usual(_SLOW_TRAFFIC_SECONDS, 1), 0, comparison=_LESS)
        self._alarm(_FLOOR, f"{service.service}: hardly a request reaches {service.entry}",
                    self._metric(service.metrics.requests, "Sum", period), settings.traffic_floor_requests_per_period,
                    periods, comparison=_LESS, missing=cloudwatch.TreatMissingData.BREACHING)
        self._alarm(_UNKNOWN, f"{service.service}: nothing is known of the requests at this time of the last weeks, so "
                              "only a floor tells loss of traffic; usual in the first two weeks", usual, 0,
                    comparison=_LESS, missing=cloudwatch.TreatMissingData.BREACHING)
        return (f"{self._on('loss-of-traffic')} OR {self._on('loss-of-traffic-slow')} "
                f"OR ({self._on(_FLOOR)} AND {self._on(_UNKNOWN)})")

    def _burn(self, budget: float) -> cloudwatch.CompositeAlarm:
        """Alarm on the rate at which the error budget burns, where no outage has told of it already."""
        service, reports = self._service, self._service.reports.objective
        days, rules = reports.days if reports else _DAYS, []
        for part, long, short in BURNS:
            threshold = round(budget * part * days * 86_400 / long, 6)
            names = (f"burn-in-{long // 60}-minutes", f"burn-in-{short // 60}-minutes")
            self._alarm(names[0], f"{service.service}: {part:.0%} of the error budget went in {long // 60} min, beyond "
                                  "doubt", self._share(self._counts(long, self._entry), long, _CUSTOMERS), threshold)
            # The long window is sure; this one only says that it goes on.
            self._alarm(names[1], f"{service.service}: the error budget still burns so fast, in {short // 60} min",
                        cloudwatch.MathExpression(expression="errors / requests", period=Duration.seconds(short),
                                                  using_metrics=self._counts(short, self._entry)), threshold)
            rules.append(f"({self._on(names[0])} AND {self._on(names[1])})")
        # After an outage the windows still hold its failures: for as long as they may, the outage's own alarm has told.
        self._alarm("outage-lately", f"{service.service}: so many requests failed within half an hour that the alarm "
                                     "on an outage told of it",
                    self._share(self._counts(_MINUTE, self._entry), _MINUTE), service.alarms.error_rate,
                    BURNS[-1][2] // _MINUTE, 1)
        return self._composite(SLOW_BURN, f"{service.service}: the error budget burns, too slowly to look like an "
                                           "outage", f"({' OR '.join(rules)}) AND NOT {self._on('outage-lately')}")

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

    def _share(self, counts: Mapping[str, cloudwatch.IMetric], seconds: int,
               customers: int = 1) -> cloudwatch.MathExpression:
        settings = self._service.alarms
        return cloudwatch.MathExpression(
            expression=share_at_least("errors", "requests", sureness(settings.false_alarms_a_week, seconds),
                                      settings.minimum_failures * customers),
            label="share of failed requests, at least", period=Duration.seconds(seconds), using_metrics=dict(counts))

    def _below_usual(self, seconds: int, periods: int) -> cloudwatch.MathExpression:
        settings = self._service.alarms
        z = sureness(settings.false_alarms_a_week, seconds, periods)
        return cloudwatch.MathExpression(
            expression=below_usual("requests", "usual", seconds, settings.traffic_share, z),
            label="requests above the least that is usual", period=Duration.seconds(seconds),
            using_metrics={"requests": self._metric(self._service.metrics.requests, "Sum", seconds),
                           "usual": self._usual(seconds)})

    def _alarm(self, kind: str, description: str, metric: cloudwatch.IMetric, threshold: float, periods: int = 1,
               datapoints: int | None = None, *, comparison: cloudwatch.ComparisonOperator | None = None,
               missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING) -> str:
        self._made[kind] = cloudwatch.Alarm(
            self, _id(kind), alarm_name=f"{self._name}-{kind}",
            alarm_description=description, metric=metric, threshold=threshold, evaluation_periods=periods,
            datapoints_to_alarm=datapoints, treat_missing_data=missing,
            comparison_operator=comparison or cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD)
        return kind

    def _on(self, kind: str) -> str:
        return f'ALARM("{self._name}-{kind}")'

    def _composite(self, kind: str, description: str, rule: str) -> cloudwatch.CompositeAlarm:
        made = cloudwatch.CompositeAlarm(
            self, _id(kind), composite_alarm_name=f"{self._name}-{kind}",
            alarm_description=description, alarm_rule=cloudwatch.AlarmRule.from_string(rule))
        # The rule names its alarms; CloudWatch refuses a rule whose alarms are not there.
        made.node.add_dependency(*self._made.values())
        return made


def _id(kind: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in kind.split("-"))


class Starter(Construct):
    """Starts the state machine when one of the alarms goes off; undeliverable events stay in a queue."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 state_machine: sfn.IStateMachine, origins: tuple[list[str], list[str]]) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = sqs.Queue(self, "DeadLetters", encryption=sqs.QueueEncryption.SQS_MANAGED,
                                      enforce_ssl=True, retention_period=Duration.days(14))
        names = [name for service in services for name in starting_names(settings.prefix, service)]
        # Only alarms of the services' accounts and Regions (``origins``), so that events of others on the bus start
        # nothing.
        self.rules = [events.Rule(
            self, "Rule" if not first else f"Rule{first}",
            description="An alarm of a service that the incident responder looks after went off",
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"], detail_type=["CloudWatch Alarm State Change"],
                account=origins[0], region=origins[1],
                detail={"alarmName": names[first:first + _NAMES_A_RULE], "state": {"value": ["ALARM"]}}),
            targets=[targets.SfnStateMachine(
                state_machine, dead_letter_queue=self.dead_letters, retry_attempts=8,
                max_event_age=Duration.hours(1))]) for first in range(0, len(names), _NAMES_A_RULE)]
