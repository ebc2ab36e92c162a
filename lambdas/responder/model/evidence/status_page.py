"""What a provider's status page says."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class PageIncident:
    """One incident on the page."""

    name: str
    status: str = ""
    impact: str = ""


@dataclass(frozen=True)
class StatusPage(Detail):
    """What a provider's status page says. ``value`` is 0 (operational) to 3 (critical); a maintenance is 1."""

    indicator: str = ""
    """As the page names it."""
    components: dict[str, str] = field(default_factory=dict)
    """A part of theirs that is not operational to its status."""
    incidents: tuple[PageIncident, ...] = ()
    updated: str = ""
    """When the page was written last, as it says."""
    maintenance: tuple[str, ...] = ()
    """The maintenances that are under way, by name; of those that the service depends on."""


KIND = StatusPage
