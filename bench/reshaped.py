"""The same outage told otherwise: other names, units, moments and periods, series that are missing, more components.

What is at fault does not depend on how components are called, in which unit a latency is or when it was; so answers
must not either. With less to go by they may be fewer, and should be wrong no more often. ``python -m bench.reshaped
[N]`` prints for N made-up outages (40) how many are right in each shape, always asked and where it decides by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random

from bench.outages import outages, quiet
from bench.recordings import Case
from responder.plan.origin import Points, rank
from responder.plan.sure import SURE

_SEED = 417
_YEARS = 10 * 365 * 86_400.0
_FEW = 15
Series = Mapping[str, Mapping[str, Points]]


def renamed(case: Case) -> Case:
    """Give every component another name, in another order of the alphabet; views keep their endings."""
    names = sorted({*case.graph, *case.series, *(other for called in case.graph.values() for other in called)})
    plain = [name for name in names if name not in case.views]
    shuffled = Random(case.name).sample(range(1000, 1000 + len(plain)), len(plain))
    new = {name: f"ts-{number}-svc" for name, number in zip(plain, shuffled, strict=True)}
    new |= {view: f"{new.get(of, of)}_{view.rpartition('_')[2]}" for view, of in case.views.items()}
    return replace(case, graph={new[name]: tuple(new[each] for each in called) for name, called in case.graph.items()},
                   series={new[name]: kinds for name, kinds in case.series.items()},
                   symptom=replace(case.symptom, node=new[case.symptom.node]),
                   views={new[view]: new[of] for view, of in case.views.items()},
                   cause=new.get(case.cause, ""))


def later(case: Case) -> Case:
    """Let it be ten years later."""
    return _at(case, lambda time: time + _YEARS)


def by_the_minute(case: Case) -> Case:
    """Let a period be a fifth as long: there are as many, in a fifth of the time."""
    return _at(case, lambda time: case.symptom.time + (time - case.symptom.time) / 5)


def in_milliseconds(case: Case) -> Case:
    """Tell latency in milliseconds."""
    return _scaled(case, "latency", 1000.0)


def in_shares(case: Case) -> Case:
    """Tell availability as a share instead of per cent."""
    return _scaled(case, "availability", 0.01)


def with_few_rows(case: Case) -> Case:
    """Keep the last few periods of normal operation alone."""
    before = sorted({time for kinds in case.series.values() for points in kinds.values() for time, _ in points
                     if time < case.symptom.time})
    since = before[-_FEW] if len(before) > _FEW else 0.0
    return _each(case, lambda points: [(time, value) for time, value in points if time >= since])


def with_half_the_series(case: Case) -> Case:
    """Leave out one series of two, but not the symptom's own."""
    random = Random(f"half {case.name}")
    own = case.symptom.node, case.symptom.metric
    return replace(case, series={name: {metric: points for metric, points in sorted(kinds.items())
                                        if (name, metric) == own or random.random() < 0.5}
                                 for name, kinds in sorted(case.series.items())})


def among_a_hundred(case: Case) -> Case:
    """Let the entry call other applications, too, until there are more than a hundred components; they are well."""
    graph, series = {name: tuple(called) for name, called in case.graph.items()}, dict(case.series)
    times = sorted({time for kinds in case.series.values() for points in kinds.values() for time, _ in points})
    entry = case.symptom.node
    for number, other in enumerate(quiet(20, _SEED)):
        if len(series) > 100:
            break
        names = {name: f"{name}-{number}" for name in {*other.graph, *other.series}}
        graph |= {names[name]: tuple(names[each] for each in called) for name, called in other.graph.items()}
        series |= {names[name]: {metric: [(time, value) for time, (_, value) in zip(
            times[-len(points):], points[-len(times):], strict=False)] for metric, points in kinds.items()}
            for name, kinds in other.series.items()}
        graph[entry] = (*graph.get(entry, ()), names[other.symptom.node])
    return replace(case, graph=graph, series=series)


SAME: Mapping[str, Callable[[Case], Case]] = {
    "other names": renamed, "ten years later": later, "in milliseconds": in_milliseconds,
    "availability as a share": in_shares}
"""Shapes in which the answer is the same."""
LESS: Mapping[str, Callable[[Case], Case]] = {
    "periods of a fifth": by_the_minute, "15 periods of normal operation": with_few_rows,
    "half of the series": with_half_the_series, "among a hundred components": among_a_hundred}
"""Shapes in which there is less to go by, or more to be misled by."""


def _each(case: Case, change: Callable[[Points], Points]) -> Case:
    return replace(case, series={name: {metric: change(points) for metric, points in kinds.items()}
                                 for name, kinds in case.series.items()})


def _at(case: Case, moved: Callable[[float], float]) -> Case:
    return replace(_each(case, lambda points: [(moved(time), value) for time, value in points]),
                   symptom=replace(case.symptom, time=moved(case.symptom.time)))


def _scaled(case: Case, metric: str, by: float) -> Case:
    return replace(case, series={name: {kind: [(time, value * by if value is not None else None)
                                               for time, value in points] if kind == metric else points
                                        for kind, points in kinds.items()} for name, kinds in case.series.items()})


def main(arguments: Sequence[str]) -> None:
    """Print how many are right in each shape."""
    count = int(arguments[0]) if arguments else 40
    cases, calm = [*outages(count, _SEED)], [*quiet(count, _SEED)]
    print(f"of {count} made-up outages: right where always asked; decided by itself, of these right; of {count} quiet "
          "ones accused")
    for name, shape in {"as it is": lambda case: case, **SAME, **LESS}.items():
        always = decided = right = 0
        for case in map(shape, cases):
            first = rank(case.graph, case.series, case.symptom, case.views, certain=True)[:1]
            always += [each.component for each in first] == [case.cause]
            said = rank(case.graph, case.series, case.symptom, case.views)[:1]
            if said and said[0].confidence >= SURE:
                decided, right = decided + 1, right + (said[0].component == case.cause)
        accused = sum(bool(said) and said[0].confidence >= SURE for case in map(shape, calm)
                      for said in [rank(case.graph, case.series, case.symptom, case.views)])
        print(f"| {name} | {always} | {decided}, {right} | {accused} |")


if __name__ == "__main__":
    main(sys.argv[1:])
