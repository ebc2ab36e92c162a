"""Lines of refused logins."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class AuthFailures(Detail):
    """Lines of refused logins. ``value`` and ``baseline`` are lines a minute."""

    lines: float = 0.0
    baseline_lines: float = 0.0


KIND = AuthFailures
