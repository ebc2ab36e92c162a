"""Diagnose the root cause from the findings of all steps, and propose the plan's remedies."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from responder.handlers.confirm import ConfirmResult
from responder.handlers.linking import link
from responder.handlers.step import StepEvent, StepRun, step
from responder.model.evidence import Evidence
from responder.model.frozen import dataclass
from responder.model.incident import Cause, IncidentRecord, Proposed, Refusal, Remedy, RemedyStatus, Weighed
from responder.model.moment import iso
from responder.model.service import deployed
from responder.plan import wording
from responder.plan.course import RemedyRef
from responder.plan.decide import DiagnosisInput, Judgement, judge_cause
from responder.plan.decisions import Diagnosed
from responder.plan.diagnose import Diagnosis
from responder.plan.guardrails import MEMORY_SECONDS, in_order
from responder.plan.own import Write, claimed, written
from responder.plan.remedies import PEOPLE, WAIT, Candidate
from responder.plan.remedies.inform_customers import long_outage
from responder.plan.remedy_verdict import effect_is_hidden
from responder.plan.repeated import helped, judged_beside_another
from responder.plan.rest import last_verified, onset_of_rest
from responder.plan.weights import Weights, shipped
from responder.records.incidents import IncidentChange
from responder.records.store import ITEM_CHARACTERS


@dataclass(frozen=True, kw_only=True)
class DiagnoseEvent(StepEvent):
    """What this step is given."""

    confirmation: ConfirmResult


@dataclass(frozen=True)
class DiagnoseResult:
    """What this step returns."""

    cause: str
    confidence: float
    component: str
    onset: float | None
    """When the symptom began, seconds since 1970 (UTC)."""
    summary: str
    unclear: bool
    """Whether another check may show the mechanism, or the cause of the other failures."""
    wait: bool
    """Whether the cause heals by itself."""
    remedies: tuple[RemedyRef, ...]
    """In the order in which they are tried."""


@step("Diagnose the root cause", DiagnoseEvent)
def handler(run: StepRun, event: DiagnoseEvent) -> DiagnoseResult:
    """Judge the cause, record it, and propose remedies."""
    run.keep_evidence()
    record = run.records.load(run.incident)
    reopened_at = record.incident.last_reopened_at
    void = judged_beside_another(record.remedies)
    tried = [remedy for remedy in record.remedies if remedy.status.may_have_run and remedy.number not in void
             and not no_longer_counts(remedy, reopened_at)]
    evidence, weights = record.evidence(), shipped()
    given = DiagnosisInput(
        run.opened_at, _onset(run, record, event.confirmation.onset),
        [(remedy.action, remedy.component) for remedy in tried],
        sum(entry.fact == Diagnosed.NAME for entry in record.timeline), _own(run, record),
        helped(tried, [remedy.number for remedy in tried if effect_is_hidden(run.service, remedy, evidence)]))
    judgement = judge_cause(run.service, evidence, given, weights)
    result = judgement.diagnosis
    _keep(run, record, judgement, _weighed(result, evidence, weights))
    run.note(f"{result.cause} ({wording.share(result.confidence)})", kind="decision", why=result.summary,
               fact=_fact(judgement, given))
    link(run, record, judgement.places)
    proposed = list(judgement.proposed) or long_outage_due(run, event.confirmation, reopened_at, record.remedies)
    return DiagnoseResult(
        result.cause, result.confidence, result.component, event.confirmation.onset, result.summary, unclear(judgement),
        bool(judgement.proposed) and all(p.action == WAIT for p in judgement.proposed),
        to_try(run, event.confirmation, proposed))


def _onset(run: StepRun, record: IncidentRecord, onset: float | None) -> float | None:
    """Return when what is left of the symptom began."""
    remedy = last_verified(record.remedies, record.incident.last_reopened_at)
    if remedy is None or not remedy.applied_at:
        return onset
    return onset_of_rest(run.service, onset, remedy, record.evidence("", remedy.applied_at),
                         record.evidence(remedy.applied_at))


def _fact(judgement: Judgement, given: DiagnosisInput) -> Diagnosed:
    result = judgement.diagnosis
    return Diagnosed(
        result.cause, result.mechanism, result.component, result.ranking,
        tuple(f"{p.action} of {p.component}" for p in judgement.proposed), tuple(result.parts), tuple(result.missing),
        judgement.not_proposed, judgement.attack_signs, given.onset, tuple(given.tried), given.looks,
        judgement.fading, given.opened_at, tuple(given.own), judgement.object, tuple(given.helped))


def unclear(judgement: Judgement) -> bool:
    """Whether more evidence may show the mechanism and so the remedy, or the cause of the other failures."""
    named = judgement.diagnosis.named
    explained = {(hypothesis.component, hypothesis.where) for hypothesis in named}
    return not judgement.proposed and (
        bool(judgement.fading) or any(hypothesis.rivals for hypothesis in named)
        or any((part.component, part.where) not in explained for part in judgement.diagnosis.parts))


def _keep(run: StepRun, record: IncidentRecord, judgement: Judgement, weighed: Sequence[Weighed]) -> None:
    """Record the diagnosis."""
    result = judgement.diagnosis
    cause = Cause(result.cause, result.mechanism, result.component, result.confidence, result.summary, judgement.object)
    change: IncidentChange = {
        "cause": cause, "ranking": result.ranking, "evidence": weighed, "missing": result.missing,
        "not_proposed": [*judgement.not_proposed, *_not_deployed(run, judgement.proposed)],
        "attack_signs": judgement.attack_signs, "places": judgement.places, "diagnosed_at": iso(time.time())}
    verified = [remedy for remedy in record.remedies if remedy.status == RemedyStatus.VERIFIED]
    if judgement.affected:
        # With two faults at once, a component that has recovered meanwhile was still faulty.
        recovered = [remedy.component for remedy in verified if remedy.component
                     and (remedy.verified_at or "") > record.incident.last_reopened_at]
        affected = tuple(dict.fromkeys([*judgement.affected, *recovered]))
        change |= {"affected": affected,
                   "suffering": [name for name in judgement.isolation.impacted if name not in affected]}
    before = record.incident.cause
    if result.cause == "unknown" and before and any(remedy.cause == before.id for remedy in verified):
        change |= {"established_cause": before}
    run.records.update(run.incident, **change)


def _not_deployed(run: StepRun, proposed: Sequence[Candidate]) -> list[Refusal]:
    """Return a refusal for each proposal whose remedy is not deployed for the service."""
    known = {remedy.action for remedy in deployed(run.service.service).remedies} | {WAIT, PEOPLE}
    return [Refusal(p.action, p.component, p.cause, p.mechanism, "it is not deployed for this service")
            for p in proposed if p.action not in known]


def _own(run: StepRun, record: IncidentRecord) -> list[Write]:
    """Return the writes of this incident's remedies, and of earlier incidents' that the ledger may still show."""
    if not claimed(record.evidence()):
        return []
    now = time.time()
    others = dict.fromkeys(done.incident for done in reversed(run.records.executions(
        run.service.service, now - _OWN_SECONDS)) if done.incident != run.incident)
    remedies = [remedy for incident in list(others)[:_OWN_INCIDENTS]
                for remedy in run.records.remedies_of(incident)]
    # The source reports changes from up to an hour before the window.
    return [write for write in written([*remedies, *record.remedies], now)
            if write.end > now - _TOLD_SECONDS][-_MOST_OWN:]


_OWN_SECONDS = 7 * 86400.0
"""A temporary mitigation may be restored days later, and that is the responder's own change too."""
_OWN_INCIDENTS = 20
_TOLD_SECONDS = 4 * 3600.0
_MOST_OWN = 200


def to_try(run: StepRun, confirmation: ConfirmResult, proposed: Sequence[Candidate]) -> tuple[RemedyRef, ...]:
    """Record the proposals, and return them as the state machine takes them, in the order in which they are tried."""
    functions = {remedy.action: remedy for remedy in deployed(run.service.service).remedies}
    failed = {(failure.action, failure.mechanism, failure.component) for failure in run.records.past_failures(
        run.service.service, time.time() - MEMORY_SECONDS, run.incident)} if proposed else set()
    ordered = in_order([p for p in proposed if p.action in functions], functions, failed)
    kept = run.records.keep_proposals(run.incident, run.entered,
                                        [_on_record(p, confirmation) for p in ordered])
    return tuple(RemedyRef(p.action, p.id, functions[p.action].function, p.cause, p.contested) for p in kept)


def _on_record(candidate: Candidate, confirmation: ConfirmResult) -> Proposed:
    """Return a candidate as it is kept; one that is too large for an item is kept without the changes it would restore.

    The remedy then refuses and gives the reason.
    """
    found = candidate.on_record(confirmation.onset, confirmation.kind)
    if len(found.text) > ITEM_CHARACTERS:
        found = candidate.reduced().on_record(confirmation.onset, confirmation.kind)
    return found


def long_outage_due(run: StepRun, confirmation: ConfirmResult, reopened_at: str,
                    remedies: Iterable[Remedy]) -> list[Candidate]:
    """Return the message to customers that is due after a long outage, if none was proposed before."""
    asked = [(remedy.action, "") for remedy in remedies if not no_longer_counts(remedy, reopened_at)]
    return long_outage(run.service, confirmation.onset, time.time(), confirmation.votes or {}, asked)


def no_longer_counts(remedy: Remedy, reopened_at: str) -> bool:
    """Whether a remedy no longer counts: restored, insufficient, or a message from before the last reopening.

    Customers who had a message are kept informed, after a reopening as well: they need no second first message.
    """
    if remedy.restored_at or remedy.insufficient:
        return True
    if remedy.audience and remedy.guardrail == "lease":
        return True  # Another incident tells them; it may have ended meanwhile.
    if remedy.audience == "customers":
        return False
    return remedy.status == RemedyStatus.DONE and (remedy.planned_at or "") < reopened_at


def _weighed(result: Diagnosis, evidence: Evidence, weights: Weights) -> list[Weighed]:
    """Return each signal with the causes that it supports or contradicts, then the sources without an answer, and what
    the others left out."""
    found = [Weighed(signal.source, signal.finding, "ok", signal.sentence, weights.supported_by(signal.id),
                     weights.denied_by(signal.id)) for signal in result.signals]
    failed = {(f.source, f.name, f.status): f for f in evidence.unusable}
    return [*found, *(Weighed(f.source, f.name, f.status, f.note) for f in failed.values()), *_shortened(evidence)]


def _shortened(evidence: Evidence) -> list[Weighed]:
    """Return what the newest answers lack, because there was too much of it: of each kind over all components."""
    lacks: Counter[tuple[str, str]] = Counter()
    for finding in evidence.newest:
        lacks[finding.source, finding.name] += finding.left_out or 0
    return [Weighed(source, name, "ok", f"{count} more of {name.replace('_', ' ')} were left out: there are too many")
            for (source, name), count in sorted(lacks.items()) if count]
