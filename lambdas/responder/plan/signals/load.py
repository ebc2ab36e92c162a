"""How much comes, and whether the pods are at the limit of what they may use."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from responder.model.evidence import Finding
from responder.model.evidence.clients import Clients
from responder.model.evidence.cpu import Cpu
from responder.model.evidence.cpu_over_limit import CpuOverLimit
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.limits import Limits
from responder.plan import wording
from responder.plan.rates import count_lower_bound, count_upper_bound, lower_bound
from responder.plan.series import newest_start, period_seconds
from responder.plan.signals import Context, Signal, signal

_LOAD_FACTOR = 1.5
_USUAL_FACTOR = 1.2
_LOAD_SECONDS = 40.0
"""The load is looked for in so much time up to now."""
_AT_LIMIT = 0.8
_FLOOD_SHARE = 0.2
"""A client with less than a fifth of all requests is one of many."""
_FLOOD_MULTIPLE = 3.0
_SURPLUS_SHARE = 0.5
"""One client makes the surplus where more than half of what is beyond the usual comes from it."""


@signal("Half more than the usual load exceeds what many services keep in reserve; alone it is no proof, for many "
        "carry it.")
def load_above_baseline(source: str, factor: float) -> str:
    return f"{wording.decimal(factor)} times the requests of the baseline ({source})"


@signal("What carried this load before can carry it now.")
def load_is_usual(source: str, factor: float) -> str:
    return f"{wording.decimal(factor)} times the requests of the baseline ({source})"


@signal("Who: the surplus comes from one place, so it is demand and no change of ours; yet a client whose requests "
        "fail may just try again and again, so it weighs less than the load itself.")
def one_client_floods(client: str, share: float, usual: float) -> str:
    return f"one client ({client}) sends {wording.share(share)} of the requests; usual is {wording.share(usual)}"


@signal("State: they do what they can.")
def cpu_at_limit(component: str, share: float) -> str:
    return f"pods of {component} use {wording.share(share)} of their CPU limit"


@signal("State: what stands beside the application does what it can. Each request passes through a mesh's proxy, and "
        "none through an agent, so it weighs less than the application's own limit.")
def sidecar_cpu_at_limit(component: str, sidecar: str, share: float) -> str:
    return f"container {sidecar} beside {component} uses {wording.share(share)} of its CPU limit"


@signal("State: it would grow if it might.")
def autoscaler_at_maximum(component: str, maximum: int) -> str:
    return f"{component}'s autoscaler is at its maximum of {maximum}"


def read(context: Context) -> Iterator[Signal]:
    """Yield how the load compares with the usual one, and what keeps the component from serving more."""
    if not (context.in_itself or context.unreached):
        return
    yield from _load(context)
    evidence, component = context.evidence, context.component
    told_apart = False
    for used in evidence.of(Cpu, component):
        yield from _cpu(used)
        told_apart = told_apart or bool(used.detail.container)
        for name, share in used.detail.sidecars.items():
            if share >= _AT_LIMIT:
                yield sidecar_cpu_at_limit.emit(used, component, name, share)
    if not told_apart:  # The pods' measure holds the sidecars' use as well.
        for over in evidence.of(CpuOverLimit, component):
            yield from _cpu(over)
    for limits in evidence.of(Limits):
        for scaler in limits.detail.autoscalers:
            if scaler.target == context.deployment and scaler.current >= (scaler.maximum or 0):
                yield autoscaler_at_maximum.emit(limits, component, scaler.maximum or 0)


def _cpu(used: Finding[Cpu] | Finding[CpuOverLimit]) -> Iterator[Signal]:
    share = (used.value or 0.0) / (100.0 if used.unit == "%" else 1.0)
    if share >= _AT_LIMIT:
        yield cpu_at_limit.emit(used, used.component, share)


def _load(context: Context) -> Iterator[Signal]:
    more: list[Signal] = []
    denied = 0
    for finding in context.evidence.of(ErrorRate, context.component):
        if finding.detail.sampled:
            continue  # How many are kept does not follow how many come.
        came, usual, complete = _requests(finding, context.onset)
        if usual and _is_more(came, usual):
            more.append(load_above_baseline.emit(finding, finding.source, came / usual))
        elif usual and complete:
            denied += count_upper_bound(came) < _LOAD_FACTOR * usual
            if came < _USUAL_FACTOR * usual:
                yield load_is_usual.emit(finding, finding.source, came / usual)
    for clients in context.evidence.of(Clients):
        came, usual = _of_clients(clients, context.onset)
        # Lines that are missing may arrive yet, so that there are no more than usual says nothing.
        if usual and _is_more(came, usual):
            more.append(load_above_baseline.emit(clients, clients.source, came / usual))
    if len(more) > denied:  # Sources that count the same requests contradict each other else.
        yield from more
    for clients in context.evidence.of(Clients):
        found = flood(clients)
        if found is not None:
            yield one_client_floods.emit(clients, found.client, found.share, found.usual)


def _requests(finding: Finding[ErrorRate], onset: float | None) -> tuple[float, float, bool]:
    """Return how many requests came of late, how many the baseline lets expect, and whether all of them can be seen.

    Expected are 0 where nobody can tell. Those that came are the most of two periods that follow each other: a load
    that has just risen is hidden by the mean. Where no period shows that began after the symptom, the source is behind:
    what it lacks may have come all the same.
    """
    series = sorted(finding.detail.series)
    period, newest = period_seconds(series), newest_start(series)
    began = onset or 0.0
    first = max(newest - max(_LOAD_SECONDS, 2 * period), began - period)
    pairs = [a.requests + b.requests for a, b in pairwise(series) if a.start >= first and b.start <= newest]
    if not pairs:
        return 0.0, 0.0, False
    # Sources count periods from different moments, so the onset is known to half of one.
    return max(pairs), finding.detail.usual_per_second * 2 * period, newest >= began + period / 2


def _is_more(came: float, usual: float) -> bool:
    # Just half more is counted as a little less by chance in one look of two.
    return count_upper_bound(came) >= _LOAD_FACTOR * usual and count_lower_bound(came) > _USUAL_FACTOR * usual


def _of_clients(finding: Finding[Clients], onset: float | None) -> tuple[float, float]:
    """Return how many requests of the clients came since the symptom, and how many the baseline lets expect.

    Those that are usual before the symptom are taken off, for they are counted together; 0 and 0: it is too early.
    """
    window, rate = finding.window, finding.detail.usual_per_second
    if window is None or onset is None or window.end - max(onset, window.start) < _LOAD_SECONDS / 2:
        return 0.0, 0.0
    before = max(0.0, onset - window.start)
    return max(0.0, finding.detail.total - rate * before), rate * (window.seconds - before)


class Flood(NamedTuple):
    """One client that brings most of what comes beyond the usual, many times its own habit."""

    client: str
    share: float
    """Share of all requests."""
    usual: float
    """Its usual share."""


def flood(finding: Finding[Clients]) -> Flood | None:
    """Return the client that floods; None where there is none."""
    seen = finding.detail
    if not seen.total or not seen.clients or not seen.baseline_total:
        return None
    usual = seen.usual_per_second * seen.seconds
    most = max(seen.clients, key=lambda client: client.count - client.usual)
    if (count_lower_bound(seen.total) <= usual or lower_bound(most.count, seen.total) < _FLOOD_SHARE
            or count_lower_bound(most.count) <= _FLOOD_MULTIPLE * most.usual
            or most.count - most.usual <= _SURPLUS_SHARE * (seen.total - usual)):
        return None
    return Flood(most.client, most.count / seen.total, most.usual / usual)
