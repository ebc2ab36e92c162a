"""Targets that the load balancer holds healthy: ``value`` the newest count, ``baseline`` the median before."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class HealthyHosts(Detail):
    """Targets that the load balancer holds healthy: ``value`` the newest count, ``baseline`` the median before."""

    unhealthy: float | None = None


KIND = HealthyHosts
