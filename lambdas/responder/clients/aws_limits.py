"""A deadline for a whole AWS call, including its retries and its full answer, and a limit on the answer's size.

botocore has a time-out for connecting and one for each read: an answer that drips is read without end, and each retry
takes the time-outs again. It has no setting for the whole, so the reads are bounded where botocore's connections make
their answers (``response_class`` of ``http.client``), and the retries by botocore's own events (boto3's page
"Extensibility guide"). Memory: botocore asks for no compression and decodes none, so that bytes read are bytes kept.
Only the DNS lookup of AWS' own names is left to the operating system's time-outs.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPSConnection

from responder.clients.failure import CallFailed

MOST_BYTES = 32 * 1024 * 1024
"""Size limit of one answer with its headers. The largest answer in use, a page of metrics, has 5 MB."""
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


class _Call(threading.local):
    """The call that this thread makes."""

    until = math.inf


_call = _Call()


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Let every call that this thread makes within the block end by ``deadline`` (``time.monotonic`` seconds)."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def limit(client: Any, system: str, seconds: float) -> None:
    """Give each call of a boto3 client ``seconds`` in all; a call that takes longer raises CallFailed with ``timeout``.

    A pause before a retry is not cut short: a call can end a second or two later than its deadline.
    """
    def begin(**_: Any) -> None:
        _call.until = min(time.monotonic() + seconds, _deadline.get())

    def check(caught_exception: Exception | None = None, **event: Any) -> None:
        # This runs before each attempt, and again before botocore decides on a retry.
        cause = getattr(caught_exception, "kwargs", {}).get("error")
        if isinstance(cause, CallFailed):
            raise cause
        if time.monotonic() >= _call.until and event.get("response") is None:
            raise CallFailed("timeout", f"{system} did not answer in time") from caught_exception

    def end(http_response: Any = None, **_: Any) -> None:
        _call.until = math.inf
        if http_response is not None and http_response.status_code < 200:
            # http.client takes any status but 100 for a final one, and botocore this one for success.
            raise CallFailed("malformed", f"{system} answered with status {http_response.status_code}",
                             http_status=http_response.status_code)

    events = client.meta.events
    events.register_first("before-call", begin)
    events.register_first("before-send", check)
    events.register_first("needs-retry", check)
    events.register("after-call", end)
    events.register("after-call-error", end)


class _Reads(io.RawIOBase):
    """A connection's input, readable until the deadline of the call that it answers."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket, self._until, self._left = connection, _call.until, MOST_BYTES
        self._each = connection.gettimeout()
        self._raw = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        if left != math.inf:
            self._socket.settimeout(left if self._each is None else min(left, self._each))
        try:
            count = self._raw.readinto(buffer)
        finally:
            if left != math.inf and self._socket.fileno() >= 0:
                self._socket.settimeout(self._each)
        self._left -= count or 0
        if self._left < 0:
            raise CallFailed("malformed", f"AWS answered with more than {MOST_BYTES // 2 ** 20} MiB")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Makes:
    """Stands for a connection where ``http.client`` makes a file of it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reads(self._connection))


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Makes(sock), *args, **kwargs)  # type: ignore[arg-type]  # of a socket it uses makefile alone


# All clients of the process use this. The size limit holds for every call, the deadline for calls that have one.
AWSHTTPConnection.response_class = _Answer
AWSHTTPSConnection.response_class = _Answer
