"""How far a component's trouble may as well be that of callees of which nobody measures such trouble.

Where the requests of a shop fail and no failures of those that it calls are counted, the fault is in the shop or in any
of them: as likely the one as the other. To name it for sure would be a guess, so half of the confidence is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from responder.plan.deviation import FAIL, LOAD, SLOW
from responder.plan.measured import Measured, State


def untold(measured: Measured, graph: Mapping[str, Sequence[str]],
           shares: Iterable[Mapping[State, float]]) -> dict[str, float]:
    """Return for each component the part (0 to 1) of what begins in it that may as well begin in callees.

    ``shares`` are what begins where, by component and metric, for each way of looking.
    """
    whole: dict[str, float] = defaultdict(float)
    lost: dict[str, float] = defaultdict(float)
    for share_of in shares:
        for (name, metric), share in share_of.items():
            component = measured.views.get(name, name)
            whole[component] += share
            if metric in (SLOW, FAIL):
                # Whose calls fail may be slow for it, too: they are tried again.
                unseen = max(_unseen(measured, graph, component, each) for each in (metric, FAIL)
                             if each == metric or measured.unusual(component, FAIL))
                lost[component] += share * min(1.0, unseen) / 2
    return {component: lost[component] / share for component, share in whole.items() if share > 0}


def _unseen(measured: Measured, graph: Mapping[str, Sequence[str]], component: str, metric: str) -> float:
    """Return how many of those that a component calls have no such metric, by themselves nor by their callers.

    One that is called at times counts by how many of the periods it is called in.
    """
    called = {measured.views.get(name, name) for name in graph.get(component, ())} - {component}
    seen = {measured.views.get(name, name) for name in (*called, *(
        view for view, behind in measured.views.items() if behind in called))
        if measured.scores(name, metric).count >= measured.settings.few}
    return sum(_called_share(measured, component, name) for name in called - seen)


def _called_share(measured: Measured, caller: str, name: str) -> float:
    """Return in which share of its caller's periods of normal operation one is called; 1 where nobody counts that."""
    mine, theirs = (measured.recorded.values(each, LOAD) for each in (caller, name))
    usual = [time for time, value in mine.items() if time <= measured.span.normal_end and value > 0]
    if not measured.recorded.counts(name) or not usual:
        return 1.0
    return sum(theirs.get(time, 0.0) > 0 for time in usual) / len(usual)
