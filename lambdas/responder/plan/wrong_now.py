"""What was wrong in the cluster when an incident was diagnosed, and which of it explains the symptom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.problems import Problems
from responder.model.incident import Incident
from responder.model.moment import epoch
from responder.plan.problems import Explanation, Failing, explanations


def wrong_now(incident: Incident, evidence: Evidence,
              graph: Mapping[str, Sequence[str]]) -> tuple[Explanation, ...]:
    """Return what the first look at the cluster found, before any remedy; what explains the symptom best comes first.
    """
    looks = looks_at_the_cluster(evidence)
    return explained(looks[0], (*incident.affected, *incident.suffering), graph, epoch(incident.onset)) if looks else ()


def looks_at_the_cluster(evidence: Evidence) -> list[Finding[Problems]]:
    """Return what the checks of live state found, the first look first."""
    return sorted(evidence.looks(Problems), key=_ended)


def explained(look: Finding[Problems], components: tuple[str, ...], graph: Mapping[str, Sequence[str]],
              onset: float | None) -> tuple[Explanation, ...]:
    """Return what a look found, as it explains that these components fail; what explains it best comes first."""
    return explanations(look.detail.problems, Failing(components, graph, onset or 0.0, _ended(look)))


def _ended(look: Finding[Problems]) -> float:
    return look.window.end if look.window else 0.0
