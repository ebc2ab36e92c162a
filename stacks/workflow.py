"""The plan as a state machine, and the functions that are its steps, sources and remedies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from aws_cdk import ArnFormat, Duration, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.region_info import RegionInfo
from cdk_nag import NagSuppressions
from constructs import Construct

from responder import people, sources
from responder.actions import find
from responder.model.service import Service
from responder.plan.fitting import FOLDER, share_bytes
from responder.plan.promise import APPROVAL_MARGIN_SECONDS
from responder.sources import METRIC_DATA, Statement
from stacks import elsewhere
from stacks.approvals import Approvals
from stacks.deployment import Settings
from stacks.elsewhere import function_name
from stacks.function import Function
from stacks.network import Unit, action_units, source_units
from stacks.records import Records
from stacks.room import RESERVED, reserved
from stacks.step_groups import GROUPS, Group
from stacks.timeline import Timeline, decides, remedies, reports, tells
from stacks.used import most_at_once
from stacks.versions import (
    KEPT,
    StateMachineVersion,
    allow_versions,
    function_map,
    generated,
    keep_with_its_version,
    version_arn,
)

_DEFINITION = Path(__file__).resolve().parent.parent / "statemachines" / "incident_response.asl.json"


def _definition(services: Sequence[Service], functions: Mapping[str, str], partition: str) -> str:
    """Return the state machine's definition; ``functions``: see ``stacks/versions.py:function_map``.

    It waits for a decision for the longest time that a service allows. An answer after a service's own limit decides
    nothing. (JSONata could set a time-out per service, but the embedded engine and cfn-lint accept only numbers.)
    """
    definition = json.loads(_DEFINITION.read_text(encoding="utf-8"))
    definition["States"]["Ask for approval"]["TimeoutSeconds"] = max(
        service.approval.wait_seconds for service in services) + APPROVAL_MARGIN_SECONDS
    definition["States"]["Open the incident"]["Assign"]["functions"] = dict(functions)
    return json.dumps(definition).replace("arn:aws:", f"arn:{partition}:")


class Workflow(Construct):
    """The state machine and its functions."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 code: lambda_.Code, records: Records) -> None:
        super().__init__(scope, construct_id)
        self._records, self._code, self._settings, self._services = records, code, settings, services
        self._prefix = settings.prefix
        # Another account can only name roles whose names are known.
        self._named = any(service.aws.role_arn for service in services)
        self.timeline = Timeline(self, "Timeline", settings=settings, code=code, records=records)
        ssm = tuple(f"arn:{{partition}}:ssm:{{region}}:{{account}}:parameter{service.kill_switch}"
                    for service in services)
        self._switch = Statement(("ssm:GetParameter",), ssm)
        extra = {"decide": (self._switch,), "report": _distinct(
            statement for service in services for statement in elsewhere.placed(
                service, elsewhere.REPORT, (METRIC_DATA,))), "tell": _distinct(
            statement for service in services for statement in elsewhere.placed(
                service, elsewhere.TELL, (elsewhere.alarm_states(service, settings),)))}
        self._steps = {name: self._step(name, group, services, extra.get(name, ())) for name, group in GROUPS.items()}
        self.decide = self._steps["decide"]
        self.sources = {unit.key: self._source(unit) for unit in source_units(services)}
        self.actions = {unit.key: self._action(unit) for unit in action_units(services)}
        records.topic.grant_publish(self._steps["tell"].role)
        records.grant_put(self._steps["report"].role, "postmortems/*")
        records.grant_answers(self._steps["decide"].role)
        records.grant_notes(self._steps["report"].role, locked=any(service.reports.lock_days for service in services))
        self._approvals = self._ask_people()
        self.approval_url, self.answer_url = self._approvals.url, self._approvals.answer_url
        self.approvals_topic = self._approvals.topic
        self.undelivered = self._keep_undelivered()
        self.state_machine = self._state_machine()
        self.live = StateMachineVersion(self, "Deployed", machine=self.state_machine)
        self._let_it_run()
        self._let_people_in()

    def _ask_people(self) -> Approvals:
        """Add the functions that take answers, and let the functions that ask make links."""
        approvals = Approvals(self, "Approvals", settings=self._settings, services=self._services, code=self._code,
                              records=self._records)
        asking = [self.actions[unit.key] for unit in action_units(self._services) if find(unit.name).task_for]
        for function in (self._steps["tell"], *asking):
            approvals.grant_asking(function)
        # It tells people who try to decide by an execution where they can decide.
        self._steps["decide"].function.add_environment("ANSWER_URL", approvals.answer_url)
        return approvals

    def _keep_undelivered(self) -> sqs.Queue:
        """Keep the events of asynchronous invocations that failed, so that no message to people is lost."""
        queue = sqs.Queue(self, "Undelivered", encryption=sqs.QueueEncryption.SQS_MANAGED,
                          enforce_ssl=True, retention_period=Duration.days(14))
        version = self._steps["tell"].function.current_version
        version.configure_async_invoke(
            retry_attempts=2, max_event_age=Duration.minutes(10), on_failure=destinations.SqsDestination(queue))
        keep_with_its_version(version.node.find_child("EventInvokeConfig"))
        return queue

    def _state_machine(self) -> sfn.StateMachine:
        log = logs.LogGroup(self, "Log", log_group_name=generated(f"/aws/vendedlogs/states/{self._prefix}"),
                            retention=logs.RetentionDays.ONE_YEAR, removal_policy=KEPT)
        named, versions = function_map({function.name: function.function for function in (
            *self.sources.values(), *self.actions.values())})
        return sfn.StateMachine(
            self, "Plan", state_machine_name=self._prefix, state_machine_type=sfn.StateMachineType.STANDARD,
            comment="Incident response plan: payment gateway outage",
            definition_body=sfn.DefinitionBody.from_string(_definition(self._services, named, self._partition())),
            definition_substitutions={
                **versions,
                **{f"{name.capitalize()}Function": version_arn(step.function) for name, step in self._steps.items()},
                "Topic": self._records.topic.topic_arn},
            logs=sfn.LogOptions(destination=log, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True)

    def _partition(self) -> str:
        """The Region's partition. cfn-lint accepts no reference to it in a definition, so it is a word."""
        region = Stack.of(self).region
        return "aws" if Token.is_unresolved(region) else RegionInfo.get(region).partition or "aws"

    def _let_it_run(self) -> None:
        """Let the state machine invoke the functions and publish."""
        allow_versions(self.state_machine.role, [function.function for function in (
            *self._steps.values(), *self.sources.values(), *self.actions.values())], self.state_machine)
        self._records.topic.grant_publish(self.state_machine)
        NagSuppressions.add_resource_suppressions(
            self.state_machine, [
                {"id": "AwsSolutions-IAM5", "appliesTo": ["Resource::*"],
                 "reason": "Log delivery of Step Functions and X-Ray's PutTraceSegments know no resources "
                           "(AWS: Logging using CloudWatch Logs, X-Ray and Step Functions)."},
                {"id": "AwsSolutions-IAM5", "appliesTo": ["Action::kms:GenerateDataKey*", "Action::kms:ReEncrypt*"],
                 "reason": "The two forms of one permission on one key, as CDK grants it to publish to its topic."}],
            apply_to_children=True)

    def _let_people_in(self) -> None:
        """Let people start the state machine, and let the functions that take answers resume it."""
        decide = self._steps["decide"]
        # The ARN is built from the name, because a reference in both directions would be circular.
        machine = Stack.of(self).format_arn(service="states", resource="stateMachine", resource_name=self._prefix,
                                            arn_format=ArnFormat.COLON_RESOURCE_NAME)
        executions = Stack.of(self).format_arn(service="states", resource="execution",
                                               resource_name=f"{self._prefix}:*",
                                               arn_format=ArnFormat.COLON_RESOURCE_NAME)
        for function in self._approvals.takers:
            self.timeline.grant(function)
        for function in (decide, *self._approvals.takers):
            function.role.add_to_policy(iam.PolicyStatement(actions=["states:SendTaskSuccess"], resources=[machine]))
        iam.ManagedPolicy(
            self, "StarterPolicy", managed_policy_name=f"{self._prefix}-starter",
            description="May start the incident responder; may not approve what it asks", statements=[
                iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine])])
        decide.role.add_to_policy(iam.PolicyStatement(actions=["states:DescribeExecution"], resources=[executions]))
        NagSuppressions.add_resource_suppressions(decide.role, [
            {"id": "AwsSolutions-IAM5",
             "appliesTo": [{"regex": f"/^Resource::arn:.*:execution:{self._prefix}:\\*$/g"}],
             "reason": "Executions have names that are not known before; only those of this state machine."}],
            apply_to_children=True)

    def _step(self, name: str, group: Group, services: Sequence[Service],
              statements: Sequence[Statement]) -> Function:
        step = Function(
            self, f"Step{name.capitalize()}", name=function_name(self._prefix, "step", name), code=self._code,
            handler="responder.handlers.steps.handler", description=group.description, statements=statements,
            secrets=sorted({secret for service in services for secret in people.secrets(service)})
            if name == "tell" else sorted({secret for service in services for secret in people.secrets(
                service, frozenset({"improvement"}))}) if name == "report" else (),
            environment={"STEPS": ",".join(group.steps), "TABLE": self._records.table.table_name,
                         **({"TOPIC": self._records.topic.topic_arn} if name == "tell" else {}),
                         "BUCKET": self._records.bucket.bucket_name},
            memory_mib=group.memory_mib, timeout_seconds=group.timeout_seconds, named=self._named,
            reserved=reserved(self, name) if name in RESERVED else None)
        self._keep_records(step, lambda role: {"decide": decides, "tell": tells, "report": reports}[name](
            self._records, role))
        return step

    def _source(self, unit: Unit) -> Function:
        source, mine = sources.load(unit.name), unit.services
        statements = [statement for service in mine for statement in elsewhere.placed(
            service, elsewhere.suffix("source", unit), elsewhere.asked(source, service, self._settings))]
        function = Function(
            self, f"Source{_camel(unit.key)}", name=function_name(self._prefix, "source", unit.key),
            code=self._code, handler="responder.handlers.ask.handler", description=f"Asks {source.name}",
            environment={"SOURCE": source.name, "BUCKET": self._records.bucket.bucket_name,
                         "ANSWER_BYTES": str(share_bytes(most_at_once(self._services))),
                         **({"TABLE": self._records.table.table_name} if source.reads else {})},
            statements=_distinct(statements),
            secrets=sorted({secret for service in mine for secret in source.secrets(service)}),
            timeout_seconds=int(source.deadline_seconds) + 10, network=unit.network, named=self._named)
        self._records.grant_put(function.role, "raw/*")
        self._records.grant_put(function.role, f"{FOLDER}/{source.name}/*")
        self._suppress_writes(function.role)
        if source.reads == "LEDGER#":
            # It compares the current objects with the ledger's, hidden values included.
            self._records.grant_marks(function)
        self._let_it_look(function, unit)
        if source.reads:
            self._records.grant_partition(function.role, source.reads + "*" if source.reads.endswith("#")
                                          else source.reads)
        return function

    def _let_it_look(self, function: Function, unit: Unit) -> None:
        """Let a source's function keep its budget, and what it shares, among incidents (``docs/neighbours.md``).

        One without a way to the table goes without: its calls are then bounded by their vendor alone.
        """
        source = sources.load(unit.name)
        counted = source.budget is not None and any(source.budget.scope(service) for service in unit.services)
        if (unit.network and "dynamodb" not in unit.network.endpoints) or not (counted or source.shared):
            return
        function.function.add_environment("LOOKS", self._records.table.table_name)
        self._records.grant_budget(function.role, source.name)
        if source.shared:
            self._records.grant_partition(function.role, f"SHARED#{source.name}#*", add=True, change=True)

    def _action(self, unit: Unit) -> Function:
        action, mine = find(unit.name), unit.services
        function = Function(
            self, f"Action{_camel(unit.key)}", name=function_name(self._prefix, "action", unit.key),
            code=self._code, handler="responder.handlers.steps.remedy", description=f"Executes {action.name}",
            environment={"ACTION": action.name, "TABLE": self._records.table.table_name,
                         **({"TOPIC": self._records.topic.topic_arn} if action.audience else {})},
            statements=_distinct([
                self._switch,
                *(statement for service in mine for statement in elsewhere.placed(
                    service, elsewhere.suffix("action", unit), action.statements(service)))]),
            secrets=sorted({secret for service in mine for secret in people.secrets(service, frozenset(
                {action.audience, *(("question",) if action.task_for else ())}))}) if action.audience else (),
            timeout_seconds=int(action.deadline_seconds) + 15, network=unit.network, named=self._named)
        self._keep_records(function, lambda role: remedies(self._records, role, action))
        if action.audience:
            self._records.topic.grant_publish(function.role)
        return function

    def _keep_records(self, function: Function, keep: Callable[[iam.Role], None]) -> None:
        """Let a function read its inputs, write its own items, and add timeline entries."""
        keep(function.role)
        self.timeline.grant(function)
        self._suppress_writes(function.role)

    def _suppress_writes(self, role: iam.Role) -> None:
        NagSuppressions.add_resource_suppressions(role, [
            {"id": "AwsSolutions-IAM5", "appliesTo": ["Action::kms:GenerateDataKey*", "Action::kms:ReEncrypt*"],
             "reason": "The two forms of one permission on one key, as CDK grants it for the table, topic and bucket."},
            {"id": "AwsSolutions-IAM5", "appliesTo": [
                {"regex": "/^Resource::<Records.*>/(postmortems|raw|evidence/\\w+)/\\*$/g"}],
             "reason": "Reports and raw answers are objects whose keys are not known before; only below their folder."},
        ], apply_to_children=True)


def _distinct(statements: Iterable[Statement]) -> list[Statement]:
    return list(dict.fromkeys(statements))


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


