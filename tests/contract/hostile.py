"""A server that answers as no server should: each way of it takes time, memory or sense away."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cache

Way = Callable[[socket.socket], None]
DRIP_SECONDS = 0.05
BOMB_BYTES = 256 * 1024 * 1024
_MOST_DRIPS = 400
"""So that a client which never ends fails its test, and does not hang it: 20 seconds."""


def say(status: int, body: bytes, *headers: str) -> Way:
    """Answer in full."""
    head = [f"HTTP/1.1 {status} X", *headers]
    if not any(line.lower().startswith("content-length") for line in headers):
        head.append(f"Content-Length: {len(body)}")

    def way(connection: socket.socket) -> None:
        connection.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)

    return way


def _drip(connection: socket.socket, part: bytes) -> None:
    for _ in range(_MOST_DRIPS):
        connection.sendall(part)
        time.sleep(DRIP_SECONDS)


def _pour(connection: socket.socket, part: bytes) -> None:
    until = time.monotonic() + _MOST_DRIPS * DRIP_SECONDS
    while time.monotonic() < until:
        connection.sendall(part)


def slow_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n[")
    _drip(connection, b" ")


def slow_lines(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    _drip(connection, b"3\r\n{}\n\r\n")


def dripping_header(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(connection, b"a")


def endless_header(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    _pour(connection, b"X-More: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 100)


def endless_interim(connection: socket.socket) -> None:
    _pour(connection, b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 100)


def endless_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    _pour(connection, b"10000\r\n" + b"[" * 65536 + b"\r\n")


def reset_half_way(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"items\":")
    time.sleep(DRIP_SECONDS)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def truncated(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"items\":")


def silent(connection: socket.socket) -> None:
    time.sleep(_MOST_DRIPS * DRIP_SECONDS)


def encoded(coding: str, *more: str) -> Way:
    """Answer with 256 MiB of blanks in a quarter of a megabyte."""
    def way(connection: socket.socket) -> None:
        say(200, bomb(coding.split(",")[0]), f"Content-Encoding: {coding}", *more)(connection)

    return way


@cache
def bomb(coding: str, length: int = BOMB_BYTES) -> bytes:
    """Blanks, compressed."""
    packer = zlib.compressobj(6, wbits={"gzip": 31, "deflate": 15, "raw": -15}[coding])
    blanks = b" " * 2 ** 20
    return b"".join(packer.compress(blanks) for _ in range(length // 2 ** 20)) + packer.flush()


class Hostile:
    """Answers each request in one ``way``; ``asked`` has the request lines."""

    def __init__(self, way: Way, *, reads: bool = True) -> None:
        self.asked: list[str] = []
        self._way, self._reads = way, reads
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            if self._reads:
                self._request(connection)
            self._way(connection)

    def _request(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            part = connection.recv(65536)
            if not part:
                raise OSError("closed")
            head += part
        head, _, body = head.partition(b"\r\n\r\n")
        self.asked.append(head.split(b"\r\n")[0].decode())
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                       if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length:
            body += connection.recv(65536)

    def close(self) -> None:
        """End all connections."""
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def hostile(way: Way, *, reads: bool = True) -> Iterator[Hostile]:
    """Serve within the block."""
    server = Hostile(way, reads=reads)
    try:
        yield server
    finally:
        server.close()
