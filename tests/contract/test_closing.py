"""What an invocation opened is closed when it ends, over real sockets: the process lives on, and others wait."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from responder.clients.background import Task
from responder.clients.http import Http
from responder.handlers.observed import observed

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
_PROMPT_SECONDS = 3.0
"""Garbage is not collected meanwhile, for nothing is made; a busy machine needs a second."""


class Vendor:
    """A server that keeps its connections, and knows which of them their clients have closed."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.kept: list[socket.socket] = []
        self.over: list[socket.socket] = []
        self.silent = False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.kept.append(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        while connection.recv(65536):
            if not self.silent:
                connection.sendall(_ANSWER)
        self.over.append(connection)

    def closed(self, seconds: float = _PROMPT_SECONDS) -> list[bool]:
        """Return for each connection whether its client has closed it, soon."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(self.over) < len(self.kept):
            time.sleep(0.01)
        return [connection in self.over for connection in self.kept]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    yield made
    made.listener.close()
    for connection in made.kept:
        connection.close()


def asked(vendor: Vendor, kept: list[Http], seconds: float = 5) -> Any:
    """Ask as a source does; ``kept`` holds the client, as a reference to itself would."""
    http = Http(time.monotonic() + seconds)
    kept.append(http)
    return http.json("GET", vendor.url)


@pytest.mark.parametrize("aside", [False, True])
def test_connections_are_closed_when_the_invocation_ends(vendor: Vendor, aside: bool) -> None:
    kept: list[Http] = []

    @observed()
    def handler(event: Any, context: object) -> Any:
        if aside:
            return Task(lambda: asked(vendor, kept)).result(time.monotonic() + 5)
        return asked(vendor, kept)

    assert handler({}, None) == {}
    assert vendor.closed() == [True]


def test_they_are_closed_where_the_invocation_fails(vendor: Vendor) -> None:
    kept: list[Http] = []

    @observed()
    def handler(event: Any, context: object) -> Any:
        asked(vendor, kept)
        raise ValueError("as a step may")

    with pytest.raises(ValueError, match="as a step may"):
        handler({}, None)
    assert vendor.closed() == [True]


def test_what_is_left_behind_keeps_its_connection_until_its_own_deadline(vendor: Vendor) -> None:
    vendor.silent = True
    kept: list[Http] = []

    @observed()
    def handler(event: Any, context: object) -> Any:
        task = Task(lambda: asked(vendor, kept, seconds=1.5))
        while not vendor.kept:
            time.sleep(0.01)
        return task.result(time.monotonic())

    assert handler({}, None) is None
    assert vendor.closed(0.3) == [False]
    assert vendor.closed() == [True]


def test_another_invocation_within_it_closes_its_own_alone(vendor: Vendor) -> None:
    kept: list[Http] = []

    @observed()
    def inner(event: Any, context: object) -> Any:
        return asked(vendor, kept)

    @observed()
    def outer(event: Any, context: object) -> Any:
        http = Http(time.monotonic() + 5)
        http.json("GET", vendor.url)
        inner({}, None)
        assert sorted(vendor.closed(0.3)) == [False, True]
        return http.json("GET", vendor.url)

    assert outer({}, None) == {} and vendor.closed() == [True, True]
