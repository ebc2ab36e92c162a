"""Whether a provider's health URL answers."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ProviderHealth(Detail):
    """Whether a provider's health URL answers. ``value`` is 1 where it does."""

    milliseconds: int = 0
    refusal: int = 0
    """The HTTP status by which it refused us alone (401, 403, 407, 429): it is up all the same. 0: it did not."""


KIND = ProviderHealth
