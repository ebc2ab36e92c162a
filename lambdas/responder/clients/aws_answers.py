"""Whether what came is AWS's answer at all: botocore takes a page of a proxy, or half a body, for an empty answer.

Its JSON parsers turn a body that is no JSON into an answer without any of its parts (``parsers.py``,
``_parse_body_as_json``), and its XML parsers do so with any document. "There is no such item" would follow from that,
and that a write was made. Protocols: AWS's "Smithy" specification, "AWS JSON 1.0", "AWS restJson1", "AWS query", "AWS
EC2 query" and "AWS restXml".
"""

from __future__ import annotations

import json
import re
from typing import Any

from botocore.parsers import ResponseParserError

from responder.clients.aws_json import READ

_ROOT = re.compile(rb"\s*(?:<[?!][^>]*>\s*)*<(?:[\w.-]+:)?([\w.-]+)")


def hold(client: Any) -> None:
    """Let a boto3 client raise ResponseParserError for an answer of success that is not of its operation."""
    client.meta.events.register("before-parse", _check)


def _check(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    body = response_dict["body"]
    if (response_dict["status_code"] >= 300 or not isinstance(body, bytes) or not body.strip()
            or operation_model.has_streaming_output or operation_model.has_event_stream_output):
        return
    protocol = operation_model.service_model.resolved_protocol
    if protocol in ("json", "rest-json"):
        response_dict[READ] = _read(body)
        own = response_dict[READ] is not None
    else:
        own = _is_own(protocol, operation_model.name, body)
    if not own:
        raise ResponseParserError(f"what came is no answer of {operation_model.name}")


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_own(protocol: str, operation: str, body: bytes) -> bool:
    if protocol in ("query", "ec2", "rest-xml"):
        found = _ROOT.match(body)
        root = found[1].decode() if found else ""
        return root.lower() != "html" if protocol == "rest-xml" else root == f"{operation}Response"
    return True
