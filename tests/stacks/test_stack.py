"""What is deployed: the template, its rights, and the way to every state that changes something."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import alarms
from responder.plan.next_step import WAYS
from sandbox.alarms import Alarm, deployed
from stacks.alarm_names import alarm_names
from stacks.deployment import DEFAULT_PREFIX as PREFIX
from stacks.state_machine.__main__ import files
from stacks.state_machine.picture import variables
from stacks.state_machine.plan import plan
from stacks.workflow import GROUPS
from tests.conftest import ROOT, shipped_service
from tests.machine import filled

ASL = json.loads((ROOT / "statemachines" / "incident_response.asl.json").read_text())


def test_the_template_is_the_one_that_was_reviewed(out: Path) -> None:
    """What is deployed changes only with its snapshot: ``UPDATE_SNAPSHOT=1 make test`` writes it anew."""
    text = re.sub(r"[0-9a-f]{64}", "<asset>", (out / "IncidentResponse.template.json").read_text())
    # A version's logical id ends in a digest of its function's code and configuration.
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1<digest>", text)
    snapshot = Path(__file__).with_name("snapshot.json")
    shown = json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"
    if os.environ.get("UPDATE_SNAPSHOT"):
        snapshot.write_text(shown)
    assert shown == snapshot.read_text()


def test_the_state_machine_and_its_picture_are_those_that_the_code_builds() -> None:
    """``python -m stacks.state_machine`` writes both."""
    for path, text in files().items():
        assert path.read_text(encoding="utf-8") == text, path


def of_type(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [item["Properties"] for item in resources.values() if item["Type"] == kind]


def test_cdk_nag_finds_nothing(out: Path) -> None:
    with (out / "AwsSolutions--IncidentResponse-NagReport.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert [(row["Rule ID"], row["Resource ID"]) for row in rows if row["Compliance"] == "Non-Compliant"] == []


def test_records_are_kept_safe(resources: dict[str, Any]) -> None:
    table, = of_type(resources, "AWS::DynamoDB::GlobalTable")
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["Replicas"][0]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    for bucket in of_type(resources, "AWS::S3::Bucket"):
        assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert any(b.get("VersioningConfiguration") == {"Status": "Enabled"} for b in of_type(resources, "AWS::S3::Bucket"))


def test_each_kind_of_silence_has_one_alarm(resources: dict[str, Any]) -> None:
    found = {a["AlarmName"]: a for a in of_type(resources, "AWS::CloudWatch::Alarm") if "AlarmName" in a}
    treated = {name.removeprefix("incident-response-payment-gateway-"): a["TreatMissingData"]
               for name, a in found.items()}
    # No data at all, neither of requests nor of what is usual, is a loss of traffic.
    assert {name: treatment for name, treatment in treated.items() if treatment != "notBreaching"} == {
        "loss-of-traffic": "breaching"}


def test_each_alarm_starts_the_responder_and_none_joins_others(resources: dict[str, Any]) -> None:
    """The incident lock makes one incident of them; what burns the error budget is the sweep's matter."""
    named = {a["AlarmName"] for a in of_type(resources, "AWS::CloudWatch::Alarm") if "AlarmName" in a}
    patterns = [rule["EventPattern"] for rule in of_type(resources, "AWS::Events::Rule")
                if "alarmName" in rule.get("EventPattern", {}).get("detail", {})]
    started = [name for pattern in patterns for name in pattern["detail"]["alarmName"]]
    assert sorted(started) == sorted(named) == sorted(alarm_names(PREFIX, shipped_service()))
    assert all(len(json.dumps(pattern)) < 2048 for pattern in patterns)
    assert of_type(resources, "AWS::CloudWatch::CompositeAlarm") == []


def test_an_error_rate_around_the_threshold_is_no_start_every_ten_seconds(resources: dict[str, Any]) -> None:
    """It goes off with the first bad period, and stays on until a whole minute was good."""
    found = next(Alarm(a) for a in of_type(resources, "AWS::CloudWatch::Alarm")
                 if a.get("AlarmName", "").endswith("-error-rate") and "load" not in a["AlarmName"])
    requests = {float(at): 100.0 for at in range(0, 200, 10)}
    errors = {**dict.fromkeys(requests, 0.0), 100.0: 40.0, 120.0: 40.0}
    states = {end: found.evaluate(found.read({"errors": errors, "requests": requests}), float(end))[0]
              for end in range(80, 200, 10)}
    assert [end for end, state in states.items() if state == "ALARM"] == list(range(110, 190, 10))


def test_the_alarms_cost_no_more_than_is_said(resources: dict[str, Any]) -> None:
    """AWS's page "Amazon CloudWatch pricing": each metric of an alarm, by its resolution."""
    dollars = 0.0
    for alarm in of_type(resources, "AWS::CloudWatch::Alarm"):
        if "AlarmName" in alarm:
            periods = [item["MetricStat"]["Period"] for item in alarm.get("Metrics", []) if "MetricStat" in item] or [
                alarm["Period"]]
            # CloudWatch refuses an alarm whose metrics have different periods, or that looks back for over a day.
            assert len(set(periods)) == 1 and periods[0] * alarm["EvaluationPeriods"] <= 86_400
            dollars += len(periods) * (0.3 if periods[0] < 60 else 0.1)
    assert round(dollars, 2) == 2.00


def test_only_what_knows_no_resources_has_a_star(resources: dict[str, Any]) -> None:
    starred = set()
    for policy in of_type(resources, "AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            listed = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            if "*" in listed and statement["Effect"] == "Allow":
                actions = statement["Action"]
                starred |= set(actions if isinstance(actions, list) else [actions])
    assert {action for action in starred if action.split(":")[0] not in ("logs", "xray")} == {
        "cloudwatch:GetMetricData", "cloudwatch:PutMetricData", "cloudtrail:LookupEvents", "health:DescribeEvents",
        "ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "rds:DescribeEvents", "dynamodb:ListStreams"}


def test_only_the_service_s_own_alarms_may_be_described(resources: dict[str, Any]) -> None:
    allowed = [statement for policy in of_type(resources, "AWS::IAM::Policy")
               for statement in policy["PolicyDocument"]["Statement"]
               if "cloudwatch:DescribeAlarms" in statement["Action"]]
    # The source, the step that stands down, and the sweep.
    assert len(allowed) == 3
    for statement in allowed:
        named = set(re.findall(r":alarm:([\w-]+)", json.dumps(statement["Resource"])))
        assert named == set(alarm_names(PREFIX, shipped_service()))
        assert named == {a["AlarmName"] for a in of_type(resources, "AWS::CloudWatch::Alarm") if "AlarmName" in a}


def test_the_sweep_may_look_and_start_the_plan_and_nothing_else(resources: dict[str, Any]) -> None:
    policy, = (item["Properties"] for name, item in resources.items()
               if item["Type"] == "AWS::IAM::Policy" and name.startswith("SweepFunction"))
    actions = {action for statement in policy["PolicyDocument"]["Statement"]
               for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])}
    assert actions - {"xray:PutTraceSegments", "xray:PutTelemetryRecords"} == {
        "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "states:StartExecution", "sns:Publish",
        "dynamodb:Query", "dynamodb:GetItem", "dynamodb:PutItem", "kms:Decrypt", "kms:Encrypt", "kms:ReEncrypt*",
        "kms:GenerateDataKey*", "logs:CreateLogStream", "logs:PutLogEvents"}
    written, = (statement for statement in policy["PolicyDocument"]["Statement"]
                if "dynamodb:PutItem" in statement["Action"])
    assert written["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["BURN"]}}
    rule, = (item for item in of_type(resources, "AWS::Events::Rule")
             if item.get("ScheduleExpression") == "rate(5 minutes)")
    assert "SweepFunction" in json.dumps(rule["Targets"])


def test_every_function_has_a_role_of_its_own(resources: dict[str, Any]) -> None:
    roles = [json.dumps(f["Role"]) for f in of_type(resources, "AWS::Lambda::Function")]
    assert len(roles) == len(set(roles)) >= 9


def test_only_the_probes_are_in_the_service_s_network(resources: dict[str, Any]) -> None:
    attached = {name: item for name, item in resources.items()
                if item["Type"] == "AWS::Lambda::Function" and "VpcConfig" in item["Properties"]}
    (_, function), = attached.items()
    assert function["Properties"]["FunctionName"] == "incident-response-source-network"
    assert function["Properties"]["VpcConfig"] == {
        "SubnetIds": ["subnet-0a1b2c3d4e5f60718", "subnet-0b1c2d3e4f5061728"],
        "SecurityGroupIds": ["sg-0c1d2e3f405162738"]}
    # Lambda refuses to make it before its role has the rights to the network interfaces.
    policy = next(name for name in function["DependsOn"] if resources[name]["Type"] == "AWS::IAM::Policy")
    said: dict[str, set[str]] = {}
    for statement in resources[policy]["Properties"]["PolicyDocument"]["Statement"]:
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        said.setdefault(statement["Effect"], set()).update(a for a in actions if a.startswith("ec2:"))
    assert said["Allow"] == said["Deny"] == {
        "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"}


def test_sources_cannot_write_the_record(resources: dict[str, Any]) -> None:
    for name, item in resources.items():
        if item["Type"] == "AWS::IAM::Policy" and "Source" in name:
            for statement in item["Properties"]["PolicyDocument"]["Statement"]:
                text = json.dumps(statement)
                mine = re.search(r'"dynamodb:LeadingKeys": \["(?:BUDGET|SHARED)#(\w+)#\*"\]', text)
                if mine:
                    # What sources say to each other: a turn in a budget, and an answer that others may use.
                    assert mine[1].replace("_", "").casefold() in name.casefold()
                elif "dynamodb:" in text:
                    assert not re.search("Put|Update|Delete|Batch|Scan", text)
                    assert set(statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]) <= {
                        "LEDGER#*", "HEALTH"}


def named(resources: dict[str, Any], function: str) -> str:
    """The logical id of a function."""
    return next(name for name, item in resources.items() if item["Type"] == "AWS::Lambda::Function"
                and item["Properties"].get("FunctionName") == function)


def statements_of(resources: dict[str, Any], function: str) -> list[dict[str, Any]]:
    """All statements of a function's role."""
    role = resources[named(resources, function)]["Properties"]["Role"]["Fn::GetAtt"][0]
    found = []
    for policy in of_type(resources, "AWS::IAM::Policy"):
        if {"Ref": role} in policy.get("Roles", []):
            found += policy["PolicyDocument"]["Statement"]
    return found


def actions_of(statement: dict[str, Any]) -> set[str]:
    actions = statement["Action"]
    return set(actions if isinstance(actions, list) else [actions])


def test_iam_identifies_the_caller_and_the_page_accepts_only_signed_links(resources: dict[str, Any]) -> None:
    urls = {item["TargetFunctionArn"]["Fn::GetAtt"][0]: item["AuthType"]
            for item in of_type(resources, "AWS::Lambda::Url")}
    aliases = {name: item["Properties"]["FunctionName"]["Ref"] for name, item in resources.items()
               if item["Type"] == "AWS::Lambda::Alias"}
    answer, page = (named(resources, f"incident-response-{name}") for name in ("answer", "approve"))
    assert urls == {answer: "AWS_IAM", page: "NONE"}
    # Whoever may call: nobody by the answering function's own policy, everybody the page's by its URL.
    public = [item for item in of_type(resources, "AWS::Lambda::Permission") if item["Principal"] == "*"]
    assert {aliases[item["FunctionName"]["Ref"]] for item in public} == {page}
    assert answer not in {aliases[item["FunctionName"]["Ref"]] for item in of_type(
        resources, "AWS::Lambda::Permission")}


@pytest.mark.parametrize("function", ["incident-response-approve", "incident-response-answer"])
def test_functions_that_take_answers_write_only_answers(resources: dict[str, Any], function: str) -> None:
    written, read, others = set(), set(), set()
    for statement in statements_of(resources, function):
        for action in actions_of(statement):
            if not action.startswith("dynamodb:"):
                others.add(action)
                if action == "lambda:InvokeFunction":  # what it notes is added by the timeline's own function
                    assert statement["Resource"] == {"Fn::Join": ["", [
                        {"Fn::GetAtt": [named(resources, "incident-response-timeline"), "Arn"]}, ":*"]]}
                continue
            keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            (read if action in ("dynamodb:GetItem", "dynamodb:Query") else written).update(
                (action, key) for key in ([keys] if isinstance(keys, str) else keys))
    assert written == {("dynamodb:UpdateItem", "ANSWER#*")}
    assert {key for _, key in read} == {"TASK#*", "ANSWER#*", "INCIDENT#*", "REMEDY#*"}
    assert {action for action in others if action.split(":")[0] not in ("kms", "logs", "xray")} <= {
        "secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", "states:SendTaskSuccess",
        "lambda:InvokeFunction"}


def test_the_right_to_start_does_not_include_the_right_to_approve(resources: dict[str, Any]) -> None:
    policies = {item["ManagedPolicyName"]: item for item in of_type(resources, "AWS::IAM::ManagedPolicy")}
    answer, = ({"Ref": name} for name, item in resources.items() if item["Type"] == "AWS::Lambda::Alias"
               and item["Properties"]["FunctionName"] == {"Ref": named(resources, "incident-response-answer")})
    assert [(statement["Action"], statement["Resource"], statement["Condition"]) for statement in policies[
            "incident-response-approver"]["PolicyDocument"]["Statement"]] == [
        ("lambda:InvokeFunctionUrl", answer, {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}),
        ("lambda:InvokeFunction", answer, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}})]
    start, = policies["incident-response-starter"]["PolicyDocument"]["Statement"]
    assert start["Action"] == "states:StartExecution"
    # Nothing of the responder's own may answer, or invoke what takes answers with an event of its own making.
    for policy in of_type(resources, "AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            if any(action.startswith("lambda:Invoke") for action in actions_of(statement)):
                assert named(resources, "incident-response-answer") not in json.dumps(statement["Resource"])
                assert answer["Ref"] not in json.dumps(statement["Resource"])


def test_an_alarm_that_cannot_start_the_plan_is_kept(resources: dict[str, Any]) -> None:
    rule, = [item for item in of_type(resources, "AWS::Events::Rule")
             if "aws.cloudwatch" in item.get("EventPattern", {}).get("source", [])]
    assert rule["Targets"][0]["DeadLetterConfig"] and rule["Targets"][0]["RetryPolicy"]


def test_the_bundle_is_small(out: Path) -> None:
    import shutil

    asset = max(out.glob("asset.*"), key=lambda path: sum(f.stat().st_size for f in path.rglob("*") if f.is_file()))
    archive = Path(shutil.make_archive(str(out / "zipped"), "zip", asset))
    assert archive.stat().st_size < 50 * 2**20
    assert not list(asset.rglob("*.so")) and not (asset / "kubernetes").exists()


def test_the_template_and_the_state_machine_are_valid(out: Path) -> None:
    done = subprocess.run([Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", "W", "--",
                           str(out / "IncidentResponse.template.json")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def successors(state: dict[str, Any]) -> list[str]:
    return [*([state["Next"]] if "Next" in state else []), *([state["Default"]] if "Default" in state else []),
            *(choice["Next"] for choice in state.get("Choices", [])),
            *(catch["Next"] for catch in state.get("Catch", []))]


def paths_to(goal: str, without: str) -> bool:
    """Whether the goal can be reached without passing a state."""
    seen, waiting = {ASL["StartAt"]}, [ASL["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        for following in successors(ASL["States"][name]):
            if following not in seen and following != without:
                seen.add(following)
                waiting.append(following)
    return False


def test_no_way_to_a_remedy_leads_around_the_guardrails() -> None:
    changing = [name for name, state in ASL["States"].items()
                if state.get("Arguments", {}).get("Payload", {}).get("operation") == "apply"]
    assert changing == ["Apply the remedy"]
    assert paths_to("Apply the remedy", "nothing")
    assert not paths_to("Apply the remedy", "Check the guardrails")
    guards = {name for name, state in ASL["States"].items()
              if state.get("Arguments", {}).get("Payload", {}).get("do") == "guard"}
    assert before("Apply the remedy") == {"May it be applied?"}
    for choice in before("Apply the remedy"):
        ways = [way for way in ASL["States"][choice]["Choices"] if way["Next"] == "Apply the remedy"]
        assert [way["Condition"] for way in ways] == ["{% $next = 'Apply the remedy' %}"]
        assert ASL["States"][choice]["Default"] != "Apply the remedy"
        # The ruling that is looked at is the one that was just made, by the guardrails and nobody else.
        assert before(choice) <= guards
    # That it goes there after a permission alone is tried in tests/unit/state_machine/test_next_step.py.
    for name in guards:
        assert ASL["States"][name]["Assign"]["next"] == "{% $states.result.Payload.next %}"


def test_what_runs_for_each_item_asks_warms_or_undoes_and_applies_nothing() -> None:
    """Also where the function may be a remedy's: the event has fields that are known here, and none names a deed."""
    inner = {title: state for outer in ASL["States"].values() if outer["Type"] == "Map"
             for title, state in outer["ItemProcessor"]["States"].items() if state["Type"] == "Task"}
    warming = set()
    for title, state in inner.items():
        for item in ({"source": "splunk"}, {"warm": True}):
            payload = filled(state["Arguments"]["Payload"], {
                "states": {"input": item | dict.fromkeys(("number", "remedy", "why", "over"), ""),
                           "context": {"State": {"EnteredTime": ""}}},
                "incident": {"service": "payment-gateway"}, "course": {"changed_since": ""}})
            known = {"revert": {"incident", "entered", "operation", "number", "remedy", "why", "over"},
                     "": {"warm", "service", "ahead"} if "warm" in payload else {"incident", "phase", "now", "since"}}
            assert set(payload) <= known[payload.get("operation", "")], title
            if "warm" in payload:
                assert payload["warm"] is True and "warm" in item, title
                assert payload.get("ahead", {}).keys() <= {"incident", "phase", "now"}, title
                warming.add(title)
    assert warming == {"Ask (confirm)", "Ask (diagnose)"}


def test_choices_decide_nothing() -> None:
    """Each goes to the state that the step before it named; nothing else is looked at, computed or counted."""
    for name, state in ASL["States"].items():
        for way in state.get("Choices", []):
            assert way["Condition"] == f"{{% $next = '{way['Next']}' %}}", name
        for part in (state, *state.get("Choices", []), *state.get("Catch", [])):
            for assigned in part.get("Assign", {}).values():
                for text in assigned.values() if isinstance(assigned, dict) else [assigned]:
                    assert not str(text).startswith("{%") or re.fullmatch(r"{% \$[\w.]+ %}", text), (name, text)


def test_each_state_that_may_follow_a_step_has_a_transition() -> None:
    """By the choices that follow it: as far as the next state that does something."""
    for name, state in ASL["States"].items():
        payload = state.get("Arguments", {}).get("Payload", {})
        step = payload.get("operation", payload.get("do"))
        if step in WAYS:
            assert {str(way) for way in WAYS[step]} <= onward(state["Next"]), name


def onward(name: str) -> set[str]:
    """The states that are reached by choices alone, and by telling people, who do not decide either."""
    if ASL["States"][name]["Type"] == "Choice":
        return set().union(*map(onward, successors(ASL["States"][name])))
    if name == "Assemble the team":
        return onward(ASL["States"][name]["Next"])
    return {name}


def test_a_remedy_that_needs_approval_comes_to_it_only_by_being_asked_for() -> None:
    # Or after customers were told more on the way there: that the guardrails named it is tried in test_next_step.py.
    assert before("Ask for approval") == {"May it be applied?", "What comes after the update?"}
    assert before("What comes after the update?") == {"Update customers"}
    assert ASL["States"]["Update customers"]["Assign"] == {"next": "{% $course.after %}"}
    assert set(successors(ASL["States"]["Ask for approval"])) == {"Check the guardrails"}
    # What people said is read from the table: nothing of the answer is passed on by the state machine.
    assert ASL["States"]["Ask for approval"]["Output"] == {}
    assert "Assign" not in ASL["States"]["Ask for approval"]


def before(name: str) -> set[str]:
    return {other for other, state in ASL["States"].items() if name in successors(state)}


def test_every_state_can_be_reached_and_every_failure_is_caught() -> None:
    for name, state in ASL["States"].items():
        assert paths_to(name, "nothing"), name
        if state["Type"] in ("Task", "Map") and name != "Page people directly":
            assert any("States.ALL" in catch["ErrorEquals"] for catch in state["Catch"]), name


def test_every_step_is_one_that_its_function_has() -> None:
    for name, state in ASL["States"].items():
        arguments = state.get("Arguments", {})
        step, function = arguments.get("Payload", {}).get("do"), arguments.get("FunctionName", "")
        if step:
            group = function.removeprefix("${").removesuffix("Function}").lower()
            steps = {"inform", "remind"} if step == "{% $course.tell %}" else {step}
            assert steps <= set(GROUPS[group].steps), name


def test_a_step_that_fails_goes_where_its_course_says_and_the_next_failure_to_people() -> None:
    for name, state in ASL["States"].items():
        for catch in state.get("Catch", []):
            if catch["Next"] == "What is left to try?":
                assert catch["Assign"] == {
                    "failure": "{% $states.errorOutput %}", "next": "{% $fallback.next %}",
                    "course": "{% $fallback.course %}",
                    "fallback": {"next": "Escalate", "course": "{% $fallback.course %}"}}, name
    for name in ("Plan the remedy", "Check the guardrails", "Apply the remedy", "Monitor the recovery"):
        assert [catch["Next"] for catch in ASL["States"][name]["Catch"]] == ["What is left to try?"]


def test_it_stays_as_small_as_it_is() -> None:
    """A newcomer reads it from top to bottom: what is decided is in ``plan/next_step.py``, which is tested."""
    assert len(ASL["States"]) <= 43
    assert variables(plan()) == ["confirmation", "course", "failure", "fallback", "functions", "incident", "next",
                                  "sources", "warm"]


def test_no_stack_holds_the_kill_switch_and_no_role_may_write_it(resources: dict[str, Any]) -> None:
    """An update of the stack that sets a parameter would release what people engaged."""
    assert of_type(resources, "AWS::SSM::Parameter") == []
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for policy in of_type(resources, kind):
            for statement in policy["PolicyDocument"]["Statement"]:
                if "kill-switch" in json.dumps(statement["Resource"]):
                    assert set(actions_of(statement)) == {"ssm:GetParameter"}


@pytest.mark.parametrize(("outage", "level", "most_seconds"), [
    ("40 % fail", "busy", 20), ("all requests fail", "small", 300), ("5 % fail", "busy", 2400),
    ("no traffic, by day", "busy", 60), ("no traffic, at night", "middling", 720)])
def test_the_deployed_alarms_tell_of_an_outage_in_time(out: Path, outage: str, level: str, most_seconds: int) -> None:
    """The evaluator is the sandbox's, the traffic is made up: ``make bench NAMES=alarms`` has the whole picture."""
    rules = alarms.Rules(deployed(out / "IncidentResponse.template.json"), shipped_service())
    happens = next(one for one in alarms.OUTAGES if one.name == outage)
    begin, end = happens.at - 6 * 3600, happens.at + 3600
    traffic = alarms.made_up(alarms.LEVELS[level], "test", begin, end, happens, happens.at)
    found = alarms.detected(rules.states, traffic, happens.at, end)
    assert found is not None and found <= most_seconds


def test_the_deployed_alarms_are_silent_while_nothing_is_wrong(out: Path) -> None:
    rules = alarms.Rules(deployed(out / "IncidentResponse.template.json"), shipped_service())
    traffic = alarms.made_up(alarms.LEVELS["small"], "quiet", 0, 86_400)
    assert alarms.false_alarms(rules.states, traffic, 6 * 3600, 86_400) == 0
    # The rule before calls a quiet night an outage.
    assert alarms.false_alarms(alarms.naive, traffic, 0, 86_400) > 0
