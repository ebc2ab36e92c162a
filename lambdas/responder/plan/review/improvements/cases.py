"""Which mechanisms were at work in an incident, which changes brought them, and how long it lasted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from responder.model.change import Change
from responder.model.evidence import Evidence
from responder.model.evidence.changes import Changes
from responder.model.incident import Hypothesis, IncidentRecord
from responder.model.moment import epoch
from responder.model.remedy import RemedyStatus
from responder.model.service import Service
from responder.plan import mechanisms
from responder.plan.advice import Case, Trouble
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.decisions import Diagnosed
from responder.plan.effects import Effect, effect_of, selects_others
from responder.plan.failure_modes import FailureMode
from responder.plan.signals.changes import OF_EFFECT
from responder.plan.times import just_before

_LEAST_WEIGHT = 0.5
"""A change whose kind speaks less for a mechanism than this is not what brought it."""
_RELEASE_WEIGHT = 10.0


def trouble(record: IncidentRecord) -> Trouble:
    """Return how long the incident lasted, as far as the record tells.

    It is not over where nobody saw it well; what is known then reaches to when people were called, or to the last look.
    Of an incident that came back only the last part counts: how long it was well before is not on record.
    """
    incident = record.incident
    if incident.outcome == "false_alarm":
        return Trouble(None, None)
    start, end = epoch(incident.onset), epoch(incident.recovered_at)
    back = epoch(incident.last_reopened_at)
    if start is not None and back is not None and back > start and not (end is not None and end <= back):
        start = back
    if end is not None:
        return Trouble(start, end)
    known = [moment for moment in (epoch(incident.escalated_at), epoch(incident.diagnosed_at),
                                   *(epoch(look.entered) for look in record.looked)) if moment is not None]
    return Trouble(start, max(known, default=None), over=False)


def until(record: IncidentRecord) -> float:
    """Return the last moment of the record, in seconds since 1970 (UTC)."""
    return max((moment for entry in record.timeline if (moment := epoch(entry.at)) is not None), default=0.0)


def diagnosed(record: IncidentRecord) -> float | None:
    """Return when the cause was named, in seconds since 1970 (UTC); None where it was not."""
    return epoch(record.incident.diagnosed_at)


def cases(record: IncidentRecord, evidence: Evidence, service: Service) -> list[Case]:
    """Return the mechanism that was named, then each of which a remedy was seen to help."""
    cause = record.incident.cause
    named = {(cause.mechanism, cause.component): None} if cause and cause.mechanism else {}
    told = _hypotheses(record)
    for remedy in record.remedies:
        place = (remedy.mechanism, remedy.component)
        # A remedy of one mechanism may be applied to several components, of which the diagnosis named one.
        if remedy.status is RemedyStatus.VERIFIED and remedy.mechanism and (place in told or not told):
            named.setdefault(place)
    known = {mechanism.id: mechanism for mechanism in mechanisms.every()}
    found: list[Case] = []
    for mechanism, component in named:
        if mechanism in known and not (known[mechanism].cause is CLUSTER_FAILURE and any(
                case.mechanism == mechanism for case in found)):
            found.append(_case(record, evidence, service, mechanism, component, told.get((mechanism, component))))
    return found


def unnamed(record: IncidentRecord, evidence: Evidence, service: Service) -> Case:
    """Return the case of an incident of which no mechanism was named."""
    cause = record.incident.cause
    component = (cause.component if cause else "") or next(iter(record.incident.affected), "")
    return Case(service, record, evidence, "", component, None, (), trouble(record))


def _case(record: IncidentRecord, evidence: Evidence, service: Service, mechanism: str, component: str,
          hypothesis: Hypothesis | None) -> Case:
    where = hypothesis.where if hypothesis else ""
    changes = tuple(_changes(record, evidence, service, mechanism, component, where))
    return Case(service, record, evidence, mechanism, component, hypothesis, changes, trouble(record),
                _mode(record, component, where))


def _hypotheses(record: IncidentRecord) -> Mapping[tuple[str, str], Hypothesis]:
    """Return what any diagnosis said of each mechanism and component, the newest word."""
    told = [hypothesis for _, fact in record.facts(Diagnosed) for hypothesis in fact.ranking]
    return {(hypothesis.mechanism, hypothesis.component): hypothesis
            for hypothesis in (*told, *record.incident.ranking)}


def _mode(record: IncidentRecord, component: str, where: str) -> FailureMode | None:
    modes = [part for _, fact in record.facts(Diagnosed) for part in fact.parts
             if (part.component, part.where) == (component, where)]
    return modes[-1] if modes else None


def _changes(record: IncidentRecord, evidence: Evidence, service: Service, name: str, component: str,
             where: str) -> Iterator[Change]:
    """Yield the changes just before the symptom whose kind speaks for a mechanism: what speaks most first."""
    if component not in service.graph:
        return
    onset = epoch(record.incident.onset)
    weighed: dict[tuple[str, str, str, tuple[str, ...]], tuple[float, float, Change]] = {}
    for finding in evidence.looks(Changes):
        for change in finding.detail.changes:
            if not just_before(change, onset):
                continue
            effect = effect_of(service, component, where, change)
            weight = _weight(name, effect, change.name == service.component(component).deployment)
            if weight < _LEAST_WEIGHT or (effect is Effect.NETWORK_POLICY and selects_others(
                    service, component, where, change, evidence)):
                continue
            key = (change.kind, change.name, change.what, tuple(str(field.path) for field in change.fields))
            weighed[key] = (-weight, -change.latest, change)
    for _, _, change in sorted(weighed.values(), key=lambda item: item[:2]):
        yield change


def _weight(name: str, effect: Effect | None, own: bool) -> float:
    """Return how much the kind of a change speaks for a mechanism; ``own``: it is one of the component's Deployment."""
    if effect is Effect.RELEASE:
        return _RELEASE_WEIGHT if own and name == "bad_release" else 0.0
    mechanism = mechanisms.find(name)
    kind = OF_EFFECT.get(effect) if effect else None
    return mechanism.weights.get(kind, mechanism.cause.weights.get(kind, 0.0)) if kind else 0.0
