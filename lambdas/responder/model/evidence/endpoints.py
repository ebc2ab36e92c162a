"""What stands behind one component's Service."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Endpoints(Detail):
    """What stands behind one component's Service. ``value`` is the number of ready addresses."""

    exists: bool = False
    """Whether there is a Service."""
    ready: int = 0
    not_ready: int = 0
    selects: int = 0
    """Pods that its selector selects."""
    ports: tuple[tuple[int | str | None, int | str | None], ...] = ()
    """[port, target port]."""
    fits: bool = True
    """Whether its target ports lead to the pods: an address is ready, or they declare these ports."""
    service: str = ""
    """The Service's name; empty in older records: the component's."""


KIND = Endpoints
