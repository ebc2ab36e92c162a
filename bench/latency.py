"""From the alarm to the first remedy applied: what the responder adds to its slowest sources, and beside one process.

A release that fails is brought about on the sandbox, and the alarm's event starts the deployed state machine; what took
how long stands in the execution's history. Of each phase the slowest source is what nobody could be faster than (its
own duration, as it takes when warm); everything else is overhead. The same incident is then handled by one process
that does all of it in sequence, with the typed Kubernetes client (``bench/bed/in_sequence.py``).

Cold: no function has a process, as after a deployment or a quiet night; the one process begins with Python's start.
Two cores start all functions of an incident; in AWS each has a machine of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.bed.fresh import ROOT

_APPLY = "Apply the remedy"
_PHASES = {"Verify the symptoms": "confirm", "Identify failing pods": "isolate",
           "Gather additional information": "diagnose"}
_SYMPTOM_SECONDS = 30
_LONGEST_SECONDS = 240
_NEWEST = 40
"""Events: after the remedy is applied some twenty follow, and then a wait."""
_COLD_GOAL_SECONDS, _WARM_GOAL_SECONDS, _RATIO_GOAL = 3.0, 1.0, 1 / 3
"""The goals of overhead on two cores, and of all of it beside one process."""
_CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Reaction:
    """One incident, from its alarm to its first remedy applied."""

    seconds: float
    slowest: dict[str, float]
    """Phase to the seconds that its slowest source took within its function."""
    states: dict[str, float]
    """State to its seconds, in their order; the first is the way from the alarm to the execution."""
    cpu_seconds: float
    """Of the engine and the functions."""
    all_cpu_seconds: float
    """Of all that runs here, the world and the control plane included."""


class Bed:
    """A sandbox that is up, on which the same release fails again and again."""

    def __init__(self, sandbox: Any) -> None:
        import boto3

        from sandbox.admin import Engine
        from sandbox.events.kill_switch import RELEASED
        from sandbox.places import SERVICE, STATE
        from sandbox.remote import Remote

        self._sandbox, self._remote = sandbox, Remote(sandbox.ports)
        self._engine, self._state = Engine(sandbox.ports.engine_admin), STATE
        self._machines, self._table, self._events = (
            boto3.client("stepfunctions"), boto3.client("dynamodb"), boto3.client("events"))
        self._lambda = boto3.client("lambda")
        # As whoever lets it act sets it; a drill does so at its beginning.
        boto3.client("ssm").put_parameter(Name=f"/incident-response/{SERVICE}/kill-switch", Value=RELEASED,
                                          Type="String", Overwrite=True)
        self._rules = [rule["Name"] for rule in self._events.list_rules()["Rules"]]

    def break_it(self) -> dict[str, Any]:
        """Begin anew, let the release fail until an alarm has gone off unheard; return EventBridge's event of it."""
        self._listen(False)
        self._forget()
        self._remote.reset()
        # The ledger's baseline is the healthy state.
        self._lambda.invoke(FunctionName="incident-response-ledger:live")["Payload"].read()
        self._forget(baseline=False)
        began = time.time()
        self._remote.begin("release", "release", {
            "component": "payment-gateway", "version": "1.1.0", "error_rate": 0.45,
            "log": "ERROR CardAuthorizer NullPointerException: merchantId"})
        while True:
            time.sleep(1)
            alarms = {name: at for name, at in self._remote.status().went_off.items() if at > began}
            if alarms and time.time() - began > _SYMPTOM_SECONDS:
                break
            if time.time() - began > _LONGEST_SECONDS:
                raise RuntimeError("no alarm went off")
        return {"detail-type": "CloudWatch Alarm State Change", "time": _now(), "detail": {
            "alarmName": min(alarms), "state": {"value": "ALARM", "reason": "bench", "timestamp": _now()}}}

    def react(self, *, cold: bool) -> Reaction:
        """Let the responder handle it; raises RuntimeError where no remedy is applied.

        What is not ``cold`` is warm by the reaction before.
        """
        event = self.break_it()
        self._listen(True)
        if cold:
            self._engine.cool()
        before, began = self._cpu(), time.time()
        self._engine.alarm_events(event["detail"]["alarmName"], 1, "bench")
        end = began + _LONGEST_SECONDS
        while time.time() < end:
            time.sleep(0.4)
            for execution, started in self._executions():
                if any(_left(item) == _APPLY for item in self._newest(execution)):
                    history = self._history(execution)
                    used = {part: seconds - before[part] for part, seconds in self._cpu().items()}
                    self._machines.stop_execution(executionArn=execution)
                    # Another alarm may have gone off just before, and opened the incident.
                    return _reaction(history, min(began, started), used)
        said = [(item["step"]["S"], item["what"]["S"], item["why"]["S"]) for item in self._items()
                if item["pk"]["S"].startswith("TIMELINE#")]
        raise RuntimeError(f"no remedy was applied; its timeline: {said}")

    @contextmanager
    def process(self) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
        """Start the one process; what is yielded lets it handle an event, and returns what it says of it."""
        outputs, folder = self._sandbox.outputs, self._state / "control-plane"
        from sandbox.control_plane.run import ADMIN_TOKEN
        from sandbox.places import aws_environment

        world = f"http://127.0.0.1:{self._sandbox.ports.world}/aws"
        child = subprocess.Popen(
            [sys.executable, "-m", "bench.bed.in_sequence"], cwd=ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=(self._state / "logs" / "in-sequence.log").open("w"), env={
                **os.environ, **aws_environment(self._sandbox.ports),
                "AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{self._sandbox.ports.cloudwatch}",
                **{f"AWS_ENDPOINT_URL_{name.upper()}": f"{world}/{name}"
                   for name in ("rds", "pi", "health", "cloudtrail", "eks", "ec2")},
                "RESPONDER_CONFIG": str(next((self._state / "cdk.out" / self._sandbox.in_force).glob(
                    "asset.*/services"))), "TABLE": outputs["Timeline"],
                "BUCKET": outputs["Reports"], "TOPIC": outputs["Topic"], "ANSWER_URL": outputs["AnswerUrl"],
                "KUBERNETES_SERVER": f"https://127.0.0.1:{self._sandbox.ports.apiserver}",
                "KUBERNETES_AUTHORITY": str(folder / "ca.crt"), "KUBERNETES_TOKEN": ADMIN_TOKEN})
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("the process has no pipes")
        given, taken = child.stdin, child.stdout

        def handle(event: dict[str, Any]) -> dict[str, Any]:
            given.write(json.dumps(event) + "\n")
            given.flush()
            line = taken.readline()
            if not line:
                raise RuntimeError("the one process failed: " + (
                    self._state / "logs" / "in-sequence.log").read_text()[-2000:])
            found: dict[str, Any] = json.loads(line)
            return found

        try:
            yield handle
        finally:
            child.kill()
            child.wait()

    def _listen(self, on: bool) -> None:
        """Let EventBridge's rules start the responder, or not."""
        for name in self._rules:
            (self._events.enable_rule if on else self._events.disable_rule)(Name=name)

    def _executions(self) -> list[tuple[str, float]]:
        """Return the executions that run, each with when it began (seconds since 1970, UTC)."""
        found = self._machines.list_executions(stateMachineArn=self._sandbox.outputs["StateMachine"],
                                               statusFilter="RUNNING")["executions"]
        return [(str(item["executionArn"]), item["startDate"].timestamp()) for item in found]

    def _newest(self, execution: str) -> list[dict[str, Any]]:
        """Return the newest events: what asks for all of them again and again takes a tenth of what is measured."""
        found: list[dict[str, Any]] = self._machines.get_execution_history(
            executionArn=execution, reverseOrder=True, maxResults=_NEWEST)["events"]
        return found

    def _history(self, execution: str) -> list[dict[str, Any]]:
        return [event for page in self._machines.get_paginator("get_execution_history").paginate(
            executionArn=execution) for event in page["events"]]

    def _forget(self, *, baseline: bool = True) -> None:
        """Stop what runs and delete the responder's memory, the ledger's ``baseline`` included or not."""
        for item in self._machines.list_executions(stateMachineArn=self._sandbox.outputs["StateMachine"],
                                                   statusFilter="RUNNING")["executions"]:
            self._machines.stop_execution(executionArn=item["executionArn"])
        for item in self._items():
            if baseline or not item["pk"]["S"].startswith("LEDGER#"):
                self._table.delete_item(TableName=self._sandbox.outputs["Timeline"],
                                        Key={key: item[key] for key in ("pk", "sk")})

    def _items(self) -> list[dict[str, Any]]:
        return [item for page in self._table.get_paginator("scan").paginate(
            TableName=self._sandbox.outputs["Timeline"]) for item in page["Items"]]

    def _cpu(self) -> dict[str, float]:
        """Seconds of processor time so far of each part of the sandbox and all that it started, ended ones included."""
        parts = {leader: part for part, leader in self._sandbox.processes.items()}
        ticks = dict.fromkeys(parts.values(), 0)
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            leader = int(fields[3])  # of the session, which the part leads
            if leader in parts:
                ticks[parts[leader]] += sum(int(field) for field in fields[11:15 if int(folder.name) == leader else 13])
        return {part: count / os.sysconf("SC_CLK_TCK") for part, count in ticks.items()}


def _left(event: dict[str, Any]) -> str:
    return str(event.get("stateExitedEventDetails", {}).get("name", ""))


def _reaction(history: list[dict[str, Any]], began: float, cpu_seconds: Mapping[str, float]) -> Reaction:
    """Read a reaction from an execution's history; ``began`` is the alarm's moment, and each part took its seconds."""
    states: dict[str, float] = {"alarm to start": history[0]["timestamp"].timestamp() - began}
    slowest: dict[str, float] = {}
    entered, ended = 0.0, began
    for event in history:
        at = event["timestamp"].timestamp()
        if "stateEnteredEventDetails" in event:
            entered = at
        name = _left(event)
        if name:
            states[name] = states.get(name, 0.0) + at - entered
            ended = at
        if name in _PHASES:
            answers = json.loads(event["stateExitedEventDetails"]["output"])
            # A function that failed says nothing of how long its source took.
            slowest[_PHASES[name]] = max(answer.get("milliseconds", 0) for answer in answers) / 1000
        if name == _APPLY:
            break
    waited = sum(seconds for name, seconds in states.items() if name.startswith("Wait"))
    return Reaction(ended - began - waited, slowest, states, cpu_seconds["engine"], sum(cpu_seconds.values()))


def run(repeats: int) -> Outcome:
    """Return the reactions, cold and warm, each beside the slowest sources and beside the one process."""
    from sandbox import run as sandbox_run

    # The shipped policy, by which the rollback is applied: a drill's lets everything run, and starts its functions too.
    sandbox = sandbox_run.up(lambda what, seconds: None, {"mode": "auto"})
    try:
        return _measured(Bed(sandbox), repeats)
    finally:
        sandbox_run.down()


def _measured(bed: Bed, repeats: int) -> Outcome:
    cold, warm, one_cold, one_warm = [], [], [], []
    bed.react(cold=False)  # the platform's own first time
    for _ in range(repeats):
        cold.append(bed.react(cold=True))
        warm.append(bed.react(cold=False))
        event, began = bed.break_it(), time.perf_counter()
        with bed.process() as handle:
            one_cold.append(handle(event) | {"from_start": time.perf_counter() - began})
            one_warm.append(handle(bed.break_it()))
    floor = sum(statistics.median(reaction.slowest[phase] for reaction in warm) for phase in warm[0].slowest)
    rows, lines = [], []
    for what, found, process, key, goal in (
            ("cold", cold, one_cold, "from_start", _COLD_GOAL_SECONDS),
            ("warm", warm, one_warm, "seconds", _WARM_GOAL_SECONDS)):
        took = statistics.median(reaction.seconds for reaction in found)
        alone = statistics.median(report[key] for report in process)
        rows += [
            Row(f"alarm to first remedy, {what}", took, "s", "one process in sequence, typed client", alone,
                highest_ratio=_RATIO_GOAL),
            Row(f"overhead over the slowest sources, {what}", took - floor, "s", "the slowest source of each phase",
                floor, highest=goal),
            Row(f"processor time until the first remedy, {what}", statistics.median(
                reaction.cpu_seconds for reaction in found), "s", "one process", statistics.median(
                report["cpu_seconds_in_all" if what == "cold" else "cpu_seconds"] for report in process),
                note="of engine and functions"),
            Row(f"the least that these processors need for it, {what}", statistics.median(
                reaction.all_cpu_seconds for reaction in found) / _CORES, "s", "alarm to first remedy", took,
                note=f"all processor time of the sandbox by {_CORES} cores; in AWS each function has its own")]
        lines += [f"{what}: " + ", ".join(
            f"{name} {statistics.median(reaction.states.get(name, 0.0) for reaction in found):.2f}"
            for name in found[-1].states), f"{what}, one process: " + ", ".join(
                f"{part} {statistics.median(report['parts'][part] for report in process):.2f}"
                for part in process[-1]["parts"])]
    return Outcome(rows, "seconds of each state and part\n" + "\n".join(lines), {
        "cold": [vars(reaction) for reaction in cold], "warm": [vars(reaction) for reaction in warm],
        "one_process_cold": one_cold, "one_process_warm": one_warm})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


BENCHMARK = Benchmark("alarm to first remedy, cold and warm: overhead over the slowest sources, and beside one process "
                      "in sequence", run, repeats=3)
