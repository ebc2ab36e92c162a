"""Stand down, escalate, or leave to people what is still to be done: the record is kept and people are told."""

from __future__ import annotations

import time
from typing import Any

from responder import people
from responder.handlers.inform import call, customer_message, customers_know
from responder.handlers.notify import notify, told
from responder.handlers.step import Step, step
from responder.model.incident import Incident, IncidentRecord
from responder.model.remedy import Remedy
from responder.people import Kind, Message
from responder.plan.aftercare import in_place
from responder.plan.refusals import not_done
from responder.plan.updates import called, hotfix, reopenings, update
from responder.records.table import iso


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Escalate, stand down, or leave it to people, as ``operation`` says."""
    return _OPERATIONS[event["operation"]](event, context)


@step("Stand down")
def _stand_down(visit: Step) -> dict[str, Any]:
    """Record the outcome and free the service's place; a false alarm tells nobody.

    Where an alarm came that nobody has looked at yet, it is looked at first: returns ``newer``.
    """
    item = visit.records.incident(visit.incident) or {}
    if not visit.event.get("force") and _newer(visit, item):
        visit.note("an alarm came that has not been looked at", kind="step")
        return {"newer": True, "temporary": False}
    outcome = "resolved" if item.get("recovered_at") else "false_alarm" if item.get("confirmed") is False else \
        "observed" if visit.event.get("until") else item.get("outcome", "escalated")
    actions = visit.records.actions(visit.incident)
    temporary = outcome == "resolved" and bool(in_place(Remedy.of(item) for item in actions))
    values: dict[str, Any] = {"outcome": outcome, "status": "closed", "closed_at": iso(time.time()),
                              "cared_by": visit.event["incident"].get("execution", "") if temporary else None}
    if outcome == "false_alarm":
        values["cause"] = {"id": "none", "mechanism": "", "component": "", "confidence": 1.0,
                           "summary": "nothing was wrong"}
    if outcome == "resolved" and item.get("established_cause") and (item.get("cause") or {}).get("id") == "unknown":
        # What came after a remedy had helped, and went by itself, does not make its cause unknown.
        item = item | {"cause": item["established_cause"]}
        values["cause"] = item["cause"]
    visit.records.update(visit.incident, **values)
    visit.note(f"stood down: {outcome.replace('_', ' ')}", kind="outcome", why=item.get("cause", {}).get("summary", ""))
    for action in actions:
        if action.get("lease"):
            visit.records.release(action["lease"], visit.incident)
    visit.records.close(visit.service.service, visit.incident, visit.event["incident"].get("execution", ""))
    # A false alarm tells nobody, but who was called for it meanwhile.
    if outcome != "false_alarm" or any(key.startswith("page-") for channel in people.every()
                                       for key in visit.records.channel(visit.incident, channel.name)[1]):
        _over(visit, outcome, item, actions)
    recovery = visit.service.recovery
    return {"outcome": outcome, "newer": False, "temporary": temporary,
            "wait_seconds": max(recovery.check_every_seconds,
                                min(recovery.calm_seconds, recovery.check_at_most_every_seconds))}


def _newer(visit: Step, item: dict[str, Any]) -> bool:
    """Whether an alarm is from after the sources were last asked, or came while only the first phases were wanted."""
    alarms = [signal["at"] for signal in visit.records.everything(visit.incident)
              if signal["sk"].startswith("SIGNAL#") and signal["kind"] == "alarm"]
    return any(bool(visit.event.get("until")) or at > str(item.get("judged_until") or "~") for at in alarms)


@step("Escalate")
def _escalate(visit: Step) -> dict[str, Any]:
    """Tell people everything that is known, and record that no automatic step is left."""
    item = visit.records.incident(visit.incident) or {}
    why = str(visit.event.get("why") or "no automatic step is left")
    outcome = "observed" if visit.event.get("observed") else "escalated"
    visit.records.update(visit.incident, outcome=outcome, status="waiting for people", escalated_at=iso(time.time()),
                         recovered_at=None, well_since=None)
    visit.note(f"{'observed' if outcome == 'observed' else 'escalated to people'}: {why}", kind="outcome")
    cause = item.get("cause") or {}
    ranking = "\n".join(f"  {h['cause']} {h['confidence']:.0%}: for: {'; '.join(h['evidence_for']) or 'nothing'}; "
                        f"against: {'; '.join(h['evidence_against']) or 'nothing'}"
                        for h in item.get("ranking", [])[:3])
    items = visit.records.everything(visit.incident)
    _tell(visit, "page" if item.get("escalated_at") is None else "told", f"escalated-{visit.entered}",
          f"{visit.service.service}: {outcome}, people are needed",
          f"Incident {visit.incident}: {why}.\n\nAffected: {', '.join(item.get('affected', [])) or 'not known'}\n"
          f"Cause: {cause.get('summary', 'not known')}\n{ranking}\n{_not_done(items)}"
          f"Missing data: {'; '.join(item.get('missing', [])) or '-'}\n")
    call(visit, items)
    _hotfix(visit, items, item)
    return {"outcome": outcome}


def _not_done(items: list[dict[str, Any]]) -> str:
    """Each remedy that was thought of and not carried out, a line each with its reason."""
    return "".join(f"Not done: {sentence}\n" for sentence in not_done(IncidentRecord.of(items)))


def _hotfix(visit: Step, items: list[dict[str, Any]], item: dict[str, Any]) -> None:
    """Give the developers what the responder could not do, once."""
    text = hotfix(IncidentRecord.of(items))
    persons = called(visit.service, "code_bug", tuple(item.get("affected") or ()))
    if text and persons and not visit.event.get("observed"):
        names = ", ".join(person.name for person in persons)
        told(visit, f"the hotfix is given to: {names}", "team", notify(visit, Message(
            "call", f"hotfix-{reopenings(Incident.of(item))}", visit.incident,
            f"{visit.service.service}: a hotfix is needed", text, persons=persons,
            affected=tuple(item.get("affected") or ()))), 2)


@step("Leave it to people")
def _left(visit: Step) -> dict[str, Any]:
    """Tell people what is still in place for the time being, and why it was not put back."""
    why = str(visit.event.get("why") or "it could not be looked after any longer")
    visit.note("left to people: what was done for the time being", kind="outcome", why=why)
    _tell(visit, "told", f"left-{visit.entered}", f"{visit.service.service}: something is to be put back by hand",
          f"Incident {visit.incident}: {why}\n")
    return {"left": True}


_OPERATIONS = {"stand_down": _stand_down, "escalate": _escalate, "left": _left}


def _over(visit: Step, outcome: str, item: dict[str, Any], actions: list[dict[str, Any]]) -> None:
    """Tell the team, resolve the page where the recovery is verified, and tell customers who were told before."""
    items = visit.records.everything(visit.incident)
    text = (f"Incident {visit.incident} is over: {outcome}.\n{item.get('cause', {}).get('summary', '')}\n\n"
            + update(visit.service, IncidentRecord.of(items)).text())
    notify(visit, Message("status", "", visit.incident, f"{visit.service.service}: {outcome}", text,
                          topic=f"over: {outcome}"), 40)
    told(visit, "the team is told", "team", notify(visit, Message(
        "closed", f"closed-{reopenings(Incident.of(item))}", visit.incident,
        f"{visit.service.service}: {outcome}", text, over=outcome in ("resolved", "false_alarm"),
        topic=f"over: {outcome}")), 1)
    if outcome == "resolved" and customers_know(actions):
        message = customer_message(visit, item, actions, "resolved")
        told(visit, f"customers are told: {message.text}", "customers", notify(visit, message, 60), 2)


def _tell(visit: Step, kind: Kind, key: str, subject: str, message: str) -> None:
    channels = notify(visit, Message(kind, key, visit.incident, subject, message, topic=subject))
    told(visit, "the team is told", "team", channels, 1)
    if not channels:
        visit.note("the team could not be told", number=1, kind="notification", detail={"failed": "all channels"})
