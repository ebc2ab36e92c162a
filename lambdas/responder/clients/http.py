"""HTTP with a deadline: every outcome is an answer or a CallFailed that says what happened."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from responder.clients import bounded, bounded_json, closing, wire
from responder.clients.failure import CallFailed

# It logs every URL, whose query may hold what must not be stored.
logging.getLogger("httpx").setLevel(logging.WARNING)
_RETRIED = frozenset({429, 502, 503, 504})
_CONNECT_SECONDS = 3.0
_LINE_BYTES = 1024 * 1024
_REASON_BYTES = 16 * 1024
"""What is read of a refusal."""


class Http:
    """An HTTP client for one system, which keeps its connections and its deadline.

    ``deadline`` is the moment (``time.monotonic`` seconds) by which every call must have ended: connecting, all of the
    answer and repeats included. Memory is bounded as ``clients/bounded.py`` and ``bounded_json.py`` say. Redirects are
    not followed, because they would carry the credentials to wherever the answer says. It is closed when the invocation
    ends.
    """

    def __init__(self, deadline: float, headers: dict[str, str] | None = None, verify: Any = True,
                 transport: httpx.BaseTransport | None = None) -> None:
        self._deadline = deadline
        self._client = httpx.Client(
            headers={"Accept-Encoding": bounded.ACCEPTED, **(headers or {})}, follow_redirects=False, trust_env=False,
            transport=bounded.Bounded(transport or wire.Transport(deadline, verify), deadline))
        self._lock, self._asking, self._is_over = threading.Lock(), 0, False
        closing.later(self.end)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def end(self) -> None:
        """Close the connections, those of requests on their way when these have ended.

        A thread that was left behind waits at a socket. If that were closed under it, its number could be given to the
        next connection, from which the thread would then read.
        """
        with self._lock:
            self._is_over = True
            is_idle = not self._asking
        if is_idle:
            self.close()

    @contextmanager
    def _request_on_its_way(self) -> Iterator[None]:
        with self._lock:
            self._asking += 1
        try:
            yield
        finally:
            with self._lock:
                self._asking -= 1
                is_last = self._is_over and not self._asking
            if is_last:
                self.close()

    def json(self, method: str, url: str, *, repeatable: bool = True, **arguments: Any) -> Any:
        """Return the parsed JSON answer of one request; see ``stream`` for its errors."""
        body = bytearray()
        with self.stream(method, url, repeatable=repeatable, **arguments) as response:
            for chunk in response.iter_bytes():
                body += chunk
        return bounded_json.parsed(body, _name(url))

    def lines(self, method: str, url: str, *, most_bytes: int = bounded.BODY_BYTES,
              **arguments: Any) -> Generator[bytes, None, None]:
        r"""Yield the lines of an answer while it streams, each of 1 MiB at most; see ``stream`` for its errors.

        Only ``\n`` ends a line: others, such as U+2028, may stand within a JSON text. To be closed by the caller.
        """
        rest = bytearray()
        with self.stream(method, url, extensions={"most_bytes": most_bytes}, **arguments) as response:
            for chunk in response.iter_bytes():
                first, *others = chunk.split(b"\n")
                rest += first
                if others:
                    yield bytes(rest)
                    yield from others[:-1]
                    rest = bytearray(others[-1])
                if len(rest) > _LINE_BYTES:
                    raise CallFailed("malformed", f"{_name(url)} answered with a line of more than 1 MiB")
        if rest:
            yield bytes(rest)

    @contextmanager
    def stream(self, method: str, url: str, *, repeatable: bool = True, **arguments: Any) -> Iterator[httpx.Response]:
        """Yield the answer of one request while it streams.

        A temporary refusal (429, 502, 503, 504) or a broken connection is retried after the time that Retry-After
        says, or with exponential backoff and jitter, while the deadline allows and the request is ``repeatable``.
        Raises CallFailed, also while the answer is read: ``timeout``, ``unavailable``, ``unauthorized`` (401, 403),
        ``throttled`` (429), ``malformed`` (too long, or a broken encoding).
        """
        with self._request_on_its_way(), self._streamed(method, url, repeatable, arguments) as response:
            yield response

    @contextmanager
    def _streamed(self, method: str, url: str, repeatable: bool, arguments: dict[str, Any]) -> Iterator[httpx.Response]:
        attempt = 0
        while True:
            attempt += 1
            try:
                response = self._client.send(self._request(method, url, arguments), stream=True)
            except httpx.HTTPError as error:
                failure = bounded.failed(_name(url), error)
                if failure.status != "unavailable" or not repeatable or not self._pause(attempt, None):
                    raise failure from error
                continue
            try:
                if response.status_code in _RETRIED and repeatable and self._pause(attempt, response):
                    continue
                self._raise_for_status(url, response)
                response.extensions["body"].asked = f"{method} {url}"
                yield response
                return
            finally:
                response.close()

    def answer(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        """Return the answer of one request, whatever its status is. It is never retried; use it for writes.

        Raises CallFailed with ``timeout``, ``unavailable`` or ``malformed``; the write may have been applied or not.
        """
        try:
            with self._request_on_its_way():
                return self._client.send(self._request(method, url, arguments))
        except httpx.HTTPError as error:
            raise bounded.failed(_name(url), error) from error

    def status(self, method: str, url: str, **arguments: Any) -> int:
        """Return the status of one request, never repeated, and leave its body unread; raises as ``answer``."""
        try:
            with self._request_on_its_way():
                response = self._client.send(self._request(method, url, arguments), stream=True)
                response.close()
        except httpx.HTTPError as error:
            raise bounded.failed(_name(url), error) from error
        return response.status_code

    def _request(self, method: str, url: str, arguments: dict[str, Any]) -> httpx.Request:
        left = self._deadline - time.monotonic()
        if left <= 0.05:
            raise CallFailed("timeout", f"{_name(url)} did not answer in time")
        return self._client.build_request(
            method, url, timeout=httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS)), **arguments)

    def _pause(self, attempt: int, response: httpx.Response | None) -> bool:
        """Wait before another attempt; False where the deadline leaves no room for one."""
        seconds = random.uniform(0.1, 0.4) * 2 ** (attempt - 1)
        if response is not None:
            seconds = max(seconds, _retry_after_seconds(response.headers.get("retry-after", "")))
        if attempt >= 4 or time.monotonic() + seconds + 0.2 > self._deadline:
            return False
        time.sleep(seconds)
        return True

    def _raise_for_status(self, url: str, response: httpx.Response) -> None:
        code = response.status_code
        if code < 300:
            return
        body = _beginning(response)
        if code in (401, 403):
            raise CallFailed("unauthorized", f"{_name(url)} refused the credentials ({code})", http_status=code,
                             body=body)
        if code == 429:
            raise CallFailed("throttled", f"{_name(url)} asks to come back later (429)", http_status=code, body=body)
        raise CallFailed("unavailable", f"{_name(url)} answered with status {code}", http_status=code, body=body)


def _beginning(response: httpx.Response) -> bytes:
    """Return the beginning of a refusal's body, which may say why; what cannot be read is left out."""
    body = bytearray()
    try:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) >= _REASON_BYTES:
                break
    except (CallFailed, httpx.HTTPError):
        pass
    return bytes(body[:_REASON_BYTES])


def _retry_after_seconds(value: str) -> float:
    """Seconds that a Retry-After asks for (RFC 9110, 10.2.3: seconds or a date); 0 where it says neither."""
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return 0.0


def _name(url: str) -> str:
    return httpx.URL(url).host
