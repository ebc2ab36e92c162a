"""The components in which an outage began, by all that single requests show."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import field

from responder.model.frozen import dataclass
from responder.plan.requests_seen import Requests, Sign, totals
from responder.plan.requests_seen.cut_short import cut_short
from responder.plan.requests_seen.lines import lines_changed
from responder.plan.requests_seen.time_spent import time_spent

_RISK = 0.05
"""Chance that any place shows where nothing is wrong, once there is an outage."""
_RISK_UNSEEN = 1e-9
"""The same, where nothing else says that there is an outage (``Settings.risk_unseen``)."""
_MISMATCH = 3.0
"""What is a third of the worst is not well either."""


@dataclass(frozen=True)
class Origins:
    """Where an outage began, by requests."""

    shares: Mapping[str, float] = field(default_factory=dict)
    """Component to its share of all signs."""
    sure: float = 0.0
    """0 to 1: how far the worst is from what chance shows."""
    unmistakable: bool = False
    """Whether it is beyond chance though nothing else says that there is an outage."""
    signs: tuple[Sign, ...] = ()

    def of(self, component: str) -> list[Sign]:
        """Return a component's signs, the most surprising first."""
        return sorted((sign for sign in self.signs if sign.component == component),
                      key=lambda sign: (-sign.nats, sign.kind, sign.reason))


def origins(requests: Requests, calls: Mapping[str, Sequence[str]]) -> Origins:
    """Return where requests show that an outage began; ``calls`` are each component's callees."""
    slow = time_spent(requests)
    spent = totals(slow.found)
    slowest = max(spent.values(), default=0.0)
    ended = cut_short(requests, [name for name, nats in spent.items() if _MISMATCH * nats >= slowest])
    written = lines_changed(requests, calls)
    places = max(2, slow.places + ended.places + written.places)
    limit = math.log(places / _RISK)
    signs = _beyond(limit, (*slow.found, *ended.found, *written.found))
    whole = totals(signs)
    most = sum(whole.values())
    if not most:
        return Origins()
    worst = max(whole.values())
    return Origins({name: nats / most for name, nats in whole.items()}, min(1.0, worst / limit),
                   worst >= math.log(places / _RISK_UNSEEN), signs)


def _beyond(limit: float, signs: Sequence[Sign]) -> tuple[Sign, ...]:
    """Leave out what chance shows as well, where anything is beyond that."""
    kinds: dict[tuple[str, str], float] = defaultdict(float)
    for sign in signs:
        kinds[sign.component, sign.kind] += sign.nats
    return tuple(sign for sign in signs if kinds[sign.component, sign.kind] >= limit) or tuple(signs)
