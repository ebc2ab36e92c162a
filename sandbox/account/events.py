"""What CloudTrail and AWS Health hold, before it is written in their formats.

Times are seconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TrailEvent:
    """A management event in CloudTrail."""

    at: float
    name: str
    source: str
    """``rds.amazonaws.com``."""
    user: str
    resources: tuple[tuple[str, str], ...] = ()
    """(type, name)."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    """The error code of a call that was refused or a dry run: ``Client.UnauthorizedOperation``."""
    additional: Mapping[str, Any] = field(default_factory=dict)
    """``additionalEventData``, in which the events of a service that no call caused say what they are about."""
    number: int = 0
    """Tells it from others of the same moment."""


@dataclass
class HealthEvent:
    """An AWS Health event."""

    arn: str
    service: str
    code: str
    status: str
    """``open`` or ``closed``."""
    region: str
    at: float
    ended: float | None = None
    entities: tuple[str, ...] = ()
    """Resources that it affects, beside those of the platform that are really in trouble."""
