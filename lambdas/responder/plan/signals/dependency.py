"""What a dependency tells of itself: a cache of its hits, a queue of its oldest message, anything of its health."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Finding
from responder.model.evidence.cache_metrics import CacheMetrics
from responder.model.evidence.calls import Calls
from responder.model.evidence.dependency_health import DependencyHealth
from responder.model.evidence.queue_metrics import QueueMetrics
from responder.plan import wording
from responder.plan.kinds import ErrorKind
from responder.plan.rates import SLOW_MULTIPLE, count_lower_bound, count_upper_bound, lower_bound, upper_bound
from responder.plan.signals import Context, Seen, Signal, signal

_PREFIX = "dependency:"
_FELL = 0.75
"""A quarter of the usual hits that is missing is several times the usual misses, of a cache that is worth having."""
_CPU_AT_LIMIT = 0.9
"""AWS's page "Which metrics should I monitor?" of ElastiCache takes 90 % of EngineCPUUtilization for its limit."""
_MANY = 3.0
_FEWEST_EVICTIONS = 100.0
_BEHIND_SECONDS = 60.0
"""A message that waits a minute longer than usual is no jitter of a consumer that polls."""


@signal("State: it is reached from here, another way than the component's own.")
def dependency_answers(name: str) -> str:
    return f"{name}'s health URL answers"


@signal("State: it is not reached from here either.")
def dependency_does_not_answer(name: str, note: str) -> str:
    return f"{name}'s health URL does not answer: {note}"


@signal("What: the other side is up and wants fewer requests; neither what we run nor another provider changes that.")
def dependency_throttles(name: str, share: float) -> str:
    return f"{name} refuses our calls for their number ({wording.share(share)})"


@signal("State: what was kept is gone, or is dropped before it is asked for; who asks in vain asks what is behind the "
        "cache, which gets many times what it is made for.")
def cache_hit_ratio_fell(name: str, ratio: float, usual: float) -> str:
    return f"{name} answers {wording.share(ratio)} of what it is asked; usual is {wording.share(usual)}"


@signal("State: it has no room for what it is to keep, so it forgets.")
def cache_evicts(name: str, evictions: float, usual: float) -> str:
    return f"{name} drops {wording.count(evictions)} items a minute; usual are {wording.count(usual)}"


@signal("State: its engine does what it can.")
def cache_cpu_at_limit(name: str, share: float) -> str:
    return f"{name}'s engine uses {wording.share(share)} of its processor"


@signal("State: clients connect again and again, as they do when calls time out.")
def cache_connections_many(name: str, connections: float, usual: float) -> str:
    return f"{name} has {wording.count(connections)} connections; usual are {wording.count(usual)}"


@signal("State: what was sent is not worked off; customers wait for what follows from their payment.")
def queue_is_behind(name: str, age_seconds: float, usual_seconds: float, visible: float | None) -> str:
    waiting = f", and {wording.count(visible)} wait" if visible else ""
    return (f"the oldest message of {name} waits for {wording.duration(age_seconds)}; usual are "
            f"{wording.duration(usual_seconds)}{waiting}")


@signal("State: messages come, and hardly any is worked off: who works them off has stopped, or fails at each.")
def queue_is_not_worked_off(name: str, sent: float, deleted: float) -> str:
    return f"{wording.count(sent)} messages a minute come to {name}, and {wording.count(deleted)} are worked off"


def read(context: Context) -> Iterator[Signal]:
    """Yield what the dependency whose calls fail tells, and of the caches that the component calls."""
    mine = context.mode.where if context.dependency else ""
    for cache in context.evidence.of(CacheMetrics):
        name = cache.component.removeprefix(_PREFIX)
        if cache.component == mine or name in context.service.component(context.component).calls:
            yield from _cache(cache, name, of_calls=cache.component == mine)
    if not mine:
        return
    for health in context.evidence.of(DependencyHealth, mine):
        if health.value:
            yield dependency_answers.emit(health, context.dependency)
        else:
            yield dependency_does_not_answer.emit(health, context.dependency, health.note)
    for queue in context.evidence.of(QueueMetrics, mine):
        age, usual = queue.value or 0.0, queue.baseline or 0.0
        if age > _BEHIND_SECONDS + usual and age >= SLOW_MULTIPLE * usual:
            yield queue_is_behind.emit(queue, context.dependency, age, usual, queue.detail.visible)
        sent, deleted = queue.detail.sent, queue.detail.deleted
        if count_upper_bound(deleted) < count_lower_bound(sent) / 2:
            yield queue_is_not_worked_off.emit(queue, context.dependency, sent, deleted)
    if context.mostly(ErrorKind.RATE_LIMIT):
        for source in context.mode.sources:
            yield dependency_throttles.emit(Seen(source, Calls.name), context.dependency,
                                            context.mode.kinds[ErrorKind.RATE_LIMIT])


def _cache(cache: Finding[CacheMetrics], name: str, of_calls: bool) -> Iterator[Signal]:
    seen, ratio, usual = cache.detail, cache.value, cache.baseline
    if ratio is not None and usual and seen.lookups and (
            upper_bound(ratio * seen.lookups, seen.lookups) < _FELL * usual
            and lower_bound((1 - ratio) * seen.lookups, seen.lookups) > 2 * (1 - usual)):
        yield cache_hit_ratio_fell.emit(cache, name, ratio, usual)
    if seen.evictions >= _FEWEST_EVICTIONS and seen.evictions > _MANY * seen.baseline_evictions:
        yield cache_evicts.emit(cache, name, seen.evictions, seen.baseline_evictions)
    if not of_calls:
        return
    if seen.cpu is not None and seen.cpu >= _CPU_AT_LIMIT:
        yield cache_cpu_at_limit.emit(cache, name, seen.cpu)
    if seen.connections and seen.baseline_connections and seen.connections > _MANY * seen.baseline_connections:
        yield cache_connections_many.emit(cache, name, seen.connections, seen.baseline_connections)
