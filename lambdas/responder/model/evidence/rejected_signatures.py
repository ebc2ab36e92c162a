"""Lines of requests whose signature is missing or wrong."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class RejectedSignatures(Detail):
    """Lines of requests whose signature is missing or wrong. ``value`` and ``baseline`` are lines a minute."""

    lines: float = 0.0
    baseline_lines: float = 0.0


KIND = RejectedSignatures
