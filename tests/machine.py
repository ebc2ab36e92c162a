"""Runs a state machine of Amazon States Language in memory, so that whole ways through the plan take milliseconds.

Only what the plan uses: Task, Map, Choice, Wait, Pass, Succeed and Fail with JSONata, Assign, Retry and Catch. Time
passes by the waits alone; no two states are entered at the same moment.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jsonata

Invoke = Callable[[str, str, dict[str, Any]], Any]
"""State, function and payload to the result; raises StatesError, or anything, which is a States.TaskFailed."""

_PLAIN_PATH = re.compile(r"\$[A-Za-z]+(\.[A-Za-z]+)*")
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
_NOT_PLAIN = object()


class StatesError(Exception):
    """An error with a name of its own, and what it is about."""

    def __str__(self) -> str:
        return str(self.args[0])


class _ByName(dict[str, str]):
    """Stands for the functions' versions, which the stack sets: each function is called by its name."""

    def get(self, key: str, default: Any = None) -> Any:
        return key


BY_NAME = _ByName({"": ""})


class Machine:
    """One execution."""

    def __init__(self, definition: Mapping[str, Any], invoke: Invoke, began: float, states: int = 2000,
                 too_large: str = "", name: str = "") -> None:
        """``too_large``: the Map whose result has no room between states. ``name``: of an execution among several,
        which began when it says; empty: the one that there is."""
        self._definition, self._invoke, self.now, self._states = definition, invoke, began, states
        self._too_large = too_large
        self.execution = {"Id": name, "Name": name, "StartTime": _iso(began)} if name else {
            "Id": "e", "Name": "e", "StartTime": "2026-11-25T00:00:00.000Z"}
        """What the context says of the execution."""
        self.variables: dict[str, Any] = {}
        self.visited: list[str] = []
        self.taken: set[tuple[str, str]] = set()
        """State and way out of each transition that was taken, as ``transitions`` names them."""

    def run(self, value: Any) -> str:
        """Run to the end and return the last state's name; raises RuntimeError where there is none within reason."""
        name, _ = self._machine(self._definition, value, self.variables)
        return name

    def _machine(self, definition: Mapping[str, Any], value: Any, variables: dict[str, Any]) -> tuple[str, Any]:
        name = definition["StartAt"]
        while True:
            self.visited.append(name)
            if len(self.visited) > self._states:
                raise RuntimeError(f"no end in sight: {self.visited[-20:]}")
            self.now += 0.001
            state = definition["States"][name]
            following, value = self._state(name, state, value, variables)
            if not following:
                return name, value
            name = following

    def _state(self, name: str, state: Mapping[str, Any], value: Any, variables: dict[str, Any]) -> tuple[str, Any]:
        states = {"input": value, "context": {
            "State": {"EnteredTime": _iso(self.now), "Name": name}, "Task": {"Token": "token"},
            "Execution": {**self.execution, "Input": value}}}

        def evaluate(template: Any) -> Any:
            return filled(template, {"states": states, **variables})

        def leave(part: Mapping[str, Any], result: Any) -> tuple[str, Any]:
            # All are evaluated by what was assigned before (AWS: "Passing data between states with variables").
            variables.update({key: BY_NAME if key == "functions" else evaluate(item)
                              for key, item in part.get("Assign", {}).items()})
            return str(part.get("Next", "")), evaluate(part["Output"]) if "Output" in part else result

        if state["Type"] == "Choice":
            for number, way in enumerate(state["Choices"]):
                if evaluate(way["Condition"]):
                    self.taken.add((name, f"choice {number}"))
                    return leave(way, value)
            self.taken.add((name, "default"))
            return leave({**state, "Next": state["Default"]}, value)
        if state["Type"] == "Wait":
            self.now += float(evaluate(state["Seconds"]))
        elif state["Type"] in ("Task", "Map"):
            try:
                states["result"] = self._result(name, state, value, variables, evaluate)
            except Exception as error:
                states["errorOutput"] = {"Error": str(error) if isinstance(error, StatesError) else "States.TaskFailed",
                                         "Cause": repr(error)}
                for number, catch in enumerate(state.get("Catch", [])):
                    if {"States.ALL", states["errorOutput"]["Error"]} & set(catch["ErrorEquals"]):
                        self.taken.add((name, f"catch {number}"))
                        return leave(catch, states["errorOutput"])
                raise
        self.taken.add((name, "next"))
        return leave(state, states.get("result", value))

    def _result(self, name: str, state: Mapping[str, Any], value: Any, variables: dict[str, Any],
                evaluate: Callable[[Any], Any]) -> Any:
        if state["Type"] == "Map":
            items = evaluate(state["Items"])
            items = items if isinstance(items, list) else [items]
            if name == self._too_large:
                raise StatesError("States.DataLimitExceeded")
            # What a Map's states assign is theirs.
            return [self._machine(state["ItemProcessor"], item, dict(variables))[1] for item in items]
        arguments = evaluate(state["Arguments"])
        tried: Counter[int] = Counter()
        while True:
            try:
                found = self._invoke(name, str(arguments.get("FunctionName", "")), copy.deepcopy(
                    arguments.get("Payload", arguments)))
            except Exception as error:
                told = str(error) if isinstance(error, StatesError) else "States.TaskFailed"
                # AWS: "Handling errors in Step Functions workflows": TaskFailed is any error but Timeout.
                kinds = {told, "States.ALL"} | ({"States.TaskFailed"} if told != "States.Timeout" else set())
                place = next((number for number, retry in enumerate(state.get("Retry", []))
                              if kinds & set(retry["ErrorEquals"])), None)
                if place is None or tried[place] >= state["Retry"][place].get("MaxAttempts", 3):
                    raise
                tried[place] += 1
                self.taken.add((name, "retry"))
            else:
                return found if "waitForTaskToken" in state["Resource"] else {"Payload": found}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def transitions(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each way out of each state, those within Maps too: State and ``next``, ``choice N``, ``default``,
    ``catch N`` or ``retry``; the end of a machine is a ``next``.
    """
    for name, state in definition["States"].items():
        yield from ((name, f"choice {number}") for number, _ in enumerate(state.get("Choices", [])))
        yield from ((name, f"catch {number}") for number, _ in enumerate(state.get("Catch", [])))
        if state["Type"] == "Choice":
            yield name, "default"
        else:
            yield name, "next"
        if state.get("Retry") and state["Type"] == "Task":
            yield name, "retry"
        if "ItemProcessor" in state:
            yield from transitions(state["ItemProcessor"])


def filled(template: Any, bindings: Mapping[str, Any]) -> Any:
    """Return a template with its expressions evaluated; ``bindings`` are ``states`` and the variables."""
    if isinstance(template, Mapping):
        return {key: filled(value, bindings) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, bindings) for value in template]
    if isinstance(template, str) and template.startswith("{%") and template.endswith("%}"):
        expression = template[2:-2].strip()
        if _PLAIN_PATH.fullmatch(expression) and (walked := _walked(expression, bindings)) is not _NOT_PLAIN:
            return walked
        named = {name: value for name, value in bindings.items() if name in _names(expression)}
        value = _plain(_compiled(expression).evaluate(None, copy.deepcopy(named)))
        if value is None and not _compiled(f"$exists({expression})").evaluate(None, copy.deepcopy(named)):
            # AWS: "Transforming data with JSONata in Step Functions", errors: an expression that returns nothing.
            raise StatesError("States.QueryEvaluationError", expression)
        return value
    return template


def _walked(expression: str, bindings: Mapping[str, Any]) -> Any:
    """Return a copy of what stands at ``$a.b.c``, without JSONata; only where it is made of objects alone."""
    value: Any = bindings
    for part in expression[1:].split("."):
        if not isinstance(value, Mapping) or value.get(part) is None:
            return _NOT_PLAIN
        value = value[part]
    return value if isinstance(value, str | int | float) else copy.deepcopy(value)


@cache
def _names(expression: str) -> frozenset[str]:
    """Return what an expression may read of the variables; JSONata may change what it is given, so that is copied."""
    return frozenset(_VARIABLE.findall(expression))


@cache
def _compiled(expression: str) -> Any:
    return jsonata.Jsonata(expression)


def _plain(value: Any) -> Any:
    """JSONata's own lists and numbers as plain ones."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
