"""Who may do what: identity policies, boundary, resource policy and explicit deny, by the engine's own evaluator.

Source: AWS's page "Policy evaluation logic". What is added to the engine's evaluator: the resources and the condition
keys that the action really has (``reference``), and which statement allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_evaluator as engine

from sandbox.iam.reference import authorized_on, known_keys

Policy = Mapping[str, Any]
"""A policy document."""


@dataclass(frozen=True)
class Call:
    """What is asked for: an action on resources, with the condition keys of the request."""

    action: str
    resources: tuple[str, ...] = ("*",)
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Caller:
    """A role's session, and what limits it."""

    arn: str
    policies: Sequence[Policy]
    boundary: Policy | None = None
    keys: Mapping[str, Any] = field(default_factory=dict)
    """Keys of each of its requests: ``lambda:SourceFunctionArn`` where a function's code asks."""


@dataclass(frozen=True)
class Decision:
    """Whether a call is allowed, and by what."""

    allowed: bool
    action: str
    resource: str
    """What it was decided on; of a refused call, the resource that is not allowed."""
    statement: Mapping[str, Any] | None = None
    """The statement that allowed or explicitly denied it; None: no statement allows it."""

    @property
    def pattern(self) -> str:
        """The resource of the statement that the call's resource matches."""
        given = (self.statement or {}).get("Resource", "*")
        listed = given if isinstance(given, list) else [given]
        return next((item for item in listed if engine.fnmatch_iam_cs(self.resource, item)), self.resource)


def decide(caller: Caller, call: Call, resource_policy: Policy | None = None) -> Decision:
    """Decide on a call; on the first of its resources that is refused, or on the last of all."""
    decision = Decision(False, call.action, "*")
    for resource in authorized_on(call.action, call.resources):
        decision = _decided(caller, call, resource, resource_policy)
        if not decision.allowed:
            return decision
    return decision


def admits(policy: Policy, service: str, action: str, resource: str, keys: Mapping[str, Any]) -> bool:
    """Whether a resource's policy lets an AWS service (``events.amazonaws.com``) do something with it."""
    context = _context("arn:aws:iam::aws:service", action, resource, keys)  # of no account
    verdict: str = engine.evaluate_resource_policy(dict(policy), context, service).decision
    return verdict == "Allow"


def _decided(caller: Caller, call: Call, resource: str, resource_policy: Policy | None) -> Decision:
    context = _context(caller.arn, call.action, resource, {**known_keys(call.action, call.keys), **caller.keys})
    statements = [statement for policy in caller.policies for statement in _listed(policy)]
    limits = [[engine.parse_policy_document(dict(caller.boundary))]] if caller.boundary else []
    verdict = engine.evaluate(context, [_parsed(statement) for statement in statements], *limits)
    if resource_policy is not None:
        verdict = engine.combine_resource_policy(verdict, context, dict(resource_policy), None, limits=tuple(limits),
                                                 required=call.action.startswith("kms:"))
    effect = "Allow" if verdict.decision == "Allow" else "Deny"
    return Decision(verdict.decision == "Allow", call.action, resource, next(
        (statement for statement in statements if statement["Effect"] == effect
         and engine.evaluate(context, [_parsed({**statement, "Effect": "Allow"})]).decision == "Allow"), None))


def _context(arn: str, action: str, resource: str, keys: Mapping[str, Any]) -> engine.EvalContext:
    return engine.EvalContext(
        arn, "AssumedRole", arn.split(":")[4], action, resource, "us-east-1", source_ip="127.0.0.1",
        secure_transport=True, service_context={key.lower(): value for key, value in keys.items()})


def _listed(policy: Policy) -> list[Mapping[str, Any]]:
    found = policy.get("Statement", [])
    return [found] if isinstance(found, Mapping) else list(found)


def _parsed(statement: Mapping[str, Any]) -> list[engine.ParsedStatement]:
    parsed: list[engine.ParsedStatement] = engine.parse_policy_document({"Statement": [dict(statement)]})
    return parsed
