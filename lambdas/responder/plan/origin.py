"""Which component of a call graph began an outage, by what all of them measured before and during it."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from responder.model.frozen import dataclass
from responder.plan import wording
from responder.plan.deviation import (
    FAIL,
    LOAD,
    SCALE,
    SLOW,
    SURGE,
    Deviation,
    Points,
    Settings,
    Span,
    Symptom,
    anomaly_scores,
    least_spread,
    level_before,
    span_of,
)

__all__ = ["Points", "Settings", "Suspect", "Symptom", "callers_views", "rank"]

_State = tuple[str, str]
"""A component and the metric in which it shows the symptom."""
_GONE = "gone"
"""Not a metric: the requests do not arrive."""
_NOTHING = 1e-6
_VIEW = re.compile(r"(.+)_(?:remote|client)", re.DOTALL)
_SHORTEST = 4
"""Letters of a host name that are no coincidence in another name."""


@dataclass(frozen=True)
class Suspect:
    """A component, and the share of the symptom (0 to 1) that begins in it."""

    component: str
    score: float
    reason: str


def callers_views(names: Iterable[str]) -> dict[str, str]:
    """Map names that are a component as its callers see it (X-Ray's ``_remote`` and ``_client``) to the component.

    The host name of a load balancer has that of the component in it, cut short; where it fits several, none is meant.
    """
    names = set(names)
    components = sorted(name for name in names if not _VIEW.fullmatch(name))
    found = {}
    for view in sorted(names):
        match = _VIEW.fullmatch(view)
        if not match:
            continue
        whole = match[1].lower()
        parts = [part for part in re.split(r"[^0-9a-z]+", whole.split(".")[0]) if len(part) >= _SHORTEST]
        for part in [whole, *reversed(parts)]:
            fitting = ([name for name in components if re.match(rf"{re.escape(part)}(?![0-9a-z])", name.lower())]
                       or [name for name in components if part in name.lower()])
            if len(fitting) == 1:
                found[view] = fitting[0]
                break
    return found


def rank(graph: Mapping[str, Sequence[str]], series: Mapping[str, Mapping[str, Points]], symptom: Symptom,
         views: Mapping[str, str] | None = None, settings: Settings | None = None,
         certain: bool = False) -> list[Suspect]:
    """Return the components in which the symptom may have begun, the likeliest first; none where nothing is unusual.

    ``graph`` has each component's callees; ``series`` has, for each component, values by metric: ``latency``,
    ``availability`` (a percentage or a share), ``requests`` (a count per period), or any other, which is compared by
    how unusual it is. ``views`` are components as their callers see them, see ``callers_views``. ``certain`` is for an
    outage that is known by other evidence: then a component is named even if the symptom is within what normal
    operation shows.
    """
    settings = settings or Settings()
    span = span_of(series.get(symptom.node, {}), symptom, settings, certain)
    return _Blame(graph, series, symptom, views or {}, span, settings).suspects() if span else []


def _time(point: tuple[float, float | None]) -> float:
    return point[0]


def _filled(least: Mapping[_State, float], most: Mapping[_State, float]) -> dict[_State, float]:
    """Shares that are between the least and the most, and add up to one if they can."""
    low, high = sum(least.values()), sum(most.values())
    if low >= 1:
        return {state: share / low for state, share in least.items()}
    further = min(1.0, (1 - low) / (high - low)) if high > low else 0.0
    return {state: share + (most[state] - share) * further for state, share in least.items()}


class _Blame:
    """The symptom is passed down the graph, from an impacted component to what impacts it, until it stays somewhere."""

    def __init__(self, graph: Mapping[str, Sequence[str]], series: Mapping[str, Mapping[str, Points]],
                 symptom: Symptom, views: Mapping[str, str], span: Span, settings: Settings) -> None:
        self._symptom, self._views, self._span, self._settings = symptom, views, span, settings
        self._values = {name: {metric: {time: value for time, value in sorted(points, key=_time) if value is not None}
                               for metric, points in kinds.items()} for name, kinds in series.items()}
        self._measures = {name for name, kinds in self._values.items() if any(kinds.values())}
        calls = {name: {*called} for name, called in graph.items()}
        for view, component in views.items():
            calls.setdefault(view, set()).add(component)
        self._calls = {name: sorted(self._seen(calls, name)) for name in sorted(calls)}
        self._callers: dict[str, list[str]] = defaultdict(list)
        for name, called in self._calls.items():
            for other in called:
                self._callers[other].append(name)
        self._changes: dict[_State, Deviation | None] = {}
        self._normals: dict[_State, dict[float, float]] = {}
        self._usual: dict[str, float] = {}

    def suspects(self) -> list[Suspect]:
        """Return the components by what of the symptom begins in them, then by what passes through them."""
        stays, passes = self._spread()
        self._to_callers_that_starve(stays)
        self._to_where_load_begins(stays)
        scores: dict[str, float] = defaultdict(float)
        passed: dict[str, float] = defaultdict(float)
        for found, shares in ((scores, stays), (passed, passes)):
            for (name, _), share in shares.items():
                found[name] += share
        for view in sorted(set(self._views) & (set(scores) | set(passed))):
            passed.pop(view, None)
            share, to = scores.pop(view, 0.0), self._behind(view)
            for name in to:
                scores[name] += share / len(to)
        names = sorted((name for name in {*scores, *passed} if scores[name] + passed[name] > _NOTHING),
                       key=lambda name: (-round(scores[name], 9), -round(passed[name], 9), name))
        return [Suspect(name, round(min(1.0, scores[name]), 4), self._reason(name)) for name in names]

    def _seen(self, calls: Mapping[str, set[str]], name: str) -> set[str]:
        """A component's callees; a callee without any metrics is replaced by its own callees."""
        found: set[str] = set()
        past, waiting = {name}, [*calls.get(name, ())]
        while waiting:
            other = waiting.pop()
            if other in past:
                continue
            past.add(other)
            if other in self._measures:
                found.add(other)
            else:
                waiting += calls.get(other, ())
        return found

    def _behind(self, view: str) -> list[str]:
        """Return the origin of what only the callers see: the component if it is not well, or else the callers."""
        component = self._views[view]
        if (component not in self._measures or self._missing(component) or self._unusual(component, SLOW)
                or self._unusual(component, FAIL)):
            return [component]
        return [name for name in self._callers[view] if name not in self._views] or [component]

    def _spread(self) -> tuple[dict[_State, float], dict[_State, float]]:
        """Return what of the symptom stays in each component's metric, and the most that passes through it at once."""
        stays: dict[_State, float] = defaultdict(float)
        passes: dict[_State, float] = defaultdict(float)
        circling: dict[_State, float] = defaultdict(float)
        known: dict[_State, dict[_State, float]] = {}
        moving: dict[_State, float] = {(self._symptom.node, self._symptom.metric): 1.0}
        rounds = 2 * len(self._calls) + 2
        for number in range(rounds):
            after: dict[_State, float] = defaultdict(float)
            for state, share in moving.items():
                if state not in known:
                    known[state] = self._onward(*state)
                passes[state] = max(passes[state], share)
                stays[state] += share * max(0.0, 1 - sum(known[state].values()))
                for onward, part in known[state].items():
                    after[onward] += share * part
            moving = {state: share for state, share in after.items() if share > _NOTHING}
            if number >= rounds // 2:
                for state, share in moving.items():
                    circling[state] += share
        # What goes round in a circle began somewhere in it.
        left, whole = sum(moving.values()), sum(circling.values())
        for state, share in circling.items():
            stays[state] += left * share / whole
        return stays, passes

    def _onward(self, name: str, metric: str) -> dict[_State, float]:
        """Which shares of a component's trouble come from those that it calls."""
        if metric == _GONE:
            return {}
        own = self._change(name, metric)
        least: dict[_State, float] = {}
        most: dict[_State, float] = {}
        for called in self._calls.get(name, ()):
            change, state = self._change(called, metric), (called, metric)
            if change is None or change.z <= 1:
                continue
            # What may as well be chance is shrunk (James and Stein 1961).
            real = 1 - (1 / change.z) ** 2
            if own is None or own.by <= 0:
                least[state] = most[state] = real
            elif metric not in (SLOW, FAIL):
                least[state] = most[state] = real * min(1.0, change.z / own.z)
            else:
                alike, alone = self._per_request(name, called)
                part = real * change.by / own.by * self._felt(name, called, metric)
                plausible = min(1.0, self._settings.mismatch / (alike * part)) if part > 0 else 1.0
                least[state] = min(1.0, alike * part) * plausible
                most[state] = max(least[state], min(1.0, alone * part) * plausible)
        shares = _filled(least, most)
        rest = 1 - sum(shares.values())
        others = self._otherwise(name, metric) if rest > _NOTHING else []
        for state in others:
            shares[state] = shares.get(state, 0.0) + rest / len(others)
        return {state: share for state, share in shares.items() if share > 0}

    def _otherwise(self, name: str, metric: str) -> list[_State]:
        """Callees that explain it by another trouble: calls that fail are tried again, slow ones are given up."""
        found = []
        for called in self._calls.get(name, ()):
            if self._missing(called):
                found.append((called, _GONE))
            elif metric == SLOW and self._unusual(called, FAIL):
                found.append((called, FAIL))
            elif metric == FAIL and self._unusual(called, SLOW) and self._waits(name, called):
                found.append((called, SLOW))
        return found

    def _waits(self, name: str, called: str) -> bool:
        """Whether a component is about as much slower as what it calls would make it, for all that can be seen."""
        own, change = self._change(name, SLOW), self._change(called, SLOW)
        return bool(own and change and self._per_request(name, called)[0] * change.by
                    <= self._settings.mismatch * max(0.0, own.by) + self._settings.sure * own.spread)

    def _felt(self, name: str, called: str, metric: str) -> float:
        """The most of a callee's trouble that its caller can feel, by the times when the callee had it before.

        Where normal operation has none, all of it. This is how work that nobody waits for shows.
        """
        own, change = self._change(name, metric), self._change(called, metric)
        mine, theirs = self._normal(name, metric), self._normal(called, metric)
        if not own or not change:
            return 1.0
        usual, level = median(theirs.values()), median(mine.values())
        bad = [time for time, value in theirs.items()
               if time in mine and value - usual > self._settings.sure * change.spread]
        if len(bad) < self._settings.few:
            return 1.0
        expected = self._per_request(name, called)[0] * (sum(theirs[time] for time in bad) / len(bad) - usual)
        felt = sum(mine[time] for time in bad) / len(bad) - level
        return min(1.0, max(0.0, felt + self._settings.sure * own.spread / math.sqrt(len(bad))) / expected)

    def _to_callers_that_starve(self, stays: dict[_State, float]) -> None:
        """One that is slow by itself, and at the same time sees several others slow, is what they have in common."""
        for name in sorted(self._calls):
            slow = [called for called in self._calls[name]
                    if stays.get((called, SLOW), 0.0) > 0 and self._unusual(called, SLOW)]
            if len(slow) > 1 and self._slower_than_its_calls(name):
                for called in slow:
                    stays[name, SLOW] = stays.get((name, SLOW), 0.0) + stays.pop((called, SLOW))

    def _slower_than_its_calls(self, name: str) -> bool:
        own = self._change(name, SLOW)
        changes = [(called, self._change(called, SLOW)) for called in self._calls[name]]
        whole = sum(max(0.0, change.by) * self._per_request(name, called)[0] for called, change in changes if change)
        return own is not None and own.by - whole >= self._settings.sure * own.spread

    def _to_where_load_begins(self, stays: dict[_State, float]) -> None:
        """Blame slowness under more requests than usual on the highest component that has too many."""
        for name in sorted(name for name, metric in stays if metric == SLOW):
            seen, top = {name}, name
            while self._unusual(top, SURGE):
                above = [caller for caller in self._callers[top]
                         if caller not in seen and caller not in self._views and self._unusual(caller, SURGE)]
                if not above:
                    break
                top = max(above, key=lambda caller: (self._requests(caller), caller))
                seen.add(top)
            if top != name:
                stays[top, SLOW] = stays.get((top, SLOW), 0.0) + stays.pop((name, SLOW))

    def _missing(self, name: str) -> bool:
        """Whether it gets fewer requests than any of its callers, or the symptom's component, would let expect."""
        name = self._views.get(name, name)
        above = {self._symptom.node, *self._callers[name]} - {name, *self._views}
        return bool(above) and all(self._fewer(name, caller) for caller in above)

    def _fewer(self, name: str, caller: str) -> bool:
        mine, theirs = self._values.get(caller, {}).get(LOAD, {}), self._values.get(name, {}).get(LOAD, {})
        usual = [theirs[time] / mine[time] for time in theirs if time <= self._span.normal_end and mine.get(time)]
        now = [time for time in mine if self._span.start <= time < self._span.end]
        # One that counts at times is judged by those; one that has stopped to count gets nothing.
        now = [time for time in now if time in theirs] or now
        if len(usual) < self._settings.fewest or not now:
            return False
        each, seen, whole = median(usual), sum(theirs.get(time, 0.0) for time in now), sum(mine[time] for time in now)
        spread = SCALE * median(abs(value - each) for value in usual) * whole / math.sqrt(len(now))
        return seen < each * whole - self._settings.sure * max(spread, math.sqrt(each * whole))

    def _unusual(self, name: str, metric: str) -> Deviation | None:
        change = self._change(name, metric)
        return change if change and change.z >= self._settings.sure else None

    def _change(self, name: str, metric: str) -> Deviation | None:
        if (name, metric) not in self._changes:
            self._changes[name, metric] = self._measured(name, metric)
        return self._changes[name, metric]

    def _measured(self, name: str, metric: str) -> Deviation | None:
        points = self._values.get(name, {}).get(LOAD if metric == SURGE else metric, {})
        normal = [*self._normal(name, metric).values()]
        values = dict(zip(points, anomaly_scores([*points.values()], metric, len(normal)), strict=True))
        before = [value for time, value in values.items() if self._span.normal_end < time < self._span.start]
        now = [value for time, value in values.items() if self._span.start <= time < self._span.end]
        if len(normal) < self._settings.fewest or not now:
            return None
        level = median(normal)
        spread = max(SCALE * median(abs(value - level) for value in normal),
                     least_spread(metric, level, self._requests(name) or 100.0, self._settings))
        if before:
            # It may have been another day: what had moved before the outage is not its doing.
            level = level_before(level, median(before), spread, len(before))
        return Deviation(level, sum(now) / len(now) - level, spread)

    def _normal(self, name: str, metric: str) -> dict[float, float]:
        """Anomaly scores in normal operation, by time."""
        if (name, metric) not in self._normals:
            points = self._values.get(name, {}).get(LOAD if metric == SURGE else metric, {})
            times = [time for time in points if time <= self._span.normal_end]
            worse = anomaly_scores([*points.values()], metric, len(times))
            self._normals[name, metric] = dict(zip(times, worse, strict=False))
        return self._normals[name, metric]

    def _requests(self, name: str) -> float:
        """Requests in a usual period; a component is called no less often than one of its callers sees."""
        if name not in self._usual:
            values = [median([value for time, value in self._values.get(known, {}).get(LOAD, {}).items()
                              if time <= self._span.normal_end] or [0.0])
                      for known in (name, self._views.get(name, name))]
            self._usual[name] = max(values)
        return self._usual[name]

    def _per_request(self, caller: str, called: str) -> tuple[float, float]:
        """Calls for each of the caller's requests: if all callers called alike, and if only this one called."""
        mine, theirs = self._requests(caller), self._requests(called)
        if mine <= 0 or theirs <= 0:
            return 1.0, 1.0
        return theirs / sum(self._requests(name) for name in {*self._callers[called], caller}), theirs / mine

    def _reason(self, name: str) -> str:
        parts = []
        failing, slow = self._unusual(name, FAIL), self._unusual(name, SLOW)
        if failing:
            parts.append(f"{wording.share(failing.before + failing.by)} of its requests fail, "
                         f"{wording.share(max(0.0, failing.before))} did before")
        if slow:
            parts.append(f"it takes {wording.duration(slow.before + slow.by)}, {wording.duration(slow.before)} before")
        surge = self._unusual(name, SURGE)
        if surge:
            parts.append(f"it gets {wording.count(surge.before + surge.by)} requests a period, "
                         f"{wording.count(surge.before)} before")
        if self._missing(name):
            parts.append("it gets fewer requests than its callers have reason to send, or none")
        said = "; ".join(parts) or "what is impacted calls it"
        return f"{said[0].upper()}{said[1:]}."
