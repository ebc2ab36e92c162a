"""What IAM looks at in a DynamoDB request, for the engine's evaluator: partitions and attributes.

Source: AWS's page "Using IAM policy conditions for fine-grained access control" (DynamoDB): ``dynamodb:LeadingKeys`` is
the partition keys of the items, ``dynamodb:Attributes`` the top-level attributes that the request names, those of its
key and of its condition among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import iam_evaluator

_KEY = "pk"
"""The partition key of the responder's table."""
_NAME = re.compile(r"[:#]?[A-Za-z_][\w]*")
_WORDS = frozenset({"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN", "attribute_exists",
                    "attribute_not_exists", "attribute_type", "begins_with", "contains", "size", "if_not_exists",
                    "list_append"})
_MEMBERS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem",
            "Get": "GetItem"}


def condition_keys(request: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the condition keys of a request for one item, or a query, by name; keys without a value are left out."""
    found: dict[str, list[str]] = {}
    item = request.get("Item") or request.get("Key") or {}
    leading = [item[_KEY]["S"]] if _KEY in item else _queried(request)
    if leading:
        found["dynamodb:LeadingKeys"] = leading
    if "Key" in request or "Item" in request:
        found["dynamodb:Attributes"] = sorted({*item, *_named(request)})
    return found


def transaction(request: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Yield the action that each item of a transaction performs, and its condition keys, in order."""
    for item in request.get("TransactItems") or []:
        for member, action in _MEMBERS.items():
            if member in item:
                yield f"dynamodb:{action}", condition_keys(item[member])


def allowed(policies: list[Mapping[str, Any]], action: str, resource: str,
            keys: Mapping[str, list[str]] | None = None) -> bool:
    """Whether a role's policies allow an action on a resource, by the engine's own evaluator."""
    role = "arn:aws:sts::000000000000:assumed-role/role/function"
    context = iam_evaluator.EvalContext(
        role, "AssumedRole", "000000000000", action, resource, "us-east-1",
        service_context={key.lower(): value for key, value in (keys or {}).items()})
    decision: str = iam_evaluator.evaluate(
        context, [iam_evaluator.parse_policy_document(dict(policy)) for policy in policies]).decision
    return decision == "Allow"


def _queried(request: Mapping[str, Any]) -> list[str]:
    names = request.get("ExpressionAttributeNames") or {}
    for name, value in re.findall(r"([#\w]+)\s*=\s*(:\w+)", str(request.get("KeyConditionExpression") or "")):
        if names.get(name, name) == _KEY:
            return [request["ExpressionAttributeValues"][value]["S"]]
    return []


def _named(request: Mapping[str, Any]) -> Iterator[str]:
    names = request.get("ExpressionAttributeNames") or {}
    for part in ("UpdateExpression", "ConditionExpression"):
        for name in _NAME.findall(str(request.get(part) or "")):
            if name not in _WORDS and not name.startswith(":"):
                yield names.get(name, name)
