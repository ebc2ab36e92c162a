"""Which component of a call graph began an outage, by what all of them measured before and during it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from responder.model.frozen import dataclass
from responder.plan import wording
from responder.plan.deviation import CPU, FAIL, SLOW, SURGE, Points, Settings, Symptom, from_alarm, span_of
from responder.plan.flow import Flow
from responder.plan.in_common import to_callers_that_starve, to_where_load_begins
from responder.plan.measured import Measured, State
from responder.plan.recorded import Recorded
from responder.plan.requests_seen import Requests
from responder.plan.requests_seen.origins import Origins, origins
from responder.plan.standing_out import StandingOut, by_component
from responder.plan.unmeasured import untold

__all__ = ["Points", "Settings", "Suspect", "Symptom", "callers_views", "rank"]

_NOTHING = 1e-6
_DIRECT = 2 / 3
"""What single requests show counts twice as much as all metrics: nothing has to be inferred from means."""
_MOST_REASONS = 2
_SUREST = 0.98
"""One outage of fifty is of a kind that no way of looking knows."""
_VIEW = re.compile(r"(.+)_(?:remote|client)", re.DOTALL)
_SHORTEST = 4
"""Letters of a host name that are no coincidence in another name."""


@dataclass(frozen=True)
class Suspect:
    """A component, and the share of the symptom (0 to 1) that begins in it."""

    component: str
    score: float
    reason: str
    confidence: float = 0.0
    """How likely it is at fault, 0 to 1: of those with 0.8, four of five should be."""
    shows: str = ""
    """What tells it: a sign's kind (``requests_seen``), a metric, or that requests do not arrive; empty: others do."""


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
        if match[1] in names:
            found[view] = match[1]
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
         certain: bool = False, requests: Requests | None = None) -> list[Suspect]:
    """Return the components in which the symptom may have begun, the likeliest first; none where nothing is unusual.

    ``graph`` has each component's callees; ``series`` has, for each component, values by metric: ``latency``,
    ``availability`` (a percentage or a share), ``requests`` (a count per period), or any other, which is compared by
    how unusual it is. ``views`` are components as their callers see them, see ``callers_views``. ``certain`` is for an
    outage that is known by other evidence: then a component is named even if the symptom is within what normal
    operation shows. It is also named where a component below is unmistakably in trouble: one operation of ten hardly
    moves the entry's mean.

    ``requests`` is what was seen of single requests. It counts twice as much as all metrics, as far as it
    is sure.

    Two ways of looking at metrics have equal weight: the symptom is passed down the graph until it stays somewhere
    (``flow.py``), and each component is judged by how far it is from normal while what it calls is not
    (``standing_out.py``).
    """
    settings, kinds = settings or Settings(), series.get(symptom.node, {})
    shown = span_of(kinds, symptom, settings, certain=False)
    # Where the entry does not show it, the whole time since the alarm is looked at: nothing tells when it was worst.
    whole_time = shown or from_alarm(series, symptom, settings)
    graph = _with_calls_seen(graph, requests) if requests else graph
    seen = origins(requests, graph) if requests else Origins()
    if not whole_time:
        sure = _confidence(seen.shares, 1)
        return [Suspect(name, round(share, 4), _of_requests(seen, name), sure[name], seen.of(name)[0].kind)
                for name, share in sorted(seen.shares.items(), key=lambda each: (-each[1], each[0]))] if certain else []
    span = shown or span_of(kinds, symptom, settings, certain=True) or whole_time
    recorded = Recorded(series)
    measured = Measured(graph, recorded, symptom, views or {}, span, settings)
    beside = measured if shown else Measured(graph, recorded, symptom, views or {}, whole_time, settings)
    standing = StandingOut(beside)
    out = standing.origins()
    if not (shown or certain or standing.unmistakable(out) or seen.unmistakable):
        return []
    stays, passed = _flowing(measured, standing)
    flows = {name: share for name, share in by_component(measured, standing, stays).items() if share > _NOTHING}
    to_callers_that_starve(beside, out)
    to_where_load_begins(beside, out)
    stand = by_component(beside, standing, out)
    ways = [way for way in (flows, stand) if way]
    whole = [sum(way.values()) for way in ways]
    direct = (_DIRECT if ways else 1.0) * seen.sure
    scores = {name: direct * seen.shares.get(name, 0.0) + (1 - direct) * sum(
        way.get(name, 0.0) / total for way, total in zip(ways, whole, strict=True)) / max(1, len(ways))
        for name in {*flows, *stand, *passed, *seen.shares}}
    names = sorted((name for name in scores if scores[name] + passed.get(name, 0.0) > _NOTHING),
                   key=lambda name: (-round(scores[name], 9), -round(passed.get(name, 0.0), 9), name))
    unclear = untold(beside, graph, (stays, out))
    sure = {name: round(share * (1 - (1 - direct) * unclear.get(name, 0.0)), 4)
            for name, share in _confidence(scores, len(ways) + (direct > 0)).items()}
    return [Suspect(name, round(min(1.0, scores[name]), 4), _reason(measured, beside, name, seen), sure.get(name, 0.0),
                    _shows(standing, out, seen, name)) for name in names]


def _confidence(scores: Mapping[str, float], ways: int) -> dict[str, float]:
    """Return how likely each is at fault. Ways of looking that fail in different outages would all have to be wrong at
    once, so shares count to the power of how many there are; and nobody is sure of more than is in the recordings.
    """
    whole = sum(max(0.0, score) ** ways for score in scores.values())
    return {name: round(_SUREST * max(0.0, score) ** ways / whole, 4)
            for name, score in scores.items()} if whole else {}


def _shows(standing: StandingOut, out: Mapping[State, float], seen: Origins, name: str) -> str:
    """What tells most that it is at fault. What a process uses comes first: it has no other cause."""
    if standing.surely(name, CPU):
        return CPU
    signs = seen.of(name)
    if signs:
        return signs[0].kind
    own = {state: share for state, share in out.items() if standing.component(state[0]) == name}
    if not own:
        return ""
    worst = max(own, key=lambda state: (own[state], state))
    return worst[1] if worst[0] == name else "way"


def _with_calls_seen(graph: Mapping[str, Sequence[str]], requests: Requests) -> Mapping[str, Sequence[str]]:
    """Add the calls of those that the graph knows no call of."""
    calls: dict[str, set[str]] = defaultdict(set)
    for stretch in (*requests.before, *requests.now):
        for edge in stretch.edges:
            if edge.caller and not graph.get(edge.caller):
                calls[edge.caller].add(edge.callee)
    return {**graph, **{caller: sorted(called) for caller, called in calls.items()}}


def _flowing(measured: Measured, standing: StandingOut) -> tuple[dict[State, float], dict[str, float]]:
    """Return what of the symptom stays in each component's metric, and the most that passes through a component."""
    stays, passes = Flow(measured, standing).spread()
    to_callers_that_starve(measured, stays)
    to_where_load_begins(measured, stays)
    passed: dict[str, float] = defaultdict(float)
    for (name, _), share in passes.items():
        if name not in measured.views:
            passed[name] += share
    return stays, passed


def _of_requests(seen: Origins, name: str) -> str:
    said = "; ".join(dict.fromkeys(sign.reason for sign in seen.of(name)[:_MOST_REASONS]))
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _reason(measured: Measured, beside: Measured, name: str, seen: Origins) -> str:
    parts = list(dict.fromkeys(sign.reason for sign in seen.of(name)[:_MOST_REASONS]))
    failing, slow = measured.unusual(name, FAIL), measured.unusual(name, SLOW)
    if failing:
        parts.append(f"{wording.share(failing.before + failing.by)} of its requests fail, "
                     f"{wording.share(max(0.0, failing.before))} did before")
    if slow:
        parts.append(f"it takes {wording.duration(slow.before + slow.by)}, {wording.duration(slow.before)} before")
    surge = measured.unusual(name, SURGE)
    if surge:
        parts.append(f"it gets {wording.count(surge.before + surge.by)} requests a period, "
                     f"{wording.count(surge.before)} before")
    if measured.missing(name):
        parts.append("it gets fewer requests than its callers have reason to send, or none")
    for view in sorted(view for view, component in measured.views.items() if component == name):
        waits = beside.unusual(view, SLOW)
        if waits and not slow:
            parts.append(f"its callers wait {wording.duration(waits.before + waits.by)} for it, "
                         f"{wording.duration(waits.before)} before, while it is well by its own clock")
    said = "; ".join(parts) or "what is impacted calls it"
    return f"{said[0].upper()}{said[1:]}."
