"""Requests and failures of one component by version."""

from __future__ import annotations

from dataclasses import field
from typing import NamedTuple

from responder.model.evidence import Detail, Series
from responder.model.frozen import dataclass

UNKNOWN = "unknown"
"""Stands for the version of requests that do not name theirs."""


class Served(NamedTuple):
    """What one version served."""

    requests: float
    errors: float


@dataclass(frozen=True)
class P95:
    """Milliseconds within which 95 % of a version's requests were answered, by version."""

    window: dict[str, float] = field(default_factory=dict)
    baseline: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ErrorRateByVersion(Detail):
    """Requests and failures of one component by version."""

    window: dict[str, Served] = field(default_factory=dict)
    """By version, within the window."""
    baseline: dict[str, Served] = field(default_factory=dict)
    p95_ms: P95 = field(default_factory=P95)
    series: dict[str, Series] | None = None
    """By version, period by period; None where only totals are known."""


KIND = ErrorRateByVersion
