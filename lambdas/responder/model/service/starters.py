"""Other systems whose alerts start an incident, and alarms of the user's own that do."""

from __future__ import annotations

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Starter:
    """One system that may start incidents of the service by a request to the responder's address for signals."""

    secret: str
    """The Secrets Manager secret that holds what its requests prove themselves by, as a plain string of 20 characters
    or more: PagerDuty's signing secret of the webhook subscription, or a token that New Relic or Splunk sends along.
    While it is exchanged it may hold two, one a line."""


@dataclass(frozen=True)
class Starters:
    """The systems that may start incidents of the service; None: it may not."""

    pagerduty: Starter | None = None
    newrelic: Starter | None = None
    splunk: Starter | None = None
