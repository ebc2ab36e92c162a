"""Whether failures concentrate on one place (a pod, a node) more than chance lets them.

Requests are spread over pods by chance, so that pods which are alike fail alike. Pure functions of counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from responder.plan.rates import lower_bound, upper_bound

_MORE = 0.1
"""A place that fails a tenth more of its requests than all others together is worth a name; less may be its share of
heavy requests."""
_NEARLY_ALL = 0.9
"""A place that has nearly all failures is worth a name however few of its requests they are."""
FEWEST = 10
"""Fewer failures tell nothing of where they are."""


class Counted(NamedTuple):
    """What happened at one place."""

    requests: float
    """0 at all places: only failures were counted."""
    errors: float
    pods: int = 1
    """How many pods are there: without requests, so many failures are to be expected."""


class Place(NamedTuple):
    """The place that stands out."""

    name: str
    share: float
    """Of its requests, those that fail; where requests were not counted, of all failures those at this place."""
    others: float
    """The same of all other places together."""
    explained: float
    """The share of all failures that would not be there if this place failed as the others do."""


def standing_out(places: Mapping[str, Counted]) -> Place | None:
    """Return the one place that fails more than all others together, by more than chance; None where none does.

    Both shares are held to three standard deviations (``plan/rates.py``), so a place is named by chance in one look of
    several hundred at most. Places that are alike, or of which two stand out alike, have none.
    """
    if len(places) < 2:
        return None
    every = Counted(sum(one.requests for one in places.values()), sum(one.errors for one in places.values()),
                    sum(one.pods for one in places.values()))
    if every.errors < FEWEST:
        return None
    counted = all(one.requests for one in places.values() if one.errors)
    judge = _by_rate if counted and every.requests else _by_number
    found = [place for name, one in places.items() if (place := judge(name, one, every)) is not None]
    return max(found, key=lambda place: (place.explained, place.name)) if found else None


def _by_rate(name: str, one: Counted, every: Counted) -> Place | None:
    requests, errors = every.requests - one.requests, every.errors - one.errors
    if not one.requests or requests <= 0:
        return None
    share, others = one.errors / one.requests, errors / requests
    explained = min(1.0, one.requests * (share - others) / every.errors)
    # That it fails more must be sure; by how much is the best guess, for a window may begin before the outage.
    if lower_bound(one.errors, one.requests) <= upper_bound(errors, requests) or (
            share - others <= _MORE and explained < _NEARLY_ALL):
        return None
    return Place(name, share, others, explained)


def _by_number(name: str, one: Counted, every: Counted) -> Place | None:
    expected = one.pods / every.pods
    share = one.errors / every.errors
    if expected >= 1 or lower_bound(one.errors, every.errors) - expected <= _MORE:
        return None
    # Had the pods here failed as those elsewhere: so many as there are pods, at the others' rate a pod.
    usual = (every.errors - one.errors) / (every.pods - one.pods) * one.pods
    return Place(name, share, 1 - share, (one.errors - usual) / every.errors)
