"""What is wrong with a role's policy by the Service Authorization Reference: rights that never allow, or too many.

A statement that AWS takes without a word may still allow nothing (an ARN for an action that knows no resources, a
condition key that no request of the action has), or everything (``*`` where the action knows resources).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.iam.evaluate import Policy
from sandbox.iam.reference import Privilege, UnknownAction, expanded, privilege


def faults(policy: Policy) -> Iterator[str]:
    """Yield the faults of what a policy allows, a sentence each. What it denies may be as wide as it likes."""
    for statement in _list(policy["Statement"]):
        if statement["Effect"] == "Allow":
            for pattern in _list(statement.get("Action", [])):
                try:
                    known = [privilege(action) for action in expanded(pattern)]
                except UnknownAction:
                    yield f"{pattern}: AWS has no such action"
                    continue
                for one in known:
                    yield from _of(one, statement)


def _of(one: Privilege, statement: Mapping[str, Any]) -> Iterator[str]:
    for resource in _list(statement.get("Resource", [])):
        if one.types and resource == "*":
            yield f"{one.action} knows resources, and is allowed on all"
        elif not one.types and resource != "*":
            yield f"{one.action} knows no resources, and is never allowed on {resource}"
    given = [resource for resource in _list(statement.get("Resource", [])) if resource != "*"]
    if one.types and given and not any(kind.fits(resource) for kind in one.types for resource in given):
        yield f"{one.action} is about none of {', '.join(given)}"
    for keys in statement.get("Condition", {}).values():
        for key in keys:
            if not one.knows(key):
                yield f"{one.action} has no condition key {key}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
