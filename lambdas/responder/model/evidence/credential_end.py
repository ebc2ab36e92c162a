"""When a certificate, key or token of the service ends."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class End:
    """One of them."""

    name: str
    """As the configuration calls it."""
    at: float
    """Seconds since 1970 (UTC); of one that was revoked when that was."""


@dataclass(frozen=True)
class CredentialEnd(Detail):
    """When what the service shows to one target ends. ``value`` is the time left until the first end, in days."""

    ends: tuple[End, ...] = ()


KIND = CredentialEnd
