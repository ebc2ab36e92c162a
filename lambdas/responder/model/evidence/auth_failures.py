"""Lines of refused logins."""

from __future__ import annotations

from dataclasses import dataclass

from responder.model.evidence import Detail


@dataclass(frozen=True)
class AuthFailures(Detail):
    """Lines of refused logins. ``value`` and ``baseline`` are lines a minute."""

    lines: float = 0.0
    baseline_lines: float = 0.0


KIND = AuthFailures
