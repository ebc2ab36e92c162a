"""What several parts of a postmortem are told from: worked out of the record once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from responder.model.evidence import Evidence
from responder.model.frozen import dataclass
from responder.model.incident import Cause, Incident, IncidentRecord
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Reports, Service
from responder.plan.aftercare import in_place
from responder.plan.review.contents import FurtherCause, Impact, Opening, Trigger
from responder.plan.review.openings import relapses

DID_NOT_HELP = frozenset({RemedyStatus.REVERTED, RemedyStatus.FAILED})
_NO_CAUSE = frozenset({"unknown", "none"})


@dataclass(frozen=True)
class Story:
    """The facts of one incident that its summary, its title and its lessons are made of."""

    record: IncidentRecord
    evidence: Evidence
    impact: Impact
    openings: tuple[Opening, ...]
    trigger: Trigger | None
    further: tuple[FurtherCause, ...] = ()
    service: Service | None = None
    reports: Reports = field(default_factory=Reports)
    entry: str = ""
    """The component that customers reach first; empty: not known."""

    @property
    def incident(self) -> Incident:
        """The incident's own item."""
        return self.record.incident

    @property
    def cause(self) -> Cause | None:
        """The cause where one was named; None for an unknown one."""
        cause = self.incident.cause
        return cause if cause and cause.id not in _NO_CAUSE else None

    @property
    def false_alarm(self) -> bool:
        """Whether nothing was wrong."""
        return self.incident.outcome == "false_alarm"

    @property
    def over(self) -> bool:
        """Whether the symptom was seen to be gone, and is not back."""
        return self.incident.outcome == "resolved"

    @property
    def relapses(self) -> tuple[Opening, ...]:
        """The stretches in which it was back."""
        return relapses(self.openings)

    @property
    def helped(self) -> tuple[Remedy, ...]:
        """Remedies after which the symptom was seen to be gone."""
        return tuple(remedy for remedy in self.record.remedies if remedy.status is RemedyStatus.VERIFIED)

    @property
    def failed(self) -> tuple[Remedy, ...]:
        """Remedies that were applied and did not help."""
        return tuple(remedy for remedy in self.record.remedies if remedy.status in DID_NOT_HELP)

    @property
    def temporary(self) -> Sequence[Remedy]:
        """Temporary changes that are still in place, also those that were left to people."""
        left = [remedy for remedy in self.record.remedies if remedy.temporary and remedy.left_to_people_at
                and not remedy.restored_at]
        return [*in_place(self.record.remedies), *left]
