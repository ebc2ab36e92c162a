"""A symptom passed down the graph of calls, from an impacted component to what impacts it, until it stays somewhere."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from responder.plan.deviation import CPU, FAIL, SLOW
from responder.plan.measured import GONE, Measured, State
from responder.plan.standing_out import StandingOut

_NOTHING = 1e-6


def _filled(least: Mapping[State, float], most: Mapping[State, float]) -> dict[State, float]:
    """Shares that are between the least and the most, and add up to one if they can."""
    low, high = sum(least.values()), sum(most.values())
    if low >= 1:
        return {state: share / low for state, share in least.items()}
    further = min(1.0, (1 - low) / (high - low)) if high > low else 0.0
    return {state: share + (most[state] - share) * further for state, share in least.items()}


class Flow:
    """Where a symptom stays, and through what it passes."""

    def __init__(self, measured: Measured, standing: StandingOut) -> None:
        self._measured, self._standing = measured, standing

    def spread(self) -> tuple[dict[State, float], dict[State, float]]:
        """Return what of the symptom stays in each component's metric, and the most that passes through it at once."""
        stays: dict[State, float] = defaultdict(float)
        passes: dict[State, float] = defaultdict(float)
        circling: dict[State, float] = defaultdict(float)
        known: dict[State, dict[State, float]] = {}
        moving: dict[State, float] = {(self._measured.symptom.node, self._measured.symptom.metric): 1.0}
        rounds = 2 * len(self._measured.calls) + 2
        for number in range(rounds):
            after: dict[State, float] = defaultdict(float)
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

    def _onward(self, name: str, metric: str) -> dict[State, float]:
        """Which shares of a component's trouble come from those that it calls."""
        if metric in (GONE, CPU):
            return {}
        own = self._measured.change(name, metric)
        least: dict[State, float] = {}
        most: dict[State, float] = {}
        for called in self._measured.calls.get(name, ()):
            change, state = self._measured.change(called, metric), (called, metric)
            if change is None or change.z <= 1:
                continue
            # What may as well be chance is shrunk (James and Stein 1961).
            real = 1 - (1 / change.z) ** 2
            if own is None or own.by <= 0:
                least[state] = most[state] = real
            elif metric not in (SLOW, FAIL):
                least[state] = most[state] = real * min(1.0, change.z / own.z)
            else:
                alike, alone = self._measured.per_request(name, called)
                part = real * change.by / own.by * self._felt(name, called, metric)
                plausible = min(1.0, self._measured.settings.mismatch / (alike * part)) if part > 0 else 1.0
                least[state] = min(1.0, alike * part) * plausible
                most[state] = max(least[state], min(1.0, alone * part) * plausible)
        shares = _filled(least, most)
        rest = 1 - sum(shares.values())
        others = self._otherwise(name, metric) if rest > _NOTHING else []
        for state in others:
            shares[state] = shares.get(state, 0.0) + rest / len(others)
        return {state: share for state, share in shares.items() if share > 0}

    def _otherwise(self, name: str, metric: str) -> list[State]:
        """Callees that explain it by another trouble: calls that fail are tried again, slow ones are given up."""
        found = []
        for called in self._measured.calls.get(name, ()):
            if self._measured.missing(called):
                found.append((called, GONE))
            elif self._standing.surely(behind := self._measured.views.get(called, called), CPU):
                # What a process uses does not spread to others, so it is no consequence of what callers show.
                found.append((behind, CPU))
            elif metric == SLOW and self._measured.unusual(called, FAIL):
                found.append((called, FAIL))
            elif metric == FAIL and self._measured.unusual(called, SLOW) and self._measured.waits(name, called):
                found.append((called, SLOW))
        return found

    def _felt(self, name: str, called: str, metric: str) -> float:
        """The most of a callee's trouble that its caller can feel, by the times when the callee had it before.

        Where normal operation has none, all of it. This is how work that nobody waits for shows.
        """
        own, change = self._measured.change(name, metric), self._measured.change(called, metric)
        mine, theirs = self._measured.scores(name, metric), self._measured.scores(called, metric)
        if not own or not change:
            return 1.0
        felt_at, usual = mine.by_time, theirs.level
        bad = [(felt_at[time], value) for time, value in theirs.by_time.items()
               if value - usual > self._measured.settings.sure * change.spread and time in felt_at]
        if len(bad) < self._measured.settings.few:
            return 1.0
        expected = self._measured.per_request(name, called)[0] * (sum(value for _, value in bad) / len(bad) - usual)
        felt = sum(value for value, _ in bad) / len(bad) - mine.level
        return min(1.0, max(0.0, felt + self._measured.settings.sure * own.spread / math.sqrt(len(bad))) / expected)
