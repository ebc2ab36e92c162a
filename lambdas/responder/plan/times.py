"""When something happened, beside when a symptom began: thresholds and comparisons that several judgements share.

All times are seconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Protocol

SUSPICION_SECONDS = 900.0
"""A change this long before the symptom may still be its cause: a leak or a cache takes a while, and a slow rolling
update of a large Deployment takes minutes."""
RARER = 0.025
"""Share of the time that has passed, until the next look and until customers hear more, at the least. An execution has
at most 25,000 events (Step Functions: "Service quotas"), and a look takes 46 of them where three sources of requests
are asked."""
CLOCK_SECONDS = 20.0
"""Tolerance between clocks. Clocks of the cluster, the functions and the sources differ a little, and an onset is known
to a period of 10 s, so that a change may seem to come just after the symptom that it caused."""


class Dated(Protocol):
    """Something that happened between two moments, such as a change."""

    @property
    def earliest(self) -> float:
        """The first moment at which it may have happened."""

    @property
    def latest(self) -> float:
        """The last moment at which it may have happened."""


def may_have_caused(onset: float | None, at: float) -> bool:
    """Whether what happened at one moment may have caused the symptom, by its time."""
    return onset is not None and -CLOCK_SECONDS <= onset - at <= SUSPICION_SECONDS


def just_before(change: Dated, onset: float | None) -> bool:
    """Whether a change, which was made between two moments, may have caused the symptom, by its time."""
    return onset is not None and change.earliest - CLOCK_SECONDS <= onset and onset - change.latest <= (
        SUSPICION_SECONDS)


def shortest_step(starts: Iterable[float], otherwise: float) -> float:
    """Return the length of a series' periods in seconds: the smallest distance of two that follow each other."""
    return min((later - earlier for earlier, later in pairwise(starts)), default=otherwise)
