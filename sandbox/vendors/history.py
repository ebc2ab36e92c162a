"""What the database was like at a moment of the past, for the APIs that show it."""

from __future__ import annotations

import bisect
import copy
import threading
from collections.abc import Callable

from sandbox.platform.database import Database
from sandbox.platform.state import World

_KEPT = 7200
"""How many changes are kept."""


class History:
    """Copies of the database's state, one at each change that was noticed."""

    def __init__(self, world: Callable[[], World], world_at: Callable[[float], World] | None = None) -> None:
        """``world_at``: the world that a question about a stretch of time belongs to, by its end."""
        self._world = world
        self.world_at = world_at or (lambda moment: world())
        self._of: World | None = None
        self._times: list[float] = []
        self._states: list[Database] = []
        self._before: list[tuple[World, list[float], list[Database]]] = []
        """The same of worlds that began anew."""
        self._lock = threading.Lock()

    def note(self, now: float) -> None:
        """Keep the present state if it has changed; a world that began anew has no past."""
        with self._lock:
            world = self._world()
            if world is not self._of:
                if self._of is not None and self._times and self.world_at(self._times[-1]) is self._of:
                    self._before.append((self._of, self._times, self._states))
                self._of, self._times, self._states = world, [], []
            if self._states and self._states[-1] == world.database:
                return
            state = copy.copy(world.database)
            last = self._times[-1] if self._times else 0.0
            # The fault counts from its own beginning, not from when somebody first asked.
            at = state.since if state.fault and last < state.since <= now else now
            self._times = [*self._times[-_KEPT:], at]
            self._states = [*self._states[-_KEPT:], state]

    def at(self, moment: float, asked_until: float | None = None) -> Database:
        """The database as it was at a moment; healthy before the first state that was kept.

        ``asked_until``: the end of the stretch of time that is asked about; None: now.
        """
        world = self._world() if asked_until is None else self.world_at(asked_until)
        with self._lock:
            times, states = next(((times, states) for of, times, states in self._before if of is world),
                                 (self._times, self._states))
            place = bisect.bisect_right(times, moment)
            if place:
                return states[place - 1]
        healthy = Database.of(world.database.engine)
        healthy.clients = {"payment-gateway": 24, "ledger-export": 2, "rdsadmin": 2}
        return healthy
