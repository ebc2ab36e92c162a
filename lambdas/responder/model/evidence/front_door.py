"""What customers got from what is in front of the service."""

from __future__ import annotations

from responder.model.evidence import Detail, Series
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class FrontDoor(Detail):
    """Requests to what is in front of the service, and its answers of 5xx. ``value`` and ``baseline`` are shares."""

    door: str = ""
    """``api_gateway`` or ``cloudfront``."""
    requests: float = 0.0
    errors: float = 0.0
    baseline_requests: float = 0.0
    baseline_errors: float = 0.0
    series: Series = ()
    """The window, minute by minute."""


KIND = FrontDoor
