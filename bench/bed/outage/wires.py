"""Where calls leave the process: each is recorded, may fail, and else reaches the world.

Vendors and the cluster are met where ``Http`` makes its transport, AWS where botocore sends ("before-send", below its
retries).
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import botocore.handlers
import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from bench.bed.outage.clock import Clock
from bench.bed.outage.cloud import KUBERNETES, Cloud
from bench.bed.outage.faults import SLOW_SECONDS, Death, Died, Fault, Kind, Lost, Reach
from bench.bed.outage.quick import quick
from responder.clients import aws, targets, wire
from sandbox.vendors.gate import Answer
from sandbox.vendors.wire import Protocol, Refused, failed

_CALL_SECONDS = 0.005
_AWS_TIMEOUT_SECONDS = 5.0
_PAGE = b"<!DOCTYPE html>\n<html><body><h1>Please wait</h1></body></html>\n"
_QUERY = frozenset({"rds", "sns", "sts", "elastic-load-balancing-v2"})
_THROTTLES = {"rds": ("Throttling", 400), "ec2": ("RequestLimitExceeded", 503), "s3": ("SlowDown", 503),
              "lambda": ("TooManyRequestsException", 429), "sns": ("Throttled", 429),
              "dynamodb": ("ProvisionedThroughputExceededException", 400)}
Elsewhere = Callable[[str, str, str, dict[str, str], bytes], Answer]
"""Host, method, path, headers and body to a vendor's answer."""


@dataclass(frozen=True)
class Call:
    """One call that left a function."""

    state: str
    function: str
    dependency: str
    operation: str


@dataclass
class Wires:
    """All that leaves the process."""

    clock: Clock
    cloud: Cloud
    elsewhere: Elsewhere
    state: str = ""
    """The state of the state machine that is being entered."""
    function: str = ""
    calls: list[Call] = field(default_factory=list)
    fault: Fault | None = None
    within: tuple[str, str] = ("", "")
    """State and function that the fault is about."""
    death: Death | None = None
    met: int = 0
    """How often the fault was met."""
    dead: bool = False
    _counted: int = 0
    # Calls go side by side, so which one a thread is making is its own.
    _mine: threading.local = field(default_factory=threading.local)

    def meet(self, dependency: str, operation: str) -> Kind | None:
        """Record a call, and say what befalls it; raises Died and Lost."""
        if self.dead:
            raise Died
        self.calls.append(Call(self.state, self.function, dependency, operation))
        self.clock.sleep(_CALL_SECONDS)
        if self.death and (self.state, self.function) == self.within:
            self._counted += 1
            self._mine.number = self._counted
            if self._counted == self.death.call and not self.death.after:
                self._die()
        fault = self.fault
        if fault is None or fault.dependency != dependency:
            return None
        if fault.reach != Reach.ON and (self.state, self.function) != self.within:
            return None
        if fault.reach == Reach.ONCE and self.met:
            return None
        self.met += 1
        return fault.kind

    def took_effect(self) -> None:
        """Say that the call has been done; raises Died and Lost."""
        if self.death and (self.state, self.function) == self.within and (
                getattr(self._mine, "number", 0) == self.death.call):
            self._die()

    def _die(self) -> None:
        of_all = self.death is not None and self.death.of_all
        self.death, self.dead = None, True
        self.met += 1
        raise Lost if of_all else Died

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Let everything in the process go by these wires."""
        _joined.append(self)
        if ("before-send", _sent) not in botocore.handlers.BUILTIN_HANDLERS:
            # Clients are dear, so they stay when this bed is gone, and those of before are made anew.
            botocore.handlers.BUILTIN_HANDLERS.append(("before-send", _sent))
            aws.made.cache_clear()
            targets.session.cache_clear()
        try:
            with quick(), mock.patch.object(wire, "Transport", lambda deadline, verify=True: Transport(
                    self, deadline)):
                yield
        finally:
            _joined.remove(self)

    def aws(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Answer what botocore would send."""
        service, operation = event_name.split(".")[1:3]
        kind = self.meet(service, operation)
        url = request.url
        if kind == Kind.REFUSED:
            raise EndpointConnectionError(endpoint_url=url)
        if kind == Kind.CERTIFICATE:
            raise SSLError(endpoint_url=url, error="certificate verify failed: Hostname mismatch")
        if kind == Kind.THROTTLED:
            return _response(url, _refused(service, *_THROTTLES.get(service, ("ThrottlingException", 400))))
        if kind == Kind.SERVER_ERROR:
            return _response(url, _refused(service, "ServiceUnavailable", 503))
        if kind == Kind.EXPIRED:
            return _response(url, _refused(service, "ExpiredToken" if service in ("s3", *_QUERY) else
                                           "ExpiredTokenException", 403 if service == "s3" else 400))
        if kind == Kind.MALFORMED:
            return _response(url, Answer(200, _PAGE, "text/html"))
        if kind == Kind.SLOW:
            self.clock.sleep(SLOW_SECONDS)
        state, function = self.state, self.function
        answer = self.cloud.answer(service, operation, request, kind == Kind.LATE)
        self.state, self.function = state, function
        self.took_effect()
        if kind == Kind.TIMEOUT:
            self.clock.sleep(_AWS_TIMEOUT_SECONDS)
            raise ReadTimeoutError(endpoint_url=url)
        if kind == Kind.RESET:
            raise ConnectionClosedError(endpoint_url=url)
        if kind == Kind.TRUNCATED:
            answer = Answer(answer.status, answer.body[:len(answer.body) // 2], answer.kind, answer.headers)
        return _response(url, answer)


_joined: list[Wires] = []


def _sent(event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
    return _joined[-1].aws(event_name, request) if _joined else None


class Transport(httpx.BaseTransport):
    """Stands for ``responder.clients.wire.Transport``: all ends by ``deadline``."""

    def __init__(self, wires: Wires, deadline: float) -> None:
        self._wires, self._deadline = wires, deadline

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the world's answer, or raise what a connection would."""
        wires, host = self._wires, request.url.host
        kind = wires.meet(host, f"{request.method} {request.url.path}")
        if kind == Kind.REFUSED:
            raise httpx.ConnectError("[Errno 111] Connection refused")
        if kind == Kind.CERTIFICATE:
            raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch")
        if kind == Kind.THROTTLED:
            return _http(Answer(429, b'{"message": "too many requests"}', headers=(("Retry-After", "30"),)))
        if kind == Kind.SERVER_ERROR:
            return _http(Answer(503, b"upstream connect error", "text/plain"))
        if kind == Kind.EXPIRED:
            return _http(Answer(200, b'{"ok": false, "error": "token_expired"}') if host == "slack.com" else
                         Answer(401, b'{"kind": "Status", "code": 401, "reason": "Unauthorized"}'))
        if kind == Kind.MALFORMED:
            return _http(Answer(200, _PAGE, "text/html"))
        if kind == Kind.SLOW:
            self._wait(SLOW_SECONDS)
        answer = self._answer(request, kind == Kind.LATE)
        wires.took_effect()
        if kind == Kind.TIMEOUT:
            self._wait(float(request.extensions["timeout"]["read"]) + 1)
        if kind == Kind.RESET:
            raise httpx.ReadError("[Errno 104] Connection reset by peer")
        if kind == Kind.TRUNCATED:
            return httpx.Response(answer.status, stream=_Half(answer.body), headers={
                "content-type": answer.kind, "content-length": str(len(answer.body))})
        return _http(answer)

    def _wait(self, seconds: float) -> None:
        left = self._deadline - self._wires.clock.monotonic()
        self._wires.clock.sleep(max(0.0, min(seconds, left)))
        if seconds >= left:
            raise httpx.ReadTimeout("the deadline has passed")

    def _answer(self, request: httpx.Request, late: bool) -> Answer:
        path = request.url.raw_path.decode()
        headers = {key.lower(): value for key, value in request.headers.items()}
        if request.url.host == KUBERNETES:
            return self._wires.cloud.cluster.answer(request.method, path, headers, request.read(), late)
        return self._wires.elsewhere(request.url.host, request.method, path, headers, request.read())


class _Half(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[:len(self._body) // 2]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        while contents := self.read():
            yield contents


def _http(answer: Answer) -> httpx.Response:
    return httpx.Response(answer.status, content=answer.body, headers=[("content-type", answer.kind), *answer.headers])


def _response(url: str, answer: Answer) -> AWSResponse:
    headers = {"Content-Type": answer.kind, "Content-Length": str(len(answer.body)), **dict(answer.headers)}
    return AWSResponse(url, answer.status, httpx_headers(headers), _Raw(answer.body))


def httpx_headers(headers: dict[str, str]) -> Any:
    """Return headers as botocore has them, whose names have no case."""
    from botocore.compat import HTTPHeaders

    found = HTTPHeaders()
    for key, value in headers.items():
        found[key] = value
    return found


def _refused(service: str, code: str, status: int) -> Answer:
    if service == "s3":
        return Answer(status, f"<Error><Code>{code}</Code><Message>so it is</Message></Error>".encode(),
                      "application/xml")
    protocol: Protocol = "query" if service in _QUERY else "ec2" if service == "ec2" else "rest" if service in (
        "eks", "lambda", "appconfigdata", "synthetics") else "json"
    return failed(protocol, Refused(code, "so it is", status))


def payload(value: Any) -> Any:
    """Return a value as it travels between functions."""
    return json.loads(json.dumps(value))
