"""Aftercare: decide whether temporary mitigations may be restored once the incident is closed."""

from __future__ import annotations

from responder.handlers.step import Step, StepEvent, kill_switch, step
from responder.model.frozen import dataclass
from responder.model.moment import iso, seconds
from responder.model.remedy import Remedy
from responder.model.service import deployed
from responder.plan.aftercare import Care, care, in_place
from responder.plan.answers import Aftercare
from responder.plan.course import Done, RemedyRef
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
def handler(visit: Step, event: AftercareEvent) -> AftercareResult:
    """Decide what is restored now, or when to look again.

    If another execution reopened the incident, its aftercare belongs to that execution and is ``done`` here.
    """
    result = _judged(visit, event)
    if result.answer != "put_back":
        # A mitigation that was restored since the last check no longer needs its target's lease.
        for remedy in visit.records.remedies_of(visit.incident):
            if remedy.lease and (remedy.restored_at or result.answer == "people"):
                visit.records.release(remedy.lease, visit.incident)
    return result


def _judged(visit: Step, event: AftercareEvent) -> AftercareResult:
    incident = visit.records.find(visit.incident)
    if incident is None or incident.cared_by != visit.execution or incident.status != "closed":
        return AftercareResult("done", "the incident was opened again")
    remedies = visit.records.remedies_of(visit.incident)
    gone = {remedy.number: find(remedy.action).reason_gone(
        visit.service, remedy.target, remedy.component, remedy.before, remedy.parameters, visit.evidence)
        for remedy in in_place(remedies)}
    now, busy = seconds(event.now), visit.records.lock(visit.service.service) is not None
    found = care(visit.service, remedies, gone, now, seconds(event.since), kill_switch(visit.service), busy)
    for number, moment in found.since.items():
        visit.records.judge_remedy(visit.incident, number, condition_cleared_at=moment)
    mine = {remedy.number: remedy for remedy in remedies}
    if found.answer == "put_back":
        return _restored(visit, found, [mine[number] for number in found.numbers])
    if found.answer == "people":
        for number in found.numbers:
            visit.records.judge_remedy(visit.incident, number, left_to_people_at=iso(now))
        return AftercareResult("people", f"{found.reason}. To be put back by hand: " + "; ".join(
            f"{mine[number].summary} ({mine[number].target})" for number in found.numbers))
    return AftercareResult(found.answer, found.reason, wait_seconds=found.wait_seconds)


def _restored(visit: Step, found: Care, ripe: list[Remedy]) -> AftercareResult:
    """Return the mitigations to restore, without those whose target another incident has leased."""
    free = [remedy for remedy in ripe if _held(visit, remedy)]
    if not free:
        return AftercareResult("waiting", "another incident may change it just now",
                               wait_seconds=visit.service.recovery.check_every_seconds)
    for remedy in free:
        visit.records.judge_remedy(visit.incident, remedy.number, restore_attempts=remedy.restore_attempts + 1)
    visit.note(f"to be put back: {', '.join(remedy.summary for remedy in free)}", kind="decision", why=found.reason)
    functions = {remedy.action: remedy.function for remedy in deployed(visit.service.service).remedies}
    return AftercareResult("put_back", found.reason, tuple(
        Done(remedy.number, RemedyRef(remedy.action, remedy.proposal, functions[remedy.action])) for remedy in free))


def _held(visit: Step, remedy: Remedy) -> bool:
    """Take the target's lease again, because it was released when the incident was closed."""
    fence = visit.records.hold(remedy.lease, visit.incident, _LEASE_SECONDS)
    if fence:
        visit.records.judge_remedy(visit.incident, remedy.number, fence=fence)
    return bool(fence)
