"""What was wrong in the cluster when the incident was diagnosed, as the report tells it."""

from __future__ import annotations

from responder.model.evidence import Evidence
from responder.model.incident import Incident
from responder.model.service import Service
from responder.plan.review.contents import ReportedProblem
from responder.plan.wrong_now import wrong_now


def problems(incident: Incident, evidence: Evidence, service: Service | None) -> tuple[ReportedProblem, ...]:
    """Return what the first look at the cluster found; what explains the symptom best comes first."""
    return tuple(ReportedProblem(
        object=each.problem.object, what=each.problem.sentence, severity=each.problem.severity, said=each.problem.said,
        mend=each.problem.mend, explains=round(each.confidence, 3),
        follows_from=tuple(cause.sentence for cause in each.causes))
        for each in wrong_now(incident, evidence, service.graph if service else {}))
