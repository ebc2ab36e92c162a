"""Log lines that came up, came much more often, or stopped, against what a component's other lines let expect.

Errors are written by those that call as well, so lines of a component count less where one that it calls has them too.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from responder.plan import wording
from responder.plan.requests_seen import Lines, Requests, Sign, Signs
from responder.plan.requests_seen.chance import fewer_than, more_than

_LONGEST = 100
_SEVERAL = 3
"""Stretches of normal operation that tell how much the mix of requests makes lines waver."""


def lines_changed(requests: Requests, calls: Mapping[str, Sequence[str]]) -> Signs:
    """Return the components whose log lines changed; ``calls`` are each component's callees."""
    before = [_counts(stretch.lines) for stretch in requests.before if stretch.lines]
    now = [_counts(stretch.lines) for stretch in requests.now if stretch.lines]
    errors = {(each.component, each.pattern) for stretch in (*requests.before, *requests.now)
              for each in stretch.lines if each.error}
    if not now:
        return Signs()
    patterns = sorted({key for each in (*before, *now) for key in each})
    traffic = _traffic(before, now)
    found = []
    for component, pattern in patterns:
        usual = [each.get((component, pattern), 0.0) for each in before]
        count = sum(each.get((component, pattern), 0.0) for each in now)
        error = (component, pattern) in errors
        if not error and len(before) < _SEVERAL:
            continue
        expected = (sum(usual) + 0.5) / (len(before) + 1) * len(now) * traffic.get(component, 1.0)
        # How many lines there are wavers by more than chance: what a usual stretch had is no surprise.
        most = max([expected, *(each * len(now) for each in usual)])
        nats = more_than(count, most) if error else fewer_than(count, min([expected, *(
            each * len(now) * min(1.0, traffic.get(component, 1.0)) for each in usual)]))
        if not before:
            # Some write errors all the time: that there are many tells less then, and how many hardly anything.
            nats = math.log1p(count)
        if nats > 0:
            what = (f"it writes {pattern[:_LONGEST]!r} {wording.count(count)} times, where {wording.count(expected)} "
                    "were expected")
            found.append(Sign(component, nats, "says so", what))
    return Signs(tuple(_first_written(found, calls)), len(patterns))


def _first_written(found: Sequence[Sign], calls: Mapping[str, Sequence[str]]) -> list[Sign]:
    """Leave out the signs of those that call a component with as many."""
    whole: dict[str, float] = defaultdict(float)
    for sign in found:
        whole[sign.component] += sign.nats
    return [sign for sign in found if not any(
        2 * whole.get(called, 0.0) >= whole[sign.component] for called in calls.get(sign.component, ())
        if called != sign.component)]


def _counts(lines: Sequence[Lines]) -> Mapping[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = defaultdict(float)
    for each in lines:
        found[each.component, each.pattern] += each.count
    return found


def _traffic(before: Sequence[Mapping[tuple[str, str], float]],
             now: Sequence[Mapping[tuple[str, str], float]]) -> Mapping[str, float]:
    """By how many times each component has more of most of its lines than before."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for key in {key for each in before for key in each}:
        usual = sum(each.get(key, 0.0) for each in before) / len(before)
        if usual > 0:
            ratios[key[0]].append(sum(each.get(key, 0.0) for each in now) / len(now) / usual)
    return {component: median(each) for component, each in ratios.items()}
