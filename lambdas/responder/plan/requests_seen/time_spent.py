"""In which component, or on which way between two, requests spend more time than before.

The seconds of a request are those that each component spends itself and those on the ways between them, so nothing is
counted twice and nothing has to be explained away. A component short of processor, or whose network is slow, shows at
all the ways that it is an end of; at one way of several, it is the other end's.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from responder.plan import wording
from responder.plan.deviation import spread_of, unknown
from responder.plan.requests_seen import Edge, Requests, Sign, Signs

Place = tuple[str, str]
"""A caller and a callee: the way between them. Caller empty: the callee itself."""
_NOTHING = 0.001
"""Seconds: less is nobody's outage."""
_LEAST_RATIO = 0.05
"""What changes by less than a twentieth is no surprise: releases and hours of the day differ so much."""
_TAIL = 0.1
"""The bad end of normal operation, from which what is rarer is extrapolated, with an exponential tail (Pickands)."""
_TAIL_BEGINS, _TAIL_EXCESS = 1.28, 0.47
"""Where the worst tenth of a normal distribution begins, and by how much it is over that, in standard deviations."""
_SEVERAL = 3
"""Stretches of normal operation that tell how much it wavers."""
_RISK = 0.05
"""Chance that any place shows where nothing is wrong, once there is an outage."""


def time_spent(requests: Requests) -> Signs:
    """Return the components in which requests spend more time, or on all ways of which they do."""
    before = [_seconds(stretch.edges) for stretch in requests.before]
    now = [_seconds(stretch.edges) for stretch in requests.now]
    names = sorted({place for each in now for place in each})
    places = {place: surprise for place in names
              if (surprise := _surprise([each[place] for each in before if place in each],
                                        [each[place] for each in now if place in each])) is not None}
    limit = math.log(max(1, len(places)) / _RISK)
    sure = {place: nats for place, (nats, _, _) in places.items() if nats >= limit}
    found = []
    for component in sorted({name for place in sure for name in place if name}):
        own = sure.get(("", component), 0.0)
        ways = [place for place in places if place[0] and component in place]
        slow = [place for place in ways if place in sure]
        # One way of a caller's is more likely slow at its other end; all ways to a callee are slow at the callee.
        to = [place for place in ways if place[1] == component]
        # A caller that is slow itself shows it in what it does itself, or on several ways.
        of_caller = len(slow) / len(ways) if slow and (own > 0 or len(ways) > len(to) + 1) else 0.0
        nats = sum(sure[place] * (len({*slow} & {*to}) / len(to) if place in to else of_caller) for place in slow)
        if own > 0:
            found.append(Sign(component, own, "slow", _said("it spends {now} on a request itself, {before} before",
                                                            places["", component])))
        if nats > 0:
            worst = max(slow, key=lambda place: (sure[place], place))
            which = f"all {len(ways)}" if len(slow) == len(ways) else f"{len(slow)} of {len(ways)}"
            found.append(Sign(component, nats, "way", _said(
                f"requests spend {{now}} on the way between {worst[0]} and {worst[1]}, {{before}} before ({which} of "
                "its ways to others are slow)", places[worst])))
    return Signs(tuple(found), len(places))


def _said(sentence: str, measured: tuple[float, float, float]) -> str:
    return sentence.format(now=wording.duration(measured[1]), before=wording.duration(measured[2]))


def _seconds(edges: Sequence[Edge]) -> Mapping[Place, tuple[float, float]]:
    """Seconds a request, and how many there were, by place."""
    served: dict[str, float] = defaultdict(float)
    sent: dict[str, float] = defaultdict(float)
    calls: dict[str, float] = defaultdict(float)
    ways: dict[Place, tuple[float, float]] = {}
    for edge in edges:
        if edge.seconds is not None:
            served[edge.callee] += edge.calls * edge.seconds
            calls[edge.callee] += edge.calls
        by_caller = edge.caller_seconds if edge.caller_seconds is not None else edge.seconds
        if edge.caller and by_caller is not None:
            sent[edge.caller] += edge.calls * by_caller
        if edge.caller and edge.seconds is not None and edge.caller_seconds is not None:
            whole, count = ways.get((edge.caller, edge.callee), (0.0, 0.0))
            ways[edge.caller, edge.callee] = (whole + edge.calls * (edge.caller_seconds - edge.seconds),
                                              count + edge.calls)
    found: dict[Place, tuple[float, float]] = {
        place: (whole / count, count) for place, (whole, count) in ways.items() if count > 0}
    for name, count in calls.items():
        if count > 0:
            found["", name] = ((served[name] - sent[name]) / count, count)
    return found


def _surprise(before: Sequence[tuple[float, float]],
              now: Sequence[tuple[float, float]]) -> tuple[float, float, float] | None:
    """How seldom chance makes a place so slow, and its seconds now and before; None: nothing is known of before.

    By how many times it is slower, because that is alike in fast and in slow places.
    """
    if not before or not now:
        return None
    usual = [math.log(max(seconds, _NOTHING)) for seconds, _ in before]
    level = median(usual)
    calls = sum(count for _, count in now)
    seconds = sum(each * count for each, count in now) / calls
    if len(usual) >= _SEVERAL:
        # How means waver over so many calls shows; over fewer they waver more.
        fewer = max(1.0, median(count for _, count in before) / (calls / len(now)))
        spread = max(spread_of(usual, level) * math.sqrt(fewer), _LEAST_RATIO * unknown(len(usual)))
    else:
        # Latencies waver by about as much as they last.
        spread = _SEVERAL * _LEAST_RATIO + 1 / math.sqrt(calls) + 1 / math.sqrt(sum(count for _, count in before))
    over = (math.log(max(seconds, _NOTHING)) - level) / spread - _TAIL_BEGINS
    return (math.log(1 / _TAIL) + over / _TAIL_EXCESS if over > 0 else 0.0), seconds, math.exp(level)
