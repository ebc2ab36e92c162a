"""What a timeline entry states besides its English: one dataclass a fact, named by ``NAME`` in the record.

People read an entry's ``what`` and ``why``; code reads its fact, and never the English. The facts of the plan's
decisions are in ``plan/decisions.py``.
"""

from __future__ import annotations

from typing import ClassVar

from responder.model.frozen import dataclass


class Fact:
    """What one timeline entry states."""

    NAME: ClassVar[str]
    """Its name in the record."""


@dataclass(frozen=True)
class Opened(Fact):
    """The incident was opened, or opened again."""

    NAME: ClassVar[str] = "opened"
    mode: str
    """The service's mode: ``observe``, ``approve`` or ``auto``."""
    signal_at: str
    """When the signal arose, ISO 8601 in UTC."""
    reopened: bool = False


@dataclass(frozen=True)
class Planned(Fact):
    """A remedy was planned."""

    NAME: ClassVar[str] = "planned"
    diff: str
    """What it changes, as people read a diff; masked."""


@dataclass(frozen=True)
class Applied(Fact):
    """A remedy that changes something was applied."""

    NAME: ClassVar[str] = "applied"
    target: str


@dataclass(frozen=True)
class Delivered(Fact):
    """Somebody was notified."""

    NAME: ClassVar[str] = "delivered"
    to: str
    """``team``, ``customers``, ``provider`` or ``network_team``."""
    by: str
    """The channels that delivered it, separated by commas."""
    target: str = ""
    """The target of the remedy that notifies; empty where it was no remedy."""
    said: tuple[str, ...] = ()
    """Of a message to customers: the names of its sentences; none in records from before they had names."""
    more_by: str = ""
    """When customers were told that they hear more, ISO 8601 in UTC; empty: nothing was promised."""


@dataclass(frozen=True)
class Undelivered(Fact):
    """A message could not be delivered."""

    NAME: ClassVar[str] = "undelivered"
    failed: str
    """The channel, or ``all channels``."""
    status: str = ""
    """Why, as a finding's status says it; empty where several failed."""


@dataclass(frozen=True)
class ApprovalAsked(Fact):
    """People were asked to approve a remedy."""

    NAME: ClassVar[str] = "approval_asked"
    task: str
    """The question's id within the incident."""
    asked: tuple[str, ...]
    """The people who were asked, each as ``role: name``."""
    expires: str
    """ISO 8601 in UTC."""
    summary: str = ""
    """The remedy in a sentence."""


@dataclass(frozen=True)
class Answered(Fact):
    """Somebody answered a question; ``by`` of the entry says who."""

    NAME: ClassVar[str] = "answered"
    task: str = ""
    """The question's id within the incident; empty in records from before it was kept."""
    decision: str = ""
    """``approve``, ``reject`` or ``done``; empty in records from before it was kept."""
    decided: bool = True
    """Whether the answer decided the question; False for one approval of several that are needed."""
    note: str = ""
    """What the person added, masked."""


@dataclass(frozen=True)
class Linked(Fact):
    """Another service's incident has its cause at the same place."""

    NAME: ClassVar[str] = "linked"
    place: str
    """Where both causes lie; see ``plan/common_cause.py``."""
    incident: str
    """The other incident."""
    service: str
    """Its service."""
    leads: bool
    """Whether the other one leads: it was the first to be diagnosed."""


@dataclass(frozen=True)
class ToldFor(Fact):
    """What customers of another service are told belongs into this incident's messages."""

    NAME: ClassVar[str] = "told_for"
    incident: str
    service: str
    name: str
    """What the service is called for customers, in the first language."""
    names: dict[str, str]
    """The same in the further languages, by their tags."""
    components: tuple[str, ...] = ()
    """The ids of its components on the status page."""


@dataclass(frozen=True)
class Filed(Fact):
    """An improvement was filed as an issue."""

    NAME: ClassVar[str] = "filed"
    channel: str
    fingerprint: str
    """Tells the improvement from others; see ``plan/review/contents.py``."""
    address: str = ""
    """The issue's page."""


@dataclass(frozen=True)
class Reported(Fact):
    """The postmortem was written: the addresses of its formats in S3."""

    NAME: ClassVar[str] = "reported"
    html: str = ""
    md: str = ""
    json: str = ""
    gz: str = ""
    """The whole record."""
