"""Whether a dependency's health URL answers; ``value`` is 1 or 0."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class DependencyHealth(Detail):
    """Whether a dependency's health URL answers; ``value`` is 1 or 0, ``component`` is ``dependency:NAME``."""


KIND = DependencyHealth
