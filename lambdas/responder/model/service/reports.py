"""What postmortems are written with: what a request is called, how severe an incident is, and what it costs."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from responder.model.frozen import dataclass

LockMode = Literal["governance", "compliance"]
"""How S3 Object Lock keeps a version; in compliance mode nobody can delete it or shorten the time."""


@dataclass(frozen=True)
class SeverityRule:
    """Limits that an incident reaches all of, to have a severity. A limit of 0 asks for nothing."""

    affected_share: float = 0.0
    """Share of the requests that failed or did not come, from the onset to the end."""
    minutes: float = 0.0
    """How long it lasted, or has lasted so far."""
    at_entry: bool = True
    """Whether the component that customers reach first must have suffered: else nobody outside noticed."""
    money: float = 0.0
    """What the failed payments were worth, in the currency of ``payment``; never reached where that is not given."""


@dataclass(frozen=True)
class SeverityRules:
    """The rules of SEV 1 to 3, of which one is enough; what meets none of them is SEV 4.

    The defaults: half of all requests for as long as customers need to complain and give up (5 min), or a lasting part
    of them for an hour, is the worst; a quarter for a minute, or what the alarm calls an outage for 5 min, is felt by
    many; whatever else customers met is minor. Source of the four steps: PagerDuty's page "Severity Levels".
    """

    sev1: tuple[SeverityRule, ...] = (SeverityRule(0.5, 5.0), SeverityRule(0.05, 60.0))
    sev2: tuple[SeverityRule, ...] = (SeverityRule(0.25, 1.0), SeverityRule(0.05, 5.0))
    sev3: tuple[SeverityRule, ...] = (SeverityRule(0.01),)


@dataclass(frozen=True)
class Objective:
    """How many requests may fail: what is left over of them is the error budget."""

    success_share: float
    """Share of the requests that must succeed: 0.999."""
    requests_per_day: float
    """The usual traffic."""
    days: int = 30
    """The time that the objective is about."""

    @property
    def budget(self) -> float:
        """How many requests may fail in that time."""
        return self.requests_per_day * self.days * (1.0 - self.success_share)


@dataclass(frozen=True)
class Payment:
    """What one request is worth."""

    average: float
    """What an average request is worth."""
    currency: str
    """Its ISO 4217 code: EUR, USD."""


@dataclass(frozen=True)
class Reports:
    """How postmortems are kept and written."""

    lock_days: int = 0
    """How many days no version can be deleted (S3 Object Lock); 0: as many as ``object_lock`` of the deployment says.
    Without days of either, versions are kept and not locked.
    A bucket gets Object Lock when it is made: AWS's page "Configuring S3 Object Lock" tells how one that is there gets
    it."""
    lock_mode: LockMode = "governance"
    """Of the deployment's ``object_lock``: whether somebody with a right of their own can delete them nevertheless."""
    time_zone: str = ""
    """The team's, by its IANA name: Europe/Berlin. Its times stand beside those in UTC; empty: UTC alone."""
    requests: str = "requests"
    """What the requests to the entry are to customers, in the plural: payments."""
    severities: SeverityRules = field(default_factory=SeverityRules)
    objective: Objective | None = None
    """None: nothing is said of an error budget."""
    payment: Payment | None = None
    """None: nothing is said of money."""
