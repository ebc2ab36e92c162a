"""Made-up outages over random call graphs: does a method hold on outages that were not recorded?

A request takes its own time and that of the calls that it waits for; it fails if it, or a call that it needs, fails.
Everything is drawn from a seed, so the same number always means the same outages.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from statistics import pstdev

from bench.recordings import Case
from responder.plan.origin import Symptom, callers_views

PERIOD = 300.0
FAULTS = ("delay", "errors", "starved", "overload", "leak", "timeouts", "retries", "crash")
"""What may go wrong: slow; failing; short of processor, so that what it calls looks slow as well; more requests than
it can take; slower and slower; so slow that callers give up; failing, while callers try again; gone."""
_NORMAL_PERIODS = 288
_NAMES = ("cart", "price", "stock", "order", "ledger", "fraud", "token", "vault", "mail", "rate", "quote", "audit",
          "search", "image", "label", "route", "limit", "score", "offer", "claim", "badge", "batch", "clock", "draft",
          "event", "field", "guard", "house", "index", "judge", "kiosk", "level", "model", "notes", "owner", "phase")


@dataclass
class _Call:
    to: int
    per_request: float
    waits: bool
    needs: bool


@dataclass
class _Component:
    name: str
    own: float
    """Its own seconds, without the calls that it makes."""
    wobble: float
    spikes: float
    habit: float
    """Share of requests that it always fails."""
    spells: float
    """Chance of a period in which an unrelated slowness begins; only where nobody waits for it."""
    calls: list[_Call] = field(default_factory=list)


@dataclass
class _Fault:
    kind: str
    at: int
    strength: float


def outages(count: int, seed: int = 1) -> Iterator[Case]:
    """Outages whose symptom shows at the entry, each kind of fault as often as the others."""
    for number in range(count):
        kind = FAULTS[number % len(FAULTS)]
        yield next(case for attempt in range(1000)
                   for case in [_outage(Random(f"{seed}/{number}/{attempt}"), kind, f"synthetic/{number} {kind}")]
                   if case is not None)


def quiet(count: int, seed: int = 1) -> Iterator[Case]:
    """The same applications without a fault, with an alarm on the entry's latency or availability by turns."""
    for number in range(count):
        random = Random(f"{seed}/quiet/{number}")
        world = _world(random)
        yield _recorded(random, world, None, ("latency", "availability")[number % 2], f"synthetic/quiet {number}")


def _world(random: Random) -> list[_Component]:
    """An application: an entry, services in layers, stores that call nobody, and some work that nobody waits for."""
    size = random.randint(8, 36)
    names = ["entry", *random.sample(_NAMES, size - 1)]
    world = [_Component(name, 10 ** random.uniform(-2.7, -0.9), random.uniform(0.01, 0.1), random.uniform(0, 0.01),
                        random.choice((0.0, 0.0, 0.0, 0.0002, 0.002)), 0.0) for name in names]
    for number in range(1, size):
        for caller in random.sample(range(number), min(number, random.choice((1, 1, 1, 2, 3)))):
            if caller >= 0.7 * size and size - number > 2:
                caller = random.randrange(max(1, number // 2))
            waits = random.random() > 0.12
            world[caller].calls.append(_Call(number, random.choice((0.1, 0.3, 0.5, 1.0, 1.0)), waits,
                                             waits and random.random() > 0.15))
    waited = {call.to for component in world for call in component.calls if call.waits}
    for number in range(1, size):
        if number not in waited:
            world[number].spells, world[number].own = 0.03, random.uniform(0.3, 3.0)
    whole, wanted = _step(world, None, 1000.0, 0.0, Random(0), calm=True)[0].seconds, 10 ** random.uniform(-1.3, 0)
    for number in _waited_for(world):
        world[number].own *= wanted / whole
    return world


def _outage(random: Random, kind: str, name: str) -> Case | None:
    """An outage, or None where chance made one that does not reach the entry."""
    world = _world(random)
    reached = sorted(_waited_for(world))
    if kind in ("timeouts", "retries", "crash"):
        reached = [number for number in reached if number]
    if not reached:
        return None
    fault = _Fault(kind, random.choice(reached), random.uniform(0.3, 1.0) if kind == "crash" else 0.02)
    # How strong it is, is chosen by what the entry sees: somewhat more than chance would have it, up to very much.
    wanted = 3 * 10 ** random.uniform(0, 1)
    usual = [_step(world, None, 1000.0, 0.0, Random(f"{name}/{k}"))[0] for k in range(60)]
    calm = _step(world, None, 1000.0, 0.0, Random(0), calm=True)[0]
    seconds, failed = pstdev(each.seconds for each in usual), math.sqrt(max(calm.failed, 0.001) / 1000.0)
    for _ in range(40):
        bad = _step(world, fault, 1000.0, 1.0, Random(0), calm=True)[0]
        slow, lost = (bad.seconds - calm.seconds) / seconds, (bad.failed - calm.failed) / failed
        if max(slow, lost) > wanted:
            return _recorded(random, world, fault, "latency" if slow > lost else "availability", name)
        fault.strength *= 1.25
    return None


def _waited_for(world: list[_Component]) -> set[int]:
    found, waiting = {0}, [0]
    while waiting:
        for call in world[waiting.pop()].calls:
            if call.waits and call.to not in found:
                found.add(call.to)
                waiting.append(call.to)
    return found


@dataclass
class _Seen:
    requests: float = 0.0
    seconds: float = 0.0
    failed: float = 0.0


def _step(world: list[_Component], fault: _Fault | None, load: float, force: float, random: Random,
          calm: bool = False, spell: set[int] | None = None) -> list[_Seen]:
    """One period. ``force`` is the share of it in which the fault is there; ``calm`` leaves chance out."""
    seen = [_Seen() for _ in world]
    seen[0].requests = load
    strength = fault.strength * force if fault and force > 0 else 0.0
    at = fault.at if fault and strength else -1
    kind = fault.kind if fault and strength else ""
    for number, component in enumerate(world):
        if number == at and kind == "overload":
            seen[number].requests *= 1 + 2 * strength
        for call in component.calls:
            again = 1.0
            if call.to == at and kind == "retries":
                again += 2 * min(0.9, strength)
            if call.to == at and kind == "crash":
                again -= min(1.0, strength)
            seen[call.to].requests += seen[number].requests * call.per_request * max(0.0, again)
    if not calm:
        for each in seen:
            each.requests = float(max(0, round(random.gauss(each.requests, math.sqrt(each.requests)))))
    stores = {number for number, component in enumerate(world) if not component.calls}
    starved = {call.to for call in world[at].calls if call.to in stores} if kind == "starved" else set()
    pushed = _below(world, at) if kind == "overload" else set()
    for number in range(len(world) - 1, -1, -1):
        component, each = world[number], seen[number]
        own, failed = component.own, component.habit
        if not calm:
            own *= math.exp(random.gauss(0, component.wobble + 0.3 / math.sqrt(max(1.0, each.requests))))
            if random.random() < component.spikes:
                own *= random.uniform(1.3, 3.0)
            if spell and number in spell:
                own *= 2.5
        if number == at:
            if kind in ("delay", "leak", "timeouts"):
                own += strength
            elif kind in ("starved", "overload"):
                own *= 1 + strength
            elif kind in ("errors", "retries"):
                failed = min(0.95, failed + strength)
        elif number in starved:
            own *= 1 + strength / 2
        elif number in pushed:
            own *= 1 + strength / 4
        whole, well = own, 1 - failed
        for call in component.calls:
            other = seen[call.to]
            slow, lost = other.seconds, other.failed
            if call.to == at and kind == "timeouts":
                lost = max(lost, min(0.9, strength / (strength + 1.0)))
            elif call.to == at and kind == "retries":
                slow, lost = slow + lost * (slow + 0.5), lost ** 3
            elif call.to == at and kind == "crash":
                slow, lost = slow * (1 - min(1.0, strength)), min(1.0, strength)
            whole += call.per_request * slow if call.waits else 0.0
            well *= 1 - lost * min(1.0, call.per_request) if call.needs else 1.0
        each.seconds, each.failed = whole, 1 - well
    return seen


def _below(world: list[_Component], at: int) -> set[int]:
    found, waiting = set(), [at]
    while waiting:
        for call in world[waiting.pop()].calls:
            if call.to not in found:
                found.add(call.to)
                waiting.append(call.to)
    return found


def _recorded(random: Random, world: list[_Component], fault: _Fault | None, metric: str, name: str) -> Case:
    """A day of normal operation and the periods around the alarm, as monitoring would have it."""
    load = 10 ** random.uniform(2.0, 3.5)
    before, after = random.choice((1, 1, 3, 6)), random.choice((2, 3, 4))
    late = random.choice((0, 0, 0, 1))
    onset = random.uniform(0.0, 1.0)
    swing, phase = random.uniform(0.0, 0.4), random.uniform(0, 2 * math.pi)
    moved = [math.exp(random.gauss(0, 0.1)) if random.random() < 0.3 else 1.0 for _ in world]
    start = 1_700_000_000.0
    series: dict[str, dict[str, list[tuple[float, float | None]]]] = {
        component.name: {"latency": [], "availability": [], "requests": []} for component in world}
    views = {f"lb-{world[number].name[:5]}_remote": number for number in range(1, len(world))
             if world[number].calls and random.random() < 0.3}
    for view in views:
        series[view] = {"latency": [], "availability": [], "requests": []}
    usual = [component.own for component in world]
    spell: set[int] = set()
    last = _NORMAL_PERIODS + before + after + late
    for k in range(last):
        time = start + PERIOD * k + (86_400.0 if k >= _NORMAL_PERIODS else 0.0)
        if k == _NORMAL_PERIODS:
            for component, factor in zip(world, moved, strict=True):
                component.own *= factor
        spell = {number for number, component in enumerate(world)
                 if random.random() < (0.6 if number in spell else component.spells)}
        force, since = 0.0, k - _NORMAL_PERIODS - before
        if fault and since >= 0:
            force = 1 - onset if since == 0 else 1.0
            if fault.kind == "leak":
                force *= (since + 1) / (after + late)
        seen = _step(world, fault, load * (1 + swing * math.sin(phase + 2 * math.pi * k / 288)), force, random,
                     spell=spell)
        for component, each in zip(world, seen, strict=True):
            _measure(random, series[component.name], time, each, 1.0)
        for view, number in views.items():
            silent = fault is not None and fault.kind == "crash" and number == fault.at and force > 0
            each = _Seen(load * 0.5, seen[number].seconds, 1.0) if silent else seen[number]
            _measure(random, series[view], time, each, 0.1)
    for component, own in zip(world, usual, strict=True):
        component.own = own
    alarm = start + PERIOD * (_NORMAL_PERIODS + before + onset + late) + 86_400.0
    graph = {component.name: tuple(world[call.to].name for call in component.calls) for component in world}
    for view, number in views.items():
        for caller in [component for component in world if any(call.to == number for call in component.calls)]:
            graph[caller.name] = (*graph[caller.name], view)
        graph[view] = ()
    return Case(name, graph, series, Symptom("entry", metric, alarm), world[fault.at].name if fault else "",
                callers_views(graph))


def _measure(random: Random, kinds: dict[str, list[tuple[float, float | None]]], time: float, each: _Seen,
             sampled: float) -> None:
    requests = round(each.requests * sampled)
    if random.random() < 0.01:
        requests_seen: float | None = None
    else:
        requests_seen = float(requests)
    kinds["requests"].append((time, requests_seen))
    if requests <= 0 or requests_seen is None:
        kinds["latency"].append((time, None))
        kinds["availability"].append((time, None))
        return
    share = min(1.0, max(0.0, each.failed))
    failures = sum(random.random() < share for _ in range(requests)) if requests < 50 else round(
        min(requests, max(0.0, random.gauss(requests * share, math.sqrt(requests * share * (1 - share))))))
    kinds["latency"].append((time, each.seconds * math.exp(random.gauss(0, 0.2 / math.sqrt(requests)))))
    kinds["availability"].append((time, 100.0 * (1 - failures / requests)))
