"""What was wrong in the cluster when an incident was diagnosed, and which of it explains the symptom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from responder.model.evidence import Evidence
from responder.model.evidence.problems import Problems
from responder.model.incident import Incident
from responder.model.moment import epoch
from responder.plan.problems import Explanation, Failing, explanations


def wrong_now(incident: Incident, evidence: Evidence,
              graph: Mapping[str, Sequence[str]]) -> tuple[Explanation, ...]:
    """Return what the first look at the cluster found, before any remedy; what explains the symptom best comes first.
    """
    looks = sorted(evidence.looks(Problems), key=lambda finding: finding.window.end if finding.window else 0.0)
    if not looks:
        return ()
    window = looks[0].window
    failing = Failing((*incident.affected, *incident.suffering), graph,
                      epoch(incident.onset) or 0.0, window.end if window else 0.0)
    return explanations(looks[0].detail.problems, failing)
