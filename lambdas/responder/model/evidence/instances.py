"""The EC2 instances' status checks."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Instances(Detail):
    """The EC2 instances' status checks. ``value`` is how many are impaired."""

    impaired: tuple[str, ...] = ()
    """Their ids."""
    seen: int = 0
    """How many were looked at."""


KIND = Instances
