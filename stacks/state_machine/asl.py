"""States of Amazon States Language, a line or a short block each, with retries and catches by default.

A text between ``{%`` and ``%}`` is an expression in JSONata; ``value()`` makes one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Never

State = dict[str, object]
States = dict[str, State]
_NOTHING: Mapping[str, Never] = {}
Retries = list[dict[str, object]]

_THROTTLED: dict[str, object] = {
    "ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 10, "BackoffRate": 2,
    "MaxDelaySeconds": 20, "JitterStrategy": "FULL"}
_LAMBDA_S_OWN = ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"]

STEP: Retries = [_THROTTLED, {
    "ErrorEquals": ["States.TaskFailed", "States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2,
    "MaxDelaySeconds": 10, "JitterStrategy": "FULL"}]
"""Every step is idempotent: its records are keyed by the moment its state was entered."""
SOURCE: Retries = [{
    "ErrorEquals": [*_LAMBDA_S_OWN, "Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 2,
    "BackoffRate": 2, "JitterStrategy": "FULL"}]
"""A source retries its queries within its own deadline, so only Lambda's own errors are retried here."""
QUESTION: Retries = [{
    "ErrorEquals": ["Lambda.TooManyRequestsException", *_LAMBDA_S_OWN, "States.TaskFailed"], "IntervalSeconds": 1,
    "MaxAttempts": 4, "BackoffRate": 2, "MaxDelaySeconds": 10, "JitterStrategy": "FULL"}]
"""A time-out is no failure here; it means that nobody answered."""

_INVOKE = "arn:aws:states:::lambda:invoke"
ENTERED = "{% $states.context.State.EnteredTime %}"
INPUT = "{% $states.input %}"
PAYLOAD = "{% $states.result.Payload %}"
ERROR = "{% $states.errorOutput %}"

DECIDE, TELL, REPORT = "${DecideFunction}", "${TellFunction}", "${ReportFunction}"
"""The functions of the steps; the stack inserts their names."""


def value(expression: str) -> str:
    """Return a JSONata expression as a field's value."""
    return f"{{% {expression} %}}"


def version(function: str) -> str:
    """Return the version of a function that belongs to this version of the state machine.

    ``function`` is an expression for the function's name.
    """
    return value(f"$lookup($functions, {function})")


def caught(following: str, **assign: object) -> list[dict[str, object]]:
    """Return a Catch of every error, which goes to ``following``; without ``assign`` the error is forgotten."""
    return [{"ErrorEquals": ["States.ALL"], **({"Assign": assign} if assign else {}), "Next": following}]


class Machine:
    """States in the order in which they are read."""

    def __init__(self) -> None:
        self.states: States = {}
        self.parts: dict[str, list[str]] = {}
        """The plan's parts, and the titles of the states in each."""
        self.variables: dict[str, str] = {}
        """A description of each variable."""

    def part(self, name: str) -> None:
        """Begin a part of the plan; the states that are added after this belong to it."""
        self.parts[name] = []

    def add(self, title: str, state: State, comment: str = "") -> None:
        """Add a state; raises ValueError where the title is taken."""
        if title in self.states:
            raise ValueError(f"two states are called {title!r}")
        kind = {"Type": state.pop("Type")}
        self.parts[next(reversed(self.parts))].append(title)
        self.states[title] = {**kind, **({"Comment": comment} if comment else {}), **state}

    def task(self, title: str, function: str, payload: Mapping[str, object], then: str, *, comment: str = "",
             catch: Sequence[Mapping[str, object]] = (), keep: Mapping[str, object] = _NOTHING,
             output: object = PAYLOAD, seconds: int = 60, retry: Retries = STEP,
             how: Literal["", ".waitForTaskToken", "Event"] = "") -> None:
        """Add a Task that invokes a function; ``how`` says whether it waits for a person, or not at all."""
        event = how == "Event"
        self.add(title, {
            "Type": "Task", "Resource": _INVOKE + ("" if event else how),
            "Arguments": {"FunctionName": function, **({"InvocationType": "Event"} if event else {}),
                          "Payload": dict(payload)},
            "TimeoutSeconds": seconds, "Retry": retry, **({"Catch": list(catch)} if catch else {}),
            **({"Assign": dict(keep)} if keep else {}), "Output": output, "Next": then}, comment)

    def choice(self, title: str, ways: Sequence[str], *, otherwise: str = "", comment: str = "",
               assign: Mapping[str, Mapping[str, object]] = _NOTHING) -> None:
        """Add a Choice, which goes to the state that ``$next`` names; by default to the last one of ``ways``.

        ``assign`` has the assignments of each way.
        """
        named, default = (ways, otherwise) if otherwise else (ways[:-1], ways[-1])
        self.add(title, {"Type": "Choice", "Choices": [
            {"Condition": value(f"$next = '{way}'"), "Next": str(way),
             **({"Assign": dict(assign[way])} if way in assign else {})} for way in named], "Default": str(default)},
            comment)

    def wait(self, title: str, seconds: str, then: str) -> None:
        """Add a Wait; ``seconds`` is an expression."""
        self.add(title, {"Type": "Wait", "Seconds": value(seconds), "Next": then})

    def each(self, title: str, items: str, inner: Mapping[str, State], then: str, *, comment: str = "", at_once: int,
             catch: Sequence[Mapping[str, object]], keep: Mapping[str, object] = _NOTHING, output: str = "") -> None:
        """Add a Map over ``items``, an expression; ``at_once`` is how many run side by side, 0: all."""
        self.add(title, {
            "Type": "Map", "Items": value(items), "MaxConcurrency": at_once,
            "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": next(iter(inner)),
                              "States": dict(inner)},
            "Catch": list(catch), **({"Assign": dict(keep)} if keep else {}), **({"Output": output} if output else {}),
            "Next": then}, comment)

    def ask(self, title: str, phase: str, then: str, comment: str, catch: Sequence[Mapping[str, object]], *,
            warm: str = "", ahead: str = "", since: str = "") -> None:
        """Add a Map that queries all sources of a phase in parallel; a failed function counts as an answer as well.

        ``warm`` is an expression for the versions of functions that will be needed later: beside the questions they are
        started, by events that nobody waits for. What of that fails is forgotten, it costs no more than a cold start.
        ``ahead`` is a later phase: with their start they are told what they will be asked in it.
        ``since`` is an expression for the moment of a change that the sources look at.
        """
        def unless_warm(usual: str, instead: str = "{}") -> str:
            return value(f"$states.input.warm ? {instead} : {usual}" if warm else usual)

        def question(phase: str, more: str = "") -> str:
            return f"{{'incident': $incident, 'phase': '{phase}', 'now': $states.context.State.EnteredTime{more}}}"

        source, sources = "'source': $states.input.source", f"$lookup($sources, '{phase}')"
        start = "'warm': true, 'service': $incident.service" + (f", 'ahead': {question(ahead)}" if ahead else "")
        silent = (f"{{{source}, 'findings': [{{{source}, 'name': 'answer', 'status': 'unavailable', "
                  "'note': 'its function failed: ' & $states.errorOutput.Error}]}")
        inner: States = {
            f"Ask ({phase})": {
                "Type": "Task", "Resource": _INVOKE, "Arguments": {
                    "FunctionName": unless_warm("$lookup($functions, $states.input.function)",
                                                "$states.input.function"),
                    **({"InvocationType": unless_warm("'RequestResponse'", "'Event'")} if warm else {}),
                    "Payload": unless_warm(question(phase, f", 'since': {since}" if since else ""), f"{{{start}}}")},
                "TimeoutSeconds": 25, "Retry": SOURCE,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Output": unless_warm(silent),
                           "Next": f"No answer ({phase})"}],
                "Output": unless_warm("$states.result.Payload"), "End": True},
            f"No answer ({phase})": {"Type": "Pass", "End": True}}
        self.each(title, f"[{sources}, ({warm}).{{'warm': true, 'function': $}}]" if warm else sources, inner, then,
                  comment=comment, at_once=0, catch=catch, output=value("[$states.result[source]]") if warm else "")

    def revert(self, title: str, one: str, kept: str, then: str, *, comment: str, why: str,
               catch: Sequence[Mapping[str, object]], keep: Mapping[str, object] = _NOTHING) -> None:
        """Add a Map that undoes remedies, one after the other; a remedy that cannot be undone stays on record."""
        given = {name: f"{{% $states.input.{name} %}}" for name in ("number", "remedy", "why", "over")}
        inner: States = {
            one: {"Type": "Task", "Resource": _INVOKE, "Arguments": {
                "FunctionName": version("$states.input.remedy.function"),
                "Payload": {"incident": "{% $incident %}", "entered": ENTERED, "operation": "revert", **given}},
                  "TimeoutSeconds": 60, "Retry": STEP, "Catch": caught(kept), "Output": PAYLOAD, "End": True},
            kept: {"Type": "Pass", "Comment": why, "End": True}}
        self.each(title, "$course.undo", inner, then, comment=comment, at_once=1, catch=catch, keep=keep)

    def succeed(self, title: str, comment: str = "", output: object = None) -> None:
        """Add a Succeed."""
        self.add(title, {"Type": "Succeed", **({"Output": output} if output is not None else {})}, comment)

    def fail(self, title: str, error: str, cause: str) -> None:
        """Add a Fail; ``cause`` is an expression."""
        self.add(title, {"Type": "Fail", "Error": error, "Cause": value(cause)})

    def publish(self, title: str, subject: str, message: str, then: str, comment: str) -> None:
        """Add a Task that publishes to the topic itself; ``message`` is an expression."""
        self.add(title, {
            "Type": "Task", "Resource": "arn:aws:states:::sns:publish",
            "Arguments": {"TopicArn": "${Topic}", "Subject": subject, "Message": value(message)},
            "TimeoutSeconds": 20, "Retry": STEP, "Next": then}, comment)
