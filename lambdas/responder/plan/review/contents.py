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
from responder.plan.wording import duration, share, words

SCHEMA = 2
"""Grows with each change of the published JSON that a reader must know of."""
_NAMED = {"code_bug": "Code bug in {}", "database_connection": "Database connections of {} fail",
          "overload": "Overload of {}", "cluster_failure": "Cluster failure under {}",
          "network": "Network failure at {}", "provider_outage": "Outage of a provider of {}"}
"""The plan's causes as a title has them; any other is told by its symptom."""


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
class Impact:
    """What it cost."""

    failed_requests: int
    """Since the onset, of the component that saw most of them."""
    missing_requests: int
    """How many fewer came to the entry than usual; 0 where the difference may be chance."""
    worst_error_rate: float | None
    """Of any component, in a period with enough requests to tell."""
    seconds: float | None
    """From the onset until it was well."""


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
class RuledOut:
    """A cause that is unlikely, with what speaks against it."""

    cause: str
    confidence: float
    because: tuple[str, ...]


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
    """By component, from the source that measured most."""
    impact: Impact
    phases: tuple[Phase, ...]
    resolution: str
    ruled_out: tuple[RuledOut, ...]
    went_well: tuple[str, ...]
    went_badly: tuple[str, ...]
    improvements: tuple[Improvement, ...]
    measures: tuple[PreventiveMeasure, ...]
    similar: tuple[PastIncident, ...]
    """Earlier incidents of the same cause, mechanism and component, the newest first."""
    before: Before
    notes: Notes | None = None

    @property
    def headline(self) -> str:
        """What happened, how bad it was, and whether it is over: the report's title."""
        incident, cause, impact = self.incident, self.cause, self.impact
        if incident.outcome == "false_alarm":
            return f"False alarm of {incident.service}"
        said = _NAMED.get(cause.id, "").format(cause.component or incident.service)
        if not said:
            symptom = words(incident.kind or "incident")
            said = f"{symptom[:1].upper()}{symptom[1:]} of {incident.service}"
        worst = f": up to {share(impact.worst_error_rate)} of requests failed" if impact.worst_error_rate else ""
        over = f"; recovered after {duration(impact.seconds)}" if impact.seconds else ""
        return f"{said}{worst}{over}"
