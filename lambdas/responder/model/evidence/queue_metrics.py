"""What a queue tells of itself; ``value`` and ``baseline`` are the age of its oldest message, in seconds."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class QueueMetrics(Detail):
    """What a queue tells of itself; ``value`` and ``baseline`` are the age of its oldest message in seconds,
    ``component`` is ``dependency:NAME``.
    """

    visible: float | None = None
    """Messages that wait for a consumer; None: not known."""
    sent: float = 0.0
    """Messages a minute that came."""
    deleted: float = 0.0
    """Messages a minute that consumers were done with."""


KIND = QueueMetrics
