"""Leaves out what botocore does for each call and no cell is about: so a cell takes a fraction of its time.

Signatures (nobody checks them here), the user agent, and the walk through DynamoDB's items by their shape in requests:
``responder/records/form.py`` makes the items, and ``table.py`` keeps them as they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from botocore.parsers import BaseJSONParser
from botocore.serialize import JSONSerializer
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString

_SIGNED = "AWS4-HMAC-SHA256 Credential=bed/20270115/{}/{}/aws4_request, SignedHeaders=host, Signature=0"
_ITEM_VALUE = "AttributeValue"
# What is replaced, and called by what replaces it for all else.
_serialize, _sign = JSONSerializer._serialize, RequestSigner.sign  # noqa: SLF001


@contextmanager
def quick() -> Iterator[None]:
    """Let AWS's clients work so within the block."""
    with ExitStack() as stack:
        for owner, name, by in _QUICK:
            stack.enter_context(mock.patch.object(owner, name, by))
        yield


def _at(self: Any, shape: Any, value: Any) -> Any:
    if not isinstance(value, str | int | float):
        return self._timestamp_parser(value)
    if value not in _known:
        _known[value] = self._timestamp_parser(value)
    return _known[value]


_known: dict[str | int | float, Any] = {}


def _as_it_is(self: Any, serialized: Any, value: Any, shape: Any, key: str | None = None) -> None:
    if shape.name == _ITEM_VALUE and key:
        serialized[key] = value
    else:
        _serialize(self, serialized, value, shape, key)


def _presigned(self: Any, operation_name: str, request: Any, region_name: str | None = None,
               signing_type: str = "standard", expires_in: int | None = None, signing_name: str | None = None) -> None:
    if signing_type == "standard":
        request.headers["Authorization"] = _SIGNED.format(self.region_name, self.signing_name)
    else:
        _sign(self, operation_name, request, region_name, signing_type, expires_in, signing_name)


_QUICK: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (BaseJSONParser, "_handle_timestamp", _at), (JSONSerializer, "_serialize", _as_it_is),
    (RequestSigner, "sign", _presigned), (UserAgentString, "to_string", lambda self: "the bed"))
