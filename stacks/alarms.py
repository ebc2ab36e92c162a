"""The alarms that start an incident, and the rule that hands them to the state machine.

Missing data raises exactly one alarm: a period without a request says nothing about
errors or latency (``notBreaching``), but raises the loss-of-traffic alarm (``breaching``).
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from responder.model.service import Service
from stacks.deployment import Settings

_NOT_BREACHING = cloudwatch.TreatMissingData.NOT_BREACHING


def alarm_names(prefix: str, service: Service) -> list[str]:
    """Return the names of a service's alarms."""
    kinds = ["error-rate", "latency", "loss-of-traffic"] + (
        ["load-balancer-error-rate"] if service.metrics.load_balancer else [])
    return [f"{prefix}-{service.service}-{kind}" for kind in kinds]


class Alarms(Construct):
    """The alarms of one service."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, service: Service) -> None:
        super().__init__(scope, construct_id)
        prefix, alarms, metrics = settings.prefix, service.alarms, service.metrics
        period = Duration.seconds(metrics.period_seconds)

        def metric(name: str, statistic: str) -> cloudwatch.Metric:
            return cloudwatch.Metric(namespace=metrics.namespace, metric_name=name, statistic=statistic,
                                     period=period, dimensions_map={metrics.dimension: service.entry})

        def error_rate(errors: cloudwatch.IMetric, requests: cloudwatch.IMetric,
                       over: Duration, minimum: float) -> cloudwatch.MathExpression:
            # A period with few requests counts as healthy: two failures of three requests are no outage.
            return cloudwatch.MathExpression(
                expression=f"IF(requests >= {minimum:g}, errors / requests, 0)", label="error rate", period=over,
                using_metrics={"errors": errors, "requests": requests})

        cloudwatch.Alarm(
            self, "ErrorRate", alarm_name=f"{prefix}-{service.service}-error-rate",
            alarm_description=f"{service.service}: share of failed requests at {service.entry}",
            metric=error_rate(metric(metrics.errors, "Sum"), metric(metrics.requests, "Sum"), period,
                              alarms.minimum_requests_per_period),
            threshold=alarms.error_rate, evaluation_periods=alarms.evaluation_periods,
            datapoints_to_alarm=alarms.datapoints_to_alarm,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=_NOT_BREACHING)
        cloudwatch.Alarm(
            self, "Latency", alarm_name=f"{prefix}-{service.service}-latency",
            alarm_description=f"{service.service}: 95th percentile of the latency at {service.entry}, in ms",
            metric=metric(metrics.latency, "p95"), threshold=alarms.latency_p95_ms,
            # Latency varies more than errors do, and one slow period is no outage.
            evaluation_periods=3, datapoints_to_alarm=2,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=_NOT_BREACHING)
        cloudwatch.Alarm(
            self, "LossOfTraffic", alarm_name=f"{prefix}-{service.service}-loss-of-traffic",
            alarm_description=f"{service.service}: hardly a request reaches {service.entry}",
            metric=metric(metrics.requests, "Sum"), threshold=alarms.traffic_floor_requests_per_period,
            evaluation_periods=alarms.traffic_evaluation_periods,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING)
        if metrics.load_balancer:
            minute = Duration.minutes(1)

            def balancer(name: str) -> cloudwatch.Metric:
                return cloudwatch.Metric(namespace="AWS/ApplicationELB", metric_name=name, statistic="Sum",
                                         period=minute, dimensions_map={"LoadBalancer": metrics.load_balancer})

            cloudwatch.Alarm(
                self, "LoadBalancerErrorRate", alarm_name=f"{prefix}-{service.service}-load-balancer-error-rate",
                alarm_description=f"{service.service}: share of 5xx answers at the load balancer, each minute",
                metric=error_rate(balancer("HTTPCode_Target_5XX_Count"), balancer("RequestCount"), minute,
                                  alarms.minimum_requests_per_period * 60 / metrics.period_seconds),
                threshold=alarms.error_rate, evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                treat_missing_data=_NOT_BREACHING)


class Starter(Construct):
    """Starts the state machine when one of the alarms goes off; undeliverable events stay in a queue."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings,
                 state_machine: sfn.IStateMachine, origins: tuple[list[str], list[str]]) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = sqs.Queue(self, "DeadLetters", encryption=sqs.QueueEncryption.SQS_MANAGED,
                                      enforce_ssl=True, retention_period=Duration.days(14))
        # The rule matches the prefix and not each name, so that an alarm without a service is recorded as refused. It
        # matches the accounts and regions of the services only (``origins``), so that events of others on the bus start
        # nothing.
        self.rule = events.Rule(
            self, "Rule", description="An alarm of a service that the incident responder looks after went off",
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"], detail_type=["CloudWatch Alarm State Change"],
                account=origins[0], region=origins[1],
                detail={"alarmName": [{"prefix": f"{settings.prefix}-"}], "state": {"value": ["ALARM"]}}),
            targets=[targets.SfnStateMachine(
                state_machine, dead_letter_queue=self.dead_letters, retry_attempts=8,
                max_event_age=Duration.hours(1))])
