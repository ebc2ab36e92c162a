"""How a component calls others and how many requests it works on at once: attempts, time-outs, pools with limits.

Who waits no longer than his time-out and tries again brings more work than there are requests; what he no longer waits
for is worked on all the same (AWS Builders' Library: "Timeouts, retries, and backoff with jitter"; Bronson et al.:
"Metastable Failures in Distributed Systems"). A thread, or a connection, is taken for as long as its request lasts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

_SPREAD = 0.25
"""Standard deviation of the logarithm of a request's time, as the flow draws its samples."""
_NEVER_AGAIN = ("HTTP 400", "HTTP 401", "HTTP 402", "HTTP 403", "HTTP 422")
"""Answers after which no client tries the same again: the request itself is refused."""
ATTEMPTS_KEY, SHED_KEY = "MAX_ATTEMPTS", "SHED_PERCENT"
"""Keys of the gateway's ConfigMap: the most attempts for each of its calls, and how many of 100 requests it refuses."""


@dataclass(frozen=True)
class Calling:
    """How one version calls what it calls; None: as the first version does, and there as nobody would notice."""

    attempts: int | None = None
    """The most attempts for each call, the first among them."""
    timeout_ms: float | None = None
    """How long it waits for the answer of a component or a dependency; None: for as long as that takes."""
    backoff_ms: float | None = None
    """How long it waits before the next attempt."""
    threads: int | None = None
    """Requests that a pod works on at once; what comes beyond is refused. None: without a limit."""
    connections: int | None = None
    """Calls of one callee that a pod has open at once; what comes beyond finds none. None: without a limit."""

    def over(self, usual: Calling) -> Calling:
        """Return it with what it leaves open taken from another one."""
        return replace(self, **{item.name: getattr(usual, item.name) for item in fields(self)
                                if getattr(self, item.name) is None})

    def limited(self, config: Mapping[str, str]) -> Calling:
        """Return it with no more attempts than a configuration allows."""
        most = config.get(ATTEMPTS_KEY, "")
        return replace(self, attempts=min(self.attempts or 1, max(1, int(most)))) if most.isdecimal() else self

    @property
    def limit_ms(self) -> float:
        """How long it waits for an answer."""
        return math.inf if self.timeout_ms is None else self.timeout_ms


def again(kind: str) -> bool:
    """Whether a client tries again after a failure of this kind."""
    return not kind.startswith(_NEVER_AGAIN)


def late(mean_ms: float, limit_ms: float) -> float:
    """The share of answers that take longer than their caller waits, where they take ``mean_ms`` on average."""
    if mean_ms <= 0 or limit_ms == math.inf:
        return 0.0
    return 0.5 * math.erfc(math.log(limit_ms / mean_ms) / _SPREAD / math.sqrt(2))


def shed_share(config: Mapping[str, str]) -> float:
    """The share of its requests that the gateway refuses at once, by its configuration."""
    percent = config.get(SHED_KEY, "0")
    return min(100, int(percent)) / 100 if percent.isdecimal() else 0.0


class Pools:
    """Threads and connections, each pool by a key, and until when they are taken; ``tick`` is called once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._taken: dict[str, list[tuple[float, int]]] = {}
        """Key to how many are taken until when, in seconds since the first one."""
        self._used: dict[str, float] = {}
        """Key to the seconds of its threads that this second's requests have used."""
        self._usual: dict[str, float] = {}
        """Key to how many seconds a request lasted of late."""

    def tick(self) -> None:
        """Begin the next second."""
        self._second += 1
        self._used = {}
        self._taken = {key: left for key, taken in self._taken.items()
                       if (left := [item for item in taken if item[0] > self._second])}

    def admit(self, key: str, size: int | None, count: int) -> int:
        """How many of ``count`` requests find a place in a pool of ``size``."""
        if size is None:
            return count
        free = max(0.0, size - self._busy(key) - self._used.get(key, 0.0))
        return min(count, math.floor(free / min(1.0, max(0.001, self._usual.get(key, 0.0)))))

    def hold(self, key: str, size: int | None, count: int, milliseconds: float) -> None:
        """Let so many requests keep their places for so long.

        How long they last is known only now: where that is much longer than of late, some have waited for a place.
        """
        if size is None or not count:
            return
        seconds, places = milliseconds / 1000, max(0, math.floor(size - self._busy(key)))
        self._usual[key] = seconds
        self._used[key] = self._used.get(key, 0.0) + min(count, places) * min(1.0, seconds)
        if seconds > 1:
            self._taken.setdefault(key, []).append((self._second + seconds, min(count, places)))

    def _busy(self, key: str) -> float:
        """Seconds of this second for which places are taken by requests of before."""
        return sum(number * min(1.0, until - self._second) for until, number in self._taken.get(key, ()))
