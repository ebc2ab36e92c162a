"""The plan's "Post-Incident Review": what the record of an incident amounts to, typed, for the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from responder.model.evidence import Series
from responder.model.facts import Linked
from responder.model.incident import Cause, Incident, IncidentRecord
from responder.model.remedy import Remedy
from responder.model.service import Reports, Service
from responder.plan.common_cause import in_words
from responder.plan.refusals import not_proposed
from responder.plan.review import cluster, impact, lessons, outcome, similar
from responder.plan.review.contents import (
    SCHEMA,
    LinkedIncident,
    Notes,
    Overview,
    PastIncident,
    ReportedEntry,
    ReportedRemedy,
    ReportedSignal,
    Review,
)
from responder.plan.review.headings import headings
from responder.plan.review.headline import headline
from responder.plan.review.improvements import improvements
from responder.plan.review.improvements.alarm import came_late
from responder.plan.review.left import left
from responder.plan.review.measured import measured
from responder.plan.review.measures import measures
from responder.plan.review.notes import answers, follow_ups
from responder.plan.review.openings import openings
from responder.plan.review.severity import cost, severity
from responder.plan.review.similar import past_incident
from responder.plan.review.story import Story
from responder.plan.review.summary import summary
from responder.plan.review.trigger import trigger
from responder.plan.wording import days_from

__all__ = ["SCHEMA", "Notes", "Overview", "PastIncident", "Review", "came_late", "past_incident", "review"]

_NOT_DIAGNOSED = Cause("unknown", summary="not diagnosed")


def review(record: IncidentRecord, history: Sequence[PastIncident] = (), weeks: Series = (),
           notes: Notes | None = None, service: Service | None = None, entry: str = "") -> Review:
    """Return the postmortem's contents.

    ``history`` are all incidents, ``weeks`` the entry's series of the weeks before, ``notes`` what people have written
    about it; ``service`` is its configuration, and ``entry`` the component that customers reach first where that is not
    at hand.
    """
    with days_from(record.incident.opened_at):
        return _review(record, history, weeks, notes, service, entry)


def _review(record: IncidentRecord, history: Sequence[PastIncident], weeks: Series, notes: Notes | None,
            service: Service | None, entry: str) -> Review:
    evidence, entry = record.evidence(), service.entry if service else entry
    set_off = trigger(record.incident, evidence, service.shown_keys if service else ())
    components = measured(evidence)
    series = {component: found.series for component, found in components.items()}
    costing = impact.impact(components, record, entry)
    # What was measured in the end is more exact than what the first look saw, and a report has one onset.
    incident = replace(record.incident, onset=costing.onset, recovered_at=costing.ended)
    record = replace(record, incident=incident)
    story = Story(record, evidence, costing, openings(record), set_off,
                  outcome.further_causes(incident.cause, record.remedies), service,
                  service.reports if service else Reports(), entry)
    found = improvements(record, evidence, impact.at_entry(series, entry), weeks, history, service)
    after, told, costs = follow_ups(found, notes), headings(story, answers(notes)), cost(story)
    return Review(
        headline=headline(story),
        severity=severity(story, costs),
        cost=costs,
        over=outcome.over(story),
        summary=summary(story),
        left=left(story, after, told),
        openings=story.openings,
        trigger=story.trigger,
        told=told,
        follow_ups=after,
        requests=story.reports.requests,
        time_zone=story.reports.time_zone,
        incident=_overview(incident),
        cause=incident.cause or _NOT_DIAGNOSED,
        further_causes=story.further,
        ranking=incident.ranking,
        evidence=incident.evidence,
        missing=incident.missing,
        signals=tuple(ReportedSignal(signal.at, signal.kind, signal.name, signal.reason) for signal in record.signals),
        timeline=tuple(ReportedEntry(entry.at, entry.step, entry.what, entry.why, entry.by, entry.kind, entry.detail)
                       for entry in record.timeline),
        actions=tuple(map(_remedy, record.remedies)),
        not_done=tuple(not_proposed(record)),
        series=series,
        impact=story.impact,
        phases=story.openings[0].phases,
        resolution=outcome.resolution(story),
        ruled_out=outcome.ruled_out(incident, story.further),
        problems=cluster.problems(incident, evidence, service),
        went_well=tuple(lessons.went_well(story)),
        went_badly=tuple(lessons.went_badly(story)),
        improvements=found,
        measures=measures(story),
        similar=similar.similar(incident, history),
        before=similar.before(incident, history),
        linked=_linked(record),
        notes=notes)


def _linked(record: IncidentRecord) -> tuple[LinkedIncident, ...]:
    found = {(fact.incident, fact.place): LinkedIncident(fact.incident, fact.service, in_words(fact.place), fact.leads)
             for _, fact in record.facts(Linked)}
    return tuple(sorted(found.values(), key=lambda one: (not one.leads, one.service, one.id)))


def _overview(incident: Incident) -> Overview:
    return Overview(
        id=incident.id, service=incident.service, status=incident.status, outcome=incident.outcome,
        confirmed=incident.confirmed, kind=incident.kind, opened_at=incident.opened_at, onset=incident.onset,
        confirmed_at=incident.confirmed_at, isolated_at=incident.isolated_at, diagnosed_at=incident.diagnosed_at,
        recovered_at=incident.recovery_verified_at, well_since=incident.recovered_at,
        escalated_at=incident.escalated_at, closed_at=incident.closed_at, affected=incident.affected,
        suffering=incident.suffering, reopened_at=incident.reopened_at, execution=incident.execution)


def _remedy(remedy: Remedy) -> ReportedRemedy:
    return ReportedRemedy(
        action=remedy.action, target=remedy.target, status=remedy.status, summary=remedy.summary, diff=remedy.diff,
        reason=remedy.reason, guardrail=remedy.guardrail, decided_by=remedy.decided_by, planned_at=remedy.planned_at,
        applied_at=remedy.applied_at, verified_at=remedy.verified_at, put_back_at=remedy.restored_at, risk=remedy.risk)
