"""Aftercare: decide whether temporary mitigations may be restored once the incident is closed."""

from __future__ import annotations

from responder.handlers.step import StepEvent, StepRun, kill_switch, step
from responder.model.frozen import dataclass
from responder.model.moment import iso, seconds
from responder.model.remedy import Remedy
from responder.model.service import deployed
from responder.plan.aftercare import Care, care, in_place
from responder.plan.answers import Aftercare
from responder.plan.course import Done
from responder.plan.remedies import find

_LEASE_SECONDS = 600.0
"""How long the lease on a target lasts while it is restored."""


@dataclass(frozen=True, kw_only=True)
class AftercareEvent(StepEvent):
    """What this step is given."""

    since: str
    """When the aftercare began, ISO 8601 in UTC."""
    now: str
    """The state machine's clock, ISO 8601 in UTC."""


@dataclass(frozen=True)
class AftercareResult:
    """What this step returns."""

    answer: Aftercare
    reason: str
    items: tuple[Done, ...] = ()
    wait_seconds: int = 0


@step("Is it over?", AftercareEvent)
def handler(run: StepRun, event: AftercareEvent) -> AftercareResult:
    """Decide what is restored now, or when to look again.

    If another execution reopened the incident, its aftercare belongs to that execution and is ``done`` here.
    """
    result = _judged(run, event)
    if result.answer != "put_back":
        # A mitigation that was restored since the last check no longer needs its target's lease.
        for remedy in run.records.remedies_of(run.incident):
            if remedy.lease and (remedy.restored_at or result.answer == "people"):
                run.records.release(remedy.lease, run.incident)
    return result


def _judged(run: StepRun, event: AftercareEvent) -> AftercareResult:
    incident = run.records.find(run.incident)
    if incident is None or incident.cared_by != run.execution or incident.status != "closed":
        return AftercareResult("done", "the incident was opened again")
    remedies = run.records.remedies_of(run.incident)
    gone = {remedy.number: find(remedy.action).reason_gone(
        run.service, remedy.target, remedy.component, remedy.before, remedy.parameters, run.evidence)
        for remedy in in_place(remedies)}
    now, busy = seconds(event.now), run.records.lock(run.service.service) is not None
    found = care(run.service, remedies, gone, now, seconds(event.since), kill_switch(run.service), busy)
    for number, moment in found.since.items():
        run.records.judge_remedy(run.incident, number, condition_cleared_at=moment)
    mine = {remedy.number: remedy for remedy in remedies}
    if found.answer == "put_back":
        return _restored(run, found, [mine[number] for number in found.numbers])
    if found.answer == "people":
        for number in found.numbers:
            run.records.judge_remedy(run.incident, number, left_to_people_at=iso(now))
        return AftercareResult("people", f"{found.reason}: " + "; ".join(
            f"{mine[number].summary} ({mine[number].target})" for number in found.numbers))
    return AftercareResult(found.answer, found.reason, wait_seconds=found.wait_seconds)


def _restored(run: StepRun, found: Care, ripe: list[Remedy]) -> AftercareResult:
    """Return the mitigations to restore, without those whose target another incident has leased."""
    free = [remedy for remedy in ripe if _held(run, remedy)]
    if not free:
        return AftercareResult("waiting", "another incident may change it just now",
                               wait_seconds=run.service.recovery.check_every_seconds)
    for remedy in free:
        run.records.judge_remedy(run.incident, remedy.number, restore_attempts=remedy.restore_attempts + 1)
    run.note(f"to be put back: {', '.join(remedy.summary for remedy in free)}", kind="decision", why=found.reason)
    functions = {remedy.action: remedy.function for remedy in deployed(run.service.service).remedies}
    return AftercareResult("put_back", found.reason, tuple(
        Done.of(remedy, functions[remedy.action]) for remedy in free))


def _held(run: StepRun, remedy: Remedy) -> bool:
    """Take the target's lease again, because it was released when the incident was closed."""
    fence = run.records.hold(remedy.lease, run.incident, _LEASE_SECONDS)
    if fence:
        run.records.judge_remedy(run.incident, remedy.number, fence=fence)
    return bool(fence)
