"""Answers with a limit on time and memory, whatever the server sends.

httpx sets no such limits: it decodes one compressed chunk whole (64 kB of gzip are 64 MB of zeros), decodes any
coding and any character set that the server names, and keeps cookies. ``clients/bounded_json.py`` bounds what is
parsed.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator

import httpx

from responder.clients import raw
from responder.clients.failure import CallFailed

BODY_BYTES = 32 * 1024 * 1024
"""Size limit of one answer, both compressed and decompressed; a request's extension ``most_bytes`` overrides it."""
ACCEPTED = "gzip, deflate"
"""The value of Accept-Encoding; an answer with another coding is refused."""
_PIECE_BYTES = 64 * 1024
_DROPPED = frozenset({"content-encoding", "set-cookie"})
_WBITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Bounded(httpx.BaseTransport):
    """A transport whose answers are bounded. They are decoded already, and without cookies.

    Raises CallFailed while a body is read: ``timeout`` after ``deadline`` (``time.monotonic`` seconds), ``malformed``
    where it is too long or its coding is broken or was not asked for, ``unavailable`` where it breaks off.
    """

    def __init__(self, transport: httpx.BaseTransport, deadline: float) -> None:
        self._transport, self._deadline = transport, deadline

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, with its body still to be read as ``extensions["body"]``; raises httpx's errors."""
        answer = self._transport.handle_request(request)
        body = Body(answer, request.url.host, self._deadline, request.extensions.get("most_bytes", BODY_BYTES))
        headers = [(name, value) for name, value in answer.headers.raw
                   if name.decode("ascii").lower() not in _DROPPED]
        bounded = httpx.Response(answer.status_code, headers=headers, stream=body,
                                 extensions=answer.extensions | {"body": body})
        # JSON is UTF-8 (RFC 8259); the server's own word could name ``zlib`` or ``punycode``, which Python knows too.
        bounded.encoding = "utf-8"
        return bounded

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()


class Body(httpx.SyncByteStream):
    """The body of an answer. ``asked``, where it is set, is the name under which it is kept word for word."""

    def __init__(self, answer: httpx.Response, name: str, deadline: float, most_bytes: int) -> None:
        self.asked = ""
        self._answer, self._name, self._deadline, self._most_bytes = answer, name, deadline, most_bytes

    def __iter__(self) -> Iterator[bytes]:
        pieces = self._pieces()
        return raw.teed(self.asked, pieces) if self.asked else pieces

    def close(self) -> None:
        """Close the answer without reading the rest."""
        self._answer.close()

    def _pieces(self) -> Iterator[bytes]:
        coding = self._answer.headers.get("content-encoding", "").strip().lower()
        received = self._received()
        if coding in ("", "identity"):
            yield from received
            return
        if coding not in _WBITS:
            raise CallFailed("malformed", f"{self._name} answered in a coding that was not asked for")
        length = 0
        try:
            for piece in _decompressed(received, coding):
                length += len(piece)
                self._check(length)
                yield piece
        except (zlib.error, EOFError) as error:
            raise CallFailed("malformed", f"{self._name} answered with a broken encoding") from error

    def _received(self) -> Iterator[bytes]:
        """Yield the body as it comes."""
        length = 0
        try:
            for chunk in self._answer.stream:  # type: ignore[union-attr]  # it is of a transport that is not async
                length += len(chunk)
                self._check(length)
                yield chunk
        except httpx.HTTPError as error:
            raise failed(self._name, error) from error

    def _check(self, length: int) -> None:
        if length > self._most_bytes:
            raise CallFailed("malformed", f"{self._name} answered with more than {self._most_bytes // 2 ** 20} MiB")
        if time.monotonic() > self._deadline:
            raise CallFailed("timeout", f"{self._name} did not finish its answer in time")


def _decompressed(chunks: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """Yield what is compressed in pieces of 64 kB at most; raises ``zlib.error`` and EOFError."""
    decoder, begun = zlib.decompressobj(_WBITS[coding]), False
    for chunk in chunks:
        rest = chunk
        while rest:
            if decoder.eof:
                # gzip: one member after another is one file (RFC 1952, 2.2). With deflate it is an error.
                decoder = zlib.decompressobj(_WBITS[coding])
            try:
                piece = decoder.decompress(rest, _PIECE_BYTES)
            except zlib.error:
                if begun or coding != "deflate":
                    raise
                # Some servers send deflate without zlib's header (RFC 9110, 8.4.1.2).
                decoder = zlib.decompressobj(-zlib.MAX_WBITS)
                piece = decoder.decompress(rest, _PIECE_BYTES)
            begun, rest = True, decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            # An empty piece is passed on as well: the caller checks the deadline at each piece.
            yield piece
    while begun and not decoder.eof:
        piece = decoder.decompress(decoder.unconsumed_tail, _PIECE_BYTES)
        if not piece:
            raise EOFError("the compressed answer breaks off")
        yield piece


def failed(name: str, error: httpx.HTTPError) -> CallFailed:
    """Return how a call of ``name`` failed."""
    if isinstance(error, httpx.TimeoutException):
        return CallFailed("timeout", f"{name} did not answer in time")
    if isinstance(error, httpx.DecodingError):
        return CallFailed("malformed", f"{name} answered with a broken encoding")
    return CallFailed("unavailable", f"{name} could not be reached: {type(error).__name__}")
