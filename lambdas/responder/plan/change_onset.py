"""When a measured quantity left its usual range for good: a symptom begins before its alarm."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from responder.model.frozen import dataclass
from responder.plan.change_symptom import Moved

Points = Sequence[tuple[float, float]]
"""Times (seconds since 1970, UTC) and values, in order of time."""
_LEAST_POINTS = 8
_USUAL_SHARE = 0.25
"""The first quarter of what is known is taken for usual."""
_SCALES = 6.0
"""Of the usual spread (median absolute deviation, as a standard deviation): chance does not reach it."""
_STAYS = 0.8
"""Of the periods that follow, so many stay outside of the usual range."""
GRADUAL_SECONDS = 600.0
"""What needs longer than this from its beginning to half of its height grew; a step needs a period or two."""


@dataclass(frozen=True)
class Departure:
    """A quantity that left its usual range."""

    moved: Moved
    gradual: bool


def departure(component: str, name: str, points: Points, until: float) -> Departure | None:
    """Return when and how far a quantity left its usual range by ``until``, for good; None where it did not."""
    inside = [(at, value) for at, value in points if at <= until]
    if len(inside) < _LEAST_POINTS:
        return None
    usual = [value for _, value in inside[:max(_LEAST_POINTS // 2, int(len(inside) * _USUAL_SHARE))]]
    middle = statistics.median(usual)
    spread = 1.4826 * statistics.median(abs(value - middle) for value in usual)
    limit = max(_SCALES * spread, 1.5 * max(abs(value - middle) for value in usual), 0.05 * abs(middle), 1e-9)
    for sign in (1.0, -1.0):
        out = [sign * (value - middle) > limit for _, value in inside]
        begin = next((place for place in range(len(out)) if out[place] and sum(out[place:]) >= _STAYS * len(
            out[place:]) and (place + 1 == len(out) or out[place + 1])), None)
        if begin is None:
            continue
        later = [value for _, value in inside[begin:]]
        height = statistics.median(later[-max(1, len(later) // 3):])
        half = next((at for at, value in inside[begin:] if abs(value - middle) >= 0.5 * abs(height - middle)), until)
        return Departure(Moved(component, name, middle, height, inside[begin][0]),
                         half - inside[begin][0] > GRADUAL_SECONDS)
    return None
