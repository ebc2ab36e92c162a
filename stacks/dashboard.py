"""The dashboard of a deployment: its incidents, phases, sources, refusals, approvals and cost, and its own alarms."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from responder.model.measure import Metric
from responder.model.service import Service
from stacks.deployment import Settings
from stacks.own_health import OwnHealth

_PERIOD = Duration.minutes(5)
_HALF, _THIRD, _ALL = 12, 8, 24


class Dashboard(Construct):
    """One dashboard, with a part for each service."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 health: OwnHealth) -> None:
        super().__init__(scope, construct_id)
        self._prefix = settings.prefix
        dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=settings.prefix, default_interval=(
            Duration.days(7)))
        dashboard.add_widgets(cloudwatch.AlarmStatusWidget(
            alarms=list(health.alarms), title="The responder's own alarms", width=_ALL, height=3))
        dashboard.add_widgets(
            _graph("Age of the change ledger, s", _HALF, *health.ledger_ages),
            _graph("Heartbeat: parts that do not work", _HALF, health.unread))
        for service in services:
            for row in self._rows(service.service):
                dashboard.add_widgets(*row)

    def _rows(self, service: str) -> list[list[cloudwatch.IWidget]]:
        by_outcome = self._each(Metric.CLOSED, service, "Outcome", "Sum")
        waiting = cloudwatch.MathExpression(
            expression="FILL(waiting, REPEAT)", label="waiting", period=_PERIOD,
            using_metrics={"waiting": self._one(Metric.WAITING, service, "Maximum")})
        return [
            [cloudwatch.TextWidget(markdown=f"## {service}", width=_ALL, height=1)],
            [_graph("Incidents opened, and closed by outcome", _THIRD,
                    self._one(Metric.OPENED, service, "Sum"), by_outcome),
             _graph("From the opening to the end of each phase, ms", _THIRD,
                    self._each(Metric.SINCE_OPENED, service, "Phase", "Maximum")),
             _graph("Cost of functions and states, US dollars a day", _THIRD,
                    self._one(Metric.COST, service, "Sum", Duration.days(1)))],
            [_graph("Sources that could be read, %", _HALF,
                    self._each(Metric.AVAILABILITY, service, "Source", "Average")),
             _graph("How long sources take, ms (p90)", _HALF, self._each(Metric.LATENCY, service, "Source", "p90"))],
            [_graph("Refusals by guardrail", _THIRD, self._each(Metric.REFUSALS, service, "Guardrail", "Sum")),
             _graph("Approvals asked, answered, waiting", _THIRD, self._one(Metric.ASKED, service, "Sum"),
                    self._each(Metric.ANSWERED, service, "Answer", "Sum"), waiting),
             _graph("Remedies by action and outcome", _THIRD,
                    self._each(Metric.REMEDIES, service, "Action,Outcome", "Sum"))],
            [_graph("Heartbeat: parts that do not work", _HALF,
                    self._each(Metric.SOURCE_UNREAD, service, "Source", "Maximum")),
             _graph("States that failed in spite of retries", _HALF,
                    self._one(Metric.STEP_FAILURES, service, "Sum"))]]

    def _one(self, metric: Metric, service: str, statistic: str, period: Duration = _PERIOD) -> cloudwatch.Metric:
        return cloudwatch.Metric(namespace=self._prefix, metric_name=metric.value, statistic=statistic, period=period,
                                 dimensions_map={"Service": service})

    def _each(self, metric: Metric, service: str, dimensions: str, statistic: str) -> cloudwatch.MathExpression:
        """One line for each value of the further dimensions."""
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{{\"{self._prefix}\",Service,{dimensions}}} MetricName=\"{metric.value}\" "
                       f"Service=\"{service}\"', '{statistic}', {_PERIOD.to_seconds()})",
            label="", period=_PERIOD, using_metrics={})


def _graph(title: str, width: int, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, width=width, height=6, left=list(metrics),
                                  left_y_axis=cloudwatch.YAxisProps(min=0))
