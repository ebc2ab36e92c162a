"""How seldom chance brings so many, or so few, where others are expected.

Source: Chernoff's bound of the tails of Poisson's law.
"""

from __future__ import annotations

import math


def more_than(count: float, expected: float) -> float:
    """Nats of a count that is higher than expected; 0 where it is not."""
    return count * math.log(count / expected) - (count - expected) if count > expected > 0 else 0.0


def fewer_than(count: float, expected: float) -> float:
    """Nats of a count that is lower than expected; 0 where it is not."""
    return expected - count + (count * math.log(count / expected) if count else 0.0) if count < expected else 0.0
