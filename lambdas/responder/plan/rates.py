"""How sure a rate can be, from the requests that it was seen in."""

from __future__ import annotations

import math

Z = 3.0
"""Three standard deviations: the rates are looked at several times an incident, for several components and sources,
and a look that misleads once in 700 keeps the whole honest."""

SLOW_MULTIPLE = 3.0
"""This many times slower than usual is slow, of a component, of its calls and of one of its versions."""


def lower_bound(errors: float, requests: float, z: float = Z) -> float:
    """The least error rate that ``errors`` of ``requests`` are compatible with (Wilson 1927, score interval)."""
    return _wilson(errors, requests, -z)


def upper_bound(errors: float, requests: float, z: float = Z) -> float:
    """The greatest error rate that ``errors`` of ``requests`` are compatible with (Wilson 1927, score interval)."""
    return _wilson(errors, requests, z)


def _wilson(errors: float, requests: float, z: float) -> float:
    if requests <= 0:
        return 0.0 if z < 0 else 1.0
    share = min(1.0, max(0.0, errors / requests))
    centre = share + z * z / (2 * requests)
    spread = z * math.sqrt(share * (1 - share) / requests + z * z / (4 * requests * requests))
    return min(1.0, max(0.0, (centre + spread) / (1 + z * z / requests)))


def count_lower_bound(count: float, z: float = Z) -> float:
    """The least mean that a Poisson count is compatible with (square-root transform)."""
    return max(0.0, math.sqrt(count) - z / 2) ** 2


def count_upper_bound(count: float, z: float = Z) -> float:
    """The greatest mean that a Poisson count is compatible with (square-root transform)."""
    return (math.sqrt(count) + z / 2) ** 2
