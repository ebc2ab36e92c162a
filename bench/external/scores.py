"""How good answers are: counted alike for all sets and methods."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.external.frame import Adapter, Answer, Case, Matches, matcher, prepared
from responder.plan.rates import lower_bound, upper_bound

OWN = "this project"
ALWAYS = "this project, always asked"
_Z = 1.96
"""Intervals of 95 % (Wilson 1927)."""
_BINS = 10
"""Of the calibration error, each a tenth wide (Naeini et al. 2015)."""
_THREE = 3


@dataclass(frozen=True)
class Judged:
    """What a method said of one case."""

    case: str
    kind: str
    method: str
    answers: tuple[Answer, ...]
    milliseconds: float
    """Of the processor, on one core: what else runs on the machine does not count."""
    scored: bool
    """Whether the truth is known; where it is not, all that follows is false."""
    first_object: bool = False
    first: bool = False
    """Object and root cause."""
    three_objects: bool = False
    three: bool = False
    decoy: bool = False
    """Whether the first answer is a decoy."""
    has_decoys: bool = False


@dataclass
class Tally:
    """Counts of one method on one group of cases."""

    cases: int = 0
    decided: int = 0
    first: int = 0
    first_object: int = 0
    three: int = 0
    three_objects: int = 0
    decoys: int = 0
    with_decoys: int = 0
    unscored: int = 0
    said: list[tuple[float, bool]] = field(default_factory=list)
    """Confidence of each first answer, and whether it is right."""
    milliseconds: list[float] = field(default_factory=list)

    def add(self, one: Judged) -> None:
        """Count one case. A case that was not answered is not right."""
        self.milliseconds.append(one.milliseconds)
        if not one.scored:
            self.unscored += 1
            return
        self.cases += 1
        self.first += one.first
        self.first_object += one.first_object
        self.three += one.three
        self.three_objects += one.three_objects
        self.with_decoys += one.has_decoys
        self.decoys += one.decoy
        if one.answers:
            self.decided += 1
            self.said.append((one.answers[0].confidence, one.first))

    @property
    def calibration_error(self) -> float | None:
        """The expected calibration error of all first answers; None where there are none."""
        return expected_calibration_error(self.said) if self.said else None

    def as_json(self) -> dict[str, Any]:
        """Return shares with their intervals, in JSON's types."""
        error = self.calibration_error
        return {"cases": self.cases, "unscored": self.unscored, "top1": share(self.first, self.cases),
                "top3": share(self.three, self.cases), "object_top1": share(self.first_object, self.cases),
                "object_top3": share(self.three_objects, self.cases), "decided": share(self.decided, self.cases),
                "right_of_decided": share(self.first, self.decided), "decoys": share(self.decoys, self.with_decoys),
                "calibration_error": None if error is None else round(error, 4),
                "median_ms": round(statistics.median(self.milliseconds), 2) if self.milliseconds else None,
                "max_ms": round(max(self.milliseconds), 2) if self.milliseconds else None}


def judge(adapter: Adapter, case: Case) -> list[Judged]:
    """Ask all methods about a case: the responder by itself and where it must answer, and the baselines."""
    matches = matcher(adapter)
    ready = prepared(adapter, case)
    methods: dict[str, Callable[[Case], list[Answer]]] = {
        OWN: lambda _: adapter.answer(ready), ALWAYS: lambda _: adapter.answer(ready, always=True),
        **adapter.baselines()}
    return [_judged(case, name, method, matches) for name, method in methods.items()]


def _judged(case: Case, name: str, method: Callable[[Case], list[Answer]], matches: Matches) -> Judged:
    began = time.thread_time()
    answers = tuple(method(case))
    milliseconds = (time.thread_time() - began) * 1000
    if case.truth is None:
        return Judged(case.id, case.kind, name, answers, milliseconds, False)
    right = [matches(one, case.truth) for one in answers[:_THREE]] or [(False, False)]
    return Judged(case.id, case.kind, name, answers, milliseconds, True, right[0][0], right[0][1],
                  any(named for named, _ in right), any(whole for _, whole in right),
                  bool(answers) and answers[0].object in case.truth.decoys, bool(case.truth.decoys))


def tallies(judged: Iterable[Judged]) -> dict[str, Tally]:
    """Count by method."""
    found: dict[str, Tally] = defaultdict(Tally)
    for one in judged:
        found[one.method].add(one)
    return dict(found)


def expected_calibration_error(said: Sequence[tuple[float, bool]]) -> float:
    """Return the mean distance of confidence and share of right answers over bins, weighted by their answers."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, right in said:
        bins[min(_BINS - 1, int(confidence * _BINS))].append((confidence, right))
    return sum(abs(sum(confidence for confidence, _ in each) - sum(right for _, right in each))
               for each in bins.values()) / len(said)


def share(count: int, of: int) -> dict[str, Any]:
    """Return a share with its 95 % interval."""
    return {"count": count, "of": of, "value": round(count / of, 4) if of else None,
            "low": round(lower_bound(count, of, _Z), 4), "high": round(upper_bound(count, of, _Z), 4)}


def told(count: int, of: int) -> str:
    """Return a share as people read it."""
    found = share(count, of)
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]" if of else "–"
