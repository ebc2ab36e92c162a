"""Connections with one deadline for everything: DNS lookup, connecting, TLS, writing and reading.

httpx has time-outs per operation only, so a server that sends one byte a second would be waited for forever.
Here each operation gets what is left until the deadline. httpcore's documentation, "Network Backends", has the
interface.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import httpcore
import httpx

from responder.clients.background import Task

Address = tuple[Any, ...]
"""A row of ``socket.getaddrinfo``."""
_ADDRESSES = 4
"""How many of a name's addresses are tried."""
_CONNECTIONS = 10
_READ_BYTES = 16 * 1024


def addresses(host: str, port: int, until: float) -> list[Address]:
    """Look a name up; raises OSError, TimeoutError where the resolver has not answered at ``until``.

    The system's resolver takes no time-out, so it is asked in a thread.
    """
    try:
        found = Task(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)).result(until)
    except UnicodeError as error:
        raise OSError(0, "no name that could be looked up") from error
    if found is None:
        raise TimeoutError(f"{host} was not looked up in time")
    return found


def connect(found: Sequence[Address], until: float) -> socket.socket:
    """Return a connection to the first address that takes one; raises the OSError that says most."""
    failures: list[OSError] = []
    for tried, (family, kind, protocol, _, address) in enumerate(found):
        try:
            # Made within the attempt: a host without IPv6 fails here.
            connection = socket.socket(family, kind, protocol)
        except OSError as error:
            failures.append(error)
            continue
        # An address that is silent must leave time for the others.
        connection.settimeout(max(0.05, (until - time.monotonic()) / (len(found) - tried)))
        try:
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            failures.append(error)
    # An error about an address family that this host does not have says nothing useful.
    raise next((error for error in failures if isinstance(error, TimeoutError | ConnectionError)), failures[0])


class Transport(httpx.BaseTransport):
    """HTTP/1.1 over connections that all end at ``deadline`` (``time.monotonic`` seconds)."""

    def __init__(self, deadline: float, verify: ssl.SSLContext | bool = True) -> None:
        context = verify if isinstance(verify, ssl.SSLContext) else _context(verify)
        network = _Network(deadline)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, max_connections=_CONNECTIONS, network_backend=network)
        proxy = os.environ.get("HTTPS_PROXY")
        self._tunnels = httpcore.HTTPProxy(
            proxy, ssl_context=context, max_connections=_CONNECTIONS, network_backend=network) if proxy else None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, its body still to be read; raises httpx's errors."""
        url = request.url
        with _as_httpx():
            pool = self._tunnels if self._tunnels and _is_outside(url) else self._pool
            answer = pool.handle_request(httpcore.Request(
                request.method, httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port,
                                             target=url.raw_path),
                headers=request.headers.raw, content=request.stream, extensions=request.extensions))
        return httpx.Response(answer.status, headers=answer.headers, stream=_Stream(answer),
                              extensions=answer.extensions)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
        if self._tunnels:
            self._tunnels.close()


def _is_outside(url: httpx.URL) -> bool:
    """Whether an address is reached by the proxy of ``HTTPS_PROXY``: https, and not a host of ``NO_PROXY``."""
    # Imported here: it takes 20 ms, and few networks have a proxy.
    from urllib.request import proxy_bypass

    return url.scheme == "https" and not proxy_bypass(url.host)


@cache
def _context(verify: bool) -> ssl.SSLContext:
    # Reading the authorities takes 20 ms, and a function that queries several systems needs them several times.
    return httpx.create_ssl_context(verify, trust_env=False)


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Network(httpcore.NetworkBackend):
    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[Any] | None = None) -> httpcore.NetworkStream:
        until = self._deadline if timeout is None else min(self._deadline, time.monotonic() + timeout)
        with _as_httpcore(httpcore.ConnectTimeout, httpcore.ConnectError):
            connection = connect(addresses(host, port, until)[:_ADDRESSES], until)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return _Connection(connection, self._deadline)


class _Connection(httpcore.NetworkStream):
    """A socket whose time-out is set anew before each operation."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = connection, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _as_httpcore(httpcore.ReadTimeout, httpcore.ReadError):
            self._set_timeout()
            # Read little at a time: the deadline is checked between two reads, and 64 kB can hold thousands of interim
            # answers (103), each of which is parsed.
            return self._socket.recv(min(max_bytes, _READ_BYTES))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        with _as_httpcore(httpcore.WriteTimeout, httpcore.WriteError):
            while rest:
                # One ``send`` at a time: SSLSocket.sendall gives each part the whole time-out again.
                self._set_timeout()
                rest = rest[self._socket.send(rest):]

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None,
                  timeout: float | None = None) -> httpcore.NetworkStream:
        try:
            with _as_httpcore(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._set_timeout()
                # The time-out is that of the whole handshake.
                return _Connection(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname),
                                   self._deadline)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "socket":
            return self._socket
        if info == "is_readable":
            # An idle connection that can be read from was closed by the other side.
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            return bool(poll.poll(0))
        return None

    def _set_timeout(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._socket.settimeout(left)


@contextmanager
def _as_httpcore(late: type[Exception], failed: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise failed(str(error)) from error


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Turn httpcore's errors into httpx's, which have the same names."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError,
            httpcore.UnsupportedProtocol) as error:
        raise getattr(httpx, type(error).__name__, httpx.TransportError)(str(error)) from error
