"""Each failure of the responder itself sets off the alarm that is meant for it, and no other.

AWS's own metrics are made up, under the names and dimensions that AWS documents, of the resource that fails. The
responder's own are what its handlers write: both sides meet in the template's alarms, evaluated as CloudWatch would.
"""

from __future__ import annotations

import importlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.assertions import Template
from moto import mock_aws

from responder.clients.failure import CallFailed
from responder.handlers import heartbeat, ledger, steps
from responder.model.evidence import Finding
from responder.model.evidence.answer import Answer
from responder.model.incident import SourceAnswer
from responder.model.measure import Metric
from responder.model.service import Service
from responder.plan.own_metrics import of_answers
from responder.records.table import Records
from sandbox import emf
from sandbox.alarms import Alarm
from stacks.dashboard import Dashboard
from stacks.deployment import Settings
from stacks.own_health import OwnHealth
from tests.conftest import shipped_service, timeline_in_aws
from tests.stacks.test_record_rights import names_of, policies_of
from tests.stacks.test_stack import of_type

PREFIX, SERVICE = "incident-response", "payment-gateway"
NOW = 1_795_694_400.0
"""2026-11-26 12:00 UTC: each period ends here, the longest of six hours as well."""
Key = tuple[str, str, str]
"""Namespace, name, and dimensions as JSON."""
Samples = dict[Key, list[tuple[float, float]]]
"""Moments before ``NOW``, in seconds, and values."""


def key(namespace: str, name: str, **dimensions: Any) -> Key:
    return namespace, name, json.dumps(sorted(dimensions.items()))


def logical(resources: dict[str, Any], kind: str, part: str) -> str:
    """The logical id of the one resource whose id or name contains this."""
    [found] = [name for name, item in resources.items() if item["Type"] == kind
               and (part in name or part == item["Properties"].get("FunctionName"))]
    return found


def own_alarms(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name.removeprefix("OwnHealth")[:-8]: item["Properties"] for name, item in resources.items()
            if item["Type"] == "AWS::CloudWatch::Alarm" and name.startswith("OwnHealth")}


def emitted(text: str) -> Samples:
    """What functions wrote, as CloudWatch reads it; each minute of the last five, as each minute's run would."""
    found: Samples = defaultdict(list)
    for namespace, data in emf.metric_data(text):
        for one in data:
            place = key(namespace, one["MetricName"], **{item["Name"]: item["Value"] for item in one["Dimensions"]})
            found[place] += [(60.0 * minute + 1, one["Value"]) for minute in range(5)]
    return found


def series(samples: list[tuple[float, float]], period: int, statistic: str) -> dict[float, float]:
    buckets: dict[float, list[float]] = defaultdict(list)
    for before, value in samples:
        buckets[(NOW - before) // period * period].append(value)
    fold: Callable[[list[float]], float] = {
        "Sum": sum, "Maximum": max, "Minimum": min, "SampleCount": len}[statistic]
    return {at: float(fold(values)) for at, values in buckets.items()}


def filled(data: dict[str, dict[float, float]], periods: int, period: int) -> dict[str, dict[float, float]]:
    """FILL(…, 0): where any metric has data, what has none is 0."""
    ends = [NOW - period * number for number in range(1, periods + 1)]
    return {name: {**dict.fromkeys(ends, 0.0), **found} for name, found in data.items()} if any(data.values()) else data


def on(resources: dict[str, Any], *samples: Samples) -> set[str]:
    """The alarms that are on."""
    known: Samples = defaultdict(list)
    for one in samples:
        for place, values in one.items():
            known[place] = values  # What fails replaces what is healthy.
    found = set()
    for name, properties in own_alarms(resources).items():
        alarm = Alarm({**properties, "AlarmName": name})
        alarm.state = "OK"
        data = {}
        for query in alarm.queries():
            stat = query["MetricStat"]
            place = key(stat["Metric"]["Namespace"], stat["Metric"]["MetricName"], **{
                item["Name"]: item["Value"] for item in stat["Metric"].get("Dimensions", [])})
            data[query["Id"]] = series(known[place], int(stat["Period"]), stat["Stat"]) if place in known else {}
        if alarm.evaluate(alarm.read(data), NOW // alarm.period * alarm.period)[0] == "ALARM":
            found.add(name)
    return found


def of_sweeps(resources: dict[str, Any], **counts: float) -> Samples:
    """What Lambda counts of each of the last sweeps."""
    sweep = {"Ref": logical(resources, "AWS::Lambda::Function", f"{PREFIX}-sweep")}
    return {key("AWS/Lambda", name.capitalize(), FunctionName=sweep): [(300.0 * number + 1, value)
                                                                       for number in range(6)]
            for name, value in counts.items()}


def healthy(resources: dict[str, Any]) -> Samples:
    """A quiet day: ledger, sweep and heartbeat run; most metrics of AWS have no data."""
    return {
        key(PREFIX, "LedgerAge", Function=f"{PREFIX}-ledger"): [(60.0 * minute + 1, 4.0) for minute in range(10)],
        key(PREFIX, "HeartbeatUnread", Services="all"): [(3600.0, 0.0), (14_400.0, 0.0)],
        **of_sweeps(resources, invocations=1.0, errors=0.0)}


def test_on_a_quiet_day_no_alarm_is_on(resources: dict[str, Any]) -> None:
    assert on(resources, healthy(resources)) == set()


AWS_FAILURES = [
    *(("AWS/States", metric, "StateMachineArn", "AWS::StepFunctions::StateMachine", "WorkflowPlan", 1.0,
       "ExecutionsFailed") for metric in
      ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionThrottled")),
    *(("AWS/Lambda", metric, "FunctionName", "AWS::Lambda::Function", f"{PREFIX}-{name}", 3.0, alarm)
      for name, alarm in (("step-decide", "StepsFailed"), ("step-tell", "StepsFailed"), ("step-report", "StepsFailed"),
                          ("timeline", "StepsFailed"), ("answer", "AnswersFailed"), ("approve", "AnswersFailed"),
                          ("health", "KeepersFailed"), ("usual-traffic", "KeepersFailed"))
      for metric in ("Errors", *(["Throttles"] if alarm == "AnswersFailed" else []))),
    ("AWS/Lambda", "IteratorAge", "FunctionName", "AWS::Lambda::Function", f"{PREFIX}-live", 130_000.0, "PageLate"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "AWS::SQS::Queue", "StarterDeadLetters", 1.0,
     "NotStarted"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "AWS::SQS::Queue", "WorkflowUndelivered", 1.0,
     "TeamNotTold"),
    *(("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "AWS::SQS::Queue", queue, 90_000.0, "QueuesNotEmptied")
      for queue in ("StarterDeadLetters", "WorkflowUndelivered")),
    *(("AWS/Events", "FailedInvocations", "RuleName", "AWS::Events::Rule", rule, 1.0, "RulesFailed")
      for rule in ("StarterRule", "MemoryHealthEvent", "UsualTrafficEachHalfHour")),
]


@pytest.mark.parametrize(("namespace", "metric", "dimension", "kind", "part", "value", "alarm"), AWS_FAILURES,
                         ids=lambda value: str(value) if isinstance(value, str) and "/" not in value else "")
def test_a_failure_that_aws_counts_sets_off_its_alarm_alone(
        resources: dict[str, Any], namespace: str, metric: str, dimension: str, kind: str, part: str, value: float,
        alarm: str) -> None:
    found = logical(resources, kind, part)
    named = {"Fn::GetAtt": [found, "QueueName"]} if kind == "AWS::SQS::Queue" else {"Ref": found}
    place = key(namespace, metric, **{dimension: named})
    assert on(resources, healthy(resources), {
        place: [(before, value) for before in (1.0, 61.0, 121.0)]}) == {alarm}


def test_a_single_error_that_is_repeated_wakes_nobody(resources: dict[str, Any]) -> None:
    decide = {"Ref": logical(resources, "AWS::Lambda::Function", f"{PREFIX}-step-decide")}
    assert on(resources, healthy(resources), {
        key("AWS/Lambda", "Errors", FunctionName=decide): [(61.0, 1.0)]}) == set()


def test_a_heartbeat_that_does_not_run_or_does_not_end_is_missed(resources: dict[str, Any]) -> None:
    silent = healthy(resources)
    del silent[key(PREFIX, "HeartbeatUnread", Services="all")]
    assert on(resources, silent) == {"HeartbeatMissing"}


def test_one_late_heartbeat_wakes_nobody(resources: dict[str, Any]) -> None:
    assert on(resources, healthy(resources), {
        key(PREFIX, "HeartbeatUnread", Services="all"): [(20_000.0, 0.0)]}) == set()


def test_a_sweep_that_does_not_run_or_does_not_end_is_missed(resources: dict[str, Any]) -> None:
    """Its schedule may be gone, or it cannot start, is throttled, or cannot look at a service's alarms."""
    silent = {place: values for place, values in healthy(resources).items()
              if place not in of_sweeps(resources, invocations=1.0, errors=1.0)}
    assert on(resources, silent) == {"SweepMissing"}
    # Lambda tries each failed run twice more.
    assert on(resources, healthy(resources), of_sweeps(resources, invocations=3.0, errors=3.0)) == {"SweepMissing"}


def test_a_sweep_that_succeeds_at_its_second_try_wakes_nobody(resources: dict[str, Any]) -> None:
    assert on(resources, healthy(resources), of_sweeps(resources, invocations=2.0, errors=1.0)) == set()


# What the responder measures of itself: the handlers run, and what they write is read as CloudWatch reads it.

@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Records]:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", PREFIX)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", f"{PREFIX}-ledger")
    with mock_aws():
        records = timeline_in_aws()
        for module in (ledger, heartbeat):
            monkeypatch.setattr(module, "records", lambda: records)
            monkeypatch.setattr(module, "names", lambda: [service.service])
            monkeypatch.setattr(module, "load", lambda name: service)
        yield records


def unreachable(*given: Any) -> Any:
    raise CallFailed("unavailable", "the cluster could not be reached")


def test_a_ledger_that_cannot_be_kept_is_old(resources: dict[str, Any], table: Records, service: Service,
                                             monkeypatch: pytest.MonkeyPatch,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("responder.clients.kubernetes.connect", unreachable)
    monkeypatch.setattr(ledger.time, "time", lambda: NOW)
    table.put({"pk": f"LEDGER#{service.service}", "sk": "LOOK", "at": NOW - 400})
    assert ledger.handler({}, None) == {service.service: None}
    written = emitted(capsys.readouterr().out)
    assert on(resources, healthy(resources), written) == {"LedgerOld"}


def test_a_ledger_that_was_never_kept_or_whose_function_is_dead_is_old_as_well(
        resources: dict[str, Any], table: Records, service: Service, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("responder.clients.kubernetes.connect", unreachable)
    ledger.handler({}, None)
    assert on(resources, healthy(resources), emitted(capsys.readouterr().out)) == {"LedgerOld"}
    dead = {place: values for place, values in healthy(resources).items() if place[1] != "LedgerAge"}
    assert on(resources, dead) == {"LedgerOld"}


def test_one_of_many_ledgers_that_is_old_is_not_hidden_by_the_others(
        resources: dict[str, Any], table: Records, service: Service, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(ledger, "names", lambda: ["a", "b", "c"])
    monkeypatch.setattr(ledger, "_snapshot", lambda service, now: None)
    monkeypatch.setattr(ledger.time, "time", lambda: NOW)
    for name, age in (("a", 10), ("b", 900), ("c", 20)):
        table.put({"pk": f"LEDGER#{name}", "sk": "LOOK", "at": NOW - age})
    ledger.handler({}, None)
    assert on(resources, healthy(resources), emitted(capsys.readouterr().out)) == {"LedgerOld"}


class Functions:
    """Lambda's API, in which the sources' functions answer what they are told to."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        from io import BytesIO

        self.asked.append((FunctionName, json.loads(Payload)))
        answer = self.answers.get(FunctionName, {"source": "x", "findings": [{"status": "empty", "note": ""}]})
        failed = {"FunctionError": "Unhandled"} if "errorType" in answer else {}
        return {"Payload": BytesIO(json.dumps(answer).encode()), **failed}


@pytest.fixture
def functions(table: Records, service: Service, monkeypatch: pytest.MonkeyPatch) -> Functions:
    """The read path in order: sources, parameter, table, bucket, topic and state machine."""
    from responder.model.service import Asked
    from responder.model.service.loading import Deployment

    found = Functions()
    monkeypatch.setattr(heartbeat.aws, "client", lambda name, *given, **more: (
        found if name == "lambda" else boto3.client(name)))
    monkeypatch.setattr(heartbeat, "_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(heartbeat, "deployed", lambda name: Deployment((), {
        "confirm": (Asked("newrelic", "f-newrelic"), Asked("splunk", "f-splunk")),
        "diagnose": (Asked("newrelic", "f-newrelic"), Asked("rds", "f-rds"))}, ()))
    boto3.client("s3").create_bucket(Bucket="reports")
    topic = boto3.client("sns").create_topic(Name="incidents")["TopicArn"]
    boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    machine = boto3.client("stepfunctions").create_state_machine(
        name="plan", definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/r")["stateMachineArn"]
    boto3.client("ssm").put_parameter(Name=service.kill_switch, Value="released", Type="String")
    for name, value in (("BUCKET", "reports"), ("TOPIC", topic), ("STATE_MACHINE", machine)):
        monkeypatch.setenv(name, value)
    return found


def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    messages: list[tuple[str, str]] = []
    monkeypatch.setattr(heartbeat, "publish", lambda topic, subject, text, incident: messages.append((subject, text)))
    return messages


def test_a_heartbeat_that_can_read_everything_tells_nobody(
        resources: dict[str, Any], functions: Functions, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    messages = told(monkeypatch)
    assert heartbeat.handler({}, None) == {SERVICE: 0}
    assert messages == []
    assert sorted((name, event["phase"]) for name, event in functions.asked) == [
        ("f-newrelic", "confirm"), ("f-rds", "diagnose"), ("f-splunk", "confirm")]
    assert on(resources, healthy(resources), emitted(capsys.readouterr().out)) == set()


@pytest.mark.parametrize(("break_it", "part", "note"), [
    (lambda f, m: f.answers.update({"f-splunk": {"source": "splunk", "findings": [
        {"status": "unauthorized", "note": "the secret could not be read"}]}}), "source splunk", "secret"),
    (lambda f, m: f.answers.update({"f-rds": {"errorType": "Runtime.ImportModuleError"}}), "source rds",
     "ImportModuleError"),
    (lambda f, m: f.answers.update({"f-rds": {"findings": 3}}), "source rds", "something else"),
    (lambda f, m: boto3.client("s3").delete_bucket(Bucket="reports"), "reports", "NoSuchBucket"),
    (lambda f, m: boto3.client("sns").delete_topic(TopicArn=heartbeat.environment.topic()), "topic", "NotFound"),
    (lambda f, m: boto3.client("stepfunctions").delete_state_machine(
        stateMachineArn=heartbeat.environment.state_machine()), "state machine", "StateMachineDoesNotExist"),
    (lambda f, m: boto3.client("ssm").delete_parameter(Name="/incident-response/payment-gateway/kill-switch"),
     "kill switch", "cannot be read"),
])
def test_what_cannot_be_read_is_told_kept_and_sets_off_its_alarm_alone(
        resources: dict[str, Any], functions: Functions, table: Records, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str], break_it: Callable[[Functions, Any], Any], part: str, note: str) -> None:
    messages = told(monkeypatch)
    break_it(functions, monkeypatch)
    assert heartbeat.handler({}, None) == {SERVICE: 1}
    [(subject, text)] = messages
    assert SERVICE in subject and f"- {part}: " in text and note in text
    kept = table.row(heartbeat.Heartbeat, "HEARTBEAT", SERVICE)
    assert kept is not None and [reading.part for reading in kept.unread] == [part]
    written = emitted(capsys.readouterr().out)
    assert on(resources, healthy(resources), {
        place: [(3600.0, values[0][1])] for place, values in written.items()}) == {
            "CannotRead"}


def test_a_state_that_failed_in_spite_of_its_retries_sets_off_its_alarm_alone(
        resources: dict[str, Any], table: Records, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("STEPS", "isolate")
    monkeypatch.setattr(steps, "result_by", lambda module, event, context: {})
    event = {"do": "isolate", "entered": "2026-11-26T07:00:00Z", "course": {}, "incident": {
        "id": "i", "service": SERVICE, "opened_at": "2026-11-26T07:00:00Z"}}
    steps.handler(event, None)
    assert on(resources, healthy(resources), emitted(capsys.readouterr().out)) == set()
    steps.handler({**event, "failure": {"Error": "Lambda.TooManyRequestsException", "Cause": "x"}}, None)
    assert on(resources, healthy(resources), emitted(capsys.readouterr().out)) == {"StepFailed"}


def test_a_source_that_failed_counts_as_not_available_and_one_that_found_nothing_does_not() -> None:
    def answered(status: Any) -> float:
        measures = of_answers("shop", [SourceAnswer("splunk", (Finding(
            source="splunk", detail=Answer(), status=status),), 20.0)])
        assert measures[1].value == 20.0
        return measures[0].value

    assert {status: answered(status) for status in ("ok", "partial", "empty", "stale")} == dict.fromkeys(
        ("ok", "partial", "empty", "stale"), 100.0)
    assert {answered(status) for status in ("malformed", "throttled", "unauthorized", "timeout", "unavailable")} == {
        0.0}


# What is deployed.

def test_each_alarm_on_itself_reaches_people_and_starts_nothing(resources: dict[str, Any]) -> None:
    alarms = own_alarms(resources)
    assert alarms
    for name, alarm in alarms.items():
        assert "RecordsIncidents" in json.dumps(alarm["AlarmActions"]), name
        # The rule that starts the responder takes alarms by their names.
        assert "AlarmName" not in alarm, name
        assert len(alarm["AlarmDescription"]) <= 1024


def test_an_alarm_that_starts_the_responder_reaches_people_by_itself_and_says_what_to_do(
        resources: dict[str, Any]) -> None:
    starting = [alarm for alarm in of_type(resources, "AWS::CloudWatch::Alarm") if "AlarmName" in alarm]
    assert starting
    for alarm in starting:
        assert "RecordsIncidents" in json.dumps(alarm["AlarmActions"]), alarm["AlarmName"]
        assert "If no message of it follows" in alarm["AlarmDescription"]
        assert len(alarm["AlarmDescription"]) <= 1024


def test_each_function_is_measured_and_traced(resources: dict[str, Any]) -> None:
    for function in of_type(resources, "AWS::Lambda::Function"):
        often = function["FunctionName"] in (f"{PREFIX}-ledger", f"{PREFIX}-sweep")
        assert function["TracingConfig"] == {"Mode": "PassThrough" if often else "Active"}
        assert function["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"] == PREFIX
        module, _, entry = function["Handler"].rpartition(".")
        assert hasattr(getattr(importlib.import_module(module), entry), "__wrapped__"), f"{module} is not observed"
    for name in names_of(resources):
        assert "xray:PutTraceSegments" in json.dumps(policies_of(resources, name)), name


def test_the_heartbeat_may_ask_the_sources_and_has_none_of_their_rights(resources: dict[str, Any]) -> None:
    statements = [statement for policy in policies_of(resources, "heartbeat") for statement in policy["Statement"]]
    actions = {action for statement in statements if statement["Effect"] == "Allow"
               for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])}
    assert {action for action in actions if not action.startswith(("kms:", "logs:", "xray:"))} == {
        "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "lambda:InvokeFunction", "s3:PutObject",
        "sns:GetTopicAttributes", "sns:Publish", "ssm:GetParameter", "states:DescribeStateMachine"}
    invoked = json.dumps([statement["Resource"] for statement in statements
                          if statement["Action"] == "lambda:InvokeFunction"])
    assert "WorkflowSource" in invoked and "Action" not in invoked and "Step" not in invoked


def test_there_is_a_dashboard_only_where_somebody_wants_one(resources: dict[str, Any]) -> None:
    assert of_type(resources, "AWS::CloudWatch::Dashboard") == []


def test_the_dashboard_shows_what_is_measured_and_nothing_else() -> None:
    """It is built alone, because a whole template takes half a minute."""
    stack = Stack(App(), "Dashboards")
    ages, unread = (cloudwatch.Metric(namespace=PREFIX, metric_name=name) for name in ("LedgerAge", "HeartbeatUnread"))
    alarm = cloudwatch.Alarm(stack, "OwnHealthSome", metric=unread, threshold=1, evaluation_periods=1)
    Dashboard(stack, "Dashboard", settings=Settings(), services=[shipped_service()],
              health=cast(OwnHealth, SimpleNamespace(alarms=[alarm], ledger_ages=[ages], unread=unread)))
    [dashboard] = of_type(Template.from_stack(stack).to_json()["Resources"], "AWS::CloudWatch::Dashboard")
    body = json.dumps(dashboard["DashboardBody"])
    assert dashboard["DashboardName"] == PREFIX
    assert [metric for metric in Metric if metric.value not in body] == []
    assert "OwnHealthSome" in body
