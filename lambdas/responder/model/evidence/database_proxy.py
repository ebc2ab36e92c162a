"""What RDS says of the proxy between the service and its database."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ProxyTarget:
    """One instance behind the proxy."""

    name: str
    state: str = ""
    """``AVAILABLE``, ``REGISTERING``, ``UNAVAILABLE``, …"""
    reason: str = ""
    """Why it is not available: ``UNREACHABLE``, ``CONNECTION_FAILED``, ``AUTH_FAILURE``, …"""
    writes: bool = True
    """Whether the proxy may send writes there; so it is where its role is not known."""


@dataclass(frozen=True)
class DatabaseProxy(Detail):
    """What RDS says of the proxy between the service and its database."""

    proxy: str = ""
    """Its name."""
    status: str = ""
    """``available``, ``modifying``, ``incompatible-network``, …"""
    targets: tuple[ProxyTarget, ...] = ()


KIND = DatabaseProxy
