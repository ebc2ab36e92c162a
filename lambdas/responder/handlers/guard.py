"""Check the guardrails, which no remedy avoids. After people were asked, the check runs again with their answers.

The ruling uses the record only: the plan that the remedy's own function wrote, and the diagnosis that proposes it.
The event can only name a remedy by its number.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from responder.handlers.settings import newest
from responder.handlers.step import StepEvent, StepRun, kill_switch, step
from responder.model.frozen import dataclass
from responder.model.incident import Incident
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.model.service.settings import Stricter, stricter
from responder.plan import remedies
from responder.plan.answers import ByPeople, Ruling
from responder.plan.approvals import needed
from responder.plan.choices import NOTHING, is_as_chosen, said
from responder.plan.customers import told_with
from responder.plan.decisions import Ruled
from responder.plan.guardrails import (
    MEMORY_SECONDS,
    GuardrailRequest,
    RecentRemedy,
    Situation,
    failed_before,
    insufficient,
    rule,
)
from responder.plan.neighbours import OF_NEIGHBOURS, is_shared, keeps, object_of, tells_customers
from responder.plan.repeated import judged_beside_another
from responder.records.tasks import Tasks

_HOUR_SECONDS = 3600.0
_STATUS: dict[Ruling, RemedyStatus] = {
    "permitted": RemedyStatus.PERMITTED, "approval": RemedyStatus.WAITING, "observe": RemedyStatus.OBSERVED,
    "refused": RemedyStatus.REFUSED, "rejected": RemedyStatus.REJECTED}
_UNDECIDED = frozenset({RemedyStatus.PLANNED, *_STATUS.values()})
"""Statuses of a remedy that has not begun; a new ruling may replace the last one."""


class NoPlan(Exception):
    """The record has no plan to rule on."""


@dataclass(frozen=True, kw_only=True)
class GuardEvent(StepEvent):
    """What this step is given."""

    number: int
    """1-based position of the remedy among the incident's."""
    asked: bool = False
    """Whether people were asked; the record has their answers."""
    question: int = 0
    """The number of the remedy that they were asked about; another one where they chose a value for it, 0: this one."""


@dataclass(frozen=True)
class GuardResult:
    """What this step returns."""

    ruling: Ruling
    guardrail: str
    """The guardrail that refused the remedy, or that requires an approval or allows only an observation."""
    reason: str
    value: int | None = None
    """The value that people chose with their yes; None: they chose none, or it is in the plan."""
    other: str = ""
    """The id of the proposal that people want first instead; empty: none."""


@step("Check the guardrails", GuardEvent)
def handler(run: StepRun, event: GuardEvent) -> GuardResult:
    """Rule on a remedy, and record the ruling."""
    number, service = event.number, run.service
    remedies = run.records.remedies_of(run.incident)
    remedy = next((one for one in remedies if one.number == number), None)
    if remedy is None:
        raise NoPlan(f"remedy {number} of {run.incident} has no plan on record")
    others = [one for one in remedies if one.number != number]
    request = _request(run, remedy, others, event.asked)
    incident = run.records.find(run.incident)
    target = _lease(service, incident, remedy, request)
    # A closed incident releases the lease sooner.
    fence = run.records.hold(target, run.incident, service.remedy_seconds) if target else 0
    asked_about = next((one for one in others if one.number == event.question), remedy)
    answer = _answer(run, remedy, asked_about) if event.asked else _NOT_ASKED
    taken = bool(target) and not fence
    holder = run.records.holder(target) if taken else ""
    situation = _situation(run, incident, remedy, others, request, answer, _Neighbours(
        taken, holder, _for_all(run, remedy, target)))
    verdict = rule(service, request, situation)
    status = _STATUS[verdict.ruling]
    if remedy.status in _UNDECIDED:
        run.records.judge_remedy(run.incident, number, action=remedy.action, status=status,
                                   guardrail=verdict.guardrail, reason=verdict.reason, ruled_on=remedy.digest,
                                   decided_by=verdict.decided_by, lease=target, fence=fence)
        if verdict.ruling == "permitted" and not request.tells:
            run.records.executed(service.service, run.incident, remedy)
            if is_shared(remedy.target):
                run.records.executed(target, run.incident, remedy)
    if fence and verdict.ruling not in ("permitted", "approval") and not keeps(
            target, ((one.lease or "", one.status.may_have_run) for one in others)):
        # Another service's incident may remediate what this one may not.
        run.records.release(target, run.incident)
    if verdict.guardrail in OF_NEIGHBOURS:
        _waits(run, incident, remedy, holder)
    run.note(f"{remedy.action} on {remedy.target}: {status}", kind="decision", by=verdict.decided_by,
               why=verdict.reason,
               fact=Ruled(verdict.ruling, verdict.guardrail, request, situation, remedy.summary))
    return GuardResult(verdict.ruling, verdict.guardrail, verdict.reason, answer.value, answer.other)


def _lease(service: Service, incident: Incident | None, remedy: Remedy, request: GuardrailRequest) -> str:
    """Return the lease that a remedy needs: of what it changes; of telling customers where others may tell the same.

    Empty: it needs none.
    """
    if not request.tells:
        return object_of(service, remedy.target)
    if remedy.audience != "customers" or incident is None or not incident.places:
        return ""
    return tells_customers(incident.places[0], service)


def _for_all(run: StepRun, remedy: Remedy, target: str) -> tuple[RecentRemedy, ...]:
    """Return what incidents of other services have applied lately to the same object."""
    if not is_shared(remedy.target):
        return ()
    since = time.time() - run.service.guardrails.cooldown_seconds
    return tuple(RecentRemedy(done.at, done.action, done.target, done.incident)
                 for done in run.records.executions(target, since) if done.incident != run.incident)


def _waits(run: StepRun, incident: Incident | None, remedy: Remedy, holder: str) -> None:
    """Put on the timeline of the incident that leads that this one waits for it; its own has the ruling."""
    if not holder:
        return
    who = f"{run.name} ({run.service.service})"
    if remedy.audience and incident:
        run.records.note(holder, run.entered, who, f"customers of {run.service.service} are told with this incident",
                         why=f"incident {run.incident} has the same cause",
                         fact=told_with(run.service, incident))
    else:
        run.records.note(holder, run.entered, who, f"incident {run.incident} waits for this one",
                         why=f"both depend on {remedy.target}, and one of them changes it")


def _request(run: StepRun, remedy: Remedy, others: Sequence[Remedy], asked: bool) -> GuardrailRequest:
    """Return the request for a ruling, from the record only."""
    proposed = run.records.proposed(run.incident, remedy.proposal)
    if proposed and (proposed.action, proposed.component) != (remedy.action, remedy.component):
        proposed = None
    return GuardrailRequest(
        remedy.action, remedy.target,
        # A remedy that no diagnosis proposes has no confidence and no sources, and is refused.
        proposed.confidence if proposed else 0.0, proposed.sources if proposed else (),
        remedy.refusal, bool(remedy.audience), insufficient(others, remedy.action, remedy.target) is not None,
        run.incident if _tries_again(remedy, others) else "",
        mechanism=remedy.mechanism, component=remedy.component, reversible=remedies.can_be_undone(remedy.action),
        contested=bool(proposed and proposed.contested), unsound=_unsound(remedy, asked), cause=remedy.cause,
        either_change=bool(proposed and proposed.either_change))


def _tries_again(remedy: Remedy, others: Sequence[Remedy]) -> bool:
    void = judged_beside_another(others)
    return any(one.number in void and (one.action, one.target) == (remedy.action, remedy.target) for one in others)


def _unsound(remedy: Remedy, asked: bool) -> str:
    """Return why a recorded plan cannot be trusted; empty where it can."""
    if remedy.disputed:
        return f"several functions wrote a plan under number {remedy.number}: {', '.join(remedy.disputed)}"
    if asked and remedy.ruled_on not in (None, remedy.digest):
        return "its plan is not the one that people were asked about"
    return ""


@dataclass(frozen=True)
class _Neighbours:
    """What other incidents do to the same object."""

    change_it: bool
    holder: str
    """The incident that changes it; empty: none, or not known."""
    done: tuple[RecentRemedy, ...]
    """What they have applied lately."""


def _situation(run: StepRun, incident: Incident | None, remedy: Remedy, others: Sequence[Remedy],
               request: GuardrailRequest, answer: _Answer, neighbours: _Neighbours) -> Situation:
    now, service = time.time(), run.service
    recent = tuple(RecentRemedy(done.at, done.action, done.target, done.incident)
                   for done in run.records.executions(service.service, now - max(
                       _HOUR_SECONDS, service.guardrails.cooldown_seconds))
                   if (done.incident, done.number) != (run.incident, remedy.number))
    return Situation(
        now, kill_switch(service), tuple(one.action for one in others
                                         if one.status.may_have_run and one.status != RemedyStatus.DONE), recent,
        neighbours.change_it, answer.said, answer.by, attack=incident.attack_signs if incident else (),
        failed_before="" if request.tells else failed_before(
            run.records.past_failures(service.service, now - MEMORY_SECONDS, run.incident),
            request.action, request.mechanism, request.component),
        stricter=_stricter(service, request.action), held_by=neighbours.holder, for_all=neighbours.done)


def _stricter(service: Service, action: str) -> Stricter | None:
    """What was made stricter since the incident began; settings that cannot be read make nothing stricter."""
    now = newest(service)
    return None if now.problem else stricter(service, now.service, action, now.version)


@dataclass(frozen=True)
class _Answer:
    """What people said to a remedy."""

    said: ByPeople = ""
    by: str = ""
    """Who said it; of none, why there is none."""
    value: int | None = None
    """The value that they chose with their yes, and that is still to be planned."""
    other: str = ""
    """The id of the proposal that they want first instead."""


_NOT_ASKED = _Answer()


def _answer(run: StepRun, remedy: Remedy, asked_about: Remedy) -> _Answer:
    """Return people's answer, and the people who gave it.

    The event says only that people were asked, and about which remedy; the table has their answer. A yes with another
    value holds for a plan with that value alone, and a yes without one for the very plan that they were asked about.
    """
    task = Tasks(run.records).get(run.incident, f"{asked_about.number:02d}")
    if task is None:
        return _Answer("none", "nobody could be asked")
    wanted = needed(run.service, remedy.action)
    if task.decision == "approve" and wanted > 1 and task.approved_with(task.value) < wanted:
        return _Answer("none", f"{task.approved} of {wanted} people have approved it")
    who = task.decided_by
    if task.chosen != NOTHING:
        who = f"{who}, who {said(asked_about, run.records.load(run.incident), task.chosen)}"
    if asked_about.number != remedy.number:
        if task.decision == "approve" and is_as_chosen(asked_about, task.value, remedy):
            return _Answer("approve", who)
        return _Answer("none", "its plan is not the one that people chose")
    if task.decision == "approve" and task.value is not None:
        return _Answer("reject", who, task.value)
    if task.decision == "instead":
        return _Answer("reject", who, other=task.other)
    return _Answer("approve" if task.decision == "approve" else "reject" if task.decision == "reject" else "none", who)
