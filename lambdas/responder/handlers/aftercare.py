"""Look after what was done for the time being, once the incident is closed: may it be put back?"""

from __future__ import annotations

from typing import Any

from responder.handlers.step import Step, kill_switch, step
from responder.model.finding import typed
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
        for entry in visit.records.actions(visit.incident):
            if entry.get("lease") and (entry.get("put_back_at") or answer["answer"] == "people"):
                visit.records.release(entry["lease"], visit.incident)
    return answer


def _judged(visit: Step) -> dict[str, Any]:
    item = visit.records.incident(visit.incident) or {}
    if item.get("cared_by") != visit.event["incident"].get("execution") or item.get("status") != "closed":
        return _answer("done", "the incident was opened again")
    records = visit.records.actions(visit.incident)
    evidence = typed(visit.findings)
    over = {int(entry["number"]): find(entry["action"]).reason_gone(
        visit.service, entry["target"], entry["component"], entry["before"], entry["parameters"], evidence)
        for entry in in_place(records)}
    now, began = seconds(visit.event["now"]), seconds(visit.event["since"])
    busy = visit.records.item(f"SERVICE#{visit.service.service}", "OPEN") is not None
    result = care(visit.service, records, over, now, began, kill_switch(visit.service), busy)
    for number, moment in (result.since or {}).items():
        visit.records.judge_action(visit.incident, number, over_since=moment)
    mine = {int(entry["number"]): entry for entry in records}
    if result.answer == "put_back":
        free = [number for number in result.numbers if _held(visit, mine[number])]
        if not free:
            return _answer("waiting", "another incident may change it just now",
                           wait=visit.service.recovery.check_every_seconds)
        for number in free:
            visit.records.judge_action(visit.incident, number,
                                     put_back_tries=int(mine[number].get("put_back_tries") or 0) + 1)
        visit.note(f"to be put back: {', '.join(mine[number]['summary'] for number in free)}", kind="decision",
                   why=result.reason)
        return _answer("put_back", result.reason, [_remedy(visit, mine[number]) for number in free])
    if result.answer == "people":
        for number in result.numbers:
            visit.records.judge_action(visit.incident, number, left_to_people_at=iso(now))
        return _answer("people", f"{result.reason}. To be put back by hand: " + "; ".join(
            f"{mine[number]['summary']} ({mine[number]['target']})" for number in result.numbers))
    return _answer(result.answer, result.reason, wait=result.wait_seconds)


def _held(visit: Step, entry: dict[str, Any]) -> bool:
    """Take the target's lease anew, for it was given back when the incident was closed."""
    fence = visit.records.hold(entry["lease"], visit.incident, 600.0)
    if fence:
        visit.records.judge_action(visit.incident, int(entry["number"]), fence=fence)
    return bool(fence)


def _remedy(visit: Step, entry: dict[str, Any]) -> dict[str, Any]:
    """What the state machine hands to the remedy's function, as the diagnosis did."""
    functions = {remedy.action: remedy.function for remedy in deployed(visit.service.service).remedies}
    return {"number": int(entry["number"]), "remedy": {
        "action": entry["action"], "id": entry.get("proposal") or "", "function": functions[entry["action"]]}}


def _answer(answer: str, reason: str, items: list[dict[str, Any]] | None = None, wait: int = 0) -> dict[str, Any]:
    return {"answer": answer, "reason": reason, "items": items or [], "wait_seconds": wait}
