"""Monitor the recovery: decide whether the symptom has been gone for long enough."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import field
from typing import Literal

from responder.handlers.confirm import ConfirmResult
from responder.handlers.diagnose import long_outage_due, to_try
from responder.handlers.step import StepEvent, StepRun, step
from responder.model.frozen import dataclass
from responder.model.incident import Remedy, RemedyStatus
from responder.model.moment import iso, seconds
from responder.plan.answers import Recovery
from responder.plan.course import RemedyRef
from responder.plan.decisions import Watched
from responder.plan.recovery import Progress, judge, slow_until
from responder.plan.remedy_verdict import verdict
from responder.records.incidents import IncidentChange
from responder.records.remedies import RemedyJudgement
from responder.records.tasks import Tasks

_FAILOVER_SECONDS = 180.0
"""How long to wait where no remedy is needed, which is for a database standby that takes over: it needs one or two
minutes (RDS User Guide, "Multi-AZ DB instance deployments"). A longer outage has another cause."""


@dataclass(frozen=True, kw_only=True)
class MonitorEvent(StepEvent):
    """What this step is given."""

    watching: Literal["remedy", "people", "look"]
    """Whether a remedy is watched, or people's work (for longer), or one check is made."""
    since: str
    """When watching began, ISO 8601 in UTC."""
    now: str
    """The state machine's clock, ISO 8601 in UTC."""
    changed: bool = False
    """Whether a remedy has changed something."""
    confirmation: ConfirmResult = field(default_factory=ConfirmResult)


@dataclass(frozen=True)
class MonitorResult:
    """What this step returns."""

    answer: Recovery
    reason: str
    error_rate: float | None
    wait_seconds: int
    """After how many seconds to check again."""
    remind: bool
    """Whether a person with a task is to be reminded."""
    due: tuple[RemedyRef, ...]
    """The message to customers that is due now."""
    number: int
    """The number of the remedy in ``due``; 0 where there is none."""


@step("Monitor the recovery", MonitorEvent)
def handler(run: StepRun, event: MonitorEvent) -> MonitorResult:
    """Judge the recovery: recovered, waiting, worse, or not_helped once the time is up."""
    now, since = seconds(event.now), seconds(event.since)
    give_up_seconds = _give_up_seconds(run, event)
    # Every check is evidence for the chart; the timeline has only the checks that decide something.
    run.keep_evidence()
    incident, remedies = run.records.require(run.incident), run.records.remedies_of(run.incident)
    changed, slow = event.watching == "remedy" and event.changed, None
    declines = incident.kind == "declined_payments"
    if incident.kind == "degraded_latency":
        slow = slow_until(run.service, run.looks)
    progress = judge(run.service, run.evidence, now, since, give_up_seconds, changed, slow, declines)
    if progress.answer != "waiting":
        _keep(run, remedies, progress, now)
        run.note(progress.answer.replace("_", " "), kind="decision", why=progress.reason,
                   fact=Watched(progress.answer, now, since, give_up_seconds, changed, slow, progress.error_rate,
                              declines))
    people = event.watching == "people"
    due = to_try(run, event.confirmation, long_outage_due(
        run, event.confirmation, incident.last_reopened_at, remedies)) if people else ()
    return MonitorResult(progress.answer, progress.reason, progress.error_rate,
                         progress.wait_seconds or run.service.recovery.check_every_seconds,
                         people and _reminder_due(run), due,
                         run.records.next_number(run.incident) if due else 0)


def _give_up_seconds(run: StepRun, event: MonitorEvent) -> float:
    """Return how long to watch before the remedy counts as failed."""
    recovery = run.service.recovery
    if event.watching == "people":
        return recovery.watch_after_escalation_seconds
    if event.watching == "remedy" and not event.changed:
        return min(recovery.give_up_seconds, _FAILOVER_SECONDS)
    return recovery.give_up_seconds


def _keep(run: StepRun, remedies: Sequence[Remedy], progress: Progress, now: float) -> None:
    """Record the verdict, and which remedies helped."""
    recovered = progress.answer == "recovered"
    change: IncidentChange = {"watched_until": iso(time.time())}
    if recovered:
        change |= {"recovery_verified_at": iso(time.time()), "evidence_cutoff": iso(now),
                   "recovered_at": iso(progress.well_since) if progress.well_since else None}
    run.records.update(run.incident, **change)
    # A remedy that did not help in time, and was kept, may have helped since.
    judged = [remedy for remedy in remedies if remedy.status == RemedyStatus.APPLIED or remedy.kept]
    for remedy in judged:
        found = verdict(run.service, remedy, progress, run.looks, run.evidence, now)
        if found:
            judgement: RemedyJudgement = {"status": found.status, "reason": found.reason}
            if found.status is RemedyStatus.VERIFIED:
                judgement |= {"verified_at": iso(time.time())}
            run.records.judge_remedy(run.incident, remedy.number, **judgement)


def _reminder_due(run: StepRun) -> bool:
    tasks = Tasks(run.records)
    return any(tasks.due(task, time.time(), run.service.approval.remind_seconds)
               for task in tasks.open_of(run.incident))
