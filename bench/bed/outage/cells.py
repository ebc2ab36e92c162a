"""The matrix: which faults each call of the incident can meet, of all that it was seen to make."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bench.bed.outage.cloud import KUBERNETES
from bench.bed.outage.faults import Fault, Kind, Reach
from bench.bed.outage.verdict import STOPPED
from bench.bed.outage.wires import Call

Killed = Literal["engine killed"]
KILLED: Killed = "engine killed"
"""What runs functions and executions dies when a call took effect; the alarm goes on again when the lease has ended."""
Delivery = Literal["twice", "alarm twice", "later alarm", "older alarm", "Lambda.TooManyRequestsException",
                   "Lambda.ServiceException", "Lambda.Unknown", "aborted, taken over", "aborted, alarm"]
DELIVERIES: tuple[Delivery, ...] = ("twice", "alarm twice", "later alarm", "older alarm",
                                    "Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.Unknown",
                                    "aborted, taken over", "aborted, alarm")
"""How a step's task, or another event of the alarm meanwhile, may be delivered; or the execution is stopped, and a
person takes the incident over, or the alarm goes on again after the lease has ended."""
_LATE = frozenset({"cloudwatch", "dynamodb", KUBERNETES})


@dataclass(frozen=True)
class Place:
    """A step: a state, and the function that it runs."""

    state: str
    function: str


@dataclass(frozen=True)
class Cell:
    """One try: what befalls a step, at its first visit."""

    place: Place
    fault: Fault | None = None
    delivery: Delivery | Killed | None = None
    call: int = 0
    """The call at which the function dies, 1-based; 0: it does not."""
    after: bool = False
    """Whether that call has taken effect."""

    @property
    def dependency(self) -> str:
        """What it is about."""
        if self.fault:
            return self.fault.dependency
        return "kill" if self.delivery == KILLED else "delivery" if self.delivery else "death"

    @property
    def what(self) -> str:
        """The kind of fault or of delivery, or on which side of a call the function dies."""
        return (self.fault.kind.name if self.fault else self.delivery or ("after" if self.after else "before")).lower()

    @property
    def reach(self) -> str:
        """How far a fault of calls reaches; empty for all else."""
        return str(self.fault.reach) if self.fault else ""

    @property
    def missing(self) -> str:
        """The system that is gone for all tries of the step; empty: none is."""
        if self.delivery and self.delivery.startswith(("aborted", KILLED)):
            return STOPPED
        return self.fault.dependency if self.fault and self.fault.reach != Reach.ONCE else ""

    @property
    def missing_in(self) -> str:
        """The state in which alone that is so; empty: from there until the end."""
        return "" if self.fault and self.fault.reach == Reach.ON else self.place.state

    @property
    def name(self) -> str:
        """How it is called."""
        how = (f"{self.fault.kind.name.lower()} {self.fault.reach}" if self.fault else " ".join(filter(None, (
            self.delivery, f"{'after' if self.after else 'before'} call {self.call}" if self.call else ""))))
        return f"{self.place.state} / {self.place.function} / {self.dependency}: {how}"


def every(calls: Sequence[Call], kinds: Sequence[str]) -> list[Cell]:
    """Return all cells of the kinds ``faults``, ``deliveries``, ``deaths`` and ``kills``."""
    places = list(dict.fromkeys(Place(call.state, call.function) for call in calls if call.state not in ("", "ledger")))
    found = {"faults": faults(calls), "deliveries": deliveries(places), "deaths": deaths(calls),
             "kills": kills(calls)}
    return [cell for kind in kinds for cell in found[kind]]


def faults(calls: Iterable[Call]) -> list[Cell]:
    """Return a cell for each step, dependency, fault and reach."""
    seen: defaultdict[tuple[Place, str], set[str]] = defaultdict(set)
    first: dict[str, Place] = {}
    for call in calls:
        if call.state not in ("", "ledger"):
            place = Place(call.state, call.function)
            seen[place, call.dependency].add(call.operation)
            first.setdefault(call.dependency, place)
    found = []
    for (place, dependency), _ in seen.items():
        for kind in Kind:
            if kind == Kind.LATE and dependency not in _LATE:
                continue
            reaches = [Reach.ONCE, Reach.STEP, *([Reach.ON] if first[dependency] == place else [])]
            found += [Cell(place, Fault(kind, dependency, reach)) for reach in reaches]
    return found


def deliveries(places: Sequence[Place]) -> list[Cell]:
    """Return a cell for each step and way of delivery."""
    return [Cell(place, delivery=how) for place in places for how in DELIVERIES]


def deaths(calls: Sequence[Call], most: int = 60) -> list[Cell]:
    """Return two cells for each call of each step: the function dies before it, and after it took effect."""
    counted: defaultdict[Place, int] = defaultdict(int)
    for call in calls:
        if call.state not in ("", "ledger"):
            counted[Place(call.state, call.function)] += 1
    return [Cell(place, call=number, after=after) for place, count in counted.items()
            for number in range(1, min(count, most) + 1) for after in (False, True)]


def kills(calls: Sequence[Call]) -> list[Cell]:
    """Return a cell for each call of each step: what runs everything is killed when the call took effect."""
    return [replace(cell, delivery=KILLED) for cell in deaths(calls) if cell.after]


def sampled(cells: Sequence[Cell], share: float, seed: str) -> list[Cell]:
    """Return a seeded part of the cells, in their order: each step with each of its systems as far as there is room.

    First one cell of each step and system is drawn, then in proportion to how many there are; of these, the fault that
    the system, and then any system, has met least so far.
    """
    strata: defaultdict[tuple[Place, str], list[Cell]] = defaultdict(list)
    for cell in sorted(cells, key=lambda cell: random.Random(f"{seed}/{cell.name}").random()):
        strata[cell.place, cell.dependency].append(cell)
    sizes = {stratum: len(found) for stratum, found in strata.items()}
    drawn: Counter[object] = Counter()
    chosen: set[Cell] = set()
    for _ in range(round(share * len(cells))):
        place, dependency = stratum = min(strata, key=lambda one: (
            drawn[one] > 0, drawn[one] / sizes[one], drawn[one[1]], drawn[one[0]]))
        cell = min(strata[stratum], key=lambda one: (drawn[dependency, one.what], drawn[one.what], drawn[one.reach]))
        strata[stratum].remove(cell)
        if not strata[stratum]:
            del strata[stratum]
        chosen.add(cell)
        drawn.update((stratum, place, dependency, (dependency, cell.what), cell.what, cell.reach))
    return [cell for cell in cells if cell in chosen]
