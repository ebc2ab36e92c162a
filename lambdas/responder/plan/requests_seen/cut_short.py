"""Requests that end before they made all the calls that such requests make.

What begins like a usual request and then ends, ended at its last call or right after it. Where requests end after the
same call in several places of the callers' code, that call fails; where they do in one place only, and the callee is
well by all that it shows, it is the code there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from responder.model.frozen import dataclass
from responder.plan.requests_seen import Requests, Sign, Signs, Trace
from responder.plan.requests_seen.calls_missing import calls_missing
from responder.plan.requests_seen.chance import more_than

Work = tuple[str, str]
"""A component and an operation."""
Calls = tuple[Work, ...]
"""What was called, each once, in the order of the first call."""
Shape = tuple[tuple[int, str, str], ...]
"""Of each piece of work the place of what called it (-1: the request began here), its component and its operation."""
_WORTH = 2.0
"""Nats from which an early end counts as one of several places: chance has so many in one of seven."""


@dataclass(frozen=True)
class _End:
    """Requests of one operation that ended early."""

    at: Work
    made: Calls
    nats: float
    count: int
    of: int
    usual: Calls
    """What they call most often."""

    @property
    def last(self) -> str:
        """The other component that was called last; empty where none was."""
        return next((component for component, _ in reversed(self.made) if component != self.at[0]), "")

    @property
    def called(self) -> str:
        """The other component whose call is all that this work is for, a client's span; empty where it does more."""
        others = {component for component, _ in self.usual}
        return min(others) if len(self.usual) == 1 and others != {self.at[0]} else ""


def cut_short(requests: Requests, unwell: Collection[str] = ()) -> Signs:
    """Return the components whose work ends early; ``unwell`` are those that something else is known to be wrong in."""
    before = _shapes(trace for stretch in requests.before for trace in stretch.traces)
    now = _shapes(trace for stretch in requests.now for trace in stretch.traces)
    ends = _ends(before, now)
    missing = calls_missing(requests)
    below = {end.at[0] for end in ends if end.nats >= _WORTH} | {*unwell}
    below |= {caller for caller, (nats, _) in missing.items() if nats >= _WORTH}
    places: dict[str, set[tuple[Work, Calls]]] = defaultdict(set)
    for end in ends:
        if end.nats >= _WORTH and end.last:
            places[end.last].add((end.at, end.made))
    found = []
    for end in ends:
        component, why = end.at[0], ""
        if end.called:
            component, why = end.called, f", called by {end.at[0]}"
        elif end.last and (len(places[end.last]) > 1 or end.last in below - {end.at[0]}):
            component, why = end.last, f" after the call of it, in {end.at[0]}"
        found.append((end.at[0], Sign(component, end.nats, "ends early",
                                      f"{end.count} of {end.of} requests ({end.at[1]}) end early{why}")))
    return Signs(tuple(_with_counts(found, missing, requests, below)),
                 sum(len(shapes) for shapes in before.values()) + len(missing))


def _with_counts(found: Sequence[tuple[str, Sign]], missing: Mapping[str, tuple[float, str]], requests: Requests,
                 below: Collection[str]) -> list[Sign]:
    """Add what is missing by counts. They are of the same requests, so the more surprising of both tells.

    Whose fault it is, single requests tell, where they do; else a callee that is not well, or the component itself.
    """
    calls: dict[str, set[str]] = defaultdict(set)
    for stretch in requests.before:
        for edge in stretch.edges:
            calls[edge.caller].add(edge.callee)
    signs = [sign for _, sign in found]
    for caller, (nats, said) in sorted(missing.items()):
        mine = [sign for at, sign in found if at == caller]
        whole = sum(sign.nats for sign in mine)
        if nats <= whole:
            continue
        if whole >= _WORTH:
            signs += [replace(sign, nats=sign.nats * (nats / whole - 1)) for sign in mine]
            continue
        others = sorted((calls[caller] & {*below}) - {caller})
        signs += [Sign(other, nats / len(others), "ends early", f"{caller} calls it and ends early")
                  for other in others] or [Sign(caller, nats, "ends early", said)]
    return signs


def _ends(before: Mapping[Work, Counter[Calls]], now: Mapping[Work, Counter[Calls]]) -> list[_End]:
    found = []
    for work in sorted(now):
        known, shapes = before.get(work), now[work]
        if not known:
            continue
        whole, of = sum(known.values()), sum(shapes.values())
        for made in sorted(shapes):
            if not any(len(usual) > len(made) and usual[:len(made)] == made for usual in known):
                continue
            expected = (known[made] + 0.5) / (whole + 1) * of
            nats = more_than(shapes[made], expected)
            if nats > 0:
                found.append(_End(work, made, nats, shapes[made], of, max(sorted(known), key=lambda at: known[at])))
    return found


def _shapes(traces: Iterable[Trace]) -> Mapping[Work, Counter[Calls]]:
    """How often each operation called what."""
    found: dict[Work, Counter[Calls]] = defaultdict(Counter)
    # Most requests look like others, so each look is read once.
    for shape, count in Counter(map(_shape, traces)).items():
        for work, made in _made(shape):
            found[work][made] += count
    return found


def _shape(trace: Trace) -> Shape:
    """Return a request's pieces of work in the order of their beginning, without names and times."""
    rows = sorted([(span.start, span.name, span.parent, span.component, span.operation) for span in trace])
    places = {row[1]: place for place, row in enumerate(rows)}
    return tuple([(places.get(parent, -1), component, operation) for _, _, parent, component, operation in rows])


def _made(shape: Shape) -> list[tuple[Work, Calls]]:
    """Return what each piece of work in a request called."""
    works = [(component, operation) for _, component, operation in shape]
    below: dict[int, list[int]] = defaultdict(list)
    for place, (parent, _, _) in enumerate(shape):
        below[parent].append(place)
    stands_for = [_called(works, below, place) for place in range(len(works))]
    return [(work, tuple(dict.fromkeys([stands_for[each] for each in below.get(place, ())])))
            for place, work in enumerate(works)]


def _called(works: Sequence[Work], below: Mapping[int, Sequence[int]], place: int) -> Work:
    """What a span stands for: a client's span, or work that is one call, stands for what answers it."""
    inner, past = place, {place}
    while len(inside := below.get(inner, ())) == 1 and inside[0] not in past:
        inner = inside[0]
        if works[inner][0] != works[place][0]:
            return works[inner]
        past.add(inner)
    return works[place]
