"""HTTP with a deadline: every outcome is an answer or a CallFailed that says what happened."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from responder.clients import raw
from responder.clients.failure import CallFailed

# It logs every URL, whose query may hold what must not be stored.
logging.getLogger("httpx").setLevel(logging.WARNING)
_RETRIED = frozenset({429, 502, 503, 504})
_CONNECT_SECONDS = 3.0
_BODY_LIMIT_BYTES = 32 * 1024 * 1024


class Http:
    """An HTTP client for one system, which keeps its connections and its deadline.

    ``deadline`` is the moment (``time.monotonic`` seconds) by which every call must have ended, repeats included.
    """

    def __init__(self, deadline: float, headers: dict[str, str] | None = None, verify: Any = True,
                 transport: httpx.BaseTransport | None = None) -> None:
        self._deadline = deadline
        self._client = httpx.Client(headers=headers, verify=verify, transport=transport, follow_redirects=False,
                                    trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def json(self, method: str, url: str, *, repeatable: bool = True, **arguments: Any) -> Any:
        """Return the parsed JSON answer of one request; see ``stream`` for its errors."""
        with self.stream(method, url, repeatable=repeatable, **arguments) as response:
            body = bytearray()
            try:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _BODY_LIMIT_BYTES:
                        raise CallFailed("malformed", f"{_name(url)} answered with more than 32 MiB")
            except httpx.HTTPError as error:
                raise self._failure(url, error) from error
        try:
            return json.loads(body)
        except ValueError as error:
            raise CallFailed("malformed", f"{_name(url)} answered with something that is not JSON") from error

    @contextmanager
    def stream(self, method: str, url: str, *, repeatable: bool = True, **arguments: Any) -> Iterator[httpx.Response]:
        """Yield the answer of one request while it streams.

        A refusal for the moment (429, 502, 503, 504) or a broken connection is tried again, after what Retry-After
        says or a growing pause with jitter, while the deadline allows and the request is ``repeatable``.
        Raises CallFailed: ``timeout``, ``unavailable``, ``unauthorized`` (401, 403), ``throttled`` (429).
        """
        attempt = 0
        while True:
            attempt += 1
            left = self._left(url)
            request = self._client.build_request(
                method, url, timeout=httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS)), **arguments)
            try:
                response = self._client.send(request, stream=True)
            except httpx.HTTPError as error:
                failure = self._failure(url, error)
                if failure.status != "unavailable" or not repeatable or not self._pause(attempt, None):
                    raise failure from error
                continue
            try:
                if response.status_code in _RETRIED and repeatable and self._pause(attempt, response):
                    continue
                self._raise_for_status(url, response)
                self._tee(response, f"{method} {url}")
                yield response
                return
            finally:
                response.close()

    def answer(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        """Return the answer of one request whatever its status is, never repeated; for writes.

        Raises CallFailed with ``timeout`` or ``unavailable`` only.
        """
        try:
            return self._client.request(method, url, timeout=self._left(url), **arguments)
        except httpx.HTTPError as error:
            raise self._failure(url, error) from error

    def _tee(self, response: httpx.Response, asked: str) -> None:
        """Hand over what is read of an answer, in whatever way it is read: all ways end in ``iter_bytes``."""
        chunks = response.iter_bytes

        def iter_bytes(chunk_size: int | None = None) -> Iterator[bytes]:
            return raw.teed(asked, chunks(chunk_size))

        # mypy minds a method that is set on one answer only; httpx offers no hook between its bytes and its readers.
        response.iter_bytes = iter_bytes  # type: ignore[method-assign]

    def _left(self, url: str) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0.05:
            raise CallFailed("timeout", f"{_name(url)} did not answer in time")
        return left

    def _pause(self, attempt: int, response: httpx.Response | None) -> bool:
        """Wait before another attempt; False where the deadline leaves no room for one."""
        seconds = random.uniform(0.1, 0.4) * 2 ** (attempt - 1)
        if response is not None:
            asked = response.headers.get("retry-after", "")
            if asked.isdigit():
                seconds = max(seconds, float(asked))
        if attempt >= 4 or time.monotonic() + seconds + 0.2 > self._deadline:
            return False
        time.sleep(seconds)
        return True

    def _failure(self, url: str, error: httpx.HTTPError) -> CallFailed:
        if isinstance(error, httpx.TimeoutException):
            return CallFailed("timeout", f"{_name(url)} did not answer in time")
        if isinstance(error, httpx.DecodingError):
            return CallFailed("malformed", f"{_name(url)} answered with a broken encoding")
        return CallFailed("unavailable", f"{_name(url)} could not be reached: {type(error).__name__}")

    def _raise_for_status(self, url: str, response: httpx.Response) -> None:
        code = response.status_code
        if code < 300:
            return
        if code in (401, 403):
            raise CallFailed("unauthorized", f"{_name(url)} refused the credentials ({code})")
        if code == 429:
            raise CallFailed("throttled", f"{_name(url)} asks to come back later (429)")
        raise CallFailed("unavailable", f"{_name(url)} answered with status {code}")


def _name(url: str) -> str:
    return httpx.URL(url).host
