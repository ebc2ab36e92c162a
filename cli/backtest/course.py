"""The course of one past incident: the plan's decisions over what the sources answer as of then.

Which step follows is ``plan/next_step.py``'s word, as for the state machine. It ends where a remedy would be applied:
what would have come after that did not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from cli.backtest.outcome import Case, Moment, Proposed, Ruling, Vote, said
from responder.handlers.diagnose import unclear
from responder.model.codec import Json, encode
from responder.model.evidence import Detail, Evidence, Finding
from responder.model.incident import Hypothesis, SourceAnswer
from responder.model.moment import iso, seconds
from responder.model.service import Remedy, Service
from responder.plan import remedies, wording
from responder.plan.confirm import Confirmation, confirm
from responder.plan.course import Course, Following, RemedyRef, Settings, State
from responder.plan.decide import DiagnosisInput, Judgement, judge_cause
from responder.plan.failure_modes import FailureMode
from responder.plan.guardrails import RELEASED, GuardrailRequest, Situation, in_order, rule
from responder.plan.isolate import isolate
from responder.plan.next_step import next_step
from responder.plan.recovery import judge, slow_until
from responder.plan.remedies import WAIT, Candidate
from responder.plan.weights import Weights
from responder.sources import Phase

OPENED_SECONDS = 1.0
"""Seconds from the alarm until the sources are asked: the median of the recorded incidents."""
STEP_SECONDS = 1.0
"""Seconds from one state to the next, by the same."""
GATHER_SECONDS = 3.0
_MOST_LOOKS = 200
_FAILOVER_SECONDS = 180.0
_RULINGS: Mapping[str, Ruling] = {"permitted": "run", "approval": "ask"}


class Ask(Protocol):
    """Asks the sources of a phase with a past time as the present; ``asking.AsOf`` is one."""

    def __call__(self, phase: Phase, now: float, since: float | None = None) -> Sequence[SourceAnswer]:
        """Return the sources' answers; times are seconds since 1970 (UTC)."""


@dataclass(frozen=True)
class Judged:
    """What the decisions are made with."""

    service: Service
    deployed: Mapping[str, Remedy]
    """The remedies that its policy allows, by their action."""
    weights: Weights


@dataclass
class _Run:
    """One incident's course so far."""

    by: Judged
    moment: Moment
    ask: Ask
    now: float
    """Seconds since 1970 (UTC), as are all times here."""
    evidence: list[Finding[Detail]] = field(default_factory=list)
    confirmation: Confirmation | None = None
    decided_at: float | None = None
    judgement: Judgement | None = None
    cause_at: float | None = None
    looks: int = 0
    progress: str = ""

    @property
    def opened_at(self) -> float:
        return seconds(self.moment.at)

    def collect(self, phase: Phase, since: float | None = None) -> tuple[list[str], Evidence]:
        """Ask the sources of a phase, and return their names and what they found."""
        answers = self.ask(phase, self.now, since)
        found = [finding for answer in answers for finding in answer.findings]
        self.evidence += found
        return [answer.source for answer in answers], Evidence(found)


def run(by: Judged, moment: Moment, ask: Ask) -> Case:
    """Return what would have been decided in a past incident; raises what ``ask`` raises."""
    service = by.service
    one = _Run(by, moment, ask, seconds(moment.at) + OPENED_SECONDS)
    following = Following(State.VERIFY, Course(Settings(
        service.confirm.looks, service.confirm.look_wait_seconds, service.confirm.rounds,
        service.confirm.round_wait_seconds, service.recovery.check_every_seconds)))
    for _ in range(_MOST_LOOKS):
        step = _STEPS.get(following.state)
        if step is None:
            break
        following = step(one, following.course)
    return _case(one, following)


def _wait(one: _Run, course: Course) -> Following:
    one.now += course.wait
    return Following(State.VERIFY, course)


def _verify(one: _Run, course: Course) -> Following:
    asked, evidence = one.collect("confirm")
    one.confirmation = confirm(one.by.service, asked, evidence, one.opened_at)
    one.now += STEP_SECONDS
    if one.confirmation.answer != "inconclusive":
        one.decided_at = one.now
    return _next(one, course, "confirm", {"answer": one.confirmation.answer, "late": False})


def _identify(one: _Run, course: Course) -> Following:
    _, evidence = one.collect("isolate")
    isolate(one.by.service, one.confirmation.verdicts if one.confirmation else (), evidence)
    one.now += STEP_SECONDS
    return _next(one, course, "isolate", {})


def _gather(one: _Run, course: Course) -> Following:
    one.collect("diagnose")
    one.now += GATHER_SECONDS
    made = judge_cause(one.by.service, Evidence(one.evidence), DiagnosisInput(
        one.opened_at, one.confirmation.onset if one.confirmation else None, looks=one.looks), one.by.weights)
    one.judgement, one.looks = made, one.looks + 1
    if made.diagnosis.named:
        one.cause_at = one.cause_at or one.now
    else:
        one.cause_at = None
    return _next(one, course, "diagnose", {
        "cause": made.diagnosis.cause, "summary": made.diagnosis.summary, "unclear": unclear(made),
        "wait": bool(made.proposed) and all(candidate.action == WAIT for candidate in made.proposed),
        "remedies": [encode(RemedyRef(candidate.action, str(place), "", candidate.cause, candidate.contested))
                     for place, candidate in enumerate(_to_try(one))]})


def _watch(one: _Run, course: Course) -> Following:
    """Wait, and look at the recovery, while no cause stands out or the cause heals by itself."""
    one.now += course.wait
    since = seconds(course.since) if course.since else one.now
    _, evidence = one.collect("watch", seconds(course.changed_since) if course.changed_since else None)
    service = one.by.service
    kind = one.confirmation.kind if one.confirmation else ""
    give_up_seconds: float = service.recovery.give_up_seconds
    if course.watching == "remedy":
        give_up_seconds = min(give_up_seconds, _FAILOVER_SECONDS)
    slow = slow_until(service, Evidence(one.evidence)) if kind == "degraded_latency" else None
    found = judge(service, evidence, one.now, since, give_up_seconds, False, slow, kind == "declined_payments")
    one.progress = found.answer
    return _next(one, course, "monitor", {
        "answer": found.answer, "reason": found.reason, "remind": False, "due": [], "number": 0,
        "wait_seconds": found.wait_seconds or service.recovery.check_every_seconds})


def _inform(one: _Run, course: Course) -> Following:
    return Following(State.WATCH, course)


def _next(one: _Run, course: Course, step: str, result: Mapping[str, Json]) -> Following:
    return next_step(course, step, result, iso(one.now))


_STEPS: Mapping[State, Callable[[_Run, Course], Following]] = {
    State.WAIT_TO_VERIFY: _wait, State.VERIFY: _verify, State.IDENTIFY: _identify, State.GATHER: _gather,
    State.WATCH: _watch, State.INFORM: _inform}


def _to_try(one: _Run) -> list[Candidate]:
    made, deployed = one.judgement, one.by.deployed
    return in_order([p for p in made.proposed if p.action in deployed], deployed) if made else []


def _ruled(one: _Run) -> tuple[Proposed, ...]:
    """Return each remedy with what the policy says of it, as if those before it had been applied."""
    found: list[Proposed] = []
    done: list[str] = []
    signs = one.judgement.attack_signs if one.judgement else ()
    for candidate in _to_try(one):
        remedy = remedies.find(candidate.action)
        verdict = rule(one.by.service, GuardrailRequest(
            candidate.action, candidate.component, candidate.confidence, candidate.sources, tells=bool(remedy.audience),
            mechanism=candidate.mechanism, component=candidate.component, reversible=remedy.reversible,
            contested=candidate.contested, cause=candidate.cause, either_change=candidate.either_change),
            Situation(one.now, RELEASED, done=tuple(done), attack=signs))
        ruling = _RULINGS.get(verdict.ruling, "refuse")
        if ruling == "run" and not remedy.audience:
            done.append(candidate.action)
        found.append(Proposed(candidate.action, candidate.component, candidate.confidence, ruling,
                              verdict.reason.removesuffix(": people are asked"), verdict.guardrail))
    return tuple(found)


def _case(one: _Run, following: Following) -> Case:
    confirmed, made, opened = one.confirmation, one.judgement, one.opened_at
    if confirmed is None:
        return Case(one.moment, "backtest", "inconclusive", (), None, ending="it was not looked at")
    case = Case(
        one.moment, "backtest", confirmed.answer,
        tuple(Vote(source, vote, confirmed.reasons[source]) for source, vote in confirmed.votes.items()),
        None if one.decided_at is None else round(one.decided_at - opened, 1), confirmed.kind,
        iso(confirmed.onset) if confirmed.onset else "", ending=_ending(one, following),
        not_known=_missing(Evidence(one.evidence)))
    if made is None:
        return case
    found = made.diagnosis
    named = bool(found.named)
    return replace(
        case, faulty=tuple(made.affected), failure_modes=tuple(map(told, found.parts)), cause=found.cause,
        mechanism=found.mechanism, component=found.component,
        confidence=found.confidence if named else found.ranking[0].confidence if found.ranking else None,
        likeliest="" if named else likeliest(found.ranking),
        cause_after_seconds=round(one.cause_at - opened, 1) if named and one.cause_at else None,
        summary=found.summary, remedies=_ruled(one), not_known=tuple(found.missing),
        not_proposed=tuple(remedies.sentence(refusal) for refusal in made.not_proposed))


def _missing(evidence: Evidence) -> tuple[str, ...]:
    return tuple(sorted({f"{wording.source_name(finding.source)}: {finding.note or finding.status}"
                         for finding in evidence.unusable}))


def likeliest(ranking: Sequence[Hypothesis]) -> str:
    """Return the first hypothesis of a ranking for which anything speaks; empty where there is none."""
    first = next((one for one in ranking[:1] if one.evidence_for), None)
    return said(first.cause, first.mechanism, first.component) if first else ""


def told(mode: FailureMode) -> str:
    """Say where a part of the failures arises: "payment-gateway: 93 %, provider:primary"."""
    return f"{mode.component}: {wording.share(mode.share)}{' slow' if mode.slow else ''}, {mode.where}"


def _ending(one: _Run, following: Following) -> str:
    match following.state:
        case State.PLAN:
            return "the first remedy would have been planned"
        case State.ESCALATE:
            return "people would have been paged to take over"
        case State.STAND_DOWN if one.progress == "recovered":
            return "it recovered before anything was done"
        case State.STAND_DOWN:
            return "nobody would have been woken"
    return "it was followed no further"
