"""Whether a provider's health URL answers."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ProviderHealth(Detail):
    """Whether a provider's health URL answers. ``value`` is 1 where it does."""

    milliseconds: int = 0


KIND = ProviderHealth
