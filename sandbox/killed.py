"""``python -m sandbox.killed [--state NAME…] [--drill FILE] [--json OUT]``: an incident while AWS's engine is killed.

As soon as the execution has entered a state, the engine is killed with all functions, and started again with what AWS
would have kept (``sandbox/durable.py``). The execution is gone. The incident's lease would end after minutes
(``docs/running.md``); here it is ended at once, and the alarm's event comes again, as the sweep sends it. The incident
must be taken up where it was: the drill's expectations hold, as for any other drill, and no remedy was carried out
twice.

Exit codes: 0 all held; 1 something did not; 2 bad input.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3

from sandbox import run as sandbox_run
from sandbox.admin import Engine
from sandbox.drill.contract import ContractError, read
from sandbox.drill.run import Moment, Runner
from sandbox.places import ENGINE_STATE_WHOLE, ROOT, SERVICE, SandboxError, Up, alive

STATES = ("Verify the symptoms", "Diagnose the root cause", "Apply the remedy", "Wait for the recovery")
_LOOK_SECONDS, _DEAD_SECONDS = 0.1, 60.0


@dataclass(frozen=True)
class Tried:
    """What came of one drill in which the engine was killed."""

    state: str
    seconds: float
    outcome: str | None
    unmet: list[str]
    """The drill's own expectations, and those of the kill."""
    incidents: int
    actions: list[str]
    """Each with its status."""
    notified: list[str]


class Killer:
    """Kills the engine once, when an execution has entered a state."""

    def __init__(self, runner: Runner, state: str) -> None:
        self._runner, self._state = runner, state
        self._machines = boto3.client("stepfunctions")
        self._away, self._ended = threading.Lock(), threading.Event()
        self._began = float("inf")
        self.gone = ""
        """The execution that was killed."""

    def watch(self, moment: Moment) -> None:
        """Let the drill look on, unless the engine is away."""
        with self._away:
            self._began = moment.started

    def work(self) -> None:
        """Wait for the state, kill, and bring the next execution about; ends with ``end``."""
        while not self._ended.wait(_LOOK_SECONDS):
            come = next(filter(self._has_come, self._running()), "")
            if come:
                with self._away:
                    self.gone = come
                    self._runner.sandbox = killed(self._runner.sandbox)
                    self._time_goes_by(self._runner.sandbox)
                return

    def end(self) -> None:
        """Wait no more."""
        self._ended.set()

    def _running(self) -> list[str]:
        found = self._machines.list_executions(stateMachineArn=self._runner.sandbox.outputs["StateMachine"],
                                               statusFilter="RUNNING")["executions"]
        # What an earlier drill has left is none of this one's.
        return [item["executionArn"] for item in found if item["startDate"].timestamp() > self._began]

    def _has_come(self, execution: str) -> bool:
        events = self._machines.get_execution_history(executionArn=execution, reverseOrder=True,
                                                      maxResults=100)["events"]
        return any(event.get("stateEnteredEventDetails", {}).get("name") == self._state for event in events)

    def _time_goes_by(self, sandbox: Up) -> None:
        """The lease ends, and the alarm is heard again."""
        key = {"pk": {"S": f"SERVICE#{SERVICE}"}, "sk": {"S": "OPEN"}}
        table, name = boto3.client("dynamodb"), sandbox.outputs["Timeline"]
        lock = table.get_item(TableName=name, Key=key, ConsistentRead=True).get("Item")
        if lock is None:
            raise SandboxError(f"the lock of {SERVICE} was not kept when the engine was killed")
        table.update_item(TableName=name, Key=key, UpdateExpression="SET lease_until = :ended",
                          ExpressionAttributeValues={":ended": {"N": "0"}})
        heard = self._machines.describe_execution(executionArn=self.gone)["input"]
        Engine(sandbox.ports.engine_admin).alarm_events(json.loads(heard)["detail"]["alarmName"], 1, "it is still on")


def killed(sandbox: Up) -> Up:
    """Kill the engine with all functions, and return the sandbox with the next one; raises SandboxError."""
    ENGINE_STATE_WHOLE.unlink(missing_ok=True)
    Engine(sandbox.ports.engine_admin).die()
    end = time.monotonic() + _DEAD_SECONDS
    while alive(sandbox.processes["engine"]) or not ENGINE_STATE_WHOLE.is_file():
        if time.monotonic() > end:
            raise SandboxError(f"the engine did not die within {_DEAD_SECONDS:.0f} s, or left nothing")
        time.sleep(_LOOK_SECONDS)
    return sandbox_run.engine_again(sandbox)


def tried(state: str, file: Path) -> Tried:
    """Run one drill in which the engine is killed; raises ContractError and SandboxError."""
    drill, = read([file])
    runner = Runner(sandbox_run.up(overrides=drill.overrides()))
    killer = Killer(runner, state)
    began = time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        work = beside.submit(killer.work)
        try:
            found = runner.run(drill, killer.watch)
        finally:
            killer.end()
    work.result()
    carried_out = Counter((action.id, action.target) for action in found.carried_out)
    expected = found.unmet
    if any(action.status == "failed" for action in found.actions):
        # Begun, and nobody knows whether it happened: that is for people to see, and no drill expects it.
        people_have_it = found.outcome == "escalated" and found.notified
        expected = [] if people_have_it else ["killed: a remedy is half done, and nobody has it"]
    unmet = [*expected, *(f"{action} of {target} was carried out {count} times" for (action, target), count
                             in carried_out.items() if count > 1)]
    if not killer.gone:
        unmet.append(f"killed: no execution came to {state!r}")
    elif _status(killer.gone) != "FAILED":
        unmet.append(f"killed: the execution goes on or ended well: {_status(killer.gone)}")
    return Tried(state, round(time.monotonic() - began, 1), found.outcome, unmet, found.incidents,
                 [f"{action.id}: {action.status}" for action in found.actions], found.notified)


def _status(execution: str) -> str:
    return str(boto3.client("stepfunctions").describe_execution(executionArn=execution)["status"])


def main(arguments: Sequence[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.killed",
                                     description="An incident in the middle of which AWS's engine is killed.")
    parser.add_argument("--state", action="append", metavar="NAME", help=f"default: {', '.join(STATES)}")
    parser.add_argument("--drill", type=Path, default=ROOT / "drills" / "bad-release.yaml", metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--keep", action="store_true", help="leave the sandbox up")
    given = parser.parse_args(arguments)
    machine = json.loads((ROOT / "statemachines" / "incident_response.asl.json").read_text("utf-8"))
    if unknown := [state for state in given.state or () if state not in machine["States"]]:
        parser.error(f"no state is called {unknown[0]!r}; there are {', '.join(sorted(machine['States']))}")
    was_up, results = Up.load() is not None, list[Tried]()
    try:
        for state in given.state or STATES:
            one = tried(state, given.drill)
            results.append(one)
            print("\n      ".join((f"{'UNMET' if one.unmet else 'met':5} killed at {state!r}: {one.outcome}, "
                                   f"{one.seconds} s", *one.unmet)), flush=True)
    except ContractError as error:
        print(f"nothing was started:\n{error}", file=sys.stderr)
        return 2
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    finally:
        if given.json:
            given.json.write_text(json.dumps([asdict(one) for one in results], indent=1) + "\n")
        if not given.keep and not was_up:
            sandbox_run.down()
    return 1 if any(one.unmet for one in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
