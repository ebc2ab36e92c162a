"""The matrix: which faults each call of the incident can meet, of all that it was seen to make."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.bed.outage.cloud import KUBERNETES
from bench.bed.outage.faults import Fault, Kind, Reach
from bench.bed.outage.wires import Call

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
    delivery: Delivery | None = None
    call: int = 0
    """The call at which the function dies, 1-based; 0: it does not."""
    after: bool = False
    """Whether that call has taken effect."""

    @property
    def dependency(self) -> str:
        """What it is about."""
        return self.fault.dependency if self.fault else "delivery" if self.delivery else "death"

    @property
    def name(self) -> str:
        """How it is called."""
        how = (f"{self.fault.kind.name.lower()} {self.fault.reach}" if self.fault else self.delivery or
               f"{'after' if self.after else 'before'} call {self.call}")
        return f"{self.place.state} / {self.place.function} / {self.dependency}: {how}"


def every(calls: Sequence[Call], kinds: Sequence[str]) -> list[Cell]:
    """Return all cells of the kinds ``faults``, ``deliveries`` and ``deaths``."""
    places = list(dict.fromkeys(Place(call.state, call.function) for call in calls if call.state not in ("", "ledger")))
    found = {"faults": faults(calls), "deliveries": deliveries(places), "deaths": deaths(calls)}
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


def sampled(cells: Sequence[Cell], share: float, seed: str) -> list[Cell]:
    """Return a seeded part of the cells, in their order; whether a cell is in it depends on its name alone."""
    return [cell for cell in cells if random.Random(f"{seed}/{cell.name}").random() < share]
