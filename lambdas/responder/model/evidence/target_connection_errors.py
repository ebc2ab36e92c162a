"""What the load balancer could not deliver to the entry."""

from __future__ import annotations

from typing import NamedTuple

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


class BalancerMinute(NamedTuple):
    """One minute of the load balancer."""

    start: float
    """Seconds since 1970 (UTC)."""
    requests: float
    errors: float
    elb_5xx: float


@dataclass(frozen=True)
class TargetConnectionErrors(Detail):
    """What the load balancer could not deliver to the entry. ``value`` and ``baseline`` are errors a minute."""

    requests: float = 0.0
    errors: float = 0.0
    """Connections to a target that failed."""
    elb_5xx: float = 0.0
    """Answers of 5xx that the load balancer gave itself."""
    baseline_requests: float = 0.0
    baseline_errors: float = 0.0
    baseline_elb_5xx: float = 0.0
    series: tuple[BalancerMinute, ...] = ()


KIND = TargetConnectionErrors
