"""What the engine lacks of deployments: published state machines in CloudFormation, names that are taken, imports.

Each gap is bridged in one function, as AWS behaves; when the engine grows one of these, its function here can go.
Sources: the Step Functions Developer Guide's page "Associating executions with a version or alias"; CloudFormation's
pages on ``AWS::StepFunctions::StateMachineVersion`` and ``StateMachineAlias``, and "Resource type support".
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudwatch_logs, stepfunctions
from ministack.services.cloudformation import changesets, provisioners

Answer = tuple[int, dict[str, str], bytes]
_RUNS: ContextVar[dict[str, Any] | None] = ContextVar("runs", default=None)
"""The published version that this thread's execution runs; None: the machine itself."""


def bridge() -> None:
    """Bridge all of it."""
    _run_what_was_published()
    _name_what_an_execution_runs()
    _provision_versions_and_aliases()
    _refuse_names_that_are_taken()
    _import_global_tables()


class _Machines(AccountRegionScopedDict):  # type: ignore[misc]  # The engine has no types.
    """The state machines, as an execution's thread sees them: what was published, not what is there by now."""

    __slots__ = ()

    def get(self, key: str, default: Any = None) -> Any:
        machine, version = super().get(key, default), _RUNS.get()
        if machine and version and version["stateMachineArn"] == key:
            return {**machine, "definition": version["definition"], "roleArn": version["roleArn"]}
        return machine


def _run_what_was_published() -> None:
    """An execution that was started by a version or an alias runs the newest definition all the same."""
    stepfunctions._state_machines = _Machines()
    start = stepfunctions._start_execution

    def started(data: dict[str, Any]) -> Answer:
        asked = data.get("stateMachineArn", "")
        version = stepfunctions._state_machine_versions.get(stepfunctions._execution_version_arn(asked))
        # The execution's thread takes a copy of this context.
        token = _RUNS.set(version)
        try:
            answer: Answer = start(data)
        finally:
            _RUNS.reset(token)
        if version and answer[0] == 200:
            execution = stepfunctions._executions[json.loads(answer[2])["executionArn"]]
            execution["versionArn"] = version["stateMachineVersionArn"]
            execution["aliasArn"] = asked if asked in stepfunctions._state_machine_aliases else None
        return answer

    stepfunctions._start_execution = started


def _name_what_an_execution_runs() -> None:
    """DescribeExecution does not say which version or alias was started."""
    describe = stepfunctions._describe_execution

    def described(data: dict[str, Any]) -> Answer:
        status, headers, body = describe(data)
        execution = stepfunctions._executions.get(data.get("executionArn")) or {}
        named = {key: execution[own] for key, own in (
            ("stateMachineVersionArn", "versionArn"), ("stateMachineAliasArn", "aliasArn")) if execution.get(own)}
        return status, headers, json.dumps(json.loads(body) | named).encode() if named else body

    stepfunctions._describe_execution = described


def _provision_versions_and_aliases() -> None:
    """CloudFormation knows no AWS::StepFunctions::StateMachineVersion and StateMachineAlias, though the API does."""

    def publish(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        arn = _done(stepfunctions._publish_state_machine_version({
            "stateMachineArn": properties["StateMachineArn"], "description": properties.get("Description", ""),
            "revisionId": properties.get("StateMachineRevisionId")}))["stateMachineVersionArn"]
        return arn, {"Arn": arn}

    def routing(properties: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"stateMachineVersionArn": way["StateMachineVersionArn"], "weight": int(way["Weight"])}
                for way in properties["RoutingConfiguration"]]

    def alias(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        arn = _done(stepfunctions._create_state_machine_alias({
            "name": properties["Name"], "routingConfiguration": routing(properties)}))["stateMachineAliasArn"]
        return arn, {"Arn": arn}

    def moved(physical_id: str, old: dict[str, Any], new: dict[str, Any],
              stack_name: str) -> tuple[str, dict[str, Any]]:
        _done(stepfunctions._update_state_machine_alias({
            "stateMachineAliasArn": physical_id, "routingConfiguration": routing(new)}))
        return physical_id, {"Arn": physical_id}

    version, its_alias = "AWS::StepFunctions::StateMachineVersion", "AWS::StepFunctions::StateMachineAlias"
    provisioners._RESOURCE_HANDLERS[version] = {"create": publish, "delete": lambda physical_id, *_: _done(
        stepfunctions._delete_state_machine_version({"stateMachineVersionArn": physical_id}))}
    provisioners._REPLACING_PROPERTIES[version] = ("StateMachineArn", "StateMachineRevisionId")
    provisioners._RESOURCE_HANDLERS[its_alias] = {
        "create": alias, "update": moved, "delete": lambda physical_id, *_: _done(
            stepfunctions._delete_state_machine_alias({"stateMachineAliasArn": physical_id}))}
    provisioners._REPLACING_PROPERTIES[its_alias] = ("Name",)


def _refuse_names_that_are_taken() -> None:
    """CloudFormation writes over a log group of the same name, where AWS's fails: "already exists"."""
    create = provisioners._RESOURCE_HANDLERS["AWS::Logs::LogGroup"]["create"]

    def created(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        name = properties.get("LogGroupName")
        if name and name in cloudwatch_logs._log_groups:
            raise ValueError(f"Resource of type 'AWS::Logs::LogGroup' with identifier '{name}' already exists.")
        return create(logical_id, properties, stack_name)

    provisioners._RESOURCE_HANDLERS["AWS::Logs::LogGroup"]["create"] = created


def _import_global_tables() -> None:
    """A table of DynamoDB's newer resource type cannot be imported, though one of the older can."""
    kind = "AWS::DynamoDB::GlobalTable"

    changesets._IMPORT_LOOKUPS[kind] = (("TableName",), changesets._table_import_problem)
    provisioners._RESOURCE_HANDLERS[kind]["import"] = provisioners._ddb_import


def _done(answer: Answer) -> dict[str, Any]:
    """Return what an API answered; raises ValueError with its message, which becomes the stack's reason."""
    status, _, body = answer
    said: dict[str, Any] = json.loads(body or b"{}")
    if status >= 400:
        raise ValueError(str(said.get("message") or said.get("Message") or said))
    return said
