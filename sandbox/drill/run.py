"""Run drills, one after the other, each from the same healthy start, and say what came of them."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

from responder.model.remedy import merged
from sandbox import run as sandbox_run
from sandbox import worlds
from sandbox.admin import Engine
from sandbox.control_plane import binaries
from sandbox.drill.contract import Drill, Scheduled
from sandbox.drill.ending import Now, is_over
from sandbox.drill.history import History
from sandbox.drill.messages import sequence
from sandbox.drill.people import People
from sandbox.drill.result import Observed, Result, result
from sandbox.drill.shown import shown
from sandbox.events.kill_switch import RELEASED
from sandbox.eyes import FOLDER as EYES_FOLDER
from sandbox.eyes import of_run as eyes_of_run
from sandbox.iam import log
from sandbox.places import SERVICE, SandboxError, Up
from sandbox.remote import Beginning, Remote
from sandbox.truth import FOLDER, encode

_STEADY_SECONDS = 2.0


@dataclass
class Moment:
    """How a drill goes, for the demo and others that watch it."""

    seconds: float
    """Time since the first event."""
    recent: list[tuple[float, int, int]] = field(default_factory=list)
    """The entry's last seconds: (second, requests, errors)."""
    items: list[dict[str, Any]] = field(default_factory=list)
    """All items of the incidents so far."""
    alarms: dict[str, float] = field(default_factory=dict)
    """Alarm to when it went off."""
    started: float = 0.0


Watch = Callable[[Moment], None]


class Runner:
    """Runs drills on one sandbox."""

    def __init__(self, sandbox: Up, say: sandbox_run.Say = sandbox_run.say_plain,
                 world: Mapping[str, str] | None = None, keeps_past: bool = False) -> None:
        """``keeps_past``: what the vendors have of a drill stays for questions about its time."""
        self.sandbox, self._say, self._world = sandbox, say, world or {}
        self._past = History(keeps_past)
        self.record = b""
        """The record of the last drill's incident, as it is in S3; empty where there was none."""
        self.truth = b""
        """What really happened in the last drill, as ``sandbox/truth.py`` writes it."""
        self.calls = b""
        """What the roles called in the last drill, as ``sandbox/iam/log.py`` writes it."""
        self.messages = ""
        """Everything that people were told in the last drill; see ``sandbox/drill/messages.py``."""
        self._dynamodb, self._functions = boto3.client("dynamodb"), boto3.client("stepfunctions")
        self._functions_api = boto3.client("lambda")
        self._sqs, self._s3, self._logs = boto3.client("sqs"), boto3.client("s3"), boto3.client("logs")

    def run(self, drill: Drill, watch: Watch | None = None) -> Result:
        """Run one drill and return its result; raises SandboxError where the sandbox itself fails."""
        if drill.world(self._world)["workloads"] == "rollout" and not binaries.find_rollouts():
            with sandbox_run.timed(self._say, "Argo Rollouts' controller built, once for this machine"):
                binaries.build_rollouts()
        self.sandbox = sandbox_run.ensure_deployed(self.sandbox, drill.overrides(), self._say)
        self._clean(drill)
        time.sleep(_STEADY_SECONDS)
        self._past.wait()
        self._forget()
        Engine(self.sandbox.ports.engine_admin).calls()
        started = time.time()
        troubles: list[str] = []
        given_up = threading.Event()
        self._people = People(self.sandbox, self._inbox, drill.people)
        self._people.start()
        thread = threading.Thread(target=self._bring_about, args=(drill.events, started, given_up, troubles),
                                  daemon=True)
        thread.start()
        looking = self._past.look_often()
        moment = Moment(0.0, started=started)
        last_event = started + max(event.at + (event.lasts or 0) for event in drill.events)
        while True:
            time.sleep(0.5 if watch else 1.5)
            moment.seconds = time.time() - started
            status = Remote(self.sandbox.ports).status()
            moment.recent, moment.alarms = status.recent, status.went_off
            moment.items = list(self._items(light=watch is None and not drill.expect.put_back))
            if watch:
                watch(moment)
            if troubles:
                raise SandboxError(f"{drill.name}: an event could not be brought about: {troubles[0]}")
            if is_over(drill, Now(time.time(), started, last_event, events_left=thread.is_alive(),
                                  answers_left=self._people.busy, items=moment.items)):
                break
        given_up.set()
        self._let_vendors_speak(drill)
        looking.set()
        self._settle()
        self._people.stop()
        return self._result(drill, moment)

    def _clean(self, drill: Drill) -> None:
        """Remove what an earlier drill left, and begin anew."""
        engine = Engine(self.sandbox.ports.engine_admin)
        self._past.lay_away(engine, self._raw_items())
        self._forget(ledger=True)
        if not self._past.kept:
            engine.forget_ended()
        boto3.client("ssm").put_parameter(Name=f"/incident-response/{SERVICE}/kill-switch", Value=RELEASED,
                                          Type="String", Overwrite=True)
        self._inbox = self._subscribe()
        self._begun = time.time()
        start = drill.start
        Remote(self.sandbox.ports).reset(Beginning(
            drill.name, start.requests_per_second, {str(name): pods for name, pods in start.replicas.items()},
            {str(name): item.model_dump(exclude_none=True) for name, item in start.behaviour.items()},
            start.dependencies, drill.world(self._world), self._past.kept, eyes_of_run()))
        for _ in range(3):
            # The reset itself may have set off alarms, which are not the drill's, and the ledger's schedule may have
            # read the cluster in the middle of it.
            self._forget(ledger=True)
            # The ledger's baseline is the healthy state; from here on its schedule keeps it.
            looked = json.loads(self._functions_api.invoke(
                FunctionName="incident-response-ledger:live")["Payload"].read())
            if looked.get(SERVICE) == 0:
                self._past.go_on(self._dynamodb, self._table)
                Remote(self.sandbox.ports).let_others_write()
                return
        raise SandboxError(f"the change ledger could not look at the cluster: {looked}")

    def _forget(self, ledger: bool = False) -> None:
        """Stop what runs and delete the responder's memory; the ledger's baseline only if asked."""
        self._stop_all()
        for item in self._raw_items():
            if ledger or not item["pk"]["S"].startswith("LEDGER#"):
                self._dynamodb.delete_item(TableName=self._table, Key={key: item[key] for key in ("pk", "sk")})

    def _let_vendors_speak(self, drill: Drill) -> None:
        """Vendors that a drill kept from answering tell about its time afterwards, where that is wanted."""
        for number, event in enumerate(drill.events):
            if self._past.kept and event.kind == "telemetry":
                # One that did not come about, or is over, is not there.
                with contextlib.suppress(SandboxError):
                    Remote(self.sandbox.ports).heal(str(number))

    def _bring_about(self, events: Sequence[Scheduled], started: float, given_up: threading.Event,
                     troubles: list[str]) -> None:
        """Bring each event about at its time, and heal those that heal by themselves, until the drill is given up."""
        remote = Remote(self.sandbox.ports)
        due = sorted([(event.at, number, False) for number, event in enumerate(events)] + [
            (event.at + event.lasts, number, True) for number, event in enumerate(events) if event.lasts is not None])
        for at, number, heal in due:
            if given_up.wait(max(0.0, started + at - time.time())):
                return
            event = events[number]
            try:
                if heal:
                    remote.heal(str(number))
                else:
                    remote.begin(str(number), event.kind, event.fields.model_dump(mode="json", by_alias=True))
            except Exception as error:
                troubles.append(f"{event.kind} at {event.at:.0f} s: {error}")
                return

    def _settle(self) -> None:
        """Wait until the signals that came in the meantime are attached to their incident."""
        end, quiet = time.time() + 60, False
        while time.time() < end:
            running = list(self._executions("RUNNING"))
            # A closed incident may still have an execution, which looks after temporary remedies.
            open_ones = [item for item in self._items(light=True)
                         if item.get("status") != "closed" or item.get("cared_by")]
            if len(running) <= len(open_ones) and quiet:
                return
            quiet = len(running) <= len(open_ones)
            time.sleep(0.5)

    def _result(self, drill: Drill, moment: Moment) -> Result:
        items = list(self._items())
        incidents = sorted((item for item in items if item["sk"] == "INCIDENT"), key=lambda item: item["opened_at"])
        mine = sorted((item for item in items if incidents and str(item["pk"]).partition("#")[2] == incidents[0]["id"]),
                      key=lambda item: str(item["sk"]))
        history = self._history(incidents[0]["execution"]) if incidents else []
        first = min((at for at in moment.alarms.values() if at >= moment.started), default=None)
        found = {text: self._places(text, items) for text in drill.expect.stored_nowhere or []}
        value = result(drill, Observed(moment.started, first, mine, len(incidents), history, found,
                                       drill.world(self._world)))
        address = (incidents[0].get("report") or {}).get("gz", "") if incidents else ""
        self.record = _content(address) if address else b""
        self.truth = encode(Remote(self.sandbox.ports).truth())
        self.calls = log.encode(Engine(self.sandbox.ports.engine_admin).calls())
        self.messages = sequence(drill.name, drill.about, moment.started, Remote(self.sandbox.ports).received(),
                                 self._people.letters)
        self._stop_all()
        return value

    @property
    def _table(self) -> str:
        return self.sandbox.outputs["Timeline"]

    def _items(self, light: bool = False) -> Iterator[dict[str, Any]]:
        plain = TypeDeserializer()
        for item in self._raw_items(light):
            yield merged(json.loads(json.dumps({key: plain.deserialize(value) for key, value in item.items()},
                                               default=float)))

    def _raw_items(self, light: bool = False) -> Iterator[dict[str, Any]]:
        """All items; ``light``: without the evidence and the ledger, which are large."""
        only: dict[str, Any] = {"FilterExpression": "sk = :incident",
                                "ExpressionAttributeValues": {":incident": {"S": "INCIDENT"}}} if light else {}
        for page in self._dynamodb.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True, **only):
            yield from page["Items"]

    def _executions(self, status: str) -> Iterator[dict[str, Any]]:
        for page in self._functions.get_paginator("list_executions").paginate(
                stateMachineArn=self.sandbox.outputs["StateMachine"], statusFilter=status):
            yield from page["executions"]

    def _stop_all(self) -> None:
        for execution in self._executions("RUNNING"):
            self._functions.stop_execution(executionArn=execution["executionArn"], cause="the drill is over")

    def _history(self, execution: str) -> list[dict[str, Any]]:
        return [event for page in self._functions.get_paginator("get_execution_history").paginate(
            executionArn=execution) for event in page["events"]]

    def _subscribe(self) -> str:
        """Subscribe a queue to the incident topic, as a team's pager would be; returns its URL."""
        queue: str = self._sqs.create_queue(QueueName="team")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self._sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
                "Resource": arn}]})})
        # Everybody's mailbox: the incident topic, and the topic for approvals, where each person has a subscription.
        for topic in ("Topic", "ApprovalsTopic"):
            boto3.client("sns").subscribe(TopicArn=self.sandbox.outputs[topic], Protocol="sqs", Endpoint=arn)
        while self._sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages"):
            self._sqs.purge_queue(QueueUrl=queue)
        return queue

    def _places(self, text: str, items: Iterable[Mapping[str, Any]]) -> list[str]:
        """Where a text was stored: items, objects, logs, messages, execution histories."""
        found = {f"item {item['sk']}" for item in items if text in json.dumps(item, default=str)}
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.sandbox.outputs["Reports"]):
            for entry in page.get("Contents", []):
                if entry["LastModified"].timestamp() < self._begun:
                    continue
                body = self._s3.get_object(Bucket=self.sandbox.outputs["Reports"], Key=entry["Key"])["Body"].read()
                if text.encode() in (gzip.decompress(body) if entry["Key"].endswith(".gz") else body):
                    found.add(f"object {entry['Key']}")
        for group in self._logs.describe_log_groups()["logGroups"]:
            for page in self._logs.get_paginator("filter_log_events").paginate(
                    logGroupName=group["logGroupName"], startTime=int(self._begun * 1000)):
                if any(text in event["message"] for event in page["events"]):
                    found.add(f"log {group['logGroupName']}")
        if any(text in body for body in self._people.bodies):
            found.add("message")
        for vendor, said in Remote(self.sandbox.ports).told().items():
            if text in json.dumps(said):
                found.add(f"message at {vendor}")
        for status in ("RUNNING", "SUCCEEDED", "FAILED", "ABORTED"):
            for execution in self._executions(status):
                if execution["startDate"].timestamp() >= self._begun and text in json.dumps(
                        self._history(execution["executionArn"]), default=str):
                    found.add(f"execution {execution['name']}")
        return sorted(found)


def report_file(sandbox: Up, address: str, folder: Path) -> Path:
    """Fetch a report from S3 to disk, and return the file."""
    target = folder / address.removeprefix("s3://").partition("/")[2]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(_content(address))
    return target


def _content(address: str) -> bytes:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    body: bytes = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def keep_record(runner: Runner, name: str, folder: Path, world: Mapping[str, str]) -> None:
    """Keep the record of the last drill, where there is one, what really happened, and what was asked of AWS.

    What was recorded in another world than the default one, or seen by other eyes, has a folder of its own:
    ``worlds/KEY=VALUE,…``, ``eyes/NAME``.
    """
    if eyes := eyes_of_run():
        folder = folder / EYES_FOLDER / eyes
    if label := worlds.label(world):
        folder = folder / worlds.FOLDER / label
    # Truths and calls have folders of their own, so that no reader of records meets one.
    for place, content in ((FOLDER, runner.truth), (log.FOLDER, runner.calls), ("", runner.record)):
        if content or place:
            (folder / place).mkdir(parents=True, exist_ok=True)
            (folder / place / f"{name}.json.gz").write_bytes(content)


def run_all(drills: Sequence[Drill], json_folder: Path | None, keep: bool,
            record_folder: Path | None = None, messages_folder: Path | None = None,
            world: Mapping[str, str] | None = None, keeps_past: bool = False) -> bool:
    """Run drills one after the other on one sandbox, print how they go, and return whether all were met.

    ``world`` holds for all of them; a drill that is not meant for it is not run. Each result goes to ``json_folder`` at
    once, each incident's record to ``record_folder``, all that people were told to ``messages_folder``.
    """
    from rich.console import Console

    console = Console()
    was_up = Up.load() is not None
    results = []
    elsewhere = [drill.name for drill in drills if not drill.runs_in(drill.world(world or {}))]
    drills = [drill for drill in drills if drill.name not in elsewhere]
    for name in elsewhere:
        console.print(f"-     {name}: not run in this world", highlight=False, soft_wrap=True)
    if not drills:
        return True
    try:
        runner = Runner(sandbox_run.up(overrides=drills[0].overrides()), world=world, keeps_past=keeps_past)
        for drill in drills:
            began = time.monotonic()
            value = runner.run(drill)
            results.append(value)
            word = "met" if value.met else "UNMET"
            console.print(f"{word:5} {drill.name}: {value.outcome}, {value.cause.id}, "
                          f"{time.monotonic() - began:.0f} s"
                          + "".join(f"\n      {problem}" for problem in value.unmet),
                          highlight=False, soft_wrap=True)
            if json_folder:
                json_folder.mkdir(parents=True, exist_ok=True)
                (json_folder / f"{drill.name}.json").write_text(json.dumps(value.to_json(), indent=1) + "\n")
            if record_folder:
                keep_record(runner, drill.name, record_folder, drill.world(world or {}))
            if messages_folder:
                messages_folder.mkdir(parents=True, exist_ok=True)
                (messages_folder / f"{drill.name}.md").write_text(runner.messages, encoding="utf-8")
    finally:
        if not keep and not was_up:
            sandbox_run.down()
    shown(results, console)
    met = sum(value.met for value in results)
    console.print(f"{met} of {len(results)} drills were met" + (
        f", {len(elsewhere)} were not run" if elsewhere else ""))
    return met == len(results)
