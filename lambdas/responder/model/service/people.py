"""The people who are notified and asked, and the channels that reach them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Literal

from responder.model.frozen import dataclass
from responder.model.service.limits import Mode

Severity = Literal["critical", "error", "warning", "info"]
"""PagerDuty's page "Dynamic Notifications": ``critical`` and ``error`` are of high urgency, the others of low."""


@dataclass(frozen=True)
class Person:
    """Somebody of the incident response team, or a group of them."""

    name: str
    """As messages name the person or the group."""
    role: str
    """``sre``, ``developer``, ``network``, ``database``, or one of the team's own."""
    email: str = ""
    """Where questions reach this person alone: its own subscription of the topic for approvals."""
    components: tuple[str, ...] = ()
    """What a developer is called for; none: for all."""
    pagerduty: str = ""
    """The id of a user (``P…``) who is asked to join, beside the one whom the integration pages."""
    slack: str = ""
    """The member id (``U…``) that is invited to the incident's channel, and may decide there."""
    iam: str = ""
    """The person's identity in AWS: ``arn:aws:iam::123456789012:user/ada``, or a role and session
    ``arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Approver_*/ada@example.com``; ``*`` in the role alone."""


@dataclass(frozen=True)
class Severities:
    """How severe the alerts are, by the service's mode: where the responder only watches, they need wake nobody."""

    observe: Severity = "warning"
    """In mode observe."""
    approve: Severity = "critical"
    """In mode approve."""
    auto: Severity = "critical"
    """In mode auto."""

    def of(self, mode: Mode) -> Severity:
        """Return that of a mode."""
        return {"observe": self.observe, "approve": self.approve, "auto": self.auto}[mode]


@dataclass(frozen=True)
class PagerDuty:
    """The service that wakes people: an Events API v2 integration."""

    secret: str
    """The Secrets Manager secret that holds the integration's routing key, as a plain string."""
    events: str = "https://events.pagerduty.com/v2/enqueue"
    """``https://events.eu.pagerduty.com/v2/enqueue`` for accounts in Europe."""
    api_secret: str = ""
    """The secret that holds a REST API key, by which further responders are asked to join; empty: they are not."""
    api: str = "https://api.pagerduty.com"
    """``https://api.eu.pagerduty.com`` for accounts in Europe."""
    requester: str = ""
    """The id of the user in whose name they are asked."""
    requester_email: str = ""
    """That user's e-mail address, which the API wants as well."""
    severity: Severities = field(default_factory=Severities)
    """It becomes the urgency where PagerDuty's service has "Dynamic notifications based on alert severity"."""


@dataclass(frozen=True)
class Slack:
    """Where the team reads how it goes."""

    secret: str
    """The secret that holds the bot token, as a plain string."""
    channel: str = ""
    """The id of a standing channel, in which each incident is a thread; empty: each gets a channel of its own."""
    prefix: str = "inc"
    """What the name of an incident's own channel begins with."""
    signing_secret: str = ""
    """The secret that holds the app's signing secret; empty: there are no buttons, questions have links."""
    team: str = ""
    """The workspace's id (``T…``): buttons that are pressed in another decide nothing; empty: it is not looked at."""
    app: str = ""
    """The app's id (``A…``): payloads of another decide nothing; empty: it is not looked at."""
    api: str = "https://slack.com/api"
    """The address of its Web API."""


@dataclass(frozen=True)
class Statuspage:
    """Where customers read what does not work."""

    secret: str
    """The secret that holds the API key, as a plain string."""
    page: str
    """The page's id."""
    components: dict[str, str] = field(default_factory=dict)
    """The service's components to the ids of those of the page that customers know."""
    api: str = "https://api.statuspage.io/v1"
    """The address of its API."""

    def ids(self, affected: Iterable[str]) -> tuple[str, ...]:
        """Return the ids of components on the page; of all that it has where none of those is known to customers."""
        return tuple(self.components[name] for name in affected if name in self.components) or tuple(
            self.components.values())
