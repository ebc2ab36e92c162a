"""Find the failing component in a graph of who calls whom, from what each component's metrics say over time.

The method keeps books. Each component's harm is counted in a unit that adds up along calls: seconds that its requests
took longer than usual, and requests that failed beyond the usual. What a component lost is explained by what those it
calls lost in the same periods, as far as that goes; the rest is its own. The loss at the symptom is so handed down the
graph until it is all somebody's own, and who ends up with the largest share of it is accused first.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Series = Sequence[tuple[float, float | None]]
"""Points of (seconds, value) in any order; None where nothing was measured."""
Kind = Literal["seconds", "failures"]

_KINDS: tuple[Kind, Kind] = ("seconds", "failures")


@dataclass(frozen=True)
class Settings:
    """The method's constants. None is fitted to an outage; each has a reason that holds elsewhere."""

    sure: float = 3.0
    """Standard deviations from which a deviation counts. Some dozens of components are looked at an incident, and
    three leave one in 700 of them to chance (``rates.Z`` is the same)."""
    notice: float = 3.0
    tail: float = 0.977
    """Where the upper tail of normal operation is measured: the quantile that lies two standard deviations above the
    centre of a normal distribution. A component with rare but great spikes is so known to be noisy, which the median
    absolute deviation alone would not say."""
    floor: float = 0.05
    """Least standard deviation, as a share of the normal value: a series that never moved was not watched for long
    enough, and a twentieth is the least change that a person would call one."""
    least_points: int = 10
    """Fewer points of normal operation say nothing: from ten, the spread is known to about a third."""
    recent_periods: int = 6
    """Periods just before the symptom that tell whether the level has moved since the rest of normal operation. The
    median of six is off by half a standard deviation, and a spell longer than that would reach into another hour."""
    failure_seconds: float = 1.0
    """What a failed call costs its caller where it waits or tries again, and how slow a call must be for its caller to
    give up: usual timeouts and pauses between attempts are of the order of a second."""
    least_share: float = 0.1
    """Who has less than a tenth of the loss is not worth a look while the rest is unaccounted for."""


DEFAULTS = Settings()


@dataclass(frozen=True)
class Symptom:
    """Where, in which metric and when something was noticed."""

    node: str
    metric: str
    """``latency``, ``availability``, ``error_rate``; any other means whichever of them moved more."""
    time: float
    """Seconds, by the clock of the series; the period that this falls into is the first that may be bad."""


@dataclass(frozen=True)
class Accused:
    """A component that is held to be a cause."""

    component: str
    score: float
    """The share of the symptom's loss that is this component's own, from 0 to 1."""
    reason: str
    """A sentence for people."""


@dataclass(frozen=True)
class _Book:
    """What a component lost in one unit, against its own normal."""

    harm: Mapping[int, float]
    """Period to loss; negative where it was better than normal."""
    noise: Mapping[int, float]
    """Period to the standard deviation of that loss in normal operation."""
    sigmas: float
    """How far the worst stretch of periods is from normal, in standard deviations, no period counting for much."""
    peak: float
    """How far the worst period is from normal, in standard deviations."""
    normal: float
    """Usual seconds of a request, or usual share of failures."""
    seen: float
    """The same in the worst period."""

    def loss(self, period: int) -> float:
        """Loss in a period, 0 where it was none or is not known."""
        return max(0.0, self.harm.get(period, 0.0))

    @property
    def total(self) -> float:
        """Loss over all periods."""
        return sum(max(0.0, harm) for harm in self.harm.values())

    @property
    def blur(self) -> float:
        """Standard deviation of the loss over all periods."""
        return math.sqrt(sum(noise * noise for noise in self.noise.values()))


def rank(graph: Mapping[str, Sequence[str]], series: Mapping[str, Mapping[str, Series]], symptom: Symptom,
         until: float | None = None, views: Mapping[str, str] | None = None,
         settings: Settings = DEFAULTS) -> list[Accused]:
    """Return who caused the symptom, most to blame first; nobody where the symptom does not stand out.

    ``graph`` maps a component to those that it calls. ``series`` maps a component to its ``latency`` (mean, in
    seconds), ``availability`` or ``error_rate`` (share, or percent throughout), and ``requests`` (count a period); all
    of them may be missing. Points before the symptom are normal operation, those from it up to ``until`` (by default:
    all) are judged. ``views`` maps a name under which callers see a component to that component, see ``views_of``.
    """
    return _Case(graph, series, symptom, until, views or {}, settings).accused()


def views_of(names: Iterable[str]) -> dict[str, str]:
    """Guess which names are another component as its callers see it, ``_remote`` and ``_client`` in X-Ray.

    It is taken for the component that alone has a word of it, of four letters or more, in its name.
    """
    names = sorted(set(names))
    whole = [name for name in names if not re.search(r"_(remote|client)$", name)]
    found = {}
    for name in names:
        if name in whole:
            continue
        words = [word for word in re.split(r"[^a-z0-9]+", re.sub(r"_(remote|client)$", "", name).lower())
                 if len(word) >= 4 and not word.isdigit()]
        meant = {hits[0] for word in words
                 for hits in [[other for other in whole if word in other.lower()]] if len(hits) == 1}
        if len(meant) == 1:
            found[name] = meant.pop()
    return found


Level = tuple[float, float, list[float]]
"""Centre and standard deviation of normal operation, and the values just before the symptom."""


class _Numbers(dict[float, int]):
    """Moments and the numbers of their periods, worked out once for all series."""

    def __init__(self, period: float, origin: float) -> None:
        super().__init__()
        self.period, self.origin = period, origin

    def __missing__(self, time: float) -> int:
        self[time] = number = round((time - self.origin) / self.period)
        return number

    def before(self, time: float) -> int:
        """The number of the period that a moment falls into."""
        return math.floor((time - self.origin) / self.period)


class _Case:
    """One symptom, and what is known about it."""

    def __init__(self, graph: Mapping[str, Sequence[str]], series: Mapping[str, Mapping[str, Series]],
                 symptom: Symptom, until: float | None, views: Mapping[str, str], settings: Settings) -> None:
        self.symptom, self.settings = symptom, settings
        self.views = {view: name for view, name in views.items() if view != name}
        self.calls = _calls(graph, self.views)
        self.reached = _reached(self.calls, symptom.node)
        numbers = _Numbers(*_clock(series.get(symptom.node, {})))
        self.values: dict[str, dict[str, dict[int, float]]] = {
            name: self._by_period(series.get(name, {}), math.inf if until is None else until, numbers)
            for name in self.reached}
        self.start, self.end = self._window(numbers.before(symptom.time))
        self.levels: dict[tuple[str, str], Level | None] = {
            (name, kind): self._level(points, self.start)
            for name, kinds in self.values.items() for kind, points in kinds.items()}
        self.requests = {name: self._load(name) for name in self.reached}
        self.books: dict[Kind, dict[str, _Book]] = {kind: {} for kind in _KINDS}
        for name in self.reached:
            for kind in _KINDS:
                book = self._book(name, kind)
                if book:
                    self.books[kind][name] = book

    # What the metrics say

    def _by_period(self, kinds: Mapping[str, Series], until: float,
                   numbers: _Numbers) -> dict[str, dict[int, float]]:
        found: dict[str, dict[int, float]] = {}
        isfinite = math.isfinite
        for source, kind, share in (("latency", "seconds", False), ("availability", "failures", True),
                                    ("error_rate", "failures", True), ("requests", "requests", False)):
            points = {numbers[time]: value for time, value in kinds.get(source, ())
                      if value is not None and isfinite(value) and time <= until}
            if not points or kind in found:
                continue
            if share:
                whole = 100.0 if max(points.values()) > 1.0 else 1.0
                points = {k: 1.0 - value / whole if source == "availability" else value / whole
                          for k, value in points.items()}
            found[kind] = points
        return found

    def _window(self, start: int) -> tuple[int, int]:
        """The periods to judge. An alarm comes late: those before it that were at least half as bad are among them."""
        own = self.values[self.symptom.node]
        known = sorted({k for points in own.values() for k in points})
        if not known:
            return 0, -1
        end = known[-1]
        start = min(start, end)
        kinds = [kind for kind in self._asked() if kind in own]
        if not kinds:
            return start, end
        points = own[kinds[0]]
        level = self._level(points, start)
        peak = max((value for k, value in points.items() if k >= start), default=None)
        if level is None or peak is None or peak - level[0] < self.settings.sure * level[1]:
            return start, end
        first = start
        while start - first <= self.settings.recent_periods and points.get(
                first - 1, level[0]) - level[0] > max((peak - level[0]) / 2, self.settings.sure * level[1]):
            first -= 1
        return first, end

    def _asked(self) -> tuple[Kind, ...]:
        if self.symptom.metric.startswith("latency"):
            return ("seconds",)
        if self.symptom.metric.startswith(("availability", "error", "fault", "failure")):
            return ("failures",)
        return _KINDS

    def _level(self, points: Mapping[int, float], start: int) -> Level | None:
        """Normal operation, with a spread that knows of rare spikes as well; None where too little is known."""
        before = sorted(value for k, value in points.items() if k < start)
        if len(before) < self.settings.least_points:
            return None
        centre = _quantile(before, 0.5)
        spread = 1.4826 * _quantile(sorted(abs(value - centre) for value in before), 0.5)
        tail = (_quantile(before, self.settings.tail) - centre) / 2
        recent = [value for k in range(start - self.settings.recent_periods, start)
                  for value in [points.get(k)] if value is not None]
        return centre, max(spread, tail), recent

    def _load(self, name: str) -> float:
        """Usual requests of a component in a period; 0 where it is not known."""
        level = self.levels.get((name, "requests"))
        return level[0] if level else 0.0

    def _book(self, name: str, kind: Kind) -> _Book | None:
        points = self.values[name].get(kind, {})
        level = self.levels.get((name, kind))
        judged = [k for k in range(self.start, self.end + 1) if k in points]
        if level is None or not judged:
            return None
        centre, spread, recent = level
        usual = self.requests[name] or 1.0
        counts = self.values[name].get("requests", {})
        if kind == "seconds":
            spread = max(spread, self.settings.floor * centre)
        elif not counts:
            spread = max(spread, self.settings.floor)
        by_chance = _chance(centre, usual) if kind == "failures" and counts else 0.0
        centre = _moved(centre, max(spread, by_chance), recent)
        harm, noise, sigmas = {}, {}, {}
        for k in judged:
            requests = counts.get(k, usual)
            if requests <= 0:
                continue
            if kind == "seconds":
                # The mean of fewer requests than usual is less certain, by the root of how many fewer.
                sure = spread * math.sqrt(max(1.0, usual / requests))
            else:
                sure = max(spread, _chance(centre, requests) if counts else 0.0)
            if sure <= 0:
                continue
            harm[k], noise[k] = (points[k] - centre) * requests, sure * requests
            sigmas[k] = (points[k] - centre) / sure
        if not harm:
            return None
        return _Book(harm, noise, _worst_stretch([sigmas[k] for k in sorted(sigmas)], self.settings.sure),
                     max(sigmas.values()), centre, max(points[k] for k in harm))

    # Who explains what

    def _stands_out(self, name: str, kind: Kind) -> bool:
        book = self.books[kind].get(name)
        return book is not None and book.sigmas >= self.settings.sure

    def _explainers(self, name: str, kind: Kind) -> dict[str, float]:
        """Those below ``name`` that stand out, with the part of their loss that it feels.

        What a healthy component calls does not get through it, unless its own metrics are missing or too blurred to
        show a loss of that size.
        """
        found: dict[str, float] = {}
        passes: dict[str, float] = {name: math.inf}
        waiting = [(other, math.inf) for other in self.calls.get(name, ())]
        while waiting:
            other, limit = waiting.pop()
            if passes.get(other, -1.0) >= limit:
                continue
            passes[other] = limit
            book = self.books[kind].get(other)
            if book is not None and self._stands_out(other, kind):
                if book.total <= limit:
                    found[other] = self._felt(name, other, kind) if other in self.calls.get(name, ()) else 1.0
                continue
            hidden = math.inf if book is None else book.total + self.settings.sure * book.blur
            waiting += [(further, min(limit, hidden)) for further in self.calls.get(other, ())]
        return found

    def _felt(self, caller: str, callee: str, kind: Kind) -> float:
        """The part of what a component loses that its caller feels: 1 where it waits for each of those calls.

        Normal operation has shown it, by the slope of the caller's losses on the component's, of which the upper bound
        is taken. What goes through only part of its calls, or is not waited for, is so found out. It has shown it only
        for losses of the size that it knew; the farther out a loss is, the less that counts.
        """
        above, below = self._usual_losses(caller, kind), self._usual_losses(callee, kind)
        common = sorted(set(above) & set(below))
        if len(common) < self.settings.least_points:
            return 1.0
        x, y = _clipped([below[k] for k in common]), _clipped([above[k] for k in common])
        square = sum(value * value for value in x)
        if square <= 0 or not any(y):
            return 1.0
        slope = sum(a * b for a, b in zip(x, y, strict=True)) / square
        rest = sum((b - slope * a) ** 2 for a, b in zip(x, y, strict=True)) / (len(x) - 1)
        bound = min(1.0, max(0.0, slope + self.settings.sure * math.sqrt(rest / square)))
        return 1.0 - (1.0 - bound) * min(1.0, self.settings.sure / max(self.settings.sure, self.books[kind][callee].peak))

    def _usual_losses(self, name: str, kind: Kind) -> dict[int, float]:
        points = {k: value for k, value in self.values[name].get(kind, {}).items() if k < self.start}
        if not points:
            return {}
        centre, counts = median(points.values()), self.values[name].get("requests", {})
        usual = self.requests[name] or 1.0
        return {k: (value - centre) * counts.get(k, usual) for k, value in points.items()}

    def _parts(self, name: str, kind: Kind) -> dict[str, dict[int, float]]:
        """What those below a component lose, as far as it feels it, by period."""
        book = self.books[kind][name]
        parts = {other: {k: share * self.books[kind][other].loss(k) for k in book.harm}
                 for other, share in sorted(self._explainers(name, kind).items())}
        # Where several that call nobody turn bad at once, they may well be seen through the eyes of one that is
        # itself short of something: only the greatest of them explains.
        ends = sorted((other for other in parts if not self.calls.get(other)),
                      key=lambda other: (-sum(min(book.loss(k), part) for k, part in parts[other].items()), other))
        for other in ends[1:]:
            del parts[other]
        return parts

    def _split(self, name: str, kind: Kind) -> tuple[float, dict[str, float]]:
        """Return the part of a component's loss that is its own, and the parts that those below it explain."""
        book = self.books[kind][name]
        parts = self._parts(name, kind)
        explained = {other: sum(min(book.loss(k), part) for k, part in found.items())
                     for other, found in parts.items()}
        explained = {other: loss for other, loss in explained.items() if loss > 0}
        if not explained:
            return 1.0, {}
        sigmas, own = [], 0.0
        for k in sorted(book.harm):
            rest = book.harm[k] - sum(found[k] for found in parts.values())
            blur = math.hypot(book.noise[k], *(self.books[kind][other].noise.get(k, 0.0) for other in parts))
            own += max(0.0, min(book.loss(k), rest))
            sigmas.append(rest / blur if blur else 0.0)
        share = own / book.total if _worst_stretch(sigmas, self.settings.sure) >= self.settings.sure else 0.0
        whole = sum(explained.values())
        return share, {other: (1 - share) * loss / whole for other, loss in explained.items()}

    def _hand_down(self, name: str, kind: Kind) -> dict[str, float]:
        """Hand what ``name`` lost down the graph until it is somebody's own. The shares sum up to 1."""
        split: dict[str, tuple[float, dict[str, float]]] = {}

        def step(at: str) -> tuple[float, dict[str, float]]:
            if at not in split:
                split[at] = self._split(at, kind)
            return split[at]

        return _settle(name, step, len(self.reached))

    def _rest(self, name: str, kind: Kind) -> dict[int, float]:
        """What a component lost in each period that nothing below it explains."""
        book = self.books[kind][name]
        parts = self._parts(name, kind)
        return {k: max(0.0, min(book.loss(k), book.harm[k] - sum(found[k] for found in parts.values())))
                for k in sorted(book.harm)}

    def _in_other_unit(self, name: str, kind: Kind) -> dict[str, float]:
        """The parts of a component's own loss that those below it explain by the other kind of loss.

        Who waits for a slow component gives up, and fails; who calls a failing one tries again, and is slow.
        """
        other_kind: Kind = "failures" if kind == "seconds" else "seconds"
        rate = self.settings.failure_seconds if kind == "seconds" else 1 / self.settings.failure_seconds
        rest = self._rest(name, kind)
        parts = {other: {k: rate * felt * self.books[other_kind][other].loss(k) for k in rest}
                 for other, felt in sorted(self._explainers(name, other_kind).items())}
        return _shared(rest, parts)

    def _not_answering(self, name: str) -> dict[str, float]:
        """The parts of a component's own failures that may be those of a component that it calls in vain.

        It got fewer calls than the caller's requests let expect, and than the others that are called. Whether it was
        down or was not asked cannot be told from outside, so each is given one half.
        """
        rest = self._rest(name, "failures")
        missed: dict[str, dict[int, float]] = {}
        shares: dict[str, float] = {}
        counts = self.values[name].get("requests", {})
        for other in self.calls.get(name, ()):
            usual, got = self.requests[other], self.values[other].get("requests", {})
            load = self.levels.get((other, "requests"))
            if not usual or not self.requests[name] or load is None:
                continue
            low = sorted(-value for k, value in got.items() if k < self.start)
            spread = max(load[1], (_quantile(low, self.settings.tail) + load[0]) / 2, self.settings.floor * usual,
                         math.sqrt(usual))
            lost, sigmas = {}, []
            for k in sorted(rest):
                expected = usual * counts.get(k, 0.0) / self.requests[name]
                lost[k] = max(0.0, expected - got.get(k, 0.0))
                sigmas.append((expected - got.get(k, 0.0)) / spread)
            expected = sum(usual * counts.get(k, 0.0) / self.requests[name] for k in rest)
            shares[other] = sum(lost.values()) / expected if expected else 0.0
            if _worst_stretch(sigmas, self.settings.sure) >= self.settings.sure:
                missed[other] = lost
        parts = {}
        for other, lost in sorted(missed.items()):
            rest_share = [share for sibling, share in shares.items() if sibling != other]
            alone = 1 - (median(rest_share) if rest_share else 0.0)
            parts[other] = {k: alone * value for k, value in lost.items()}
        return {other: part / 2 for other, part in _shared(rest, parts).items()}

    def _surge(self, name: str) -> tuple[float, float]:
        """Requests beyond the usual that were not tried again after a failure: how many, and the share of all."""
        counts = self.values[name].get("requests", {})
        level = self.levels.get((name, "requests"))
        judged = [k for k in range(self.start, self.end + 1) if k in counts]
        if level is None or not judged:
            return 0.0, 0.0
        centre, spread, recent = level
        spread = max(spread, self.settings.floor * centre, math.sqrt(max(centre, 1.0)))
        centre = _moved(centre, spread, recent)
        failures = self.books["failures"].get(name)
        extra = [counts[k] - centre - (failures.loss(k) if failures else 0.0) for k in judged]
        if _worst_stretch([value / spread for value in extra], self.settings.sure) < self.settings.sure:
            return 0.0, 0.0
        whole = sum(max(0.0, value) for value in extra)
        return whole, whole / max(sum(counts[k] for k in judged), 1.0)

    def _overload(self, name: str) -> dict[str, float]:
        """Who let in the requests beyond the usual that ``name`` got, in shares of them; empty where there are none.

        Load comes from above: it is traced to callers whose own requests rose by as much, up to where it came in.
        """
        surges = {other: self._surge(other) for other in self.reached}
        if not surges[name][0]:
            return {}
        callers = {other: [above for above in self.reached if other in self.calls.get(above, ())]
                   for other in self.reached}

        def step(at: str) -> tuple[float, dict[str, float]]:
            extra = surges[at][0]
            brought = {above: surges[above][0] * self.requests[at] / self.requests[above]
                       for above in callers[at] if self.requests[above] and surges[above][0]}
            whole = sum(brought.values())
            scale = min(1.0, extra / whole) / extra if whole and extra else 0.0
            onward = {above: value * scale for above, value in brought.items()}
            return max(0.0, 1 - sum(onward.values())), onward

        return _settle(name, step, len(self.reached))

    # The verdict

    def accused(self) -> list[Accused]:
        """Return who is to blame, most first."""
        at = self.symptom.node
        kinds = [kind for kind in self._asked() if at in self.books[kind]
                 and self.books[kind][at].sigmas >= self.settings.notice]
        if not kinds:
            return []
        kind = max(kinds, key=lambda kind: (self.books[kind][at].sigmas, self.books[kind][at].peak))
        blame: dict[tuple[str, str], float] = defaultdict(float)
        for name, share in self._hand_down(at, kind).items():
            blame[name, kind] += share
        self._move_to_other_unit(blame, kind)
        self._move_to_silent(blame)
        self._move_to_load(blame)
        shares: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for (name, why), share in sorted(blame.items()):
            shares[self.views.get(name, name)][why] += share
        found = [Accused(name, round(min(1.0, sum(parts.values())), 4), self._reason(name, parts, kind))
                 for name, parts in shares.items() if sum(parts.values()) >= self.settings.least_share]
        if not self._stands_out(at, kind) and shares[at] and sum(shares[at].values()) > 0.5:
            return []
        return sorted(found, key=lambda accused: (-accused.score, accused.component))

    def _move_to_other_unit(self, blame: dict[tuple[str, str], float], kind: Kind) -> None:
        other_kind: Kind = "failures" if kind == "seconds" else "seconds"
        for (name, why), share in sorted(blame.items()):
            for other, part in self._in_other_unit(name, kind).items():
                blame[name, why] -= share * part
                for further, its in self._hand_down(other, other_kind).items():
                    blame[further, other_kind] += share * part * its

    def _move_to_silent(self, blame: dict[tuple[str, str], float]) -> None:
        for (name, why), share in sorted(blame.items()):
            if why == "failures":
                for other, part in self._not_answering(name).items():
                    blame[name, why] -= share * part
                    blame[other, "silent"] += share * part

    def _move_to_load(self, blame: dict[tuple[str, str], float]) -> None:
        for (name, why), share in sorted(blame.items()):
            over = self._surge(name)[1]
            if over:
                blame[name, why] -= share * over
                for other, part in self._overload(name).items():
                    blame[other, "load"] += share * over * part

    def _reason(self, name: str, parts: Mapping[str, float], kind: Kind) -> str:
        why = max(sorted(parts), key=lambda key: parts[key])
        share = f"{sum(parts.values()):.0%} of what {self.symptom.node} lost"
        if why == "load":
            return f"{1 / max(1e-9, 1 - self._surge(name)[1]):.1f} times its usual requests came in here: {share}"
        if why == "silent":
            return f"it got hardly any of the calls that its callers made, and these failed: {share}"
        seen = [other for other in (name, *sorted(view for view, of in self.views.items() if of == name))
                if other in self.books["seconds" if why == "seconds" else "failures"]]
        if not seen:
            return f"nothing that it calls explains it: {share}"
        book = max((self.books["seconds" if why == "seconds" else "failures"][other] for other in seen),
                   key=lambda book: book.sigmas)
        if why == "seconds":
            said = f"its requests took up to {book.seen * 1000:.4g} ms, where {book.normal * 1000:.4g} ms is normal"
        else:
            said = f"up to {book.seen:.1%} of its requests failed, where {book.normal:.1%} is normal"
        return f"{said}, and nothing that it calls explains it: {share}"


def _shared(rest: Mapping[int, float], parts: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """The share of ``rest`` that each of ``parts`` explains, period by period, no more than all of it together."""
    whole = sum(rest.values())
    if whole <= 0:
        return {}
    each = {other: sum(min(rest[k], part) for k, part in found.items()) for other, found in parts.items()}
    together = sum(min(rest[k], sum(found[k] for found in parts.values())) for k in rest)
    total = sum(each.values())
    return {other: together / whole * value / total for other, value in each.items() if value > 0}


def _settle(start: str, step: Callable[[str], tuple[float, dict[str, float]]], rounds: int) -> dict[str, float]:
    """Where a whole ends up that begins at ``start``: at each stop a part stays and the rest goes on.

    What still goes round in circles after that many rounds stays where it is.
    """
    stays: dict[str, float] = defaultdict(float)
    moving = {start: 1.0}
    for _ in range(rounds + 1):
        after: dict[str, float] = defaultdict(float)
        for at in sorted(moving):
            own, onward = step(at)
            stays[at] += own * moving[at]
            for other in sorted(onward):
                after[other] += onward[other] * moving[at]
        moving = {at: share for at, share in after.items() if share > 1e-6}
    for at, share in moving.items():
        stays[at] += share
    return {at: share for at, share in stays.items() if share > 0}


def _calls(graph: Mapping[str, Sequence[str]], views: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Who calls whom, in a fixed order; a view calls what it is a view of."""
    calls: dict[str, set[str]] = defaultdict(set)
    for name, others in graph.items():
        calls[name] |= set(others) - {name}
    for view, name in views.items():
        if view in calls or any(view in others for others in graph.values()):
            calls[view].add(name)
    return {name: tuple(sorted(others)) for name, others in calls.items()}


def _reached(calls: Mapping[str, Sequence[str]], start: str) -> list[str]:
    seen, waiting = {start}, [start]
    while waiting:
        for other in calls.get(waiting.pop(), ()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return sorted(seen)


def _clock(kinds: Mapping[str, Series]) -> tuple[float, float]:
    """The length of a period, which is the usual distance of points, and the start of one of them, in seconds."""
    times = [sorted({time for time, _ in points}) for points in kinds.values() if points]
    gaps = [later - earlier for found in times for earlier, later in itertools.pairwise(found)]
    return (median(gaps) if gaps else 60.0), max((found[-1] for found in times), default=0.0)


def _quantile(ordered: Sequence[float], share: float) -> float:
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def _chance(share: float, requests: float) -> float:
    """Standard deviation of a share of failures by chance; one failure where there are usually none."""
    usual = min(0.5, max(share, 1.0 / max(requests, 1.0)))
    return math.sqrt(usual * (1 - usual) / max(requests, 1.0))


def _moved(centre: float, spread: float, recent: Sequence[float]) -> float:
    """The normal level now, if the values just before are surely elsewhere (James and Stein 1961, positive part)."""
    if not recent:
        return centre
    shift = median(recent) - centre
    by_chance = spread * spread / len(recent)
    return centre if shift * shift <= by_chance else centre + shift * (1 - by_chance / (shift * shift))


def _worst_stretch(sigmas: Sequence[float], cap: float) -> float:
    """The greatest deviation of consecutive periods taken together, in standard deviations of their sum.

    It must last: no period counts for more than ``cap``, and one alone is no stretch, unless it is the newest.
    """
    worst = 0.0
    for first in range(len(sigmas)):
        total = 0.0
        for last in range(first, len(sigmas)):
            total += min(cap, sigmas[last])
            if last > first or last == len(sigmas) - 1:
                worst = max(worst, total / math.sqrt(last - first + 1))
    return worst


def _clipped(values: Sequence[float]) -> list[float]:
    """Values around their median, the rare great ones cut to three standard deviations."""
    centre = median(values)
    limit = 3 * 1.4826 * median(abs(value - centre) for value in values)
    return [max(-limit, min(limit, value - centre)) for value in values]
