"""The clients whose requests to one component fail."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class FailingClient:
    """One client's failures."""

    client: str
    """Its network alone, or its place in the list."""
    failed: float = 0.0
    before: float = 0.0
    """Its requests in the baseline, failed or not."""


@dataclass(frozen=True)
class FailingClients(Detail):
    """The clients whose requests to one component fail. ``value`` is the greatest share of one client."""

    all_failed: float = 0.0
    all_before: float = 0.0
    """Requests of all clients in the baseline, failed or not."""
    clients: tuple[FailingClient, ...] = ()
    """Most failures first."""


KIND = FailingClients
