"""The responder's own health: metrics and traces of each function, and the alarms that tell people without a function.

An alarm of a group adds the metrics up, because each metric of an alarm costs $0.10 a month (``docs/costs.md``), and
none here is for one service. What another alarm sees has none: a source that cannot be read is seen by the heartbeat, a
failed state of the state machine by the step after it, a step that is throttled by the state that fails in the end, a
page that is not written by that function's own two alarms, and a ledger, a heartbeat or a sweep that does not run (its
function, its schedule) by what is missed (``docs/own-health.md``). No alarm here has a name that the rules of
``stacks/alarms.py`` take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from cdk_nag import NagSuppressions
from constructs import Construct

from responder.model.measure import Metric
from responder.model.service import Service
from stacks.alarm_names import alarm_names
from stacks.deployment import Settings
from stacks.function import Function
from stacks.heartbeat import HOURS
from stacks.sweep import EVERY_MINUTES

_MINUTE, _FIVE = Duration.minutes(1), Duration.minutes(5)
_MOST_METRICS = 10
"""Of one alarm on metric math (CloudWatch quotas)."""
_FAILURES = 3
"""A call that fails once is repeated; this many within five minutes are no passing fault."""
_DAY_SECONDS = 86_400
_LEDGER_SECONDS, _PAGE_MILLISECONDS = 300, 120_000
_LEDGER, _SWEEP, _PAGE, _HEARTBEAT = "ledger", "sweep", "live", "heartbeat"
"""Names of functions."""
_WATCHED_RULES = frozenset({"EachMinute", "EveryFiveMinutes", "EachFewHours"})
"""Schedules of what is missed when it does not run: the ledger, the sweep, the heartbeat."""
_MISSED_SWEEPS = 3
_MEASURED: Mapping[str, tuple[str, ...]] = {
    "Steps": ("Errors",), "Answers": ("Errors", "Throttles"), "Keepers": ("Errors",)}
"""Group of functions to what is counted of it. Nobody repeats what a person presses in vain; a step that is throttled
is tried again for two minutes, and what EventBridge starts for hours."""


class OwnHealth(Construct):
    """What watches the responder."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 topic: sns.ITopic, state_machine: sfn.IStateMachine, not_started: sqs.IQueue, not_told: sqs.IQueue,
                 page: Function, sweep: Function, ledgers: Sequence[Function]) -> None:
        super().__init__(scope, construct_id)
        self._prefix, self._topic, self.alarms = settings.prefix, topic, list[cloudwatch.Alarm]()
        parts = Stack.of(self).node.find_all()
        functions = [part for part in parts if isinstance(part, Function)]
        for function in functions:
            self._observe(function)
        self._of_executions(state_machine)
        self._of_functions(functions)
        self._of_queues(not_started, not_told, [part for part in parts if isinstance(part, sqs.Queue)])
        self._of_rules([part for part in parts if isinstance(part, events.Rule)
                        and part.node.id not in _WATCHED_RULES])
        self._alarm("PageLate", "What people read of an open incident is late; the incident is handled all the same.",
                    _lambda_metric("IteratorAge", page, _MINUTE, "Maximum"), _PAGE_MILLISECONDS, 3, 2)
        self._of_the_sweep(sweep)
        self.ledger_ages = [self._own(Metric.LEDGER_AGE, _MINUTE, "Maximum", Function=ledger.name)
                            for ledger in ledgers]
        """How old the ledgers are, by the function that keeps them."""
        self._of_the_ledgers()
        self.unread = self._own(Metric.UNREAD, Duration.hours(HOURS), "Maximum")
        """How many parts of all services the last heartbeat could not read."""
        self._of_the_heartbeat()
        self._alarm("StepFailed", (
            "A state of the incident responder's plan failed in spite of its retries, in an incident that is being "
            "handled. It went on without it; look at the execution, and help."),
            self._own(Metric.STEP_FAILURES, _MINUTE, "Sum"), 1)
        starting = {name for service in services for name in alarm_names(settings.prefix, service)}
        for alarm in (part for part in parts if isinstance(part, cloudwatch.AlarmBase)):
            resource = alarm.node.default_child
            if isinstance(resource, cloudwatch.CfnAlarm) and resource.alarm_name in starting:
                alarm.add_alarm_action(cloudwatch_actions.SnsAction(self._topic))
                resource.alarm_description = self._told_too(resource.alarm_description or "")

    def _observe(self, function: Function) -> None:
        """Give a function its metrics' namespace, and trace it.

        X-Ray records one trace a second, so it would record every run of what a schedule starts each minute or each
        five: 52,000 a month, $0.26. Those are traced only where what starts them is.
        """
        function.function.add_environment("POWERTOOLS_METRICS_NAMESPACE", self._prefix)
        resource = function.function.node.default_child
        often = self._name(function).startswith((_LEDGER, _SWEEP))
        if isinstance(resource, lambda_.CfnFunction):
            resource.tracing_config = lambda_.CfnFunction.TracingConfigProperty(
                mode="PassThrough" if often else "Active")
        function.role.add_to_policy(iam.PolicyStatement(
            actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"], resources=["*"]))
        NagSuppressions.add_resource_suppressions(function.role, [
            {"id": "AwsSolutions-IAM5", "appliesTo": ["Resource::*"],
             "reason": "X-Ray's PutTraceSegments and PutTelemetryRecords know no resources (Service Authorization "
                       "Reference, AWS X-Ray)"}], apply_to_children=True)

    def _of_executions(self, machine: sfn.IStateMachine) -> None:
        self._sum("ExecutionsFailed", (
            "An execution of the incident responder failed, timed out, was stopped, or was throttled. Look at the "
            "state machine's executions; handle the incident by hand until they run."), {
            name: machine.metric(metric, period=_MINUTE, statistic="Sum") for name, metric in (
                ("failed", "ExecutionsFailed"), ("timed_out", "ExecutionsTimedOut"),
                ("aborted", "ExecutionsAborted"), ("throttled", "ExecutionThrottled"))}, 1)

    def _of_functions(self, functions: Sequence[Function]) -> None:
        groups: dict[str, list[Function]] = {group: [] for group in _MEASURED}
        for function in functions:
            group = _group(self._name(function))
            if group:
                groups[group].append(function)
        for group, members in groups.items():
            metrics = _MEASURED[group]
            size = _MOST_METRICS // len(metrics)
            for first in range(0, len(members), size):
                some = members[first:first + size]
                self._sum(f"{group}Failed{first // size or ''}", (
                    f"Functions of the incident responder fail{' or are throttled' if len(metrics) > 1 else ''}: "
                    f"{', '.join(self._name(function) for function in some)}. Look at their logs."), {
                    f"{metric.lower()}{place}": _lambda_metric(metric, function, _FIVE, "Sum")
                    for place, function in enumerate(some) for metric in metrics}, _FAILURES, _FIVE)

    def _of_queues(self, not_started: sqs.IQueue, not_told: sqs.IQueue, queues: Sequence[sqs.Queue]) -> None:
        for name, queue, said in (
                ("NotStarted", not_started, "An alarm did not start the incident responder. Its event is in the queue "
                                            "of dead letters; handle the incident by hand."),
                ("TeamNotTold", not_told, "The team could not be assembled. What was to be said is in the queue of "
                                          "undelivered messages.")):
            self._alarm(name, said, queue.metric_approximate_number_of_messages_visible(
                period=_MINUTE, statistic="Maximum"), 1)
        self._sum("QueuesNotEmptied", "A queue of the incident responder has messages that nobody looked at for a day.",
                  {f"age{place}": queue.metric_approximate_age_of_oldest_message(period=_FIVE, statistic="Maximum")
                   for place, queue in enumerate(queues)}, _DAY_SECONDS, _FIVE)

    def _of_rules(self, rules: Sequence[events.Rule]) -> None:
        for first in range(0, len(rules), _MOST_METRICS):
            self._sum(f"RulesFailed{first // _MOST_METRICS or ''}", (
                "An EventBridge rule of the incident responder could not invoke its target: an alarm may not have "
                "started it. Look at the rules' targets and their rights."), {
                f"failed{place}": cloudwatch.Metric(
                    namespace="AWS/Events", metric_name="FailedInvocations", statistic="Sum", period=_MINUTE,
                    dimensions_map={"RuleName": rule.rule_name})
                for place, rule in enumerate(rules[first:first + _MOST_METRICS])}, 1)

    def _of_the_sweep(self, sweep: Function) -> None:
        """Runs that came to their end: invocations without the errors, which Lambda counts for nothing."""
        self._alarm("SweepMissing", (
            f"The incident responder's sweep has not come to its end for {_MISSED_SWEEPS * EVERY_MINUTES} minutes, so "
            "nobody looks at alarms that stay on, nor at the error budget. Look at its log, and at the service's "
            "dashboards yourself."), cloudwatch.MathExpression(
                expression="invocations - errors", period=_FIVE, using_metrics={
                    metric.lower(): _lambda_metric(metric, sweep, _FIVE, "Sum") for metric in ("Invocations", "Errors")
                    }),
            1, _MISSED_SWEEPS, _MISSED_SWEEPS, missing=cloudwatch.TreatMissingData.BREACHING,
            compare=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD)

    def _of_the_ledgers(self) -> None:
        for place, age in enumerate(self.ledger_ages):
            self._alarm(f"LedgerOld{place or ''}", (
                f"The change ledger of a service has not been kept for {_LEDGER_SECONDS // 60} minutes, so an incident "
                "would miss recent changes. Look at the ledger's log, which names the service: mostly the cluster "
                "cannot be read."), age, _LEDGER_SECONDS, 5, 5, missing=cloudwatch.TreatMissingData.BREACHING)

    def _of_the_heartbeat(self) -> None:
        self._alarm("HeartbeatMissing", (
            f"The incident responder's heartbeat did not run to its end for {2 * HOURS} hours, so nobody knows whether "
            "it could read anything in an incident. Right after the first deployment: until the first one, every "
            f"{HOURS} hours."), self._own(Metric.UNREAD, Duration.hours(2 * HOURS), "SampleCount"), 1,
            missing=cloudwatch.TreatMissingData.BREACHING,
            compare=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD)
        self._alarm("CannotRead", (
            "The last heartbeat of the incident responder could not read everything. Its message to the team and its "
            "log say what, and for which service."), self.unread, 1, missing=cloudwatch.TreatMissingData.IGNORE)

    def _own(self, metric: Metric, period: Duration, statistic: str, **dimensions: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(namespace=self._prefix, metric_name=metric.value, statistic=statistic, period=period,
                                 dimensions_map=dimensions or {"Services": "all"})

    def _told_too(self, description: str) -> str:
        """Return the text of an alarm that starts the responder and reaches people by itself as well.

        So a dead responder does not silence it.
        """
        return (f"{description}. " if description else "") + (
            f"This alarm has started the incident responder ({self._prefix}), which looks whether it is an outage: "
            "nothing is to be done yet. If no message of it follows within 10 minutes and the alarm is still on, it is "
            f"not running: look at the executions of the state machine {self._prefix}, and handle the incident by "
            "hand.")

    def _name(self, function: Function) -> str:
        resource = function.function.node.default_child
        name = resource.function_name if isinstance(resource, lambda_.CfnFunction) else None
        return (name or "").removeprefix(f"{self._prefix}-")

    def _sum(self, name: str, said: str, metrics: Mapping[str, cloudwatch.IMetric], threshold: float,
             period: Duration = _MINUTE) -> None:
        """Add an alarm on a sum in which a metric without data counts as 0; ``period`` is that of the metrics.

        Where data come late, the newest period is 0 at first: so one of three periods is enough (CloudWatch User
        Guide, "Using metric math", FILL).
        """
        if len(metrics) > _MOST_METRICS:
            raise ValueError(f"{name} has {len(metrics)} metrics, and an alarm takes {_MOST_METRICS}")
        self._alarm(name, said, cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({metric}, 0)" for metric in metrics), period=period,
            using_metrics=dict(metrics)), threshold, 3, 1)

    def _alarm(self, name: str, said: str, metric: cloudwatch.IMetric, threshold: float, periods: int = 1,
               datapoints: int = 1, *,
               missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
               compare: cloudwatch.ComparisonOperator = (
                   cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD)) -> None:
        alarm = cloudwatch.Alarm(
            self, name, metric=metric, threshold=threshold, evaluation_periods=periods, datapoints_to_alarm=datapoints,
            alarm_description=f"{self._prefix}: {said}", comparison_operator=compare, treat_missing_data=missing)
        alarm.add_alarm_action(cloudwatch_actions.SnsAction(self._topic))
        self.alarms.append(alarm)


def _group(name: str) -> str:
    """Return which group of functions has an alarm for this one; empty where another alarm sees what fails."""
    if name.startswith(("source-", "action-", _LEDGER)) or name in (_PAGE, _SWEEP, _HEARTBEAT):
        return ""
    if name.startswith("step-") or name == "timeline":
        return "Steps"
    return "Answers" if name in ("answer", "approve") else "Keepers"


def _lambda_metric(name: str, function: Function, period: Duration, statistic: str) -> cloudwatch.IMetric:
    return function.function.metric(name, period=period, statistic=statistic)
