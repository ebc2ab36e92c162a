"""Ports of the database and the providers, for probes on this machine that try to connect.

Nothing is served: a connection is accepted and closed. The listener itself plays the network: a port that is bound and
does not listen refuses, and a full queue drops the first packet of a connection silently, as a security group does
(Linux: ``listen``, the accept queue).

A resolver that fails cannot be shown here, because the probes name this machine by its address: with the fault ``dns``
the ports stay open, as they would if only the pods asked the broken resolver.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Literal

from sandbox.platform.state import World

State = Literal["open", "refused", "silent"]

_HOST = "127.0.0.1"
_QUEUE = 128
_FILLERS = 2
"""A queue of length 0 holds one connection; some systems hold one more."""


def state_of(world: World, name: str, now: float) -> State:
    """What a connection to ``database`` or to a provider meets at a moment (seconds since 1970)."""
    path = world.path("payment-gateway", "database" if name == "database" else "provider")
    # Half of the first packets are lost: a client that tries again a second later gets through.
    if path == "blocked" or (path == "lossy" and int(now) % 2):
        return "silent"
    if name == "database":
        down = world.database.down(now) or world.database.fault == "refuses_connections"
    else:
        down = name not in world.providers or world.providers[name].fault == "down"
    return "refused" if down else "open"


class Listener:
    """One port, open until it is told otherwise.

    The system completes a connection as soon as the queue has room, before anybody accepts it.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.state: State = "open"
        self._fillers: list[socket.socket] = []
        self._socket = self._bound()
        self._socket.listen(_QUEUE)

    def become(self, state: State) -> None:
        """Be open, refuse, or be silent; to be called again and again, because it also empties the queue."""
        if state == self.state == "silent":
            return
        if self.state != "refused":
            self._take()
        if state == self.state:
            return
        for filler in self._fillers:
            filler.close()
        self._fillers = []
        if state == "refused":
            self._socket.close()
            self._socket = self._bound()
        else:
            self._socket.listen(_QUEUE if state == "open" else 0)
        for _ in range(_FILLERS if state == "silent" else 0):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((_HOST, self.port))
            self._fillers.append(filler)
        self.state = state

    def close(self) -> None:
        """Give the port back."""
        for item in (*self._fillers, self._socket):
            item.close()

    def _bound(self) -> socket.socket:
        """A socket that holds the port and does not listen yet."""
        found = socket.socket()
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setblocking(False)
        found.bind((_HOST, self.port))
        return found

    def _take(self) -> None:
        """Accept the connections that wait, and close them."""
        while True:
            try:
                self._socket.accept()[0].close()
            except OSError:
                return


class Listeners:
    """The ports of the database and of each provider, by name."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._all = {name: Listener(port) for name, port in ports.items()}

    def step(self, world: World, now: float) -> None:
        """Open or close each port as the world says."""
        for name, listener in self._all.items():
            listener.become(state_of(world, name, now))

    def close(self) -> None:
        """Give the ports back."""
        for listener in self._all.values():
            listener.close()
