"""Container Insights' share of a component's CPU limit that is used."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class CpuOverLimit(Detail):
    """Container Insights' share of a component's CPU limit that is used. ``value`` is per cent."""


KIND = CpuOverLimit
