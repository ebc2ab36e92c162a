"""Confirm the incident: two of three sources must agree."""

from __future__ import annotations

import time

from responder.handlers.step import StepEvent, StepRun, step
from responder.model.frozen import dataclass
from responder.model.incident import Incident, SymptomKind
from responder.model.moment import epoch, iso
from responder.plan.answers import Symptoms
from responder.plan.confirm import Confirmation, Vote, confirm, said_by
from responder.plan.decisions import Confirmed
from responder.plan.symptom import Verdict
from responder.plan.wording import source_name

_LATE_SECONDS = 60.0
"""After a minute people are called, whatever the sources say."""


@dataclass(frozen=True, kw_only=True)
class ConfirmEvent(StepEvent):
    """What this step is given."""

    round: int = 1
    """How often the sources have been asked."""


@dataclass(frozen=True)
class ConfirmResult:
    """This step's result; later steps receive it as ``confirmation``."""

    answer: Symptoms | None = None
    """None: nothing has been confirmed yet."""
    kind: SymptomKind = ""
    onset: float | None = None
    """When the symptom began, seconds since 1970 (UTC)."""
    votes: dict[str, Vote] | None = None
    """Source to its vote."""
    late: bool = False
    """Whether people are called although it is not confirmed."""
    verdicts: tuple[Verdict, ...] = ()


@step("Confirm the incident", ConfirmEvent)
def handler(run: StepRun, event: ConfirmEvent) -> ConfirmResult:
    """Decide whether there is an outage: confirmed, false_alarm or inconclusive."""
    run.keep_evidence()
    sources = [answer.source for answer in run.answers]
    before = run.records.find(run.incident)
    recovered_at = epoch(before.recovered_at) if before and before.confirmed else None
    result = confirm(run.service, sources, run.evidence, run.opened_at, recovered_at)
    onset = iso(result.onset) if result.onset else None
    run.note(f"{result.answer.replace('_', ' ')}: {said_by(result.votes)}", kind="decision",
               why="; ".join(f"{source_name(source)}: {reason}" for source, reason in result.reasons.items()),
               fact=Confirmed(result.answer, result.kind, result.votes, tuple(sources), run.opened_at, onset,
                              recovered_at))
    if result.answer != "inconclusive":
        _keep(run, result, onset, before)
    return ConfirmResult(result.answer, result.kind, result.onset, result.votes,
                         time.time() - run.opened_at >= _LATE_SECONDS, result.verdicts)


def _keep(run: StepRun, result: Confirmation, onset: str | None, before: Incident | None) -> None:
    """Record the confirmation."""
    # Signals older than the oldest answer are judged with it.
    ends = [finding.window.end for finding in run.evidence.every if finding.usable and finding.window]
    run.records.update(run.incident, evidence_cutoff=iso(min(ends, default=run.opened_at)))
    if not before or not before.confirmed:
        run.records.update(run.incident, confirmed=result.answer == "confirmed", kind=result.kind,
                             confirmed_at=iso(time.time()), onset=onset)
    elif result.answer == "confirmed":
        # A relapse. Without one, the closed incident had recovered as recorded.
        run.records.update(run.incident, recovery_verified_at=None, recovered_at=None, outcome=None)
