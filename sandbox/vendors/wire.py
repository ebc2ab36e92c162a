"""AWS's wire formats, as stand-ins and proxies share them: errors, XML, forms, pages of a list.

Formats: AWS's pages "Smithy: AWS Query protocol", "AWS EC2 Query protocol", "AWS JSON 1.1 protocol", "AWS restJson1".
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import httpx

from sandbox.vendors.gate import Answer

Protocol = Literal["query", "ec2", "json", "rest"]
Item = TypeVar("Item")
HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "content-length", "content-encoding"})


class Refused(Exception):
    """A request that AWS would refuse: its error code, its message and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


def passed(headers: dict[str, str]) -> dict[str, str]:
    """The headers that a proxy passes on."""
    return {key: value for key, value in headers.items() if key.lower() not in HOP | {"accept-encoding"}}


def answered(response: httpx.Response, content: bytes | None = None) -> Answer:
    """The answer of the engine, passed on; ``content`` in place of its own."""
    return Answer(response.status_code, response.content if content is None else content,
                  response.headers.get("content-type", "application/json"),
                  tuple((key, value) for key, value in response.headers.items()
                        if key.lower() not in HOP | {"content-type"}))


def failed(protocol: Protocol, refused: Refused) -> Answer:
    """An error in a protocol's form."""
    code, message, status = refused.code, refused.message, refused.status
    if protocol == "query":
        return query_failed(status, code, message, str(uuid.uuid4()))
    if protocol == "ec2":
        return Answer(status, (f"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors>"
                               f"{xml('Error', {'Code': code, 'Message': message})}</Errors>"
                               f"<RequestID>{uuid.uuid4()}</RequestID></Response>").encode(), "text/xml;charset=UTF-8")
    if protocol == "rest":
        return Answer(status, json.dumps({"message": message}).encode(), headers=(("x-amzn-ErrorType", code),))
    return Answer(status, json.dumps({"__type": code, "message": message}).encode(), "application/x-amz-json-1.1")


def query_failed(status: int, code: str, message: str, request: str) -> Answer:
    """An error in the Query protocol."""
    fields = {"Type": "Sender", "Code": code, "Message": message}
    return Answer(status, f"<ErrorResponse>{xml('Error', fields)}<RequestId>{request}</RequestId></ErrorResponse>"
                  .encode(), "text/xml")


def query_answer(action: str, namespace: str, result: dict[str, Any]) -> Answer:
    """An answer in the Query protocol."""
    return Answer(200, (f"<{action}Response xmlns=\"{namespace}\">{xml(action + 'Result', result)}"
                        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
                        f"</{action}Response>").encode(), "text/xml")


def ec2_answer(action: str, result: dict[str, Any]) -> Answer:
    """An answer in EC2's form of the Query protocol."""
    inner = "".join(xml(name, value) for name, value in result.items() if value is not None)
    return Answer(200, (f"<?xml version=\"1.0\" encoding=\"UTF-8\"?><{action}Response "
                        f"xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>{uuid.uuid4()}</requestId>"
                        f"{inner}</{action}Response>").encode(), "text/xml;charset=UTF-8")


def json_answer(value: dict[str, Any]) -> Answer:
    """An answer in the JSON 1.1 protocol."""
    return Answer(200, json.dumps(value).encode(), "application/x-amz-json-1.1")


def xml(name: str, value: Any) -> str:
    """An element; a dict becomes its members without those that are None, a pair (name, items) becomes a list."""
    if isinstance(value, dict):
        inner = "".join(xml(key, item) for key, item in value.items() if item is not None)
    elif isinstance(value, tuple):
        member, items = value
        inner = "".join(xml(member, item) for item in items)
    else:
        inner = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{inner}</{name}>"


def form(body: bytes) -> dict[str, str]:
    """The parameters of a Query request; raises Refused."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except UnicodeDecodeError as error:
        raise Refused("MalformedQueryString", "The query string contains a syntax error") from error


def listed(parameters: dict[str, str], prefix: str) -> list[str]:
    """The values of a list: ``prefix.1``, ``prefix.2``."""
    found = [(int(match[1]), value) for key, value in parameters.items()
             if (match := re.fullmatch(re.escape(prefix) + r"\.(\d+)", key))]
    return [value for _, value in sorted(found)]


def filters(parameters: dict[str, str], prefix: str, values: str) -> dict[str, list[str]]:
    """The filters of a Query request, name to values."""
    return {value: listed(parameters, f"{match[1]}.{values}") for key, value in parameters.items()
            if (match := re.fullmatch(rf"({re.escape(prefix)}\.\d+)\.Name", key))}


def page(items: Sequence[Item], token: str | None, size: int) -> tuple[Sequence[Item], str | None]:
    """A page of a list and the token for the next; raises ValueError for a token that it did not give out."""
    start = int(opened(token)[0]) if token else 0
    following = start + size
    return items[start:following], sealed(str(following)) if following < len(items) else None


def sealed(*parts: str) -> str:
    """A token that holds some texts."""
    return base64.urlsafe_b64encode("|".join(("page", *parts)).encode()).decode()


def opened(token: str) -> list[str]:
    """The texts that a token holds; raises ValueError for one that ``sealed`` did not make."""
    word, *parts = base64.urlsafe_b64decode(token.encode()).decode().split("|")
    if word != "page" or not parts:
        raise ValueError("not a token")
    return parts


def iso(seconds: float) -> str:
    """A moment as AWS writes it in XML."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> float:
    """A moment as a client writes it in a form; raises Refused."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("InvalidParameterValue", f"Invalid date: {text}") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
