"""The components in which an outage began, by all that single requests show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field

from responder.model.frozen import dataclass
from responder.plan.requests_seen import Requests, Sign, totals
from responder.plan.requests_seen.cut_short import cut_short
from responder.plan.requests_seen.lines import lines_changed
from responder.plan.requests_seen.time_spent import time_spent

_RISK = 0.05
"""Chance that any place shows where nothing is wrong, once there is an outage."""
_MISMATCH = 3.0
"""What is a third of the worst is not well either."""


@dataclass(frozen=True)
class Origins:
    """Where an outage began, by requests."""

    shares: Mapping[str, float] = field(default_factory=dict)
    """Component to its share of all signs."""
    sure: float = 0.0
    """0 to 1: how far the worst is from what chance shows."""
    signs: tuple[Sign, ...] = ()

    def of(self, component: str) -> list[Sign]:
        """Return a component's signs, the most surprising first."""
        return sorted((sign for sign in self.signs if sign.component == component),
                      key=lambda sign: (-sign.nats, sign.kind, sign.reason))


def origins(requests: Requests, calls: Mapping[str, Sequence[str]]) -> Origins:
    """Return where requests show that an outage began; ``calls`` are each component's callees."""
    slow = time_spent(requests)
    spent = totals(slow.found)
    worst = max(spent.values(), default=0.0)
    ended = cut_short(requests, [name for name, nats in spent.items() if _MISMATCH * nats >= worst])
    written = lines_changed(requests, calls)
    signs = (*slow.found, *ended.found, *written.found)
    whole = totals(signs)
    most, places = sum(whole.values()), slow.places + ended.places + written.places
    if not most:
        return Origins()
    return Origins({name: nats / most for name, nats in whole.items()},
                   min(1.0, max(whole.values()) / math.log(max(2, places) / _RISK)), signs)
