"""Look after what was done for the time being, once the incident is closed: may it be put back?"""

from __future__ import annotations

from typing import Any

from responder.handlers.step import Step, kill_switch, step
from responder.model.finding import typed
from responder.model.remedy import Remedy
from responder.model.service import deployed
from responder.plan.aftercare import care, in_place
from responder.plan.remedies import find
from responder.records.table import iso, seconds


@step("Is it over?")
def handler(visit: Step) -> dict[str, Any]:
    """Return ``answer`` (waiting, put_back, people, done), ``items`` of what is to be put back, and ``wait_seconds``.

    An incident that was opened again is cared for by the execution that did so: then it is ``done`` here.
    """
    answer = _judged(visit)
    if answer["answer"] != "put_back":
        # What was put back since the last look needs its target's lease no more.
        for remedy in _remedies(visit):
            if remedy.lease and (remedy.restored_at or answer["answer"] == "people"):
                visit.records.release(remedy.lease, visit.incident)
    return answer


def _judged(visit: Step) -> dict[str, Any]:
    item = visit.records.incident(visit.incident) or {}
    if item.get("cared_by") != visit.event["incident"].get("execution") or item.get("status") != "closed":
        return _answer("done", "the incident was opened again")
    remedies = _remedies(visit)
    evidence = typed(visit.findings)
    gone = {remedy.number: find(remedy.action).reason_gone(
        visit.service, remedy.target, remedy.component, remedy.before, remedy.parameters, evidence)
        for remedy in in_place(remedies)}
    now, began = seconds(visit.event["now"]), seconds(visit.event["since"])
    busy = visit.records.item(f"SERVICE#{visit.service.service}", "OPEN") is not None
    result = care(visit.service, remedies, gone, now, began, kill_switch(visit.service), busy)
    for number, moment in result.since.items():
        visit.records.judge_action(visit.incident, number, over_since=moment)
    mine = {remedy.number: remedy for remedy in remedies}
    if result.answer == "put_back":
        free = [number for number in result.numbers if _held(visit, mine[number])]
        if not free:
            return _answer("waiting", "another incident may change it just now",
                           wait=visit.service.recovery.check_every_seconds)
        for number in free:
            visit.records.judge_action(visit.incident, number,
                                     put_back_tries=mine[number].restore_attempts + 1)
        visit.note(f"to be put back: {', '.join(mine[number].summary for number in free)}", kind="decision",
                   why=result.reason)
        return _answer("put_back", result.reason, [_remedy(visit, mine[number]) for number in free])
    if result.answer == "people":
        for number in result.numbers:
            visit.records.judge_action(visit.incident, number, left_to_people_at=iso(now))
        return _answer("people", f"{result.reason}. To be put back by hand: " + "; ".join(
            f"{mine[number].summary} ({mine[number].target})" for number in result.numbers))
    return _answer(result.answer, result.reason, wait=result.wait_seconds)


def _remedies(visit: Step) -> list[Remedy]:
    return [Remedy.of(item) for item in visit.records.actions(visit.incident)]


def _held(visit: Step, remedy: Remedy) -> bool:
    """Take the target's lease anew, for it was given back when the incident was closed."""
    fence = visit.records.hold(remedy.lease, visit.incident, 600.0)
    if fence:
        visit.records.judge_action(visit.incident, remedy.number, fence=fence)
    return bool(fence)


def _remedy(visit: Step, remedy: Remedy) -> dict[str, Any]:
    """Return what the state machine hands to the remedy's function, as the diagnosis did."""
    functions = {deployed_.action: deployed_.function for deployed_ in deployed(visit.service.service).remedies}
    return {"number": remedy.number, "remedy": {
        "action": remedy.action, "id": remedy.proposal, "function": functions[remedy.action]}}


def _answer(answer: str, reason: str, items: list[dict[str, Any]] | None = None, wait: int = 0) -> dict[str, Any]:
    return {"answer": answer, "reason": reason, "items": items or [], "wait_seconds": wait}
