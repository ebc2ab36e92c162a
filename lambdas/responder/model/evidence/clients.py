"""The clients that send the entry's requests."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Client:
    """One client's requests."""

    client: str
    """Its network alone (an IP address is personal data), or its place in the list."""
    count: float = 0.0
    usual: float = 0.0
    """How many its own habit lets expect in a window of this length."""


@dataclass(frozen=True)
class Clients(Detail):
    """The clients that send the entry's requests.

    ``value`` is the greatest share of one client, ``baseline`` its usual one.
    """

    total: float = 0.0
    baseline_total: float = 0.0
    seconds: float = 0.0
    """How long the window is."""
    baseline_seconds: float = 3600.0
    clients: tuple[Client, ...] = ()
    """Those with most requests, most first."""

    @property
    def usual_per_second(self) -> float:
        """Requests a second in the baseline, 0 where it has none."""
        return self.baseline_total / (self.baseline_seconds or 3600.0)


KIND = Clients
