"""A deployment in moto: the stack with its outputs, the table with recorded incidents, the bucket, executions."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import boto3
import httpx
import pytest
from botocore.awsrequest import AWSResponse
from typer.testing import CliRunner, Result

from cli import app
from cli.incidents import answering, overview
from responder.clients.settings import Stored
from responder.handlers import answer, decide
from responder.model import service as model
from responder.model.codec import encode
from responder.model.item import sort_key
from responder.model.moment import iso, seconds
from responder.model.service import Service
from responder.model.service.settings import settings_of
from responder.records.record import unpack
from responder.records.tasks import Task, Tasks
from stacks.deployed import METADATA
from tests.conftest import ROOT, shipped_service, timeline_in_aws
from tests.table import Table

ACCOUNT, REGION = "123456789012", "us-east-1"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:incident-response"
URL = "https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws/"
BUCKET = "reports"
_SEEN = ("newrelic", "cloudwatch", "splunk")
"""Whose evidence is kept, of the first look: the symptom's."""


class Stage:
    """What a command meets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, *services: Service) -> None:
        self._patch, self._folder = monkeypatch, folder
        self.services = services or (shipped_service(),)
        self.table: Table = timeline_in_aws()
        self.caller = f"arn:aws:iam::{ACCOUNT}:user/ada"
        self.requests: list[httpx.Request] = []
        self.woken: list[str] = []
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        """What AWS was asked: service, operation, parameters."""
        self.answers_with: tuple[int, str] | None = None
        self._deploy()
        self._let_answer()

    def _deploy(self) -> None:
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        machines = boto3.client("stepfunctions")
        machines.create_state_machine(
            name="incident-response", roleArn=f"arn:aws:iam::{ACCOUNT}:role/r", definition=json.dumps(
                {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}))
        outputs = {"Timeline": "timeline", "Reports": BUCKET, "StateMachine": MACHINE, "Live": MACHINE,
                   "AnswerUrl": URL}
        self.stacks = {"IncidentResponse": outputs, "Other": {}}
        self._listen()
        for one in self.services:
            (self._folder / f"{one.service}.json").write_text(json.dumps(asdict(one)))
        self._patch.setenv("RESPONDER_CONFIG", str(self._folder))
        model.load.cache_clear()
        self.settings: Mapping[str, Service] = {one.service: one for one in self.services}
        self._patch.setattr(overview.store, "read", lambda application, name, client: Stored(
            "12 of 2026-11-26T07:12Z", json.dumps(encode(settings_of(self.settings[name])))))

    def _listen(self) -> None:
        """Keep what each client is asked, and answer for CloudFormation, which moto has only with further packages."""
        make = boto3.Session.client

        def made(session: boto3.Session, name: str, *given: Any, **named: Any) -> Any:
            # Of one botocore session, because each loads the descriptions of all services anew.
            client = make(_session(), name, *given, **named)
            client.meta.events.register("provide-client-params.*.*", lambda params, model, **_: self.asked.append(
                (model.service_model.service_name, model.name, dict(params))))
            client.meta.events.register("before-call.cloudformation.*", self._stack)
            return client

        self._patch.setattr(boto3.Session, "client", made)

    def _stack(self, model: Any, params: Mapping[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        """CloudFormation's answers (AWS CloudFormation API reference: "DescribeStacks", "GetTemplate",
        "ListStackResources")."""
        name = str(params["body"]["StackName"])
        if name not in self.stacks:
            error = {"Code": "ValidationError", "Message": f"Stack with id {name} does not exist"}
            return AWSResponse("", 400, {}, None), {"Error": error}
        answers: dict[str, dict[str, Any]] = {
            "DescribeStacks": {"Stacks": [{"StackName": name, "StackStatus": "CREATE_COMPLETE", "Outputs": [
                {"OutputKey": key, "OutputValue": value} for key, value in self.stacks[name].items()]}]},
            "GetTemplate": {"TemplateBody": {"Metadata": {METADATA: {
                one.service: json.dumps(encode(one)) for one in self.services}}}},
            "ListStackResources": {"StackResourceSummaries": [
                {"LogicalResourceId": "RecordsKey1A2B", "ResourceType": "AWS::KMS::Key", "PhysicalResourceId": "k-1"},
                {"LogicalResourceId": "SettingsApplication3C", "ResourceType": "AWS::AppConfig::Application",
                 "PhysicalResourceId": "a1b2c3d"}]}}
        return AWSResponse("", 200, {}, None), answers[model.name]

    def _let_answer(self) -> None:
        """Behind the URL is the real function; AWS tells it who called, by the credentials that signed."""
        self._patch.setattr(answer, "records", lambda: self.table)
        # The function's log is no output of the command.
        self._patch.setattr(answer, "log", lambda **_: None)
        made = decide.aws.client
        self._patch.setattr(decide.aws, "client", lambda name, *a: self if name == "stepfunctions" else made(name, *a))

        def post(url: str, **given: Any) -> httpx.Response:
            request = httpx.Request("POST", url, headers=given["headers"], content=given["content"])
            self.requests.append(request)
            if self.answers_with:
                return httpx.Response(self.answers_with[0], text=self.answers_with[1])
            answered = answer.handler({"body": given["content"], "requestContext": {
                "http": {"method": "POST"}, "authorizer": {"iam": {
                    "accountId": ACCOUNT, "userArn": self.caller, "callerId": self.caller.rpartition("/")[2]}}}}, None)
            return httpx.Response(answered["statusCode"], text=answered["body"])

        self._patch.setattr(answering.httpx, "post", post)

    def send_task_success(self, **given: str) -> None:
        """Step Functions, as far as the answer's function wakes it."""
        self.woken.append(given["taskToken"])

    def run(self, *arguments: str, typed: str = "") -> Result:
        """Run a command as somebody would."""
        return CliRunner().invoke(app.built(), list(arguments), input=typed)

    # --- what happened before -----------------------------------------------------------------------------------------

    def execution(self, name: str = "one") -> str:
        """Start an execution, which runs on, and return its ARN."""
        started: str = boto3.client("stepfunctions").start_execution(stateMachineArn=MACHINE, name=name)["executionArn"]
        return started

    def incident(self, record: str, until: str = "~", service: Service | None = None, ident: str = "") -> str:
        """Put a recorded incident into the table as it was when a step had ended, moved to now, and return its id.

        ``until`` is the step's title; ``ident`` another id. It is open, and an execution of its own handles it.
        """
        items = unpack((ROOT / "tests" / "records" / f"{record}.json.gz").read_bytes())["items"]
        name = next(str(item["id"]) for item in items if item["sk"] == "INCIDENT")
        last = max((sort_key(item).split("#")[1] for item in items if sort_key(item).startswith("TIMELINE#")
                    and item["step"] == until), default="~")
        known = ident or name
        moved = json.loads(_moved(json.dumps(_until(items, last)), time.time()).replace(name, known))
        if service:
            for item in moved:
                item |= {"service": service.service} if "service" in item else {}
        with boto3.resource("dynamodb").Table("timeline").batch_writer() as batch:
            for item in moved:
                if not sort_key(item).startswith("ACTION"):
                    batch.put_item(json.loads(json.dumps(item), parse_float=Decimal))
        for item in (item for item in moved if sort_key(item).startswith("ACTION")):
            number = int(sort_key(item).removeprefix("ACTION#"))
            self.table.plan_action(known, number, {key: value for key, value in item.items() if key in (
                "action", "component", "risk", "target", "summary", "deed", "by_hand", "undo", "diff", "planned_at",
                "cause", "mechanism", "proposal", "reversible", "before", "parameters", "applied_at")})
            self.table.judge_action(known, number, status="waiting" if until == "Ask for approval" else item["status"])
        own = self.table.find(known)
        assert own is not None
        arn = self.execution(known[-40:])
        self.table.put({"pk": f"SERVICE#{own.service}", "sk": "OPEN", "incident": known, "execution": arn,
                        "opened_at": own.opened_at, "lease_until": time.time() + 900, "again": False})
        return known

    def ask(self, incident: str, seconds_left: float = 600.0, needed: int = 1,
            service: str = "payment-gateway", kind: Literal["approval", "manual"] = "approval") -> None:
        """Keep the question itself, as the step that asks does."""
        now = time.time()
        Tasks(self.table).ask(Task(incident, 1, service, kind, now, now + seconds_left, ("sre: Ada",), needed,
                                   "people are paged"), "AQB-token" if kind == "approval" else "")

    def past(self, ident: str, opened_at: str, **more: Any) -> None:
        """Put an incident into the history of its service."""
        service = more.pop("service", "payment-gateway")
        self.table.put({"pk": f"HISTORY#{service}", "sk": ident, "id": ident, "service": service,
                        "opened_at": opened_at, **more})

    def beat(self, age_seconds: float = 60.0, unread: Mapping[str, str] | None = None) -> None:
        """Keep a heartbeat of each service."""
        for one in self.services:
            found = {"table": ""} | dict(unread or {})
            self.table.put({"pk": "HEARTBEAT", "sk": one.service, "at": iso(time.time() - age_seconds), "told": [],
                            "told_at": 0, "readings": [{"part": part, "note": note} for part, note in found.items()]})

    def switch(self, value: str, service: str = "payment-gateway") -> None:
        """Set a kill switch."""
        boto3.client("ssm").put_parameter(Name=f"/incident-response/{service}/kill-switch", Value=value, Type="String",
                                          Overwrite=True)


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def _until(items: list[dict[str, Any]], last: str) -> list[dict[str, Any]]:
    """Return the items of an open incident that had been written when a state had been entered."""
    kept, first = [], min(sort_key(item).split("#")[1] for item in items if sort_key(item).startswith("EVIDENCE"))
    seen = {(source, first) for source in _SEEN}
    for item in items:
        moment = sort_key(item).split("#")[1] if sort_key(item).startswith(("TIMELINE", "EVIDENCE")) else ""
        if moment <= last and not (sort_key(item).startswith("EVIDENCE") and (item["source"], moment) not in seen):
            kept.append({key: value for key, value in item.items() if key != "report"} | (
                {"status": "open", "outcome": None, "closed_at": None, "escalated_at": None, "well_since": None,
                 "recovered_at": None, "reported_at": None} if sort_key(item) == "INCIDENT" else {}))
    return kept


def _moved(text: str, now: float) -> str:
    """Return a record's text with all its times moved, so that the last entry of its timeline was just now."""
    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
    last = max(seconds(found) for item in json.loads(text) if sort_key(item).startswith("TIMELINE#")
               for found in [sort_key(item).split("#")[1]])
    return form.sub(lambda found: iso(seconds(found[0]) - last + now - 5), text)


def two_services() -> tuple[Service, Service]:
    """The shipped service, and another one."""
    one = shipped_service()
    return one, replace(one, service="payouts")
