"""A phase of gathering evidence with one source slowed to 3 s, against that source alone: at most 1.3 times as long.

The plan's own Map state, taken out of its definition into a state machine that has nothing else, runs on the embedded
engine over the deployed functions: once with all sources of the phase, once with the slowed one alone. Both are warm;
the cold figure starts every function's process anew. On two cores a dozen cold starts take turns; in AWS each
function has a machine of its own. So the cold start of each function by itself is shown beside it.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.bed.fresh import ROOT, service

_SLOWED, _SLOW_SECONDS, _HIGHEST_RATIO = "newrelic", 3.0, 1.3
"""New Relic is asked in both phases, by one request."""
_PHASES = ("confirm", "diagnose")
_PREFIX = "incident-response"


@dataclass(frozen=True)
class Look:
    """One run of a phase."""

    seconds: float
    """From the start of the Map to its end."""
    each: dict[str, float]
    """Source to the seconds that its function took."""


class Bed:
    """A sandbox that is up, and a state machine of each phase alone."""

    def __init__(self, sandbox: Any) -> None:
        import boto3

        from responder import sources

        self._sandbox, self._slowed = sandbox, False
        self._machines, self._functions = boto3.client("stepfunctions"), boto3.client("lambda")
        self.functions: dict[str, str] = {}
        for page in self._functions.get_paginator("list_functions").paginate():
            for item in page["Functions"]:
                name = ((item.get("Environment") or {}).get("Variables") or {}).get("SOURCE")
                if name and item["FunctionName"].startswith(f"{_PREFIX}-source-"):
                    self.functions[name] = item["FunctionName"]
        self.asked = {phase: [name for name in sorted(self.functions) if phase in sources.load(name).phases]
                      for phase in _PHASES}
        plan = self._machines.describe_state_machine(stateMachineArn=sandbox.outputs["StateMachine"])
        self._arns = {phase: self._machines.create_state_machine(
            name=f"bench-{phase}", roleArn=plan["roleArn"], definition=json.dumps(_alone(phase)))["stateMachineArn"]
            for phase in _PHASES}

    def slow(self, on: bool) -> None:
        """Make the slowed source slow, or well again."""
        from sandbox.remote import Remote

        remote = Remote(self._sandbox.ports)
        if on:
            remote.begin("slow", "telemetry", {"source": _SLOWED, "fault": "slow", "slow_seconds": _SLOW_SECONDS})
        elif self._slowed:
            remote.heal("slow")
        self._slowed = on

    def cool(self) -> None:
        """Stop every source's process, so that the next invocation is a cold start."""
        for number, function in enumerate(self.functions.values()):
            # Any change of its settings makes a function begin anew, as it does in AWS.
            self._functions.update_function_configuration(FunctionName=function,
                                                          Timeout=40 + (int(time.time()) + number) % 20)

    def look(self, phase: str, names: list[str]) -> Look:
        """Ask some sources of a phase side by side; raises RuntimeError where one has no usable answer."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        execution = self._machines.start_execution(stateMachineArn=self._arns[phase], input=json.dumps({
            "incident": {"id": "bench", "service": service().service, "opened_at": now},
            "sources": {phase: [{"source": name, "function": self.functions[name]} for name in names]},
            "functions": {function: function for function in self.functions.values()}}))
        while True:
            time.sleep(0.2)
            found = self._machines.describe_execution(executionArn=execution["executionArn"])
            if found["status"] != "RUNNING":
                break
        if found["status"] != "SUCCEEDED":
            raise RuntimeError(f"the {phase} phase {found['status']}: {found.get('cause')}")
        answers = json.loads(found["output"])
        for answer in answers:
            broken = [finding for finding in answer["findings"] if finding["name"] == "answer"]
            if broken:
                raise RuntimeError(f"{answer['source']} did not answer: {broken}")
        return Look((found["stopDate"] - found["startDate"]).total_seconds(),
                    {answer["source"]: answer["milliseconds"] / 1000 for answer in answers})


def _alone(phase: str) -> dict[str, Any]:
    """The plan's Map of a phase as a state machine."""
    plan = json.loads((ROOT / "statemachines" / "incident_response.asl.json").read_text(encoding="utf-8"))
    state = next(state for state in plan["States"].values()
                 if state["Type"] == "Map" and f"'{phase}'" in str(state["Items"]))
    state = {key: value for key, value in state.items() if key not in ("Next", "Catch", "Assign")} | {"End": True}
    return {"QueryLanguage": "JSONata", "StartAt": "Given", "States": {
        "Given": {"Type": "Pass", "Next": "Ask", "Assign": {
            "incident": "{% $states.input.incident %}", "sources": "{% $states.input.sources %}",
            # What is started beside the questions is not measured here.
            "warm": {}, "functions": "{% $states.input.functions %}", "course": {"round": 2, "attempt": 2}}},
        "Ask": state}}


def run(repeats: int) -> Outcome:
    """Return per phase the warm and the cold figure, each beside the slowed source alone."""
    from sandbox import run as sandbox_run
    from sandbox.remote import Remote

    sandbox = sandbox_run.up(lambda what, seconds: None)
    try:
        Remote(sandbox.ports).reset()
        bed = Bed(sandbox)
        return Outcome([row for phase in _PHASES for row in _rows(bed, phase, repeats)])
    finally:
        sandbox_run.down()


def _rows(bed: Bed, phase: str, repeats: int) -> list[Row]:
    names = bed.asked[phase]
    bed.look(phase, names)  # warms them
    bed.slow(False)
    well = [bed.look(phase, names) for _ in range(repeats)]
    bed.slow(True)
    together, alone, cold, cold_alone = [], [], [], []
    for _ in range(repeats):
        together.append(bed.look(phase, names))
        alone.append(bed.look(phase, [_SLOWED]))
    for _ in range(max(1, repeats // 2)):
        bed.cool()
        cold.append(bed.look(phase, names))
        bed.cool()
        cold_alone.append(bed.look(phase, [_SLOWED]))
    by_itself: dict[str, float] = {}
    for name in names:
        bed.cool()
        by_itself[name] = bed.look(phase, [name]).seconds
    bed.slow(False)
    slowest = statistics.median(max(look.each.values()) for look in well)
    latest = max(by_itself, key=lambda name: by_itself[name])
    one_by_one = statistics.median(sum(look.each.values()) for look in together)
    what = f"{phase}, {len(names)} sources"
    return [
        Row(f"{what}, {_SLOWED} at {_SLOW_SECONDS:.0f} s, warm", _median(together), "s", f"{_SLOWED} alone, warm",
            _median(alone), highest_ratio=_HIGHEST_RATIO, note=f"one after the other: {one_by_one:.2f} s"),
        Row(f"{what}, {_SLOWED} at {_SLOW_SECONDS:.0f} s, cold", _median(cold), "s", f"{_SLOWED} alone, cold",
            _median(cold_alone)),
        Row(f"{phase}, the slowest of {len(names)} cold functions, each by itself", by_itself[latest], "s",
            f"{_SLOWED} alone, cold", _median(cold_alone), note=f"{latest}; in AWS they share no processor"),
        Row(f"{what}, none slowed, warm", _median(well), "s", "its slowest source's function", slowest),
    ]


def _median(looks: list[Look]) -> float:
    return statistics.median(look.seconds for look in looks)


BENCHMARK = Benchmark(f"the evidence phase, one source slowed to {_SLOW_SECONDS:.0f} s, goal: at most "
                      f"{_HIGHEST_RATIO:g} times that source alone", run)
