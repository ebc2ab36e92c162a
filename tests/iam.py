"""An AWS that decides as IAM does and answers anything: what code calls is held against its role's policies.

The answers are made from botocore's models, one element in each list; a test gives those that matter.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from responder.clients import aws
from sandbox.iam import calls
from sandbox.iam.evaluate import Call, Caller, Decision, decide
from sandbox.iam.template import Template
from tests.conftest import ROOT

PREFIX = "incident-response-"
Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@cache
def reviewed() -> Template:
    """The template as it was reviewed; ``test_stack.py`` holds it to what is synthesized."""
    return Template(json.loads((ROOT / "tests" / "stacks" / "snapshot.json").read_text())["Resources"])


@cache
def caller(function: str) -> Caller:
    """The role of a function, by its name without the prefix."""
    return reviewed().callers[PREFIX + function]


@dataclass
class Account:
    """Decides on what one function's code calls, and keeps it."""

    caller: Caller
    key: str = ""
    """The ARN of the key that the records are under; empty: KMS is not looked at."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """``service.Operation`` to what it answers, on top of what the model gives."""
    made: list[Decision] = field(default_factory=list)

    unknown: list[str] = field(default_factory=list)
    """Calls of which ``sandbox/iam/calls.py`` does not say what they are about."""

    @property
    def allowed(self) -> set[str]:
        """The actions that were asked for and allowed."""
        return {decision.action for decision in self.made if decision.allowed}

    @property
    def refused(self) -> list[tuple[str, str]]:
        """What was refused: action and resource."""
        return [(decision.action, decision.resource) for decision in self.made if not decision.allowed]

    def ask(self, client: Any, operation: str, parameters: Mapping[str, Any]) -> Any:
        """Answer a call, in the place of botocore; raises ClientError where IAM refuses it."""
        service = client.meta.service_model.service_name
        try:
            asked = calls.of(service, operation, parameters)
        except calls.UnknownCall as error:
            self.unknown.append(str(error))
            raise
        for call in asked:
            for each in (call, *(calls.implied(call, self.key) if self._encrypted(call) else ())):
                decision = decide(self.caller, each)
                self.made.append(decision)
                if not decision.allowed:
                    raise ClientError({"Error": {"Code": "AccessDenied", "Message": f"{each.action} on "
                                                 f"{decision.resource}"}, "ResponseMetadata": {"HTTPStatusCode": 403}},
                                      operation)
        shape = client.meta.service_model.operation_model(operation).output_shape
        # A table without items: what its items are is not the model's.
        answer = {"Items": []} if service == "dynamodb" else {} if shape is None else {**_made(shape)}
        if given := self.answers.get(f"{service}.{operation}"):
            answer |= given(parameters)
        return answer

    def _encrypted(self, call: Call) -> bool:
        """The service's own secrets are the account's, under its default key; the mark's key is ours."""
        return bool(self.key) and (not call.action.startswith("secretsmanager:") or ":secret:Records" in
                                   call.resources[0] or ":secret:Workflow" in call.resources[0])


@contextmanager
def account(function: str, answers: Mapping[str, Answer] | None = None, caller_: Caller | None = None
            ) -> Iterator[Account]:
    """Run a block as a function: with its environment, its role (or another), and its role's decisions."""
    # What an earlier test has read, nobody would read again.
    for known in (aws.made, aws._secret):
        known.cache_clear()
    template = reviewed()
    key, = (template.arn(name) for name in template.of_type("AWS::KMS::Key"))
    found = Account(caller_ or caller(function), key, answers or {})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in template.environment(PREFIX + function).items():
            patch.setenv(name, value)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setattr(BaseClient, "_make_api_call",
                      lambda client, operation, parameters: found.ask(client, operation, parameters))
        yield found
    for known in (aws.made, aws._secret):
        known.cache_clear()


def _made(shape: Any, depth: int = 0) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return {name: _made(member, depth + 1) for name, member in shape.members.items()
                if depth < 5 and not name.lower().endswith(("token", "marker"))}
    if kind == "list":
        return [_made(shape.member, depth + 1)] if depth < 5 else []
    if kind == "map":
        return {}
    if kind == "string":
        return shape.enum[0] if getattr(shape, "enum", None) else "text"
    return {"timestamp": datetime.fromtimestamp(time.time(), UTC), "boolean": False, "blob": b""}.get(
        kind, 1.0 if kind in ("double", "float") else 1)
