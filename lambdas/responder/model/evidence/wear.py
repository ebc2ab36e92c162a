"""What is used up slowly: resources of a component, or of the database, over the last hours."""

from __future__ import annotations

from dataclasses import field
from typing import NamedTuple

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


class Sample(NamedTuple):
    """One value of a series."""

    at: float
    """Seconds since 1970 (UTC)."""
    value: float


@dataclass(frozen=True)
class Resource:
    """One resource."""

    limit: float = 0.0
    """The value at which there is none left, in the unit of the samples: above them, or below."""
    samples: tuple[Sample, ...] = ()
    """Oldest first."""


@dataclass(frozen=True)
class Wear(Detail):
    """What is used up slowly. ``value`` is the number of resources that were looked at."""

    resources: dict[str, Resource] = field(default_factory=dict)
    """By name, as people know it: ``memory``, ``CPU credits``, ``I/O credits``, ``transaction ids``, ``storage``."""


KIND = Wear
