"""Throttling of the control planes that the engine itself answers for, each in its own form.

Sources: the "Common Errors" of each API reference; botocore knows all of these codes as throttling.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from ministack.core.responses import error_response_json, error_response_xml

from sandbox.quotas.rates import Buckets

Respond = Callable[..., Awaitable[Any]]
_MODULES = {"ssm": "ssm", "secretsmanager": "secretsmanager", "states": "stepfunctions", "cloudwatch": "cloudwatch"}
"""The service's name in IAM to the engine's module."""


def keep(buckets: Buckets | None = None) -> None:
    """Throttle what is called more often than AWS allows."""
    shared = buckets or Buckets()
    for service, module in _MODULES.items():
        engine: Any = importlib.import_module(f"ministack.services.{module}")
        engine.handle_request = limited(service, engine.handle_request, shared)


def limited(service: str, respond: Respond, buckets: Buckets) -> Respond:
    """Return a service's answers, throttled where there is no token left."""

    async def responded(method: str, path: str, headers: dict[str, Any], body: bytes, query: Any) -> Any:
        operation, is_json = _operation(headers, body)
        if buckets.take(service, operation):
            return await respond(method, path, headers, body, query)
        if is_json:
            return error_response_json("ThrottlingException", "Rate exceeded", 400)
        return error_response_xml("Throttling", "Rate exceeded", 400)

    return responded


def _operation(headers: dict[str, Any], body: bytes) -> tuple[str, bool]:
    """Return the operation's name, and whether the protocol is one of JSON, and not Query."""
    target = str(headers.get("x-amz-target") or headers.get("X-Amz-Target") or "")
    if target:
        return target.rpartition(".")[2], True
    return (parse_qs(body.decode("utf-8", "replace")).get("Action") or [""])[0], False
