"""Step Functions' quotas: sizes of inputs, outputs and variables, and the length of an execution's history.

Sources: Step Functions' pages "Step Functions service quotas" (262,144 bytes of UTF-8 for the input or output of a
task, state or execution; 256 KiB for one variable and for one Assign, 10 MiB for all; 25,000 events) and "Handling
errors in Step Functions workflows": States.DataLimitExceeded and States.Runtime end the execution, and States.ALL
catches neither.
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import Any

from ministack.services import stepfunctions as engine

DATA_BYTES = 262_144
VARIABLE_BYTES = 256 * 1024
VARIABLES_BYTES = 10 * 1024 * 1024
MOST_EVENTS = 25_000
_TERMINAL = frozenset({"States.DataLimitExceeded", "States.Runtime"})

_Failed: Any = engine._ExecutionError
_WITHIN: ContextVar[dict[str, Any] | None] = ContextVar("within", default=None)
"""The execution of whose Map a state is: the engine writes no events for entering and leaving it."""


def size_bytes(value: Any) -> int:
    """Return the size of plain JSON as Step Functions passes it on."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def check_data(value: Any, of: str) -> None:
    """Raise States.DataLimitExceeded where an input or output is too large."""
    size = size_bytes(value)
    if size > DATA_BYTES:
        raise _Failed("States.DataLimitExceeded", f"The state/task {of} returned a result with a size exceeding the "
                      f"maximum number of bytes service limit. ({size} of {DATA_BYTES})")


def check_variables(variables: dict[str, Any], assigned: dict[str, Any]) -> None:
    """Raise States.DataLimitExceeded where a variable, an Assign, or all variables together are too large."""
    for name, value in assigned.items():
        if size_bytes(value) > VARIABLE_BYTES:
            raise _Failed("States.DataLimitExceeded", f"The variable '{name}' exceeds the maximum number of bytes "
                          f"service limit of {VARIABLE_BYTES}.")
    if size_bytes(assigned) > VARIABLE_BYTES:
        raise _Failed("States.DataLimitExceeded", f"The Assign field exceeds {VARIABLE_BYTES} bytes.")
    if size_bytes(variables) > VARIABLES_BYTES:
        raise _Failed("States.DataLimitExceeded", f"The stored variables exceed {VARIABLES_BYTES} bytes.")


def keep() -> None:
    """Hold the engine to the quotas."""
    _catch_what_can_be_caught()
    _limit_states()
    _limit_tasks()
    _limit_variables()
    _limit_history()


def _catch_what_can_be_caught() -> None:
    """Neither States.ALL nor States.TaskFailed stands for a terminal error."""
    matches = engine._error_matches

    def matched(error_equals: list[str], error: str) -> bool:
        return error in error_equals if error in _TERMINAL else bool(matches(error_equals, error))

    engine._error_matches = matched


def _limit_states() -> None:
    """Check what each state is given and gives; a Map's iterations and the execution's input among them."""
    for kind in ("pass", "choice", "wait"):
        setattr(engine, f"_execute_{kind}", _checked(getattr(engine, f"_execute_{kind}")))
    for kind in ("task", "map", "parallel"):
        setattr(engine, f"_execute_{kind}", _checked(getattr(engine, f"_execute_{kind}")))


def _checked(execute: Any) -> Any:
    def executed(state: dict[str, Any], given: Any, *rest: Any) -> Any:
        if (around := _WITHIN.get()) is not None:
            _grow(around, 2)
        context = rest[-1] if rest and rest[-1] else {}
        name = str((context.get("State") or {}).get("Name", ""))
        check_data(given, f"'{name}' (input)")
        output, following = execute(state, given, *rest)
        check_data(output, f"'{name}'")
        return output, following

    return executed


def _limit_tasks() -> None:
    """Check what a task is called with, and what it answers, before Output makes less of it."""
    for name in ("_invoke_resource", "_invoke_with_callback"):
        setattr(engine, name, _task(getattr(engine, name)))


def _task(invoke: Any) -> Any:
    def invoked(resource: str, given: Any, *rest: Any) -> Any:
        check_data(given.get("Payload", given) if isinstance(given, dict) else given, f"'{resource}' (input)")
        answer = invoke(resource, given, *rest)
        check_data(answer, f"'{resource}'")
        return answer

    return invoked


def _limit_variables() -> None:
    assign = engine._apply_state_assign

    def assigned(state: dict[str, Any], given: Any, context: dict[str, Any] | None, *rest: Any, **more: Any) -> None:
        assign(state, given, context, *rest, **more)
        names = state.get("Assign")
        if context and isinstance(names, dict):
            variables = context.get("variables") or {}
            check_variables(variables, {name: variables[name] for name in names if name in variables})

    engine._apply_state_assign = assigned


def _limit_history() -> None:
    """End an execution whose history is full. The engine writes fewer events than AWS: what it lacks is counted too."""
    add, iterate = engine._add_event, engine._run_sub_machine

    def added(execution: dict[str, Any], kind: str, details: dict[str, Any] | None = None) -> Any:
        if execution["status"] == "RUNNING":
            _grow(execution, _AS_ON_AWS.get(kind, 1))
        return add(execution, kind, details)

    def iterated(states: Any, start: Any, given: Any, execution: dict[str, Any], context: Any) -> Any:
        token = _WITHIN.set(execution)
        _grow(execution, 2)  # MapIterationStarted, MapIterationSucceeded
        try:
            return iterate(states, start, given, execution, context)
        finally:
            _WITHIN.reset(token)

    engine._add_event, engine._run_sub_machine = added, iterated


def _grow(execution: dict[str, Any], events: int) -> None:
    length = execution["history_length"] = execution.get("history_length", 0) + events
    if length > MOST_EVENTS:
        raise _Failed("States.Runtime", f"The execution reached the maximum number of history events ({MOST_EVENTS}).")


_AS_ON_AWS = {"TaskScheduled": 2, "MapStateEntered": 2, "MapStateExited": 2, "ParallelStateEntered": 2,
                    "ParallelStateExited": 2}
"""An event that the engine writes to how many AWS writes in its place: TaskStarted beside TaskScheduled,
MapStateStarted and MapStateSucceeded, ParallelStateStarted and ParallelStateSucceeded (AWS: "HistoryEvent")."""
