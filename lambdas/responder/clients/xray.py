"""Subsegments for AWS X-Ray, as the provider of Powertools' Tracer.

Powertools' own provider is aws-xray-sdk, which would add botocore to the bundle and 12 to 44 ms to a cold start, and is
in maintenance. A subsegment is one datagram of JSON to the daemon that Lambda runs beside the function. Sources: the
X-Ray Developer Guide's pages "AWS X-Ray segment documents" (fields of independent subsegments, allowed characters of
names) and "Sending trace data to AWS X-Ray" (the daemon's header); Powertools' page "Tracer", its own providers.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from aws_lambda_powertools.tracing.base import BaseProvider, BaseSegment

from responder.model.masking import mask

_HEADER = b'{"format": "json", "version": 1}\n'
_NOT_ALLOWED = re.compile(r"[^\w\s.:/%&#=+\\\-@]", re.ASCII)
_DATAGRAM_BYTES = 60_000


class Subsegment(BaseSegment):
    """A part of an invocation, sent when it has ended."""

    def __init__(self, name: str, trace: str, parent: str, **fields: object) -> None:
        self._document: dict[str, object] = {
            "type": "subsegment", "name": _NOT_ALLOWED.sub("_", name)[:200], "id": secrets.token_hex(8),
            "trace_id": trace, "parent_id": parent, "start_time": time.time(), **fields}
        self._annotations: dict[str, object] = {}
        self.id = str(self._document["id"])

    def close(self, end_time: int | None = None) -> None:
        """Send it; X-Ray's absence costs nothing but the trace."""
        body = _HEADER + json.dumps(self._document | {
            "end_time": end_time or time.time(), "annotations": self._annotations}, default=str).encode()
        host, _, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].partition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            try:
                sender.sendto(body[:_DATAGRAM_BYTES], (host, int(port)))
            except OSError:
                pass

    def put_annotation(self, key: str, value: object) -> None:
        """Add a value by which traces are searched; keys have letters, digits and underscores."""
        self._annotations[re.sub(r"\W", "_", key, flags=re.ASCII)] = value

    def put_metadata(self, key: str, value: Any, namespace: str = "default") -> None:
        """Nothing: a value that is not searched belongs in the log, masked."""

    def add_exception(self, exception: BaseException, stack: Sequence[Any] = (), remote: bool = False) -> None:
        """Mark it as failed, with the error's type and its masked text."""
        self._document |= {"fault": True, "cause": {"exceptions": [{
            "id": secrets.token_hex(8), "type": type(exception).__name__, "message": mask(str(exception))[:500],
            "remote": remote}]}}

    def add_subsegment(self, subsegment: Any) -> None:
        """Nothing: each subsegment names its parent itself."""

    def remove_subsegment(self, subsegment: Any) -> None:
        """Nothing."""


class XRay(BaseProvider):
    """The daemon that Lambda runs beside the function."""

    def __init__(self) -> None:
        self._current: ContextVar[Subsegment | None] = ContextVar("subsegment", default=None)

    @contextmanager
    def in_subsegment(self, name: str | None = None, **kwargs: object) -> Iterator[Subsegment]:
        """Trace the block; what it raises marks the subsegment as failed."""
        header = dict(part.strip().partition("=")[::2] for part in os.environ["_X_AMZN_TRACE_ID"].split(";"))
        outer = self._current.get()
        made = Subsegment(name or "-", header.get("Root", ""), outer.id if outer else header.get("Parent", ""),
                          **kwargs)
        token = self._current.set(made)
        try:
            yield made
        except Exception as error:
            made.add_exception(error)
            raise
        finally:
            self._current.reset(token)
            made.close()

    def in_subsegment_async(self, name: str | None = None,
                            **kwargs: object) -> AbstractAsyncContextManager[BaseSegment]:
        """Nothing here is asynchronous."""
        raise NotImplementedError("nothing here is asynchronous")

    def put_annotation(self, key: str, value: object) -> None:
        """Annotate the subsegment that is open."""
        if current := self._current.get():
            current.put_annotation(key, value)

    def put_metadata(self, key: str, value: Any, namespace: str = "default") -> None:
        """Nothing, as for a subsegment."""

    def patch(self, modules: Sequence[str]) -> None:
        """Nothing is patched."""

    def patch_all(self) -> None:
        """Nothing is patched."""
