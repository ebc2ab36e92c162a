"""How one vendor speaks in a world: a value of its key, and the choices that the value leaves open."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Spoken:
    """One key's value; what no documentation settles is chosen by the drill's seed, so that both ways are spoken."""

    value: str
    seed: str = ""

    def either(self, what: str) -> bool:
        """Choose one of two ways; the same seed always chooses the same."""
        return _either(self.seed, what)

    def random(self, *what: object) -> random.Random:
        """Return chance of its own for one thing."""
        return random.Random("/".join(map(str, (self.seed, *what))))


@lru_cache(1000)
def _either(seed: str, what: str) -> bool:
    return random.Random(f"{seed}/{what}").random() < 0.5
