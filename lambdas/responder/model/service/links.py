"""The team's own pages that messages link to."""

from __future__ import annotations

from dataclasses import field

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Links:
    """The team's own pages: https addresses; what is empty is not said."""

    dashboard: str = ""
    """Where the service's state is seen."""
    runbook: str = ""
    """What people do in an incident of the service."""
    runbooks: dict[str, str] = field(default_factory=dict)
    """The plan's causes to runbooks that take the place of ``runbook`` once that cause is named."""
