"""One incident: the account, the vendors, the functions and the state machine that runs them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from bench.bed.outage import functions
from bench.bed.outage.clock import BEGAN, Clock, OutOfTime
from bench.bed.outage.cloud import Cloud
from bench.bed.outage.cluster import Cluster
from bench.bed.outage.faults import Died
from bench.bed.outage.traffic import Traffic
from bench.bed.outage.wires import Wires, payload
from bench.bed.outage.world import ALARM, ROOT, Vendor, configured, settings_text
from bench.bed.outage.world import service as _service
from responder.clients import raw
from responder.handlers import ledger
from responder.model import masking
from responder.model.moment import iso
from responder.model.redact import redacted_json
from responder.model.service import Service
from responder.plan.promise import APPROVAL_MARGIN_SECONDS
from responder.records.table import Records
from tests.machine import Machine, StatesError

ALARM_SECONDS = 45
_ASYNC_TRIES = 3
"""Lambda: "Asynchronous invocation", an event is tried twice more."""
_STATES = 400
EXECUTIONS = "arn:aws:states:us-east-1:000000000000:execution:incident-response"


@dataclass
class Stage:
    """Everything that an incident takes place in."""

    story: Story
    service: Service
    clock: Clock
    cluster: Cluster
    traffic: Traffic
    cloud: Cloud
    vendor: Vendor
    wires: Wires
    changes: list[tuple[float, str, int]] = field(default_factory=list)
    """Each change of the cluster that was asked for: when, the object's path, the status of the answer."""
    lost: list[str] = field(default_factory=list)
    """Steps that nobody waits for, and that failed each time."""
    first: dict[str, Any] = field(default_factory=dict)
    """The alarm's first event."""
    others: list[Execution] = field(default_factory=list)
    """Executions of further events that did more than to attach a signal."""
    running: int = 0
    """How many functions run: one, and those that it called and waits for."""
    entering: Callable[[str, str], str] = lambda state, function: ""
    """Told each task that is entered; its answer says how the task is delivered: "", ``twice`` or an error."""

    def run(self, function: str, event: Any) -> Any:
        """Run a function as Lambda does; raises StatesError with the error's name."""
        wires, made = self.wires, functions.named(function)
        before = wires.function, wires.dead
        wires.function, wires.dead = function, False
        # Who waits for another function still knows what it knew.
        if not self.running:
            functions.cold()
        self.running += 1
        try:
            with functions.surroundings(made), self.clock.limited(made.seconds), contextlib.redirect_stdout(
                    io.StringIO()):
                return payload(made.handler(payload(event), None))
        except Died:
            raise StatesError("Lambda.Unknown") from None
        except OutOfTime:
            raise StatesError("Sandbox.Timedout") from None
        except Exception as error:
            raise StatesError(type(error).__name__, str(error)[:300]) from error
        finally:
            self.running -= 1
            wires.function, wires.dead = before

    def alarm(self) -> dict[str, Any]:
        """Return EventBridge's event of the alarm."""
        at = iso(self.clock.now)
        found = {"version": "0", "id": "e", "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch",
                "account": "000000000000", "time": at, "region": "us-east-1", "resources": [], "detail": {
                    "alarmName": ALARM, "state": {"value": "ALARM", "timestamp": at, "reason": "Threshold Crossed"}}}
        self.first = self.first or found
        return found

    def answer(self, decision: str) -> None:
        """Let a person answer the open questions about the rollback by IAM."""
        self.clock.sleep(_ANSWER_SECONDS)
        for pk, items in list(self.cloud.table.items.items()):
            for sk in list(items):
                found = _QUESTION.fullmatch(f"{pk} {sk}")
                if not found or not self.story.asks or self.story.silent:
                    continue
                body = json.dumps({"incident": found[1], "task": found[2], "decision": decision})
                # A person whose answer is not taken tries it again.
                for _ in range(3):
                    try:
                        if self.run("answers", _request(body))["statusCode"] == 200:
                            break
                    except StatesError:
                        pass
                    self.clock.sleep(2)

    def records(self) -> Records:
        """Return the table, as the bed itself reads it."""
        return Records(functions.TABLE)


_QUESTION = re.compile(r"TASK#(\S+) (\d+)")


def _request(body: str) -> dict[str, Any]:
    return {"version": "2.0", "rawPath": "/", "rawQueryString": "", "headers": {"content-type": "application/json"},
            "body": body, "isBase64Encoded": False, "requestContext": {
                "accountId": "000000000000", "http": {"method": "POST", "path": "/"}, "authorizer": {"iam": {
                    "userArn": "arn:aws:sts::000000000000:assumed-role/Sre/ada", "accountId": "000000000000",
                    "userId": "AROA:ada", "callerId": "AROA:ada", "accessKey": "ASIA"}}}}


class Execution(Machine):
    """An execution of the plan's state machine, by the stage's clock."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.name = stage, name
        super().__init__(definition(stage.service.approval.wait_seconds), self._never, stage.clock.now, _STATES)
        stage.cloud.running.add(name)
        self.execution = {"Id": name, "Name": name.rpartition(":")[2], "StartTime": iso(stage.clock.now)}
        self.error = ""
        self.done: list[str] = []
        """The states whose work ended well, in order."""

    @property
    def now(self) -> float:
        """The stage's time."""
        return self.stage.clock.now

    @now.setter
    def now(self, value: float) -> None:
        self.stage.clock.now = max(self.stage.clock.now, value)

    def handle(self, given: Mapping[str, Any]) -> str:
        """Run to the end; returns the last state, or what the execution failed by."""
        try:
            return self.run(dict(given))
        except StatesError as error:
            self.error = str(error)
            return f"failed: {error}"
        finally:
            self.stage.cloud.running.discard(self.name)

    def _never(self, state: str, function: str, given: dict[str, Any]) -> Any:
        """What the machine would call for a task; here ``_result`` runs the tasks itself."""
        raise NotImplementedError(f"{state} was invoked past the bed")

    def _result(self, name: str, state: Mapping[str, Any], value: Any, variables: dict[str, Any],
                evaluate: Callable[[Any], Any]) -> Any:
        if state["Type"] == "Map":
            items = evaluate(state["Items"])
            results, began, ends = [], self.now, [self.now]
            for item in items if isinstance(items, list) else [items]:
                if state.get("MaxConcurrency") != 1:
                    self.stage.clock.now = began
                results.append(self._machine(state["ItemProcessor"], item, dict(variables))[1])
                ends.append(self.now)
            self.stage.clock.now = max(ends)
            return results
        tried: dict[int, int] = {}
        while True:
            try:
                found = self._task(name, state, evaluate(state["Arguments"]))
                self.done.append(name)
                return found
            except StatesError as error:
                place = _retry(state, str(error))
                retry = state["Retry"][place] if place is not None else {}
                if place is None or tried.get(place, 0) >= retry.get("MaxAttempts", 3):
                    raise
                pause = retry.get("IntervalSeconds", 1) * retry.get("BackoffRate", 2) ** tried.get(place, 0)
                tried[place] = tried.get(place, 0) + 1
                self.stage.clock.sleep(min(pause, retry.get("MaxDelaySeconds", pause)))

    def _task(self, name: str, state: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
        stage, wires = self.stage, self.stage.wires
        function = arguments.get("FunctionName", "")
        wires.state, wires.function = name, function or "state machine"
        if not function:
            stage.cloud.publish(arguments["Subject"])
            return {}
        how = stage.entering(name, function)
        if how not in ("", "twice"):
            raise StatesError(how)
        if arguments.get("InvocationType") == "Event":
            if not arguments["Payload"].get("warm") or functions.asked_ahead(function):
                self._beside(function, arguments["Payload"], how == "twice")
            return {"Payload": {}}
        with stage.clock.limited(state.get("TimeoutSeconds", 900)):
            if "waitForTaskToken" not in state["Resource"]:
                found = stage.run(function, arguments["Payload"])
                if how == "twice":
                    wires.state = name
                    found = stage.run(function, arguments["Payload"])
                return {"Payload": found}
            stage.run(function, arguments["Payload"])
        token, until = arguments["Payload"]["token"], stage.clock.now + state["TimeoutSeconds"]
        stage.answer("approve")
        if token in stage.cloud.resumed:
            return {}
        stage.clock.now = until
        raise StatesError("States.Timeout")

    def _beside(self, function: str, event: Any, twice: bool) -> None:
        """Run a function that nobody waits for."""
        with self.stage.clock.beside():
            for number in range(_ASYNC_TRIES):
                try:
                    self.stage.run(function, event)
                except StatesError:
                    self.stage.clock.sleep(60 * (number + 1))
                    continue
                if not twice:
                    return
                twice = False
            self.stage.lost.append(self.stage.wires.state)


def _retry(state: Mapping[str, Any], error: str) -> int | None:
    kinds = {error, "States.ALL"} | ({"States.TaskFailed"} if error != "States.Timeout" else set())
    return next((number for number, retry in enumerate(state.get("Retry", []))
                 if kinds & set(retry["ErrorEquals"])), None)


@cache
def definition(wait_seconds: int) -> dict[str, Any]:
    """Return the plan's state machine as it is deployed, but that functions are called by their names.

    ``wait_seconds``: how long people may take to approve.
    """
    text = (ROOT / "statemachines" / "incident_response.asl.json").read_text("utf-8")
    for name in ("Decide", "Tell", "Report"):
        text = text.replace(f"${{{name}Function}}", name.lower())
    found: dict[str, Any] = json.loads(text)
    found["States"]["Ask for approval"]["TimeoutSeconds"] = wait_seconds + APPROVAL_MARGIN_SECONDS
    return found


@dataclass(frozen=True)
class Story:
    """What happens besides the release."""

    name: str
    asks: bool = False
    """Whether the rollback needs a person's yes; it comes after twenty seconds."""
    silent: bool = False
    """Whether nobody answers what is asked."""
    hopeless: bool = False
    """Whether the rollback does not help."""


MENDED, ASKED, IN_VAIN = Story("mended"), Story("asked", asks=True), Story("in vain", hopeless=True)
UNANSWERED = Story("unanswered", asks=True, silent=True)
STORIES = (MENDED, ASKED, UNANSWERED, IN_VAIN)
_ANSWER_SECONDS = 20.0


@contextmanager
def staged(story: Story) -> Iterator[Stage]:
    """Yield the world, a few healthy minutes before the release; the process lives in it meanwhile."""
    service = _service(story.asks)
    clock = Clock()
    changes: list[tuple[float, str, int]] = []
    cluster = Cluster(clock.time, lambda method, path, status: changes.append((clock.now, path, status)))
    with ExitStack() as stack:
        stack.enter_context(clock.kept())
        stack.enter_context(_environment(service))
        cluster.hopeless = story.hopeless
        clock.now = BEGAN - 299
        traffic = Traffic(clock.time, cluster.version)
        cloud = Cloud(cluster, traffic, settings_text(service), lambda name, event: stage.run(name, event))
        vendor = Vendor(traffic)
        wires = Wires(clock, cloud, vendor.answer)
        stage = Stage(story, service, clock, cluster, traffic, cloud, vendor, wires, changes)
        stack.enter_context(wires.joined())
        # The same texts are masked and redacted in each run.
        stack.enter_context(mock.patch.object(masking, "_found", _found))
        stack.enter_context(mock.patch.object(raw, "redacted_json", _redacted))
        random.seed("outage")
        yield stage


# What is replaced for the runs, and called by what replaces it: the slow part of masking alone.
_read = masking._found  # noqa: SLF001


@cache
def _found(text: str) -> tuple[Any, ...]:
    return tuple(_read(text))


_redacted = cache(redacted_json)


def begun(stage: Stage) -> Execution:
    """Let the release go out and the alarm go on; returns the execution that it starts."""
    os.environ["TIMELINE"] = "timeline"
    for at in (BEGAN - 120, BEGAN - 60):
        stage.clock.now = at
        stage.wires.state = stage.wires.function = "ledger"
        with contextlib.redirect_stdout(io.StringIO()):
            ledger.handler({}, None)
    stage.clock.now = BEGAN
    stage.cluster.release()
    stage.vendor.newrelic.mark("payment-gateway", "1.1.0")
    stage.clock.now = BEGAN + ALARM_SECONDS
    return Execution(stage, f"{EXECUTIONS}:first")


@contextmanager
def _environment(service: Service) -> Iterator[None]:
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        configured(service, Path(folder))
        os.environ.update(functions.ALL | {"RESPONDER_CONFIG": folder})
        _forget()
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            _forget()


def _forget() -> None:
    from responder.model.service import deployed, load

    load.cache_clear()
    deployed.cache_clear()

