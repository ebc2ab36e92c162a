"""Container Insights' share of a component's CPU limit that is used."""

from __future__ import annotations

from dataclasses import dataclass

from responder.model.evidence import Detail


@dataclass(frozen=True)
class CpuOverLimit(Detail):
    """Container Insights' share of a component's CPU limit that is used. ``value`` is per cent."""


KIND = CpuOverLimit
