"""What a postmortem holds. The templates and the JSON writer read it; ``docs/postmortem.schema.json`` publishes it.

Field names are those of the published JSON. Moments are ISO 8601 in UTC, durations seconds, rates shares of one. None
and an empty text mean that it is not known, or that it has not come to that.
"""

from __future__ import annotations

from responder.model.codec import Json
from responder.model.evidence import Series
from responder.model.frozen import dataclass
from responder.model.incident import Cause, Hypothesis, Weighed
from responder.plan.advice import Aim, Size
from responder.plan.review.told import Cost, FollowUp, OpenItem, Severity, Told

SCHEMA = 3
"""Grows with each change of the published JSON that a reader must know of."""


@dataclass(frozen=True)
class Overview:
    """The incident's own facts."""

    id: str
    service: str
    status: str | None
    outcome: str | None
    """``resolved``, ``false_alarm``, ``escalated``, ``observed``; None while it is open."""
    confirmed: bool | None
    kind: str | None
    """Of the symptom: ``high_error_rate``, …"""
    opened_at: str
    onset: str | None
    confirmed_at: str | None
    isolated_at: str | None
    diagnosed_at: str | None
    recovered_at: str | None
    well_since: str | None
    escalated_at: str | None
    closed_at: str | None
    affected: tuple[str, ...]
    """Components that are at fault."""
    suffering: tuple[str, ...]
    """Components that fail because of those."""
    reopened_at: tuple[str, ...]
    execution: str | None


@dataclass(frozen=True)
class Phase:
    """How long a phase took, beside the plan's target."""

    phase: str
    seconds: float | None
    target_seconds: float | None

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None where there is none, or the phase was not reached."""
        if self.seconds is None or self.target_seconds is None:
            return None
        return self.seconds <= self.target_seconds


@dataclass(frozen=True)
class Opening:
    """One stretch of the incident: from an alarm to what became of it."""

    opened_at: str
    by: str
    """The alarm, or the person."""
    onset: str | None
    """When the symptom began; None: there was none, or nobody could see it."""
    outcome: str
    """``resolved``, ``false_alarm``, ``escalated``, ``observed``, ``open``."""
    verified_at: str | None
    """When the recovery was verified."""
    handed_over_at: str | None
    """When people got it."""
    ended_at: str | None
    """The last entry of it."""
    applied: tuple[int, ...]
    """The numbers of the remedies that were applied in it."""
    phases: tuple[Phase, ...] = ()
    """How long the plan's phases took in it."""


@dataclass(frozen=True)
class Trigger:
    """What set it off: a change that the diagnosis names among its evidence."""

    what: str
    """A clause: "ConfigMap payment-gateway-config was changed"."""
    detail: str
    """The same with what was changed in it."""
    at: str | None
    by: str
    """The tool or person that made the change: "with kubectl-edit", "by ada"; empty where it is not known."""
    changed: str
    """What was changed: "ConfigMap payment-gateway-config"."""
    version: str
    """Of a release; empty for any other change."""


@dataclass(frozen=True)
class FurtherCause:
    """A cause beside the named one, of which a remedy was seen to help."""

    id: str
    mechanism: str
    component: str
    mended_by: str
    """The remedy's name."""


@dataclass(frozen=True)
class ReportedSignal:
    """An alarm, or a person's start."""

    at: str
    kind: str
    name: str
    reason: str


@dataclass(frozen=True)
class ReportedEntry:
    """One entry of the timeline."""

    at: str
    step: str
    what: str
    why: str
    by: str
    kind: str
    detail: dict[str, Json]


@dataclass(frozen=True)
class ReportedRemedy:
    """What became of one remedy."""

    action: str
    target: str
    status: str
    summary: str
    diff: str
    reason: str
    guardrail: str
    decided_by: str
    planned_at: str | None
    applied_at: str | None
    verified_at: str | None
    put_back_at: str | None
    risk: str


@dataclass(frozen=True)
class ComponentImpact:
    """What one component saw of the outage."""

    component: str
    requests: int
    """That came while the outage was there; it may have gone and come back."""
    failed: int
    sources: tuple[str, ...]
    """Who measured it, the one that most comes from first."""


@dataclass(frozen=True)
class Impact:
    """What it cost, from the onset to the end, or to ``measured_until``."""

    failed_requests: int | None
    """At the entry, as customers saw it; None: nobody counted them."""
    failed_error: int
    """By how much that may be wrong: what fails at any time, and what nobody measured."""
    missing_requests: int
    """How many fewer came to the entry than usual at that hour; 0 where the difference may be chance."""
    missing_error: int
    """By how much that may be wrong, by chance."""
    affected_share: float | None
    """Failed and missing requests, of those that came or should have come."""
    worst_error_rate: float | None
    """Of any component, in a period with enough requests to tell."""
    onset: str | None
    """When requests began to fail or to be missing; of another symptom, when it was first seen."""
    ended: str | None
    """When that ended; None: it had not when it was last measured."""
    measured_until: str | None
    """The last moment that is counted."""
    accuracy_seconds: float | None
    """Onset and end are known to this many seconds: a period of the source."""
    seconds: float | None
    """From the onset until it ended."""
    components: tuple[ComponentImpact, ...]
    """The entry first."""


@dataclass(frozen=True)
class RuledOut:
    """A cause that is unlikely, with what speaks against it."""

    cause: str
    confidence: float
    because: tuple[str, ...]


@dataclass(frozen=True)
class ReportedProblem:
    """One thing that was wrong in the cluster when the incident was diagnosed."""

    object: str
    """``deployment/pay``, ``node/n1``, …"""
    what: str
    severity: str
    """``stops``, ``lessens`` or ``risks``: what it does to those whom it hits."""
    said: str
    """The cluster's own words (masked); empty: it is seen by its objects."""
    mend: str
    """What would mend it."""
    explains: float
    """How likely it explains the symptom: a share of one."""
    follows_from: tuple[str, ...]
    """Other problems that it is a consequence of."""


@dataclass(frozen=True)
class Stretch:
    """A part of the incident."""

    start: str
    end: str


@dataclass(frozen=True)
class Improvement:
    """What this incident shows that could be better."""

    what: str
    """What was missing, in a few words."""
    evidence: str
    """The facts of this incident that show it."""
    object: str
    """What is to be changed or checked, by name."""
    measure: str
    owner: str
    """A role."""
    done_when: str
    """What one can look at to see that it is done."""
    aim: Aim
    """Whether it prevents such an incident, tells of it sooner, or ends it sooner."""
    size: Size
    """``small``: hours, ``medium``: days, ``large``: weeks, as a rule for measures of its kind."""
    saves: tuple[Stretch, ...]
    """The parts of this incident that it would have saved; those of several items overlap. None: it is not known."""
    saves_seconds: float | None
    """How long they are together."""
    saves_at_least: bool
    """Whether it would have saved more than is known: the incident was not over, or came back."""
    fingerprint: str
    """The same for the same mechanism, object and measure in every incident of the service."""
    issues: tuple[str, ...] = ()
    """The pages of the issues that it was filed as."""


@dataclass(frozen=True)
class PreventiveMeasure:
    """One of the plan's preventive measures, and what this incident says of it."""

    measure: str
    answer: str


@dataclass(frozen=True)
class PastIncident:
    """An incident's line in the list of all; enough to recognise one that comes again."""

    id: str
    service: str
    opened_at: str
    outcome: str = "open"
    cause: str = "unknown"
    mechanism: str = ""
    component: str = ""
    recovery_seconds: float | None = None
    failed_requests: float | None = None
    severity: int | None = None
    """1 to 4; 0: a false alarm; None in lines from before it was kept."""
    title: str = ""


@dataclass(frozen=True)
class LinkedIncident:
    """An incident of another service whose cause lies at the same place."""

    id: str
    service: str
    where: str
    """Where both causes lie, in words."""
    leads: bool
    """Whether it led the others: it was the first to be diagnosed."""


@dataclass(frozen=True)
class Before:
    """How long the incidents before took to recover."""

    incidents: int
    median_recovery_seconds: float | None


@dataclass(frozen=True)
class Notes:
    """What people wrote about the incident."""

    author: str
    at: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Review:
    """The plan's "Post-Incident Review" of one incident."""

    schema: int = SCHEMA
    headline: str
    """What happened and how bad it was: the report's title."""
    severity: Severity
    cost: Cost
    over: str
    """Whether it is over, in a sentence."""
    summary: tuple[str, ...]
    """What happened, what was done, and how it is now: a sentence each."""
    left: tuple[OpenItem, ...]
    """What is left to do."""
    openings: tuple[Opening, ...]
    """At least one."""
    trigger: Trigger | None
    """None: no change is among the evidence."""
    told: tuple[Told, ...]
    """Trigger, root cause, contributing factors, detection, luck."""
    follow_ups: tuple[FollowUp, ...]
    """The state of each of ``improvements``, in their order, and then what people added."""
    requests: str
    """What requests are to customers: "payments"."""
    time_zone: str
    """The team's; empty: none is configured."""
    incident: Overview
    cause: Cause
    further_causes: tuple[FurtherCause, ...]
    ranking: tuple[Hypothesis, ...]
    """Every cause, the likeliest first."""
    evidence: tuple[Weighed, ...]
    missing: tuple[str, ...]
    """What could not be asked, in sentences."""
    signals: tuple[ReportedSignal, ...]
    timeline: tuple[ReportedEntry, ...]
    actions: tuple[ReportedRemedy, ...]
    not_done: tuple[str, ...]
    """Remedies that were not proposed, each with its reason."""
    series: dict[str, Series]
    """By component, on one grid of time: of each period the one count that is best (``plan/review/measured.py``)."""
    impact: Impact
    phases: tuple[Phase, ...]
    """Of the first opening; each of ``openings`` has its own."""
    resolution: str
    ruled_out: tuple[RuledOut, ...]
    problems: tuple[ReportedProblem, ...]
    """What was wrong in the cluster when it was diagnosed, what explains the symptom best first."""
    went_well: tuple[str, ...]
    went_badly: tuple[str, ...]
    improvements: tuple[Improvement, ...]
    measures: tuple[PreventiveMeasure, ...]
    similar: tuple[PastIncident, ...]
    """Earlier incidents of the same cause, mechanism and component, the newest first."""
    before: Before
    linked: tuple[LinkedIncident, ...]
    """Incidents of other services for the same cause, the one that led first."""
    notes: Notes | None = None
