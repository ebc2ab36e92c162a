"""Nothing but reads leaves this process while a backtest runs: each request is judged before it is sent.

Three places see every request: botocore's one method for calls, httpx's ``send``, and the standard library's HTTP,
which all other clients here use (the ``kubernetes`` package by urllib3). What is not known to be a read is refused.
Sources: the Service Authorization Reference (access levels List and Read), Splunk's page "SPL safeguards for risky
commands", Prometheus' "HTTP API", and the GraphQL specification ("Operations").
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
from botocore.client import BaseClient

_BEGINNINGS = ("Describe", "Get", "List", "Lookup", "Filter")
_SERVICES = frozenset({
    "acm", "application-signals", "cloudformation", "cloudtrail", "cloudwatch", "dynamodb", "ec2", "eks", "health",
    "logs", "pi", "rds", "s3", "secretsmanager", "ssm", "sso", "sts", "xray"})
"""AWS services of which calls that begin so are reads."""
_FURTHER = frozenset({
    ("dynamodb", "Query"), ("dynamodb", "BatchGetItem"), ("s3", "HeadObject"), ("xray", "BatchGetTraces"),
    # A query of Logs Insights is begun and stopped by calls of access level Read.
    ("logs", "StartQuery"), ("logs", "StopQuery"),
    # Credentials: another account's, and those of a login that is renewed.
    ("sts", "AssumeRole"), ("sts", "AssumeRoleWithWebIdentity"), ("sso-oidc", "CreateToken")})
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS", "CONNECT"})
_METADATA_HOST = "169.254.169.254"
"""Where an EC2 instance gets its credentials, with a PUT that begins a session."""
_RISKY = re.compile(
    r"\|\s*(collect|crawl|createrss|delete|dump|mcollect|meventcollect|outputcsv|outputlookup|outputtext|run|"
    r"runshellscript|script|sendalert|sendemail|stash|summaryindex|tscollect|map|localop|redistribute)\b",
    re.IGNORECASE)
_OPERATION = re.compile(r"\b(mutation|subscription)\b")
_TEXT = re.compile(r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\])*"|#[^\n]*')
"""What of a GraphQL document is a string or a comment."""
_SEARCHES = ("/search/jobs/export", "/search/v2/jobs/export")
_QUERIES = ("/api/v1/query", "/api/v1/query_range")

_judged: ContextVar[bool] = ContextVar("_judged", default=False)


class WriteRefused(Exception):
    """A request that is not known to be a read was not sent."""


@dataclass
class Sent:
    """What was sent, and what was not let through."""

    calls: Counter[str] = field(default_factory=Counter)
    """AWS service or host to the number of requests."""
    refused: list[str] = field(default_factory=list)


@dataclass
class Pace:
    """Keeps requests to one system apart in time."""

    apart_seconds: float = 0.25
    """Four a second: below the limits of each vendor that is asked (``docs/how-to/backtest.md`` lists them)."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _last: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, system: str) -> None:
        """Wait until the system may be asked again."""
        with self._lock:
            now = self.clock()
            at = max(now, self._last.get(system, float("-inf")) + self.apart_seconds)
            self._last[system] = at
        if at > now:
            self.sleep(at - now)


def is_read_of_aws(service: str, operation: str) -> bool:
    """Whether a call of an AWS API changes nothing; one that is not known does."""
    return (service, operation) in _FURTHER or (service in _SERVICES and operation.startswith(_BEGINNINGS))


def is_read_by_http(method: str, url: str, body: bytes) -> bool:
    """Whether a request of another system changes nothing; one that is not known does."""
    if method.upper() in _HARMLESS:
        return True
    path = httpx.URL(url).path.rstrip("/")
    if method.upper() != "POST":
        return False
    if path.endswith("/graphql"):
        return _only_asks(body)
    if path.endswith(_SEARCHES):
        searches = parse_qs(body.decode("utf-8", "replace")).get("search", [])
        return bool(searches) and not any(_RISKY.search(one) for one in searches)
    return path.endswith(_QUERIES)


def _only_asks(body: bytes) -> bool:
    try:
        text = json.loads(body)["query"]
    except (ValueError, KeyError, TypeError):
        return False
    bare = _TEXT.sub(" ", text) if isinstance(text, str) else ""
    return bare.lstrip().startswith(("query", "{")) and not _OPERATION.search(bare)


@contextmanager
def reads_only(pace: Pace | None = None) -> Iterator[Sent]:
    """Within the block, let reads through, each at its pace, and count them; anything else raises WriteRefused."""
    sent, paced = Sent(), pace or Pace()
    call, send, send_async, put = (BaseClient._make_api_call,  # noqa: SLF001 - the one place that all calls pass
                                   httpx.Client.send, httpx.AsyncClient.send, http.client.HTTPConnection.putrequest)

    def pass_or_refuse(read: bool, system: str, what: str) -> None:
        if not read:
            sent.refused.append(what)
            raise WriteRefused(f"{what} was not sent: a backtest sends nothing but reads")
        sent.calls[system] += 1
        paced.wait(system)

    def checked_call(self: Any, operation_name: str, api_params: Any) -> Any:
        service = self.meta.service_model.service_name
        pass_or_refuse(is_read_of_aws(service, operation_name), service, f"{service}:{operation_name}")
        token = _judged.set(True)
        try:
            return call(self, operation_name, api_params)
        finally:
            _judged.reset(token)

    def checked_send(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        _judge(pass_or_refuse, request)
        return send(self, request, **options)

    async def checked_send_async(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        _judge(pass_or_refuse, request)
        return await send_async(self, request, **options)

    def checked_put(self: http.client.HTTPConnection, method: str, url: str, *rest: Any, **options: Any) -> None:
        if not _judged.get():
            read = method.upper() in _HARMLESS or self.host == _METADATA_HOST
            pass_or_refuse(read, self.host, f"{method} {self.host}")
        put(self, method, url, *rest, **options)

    places: tuple[tuple[Any, str, Any, Any], ...] = (
        (BaseClient, "_make_api_call", checked_call, call), (httpx.Client, "send", checked_send, send),
        (httpx.AsyncClient, "send", checked_send_async, send_async),
        (http.client.HTTPConnection, "putrequest", checked_put, put))
    for owner, name, guarded, _ in places:
        setattr(owner, name, guarded)
    try:
        yield sent
    finally:
        for owner, name, _, before in places:
            setattr(owner, name, before)


def _judge(pass_or_refuse: Callable[[bool, str, str], None], request: httpx.Request) -> None:
    body = b"" if request.method in _HARMLESS else request.read()
    pass_or_refuse(is_read_by_http(request.method, str(request.url), body), request.url.host,
                   f"{request.method} {request.url.host}{request.url.path}")
