"""An address that a message for people gives beside its text: the report, the execution, the evidence, the runbook."""

from __future__ import annotations

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Reference:
    """A page that people may open. ``plan/links.py`` makes them; what others wrote never becomes one."""

    label: str
    """What is there, in a few words: "Report", "New Relic: error rate of payment-gateway"."""
    url: str
    """An https address; see ``plan/links.py:reference``."""
    query: str = ""
    """What to ask there to see the same; empty where the page shows it."""
