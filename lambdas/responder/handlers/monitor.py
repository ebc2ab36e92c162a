"""Monitor the recovery process: has the symptom gone, and for long enough?"""

from __future__ import annotations

import time
from typing import Any

from responder.handlers.diagnose import long_outage_due, to_try
from responder.handlers.step import Step, step
from responder.model.fault_location import location_of
from responder.model.finding import recorded, typed
from responder.plan.recovery import helped, judge, slow_until
from responder.records.table import iso, seconds
from responder.records.tasks import Tasks

_FAILOVER_SECONDS = 180.0
"""What is only waited for is a standby that takes over: one or two minutes (RDS User Guide, "Multi-AZ DB instance
deployments"). What takes longer is something else."""


@step("Monitor the recovery")
def handler(visit: Step) -> dict[str, Any]:
    """Return ``answer``: recovered, waiting, worse, or not_helped once the time is up; and ``wait_seconds``.

    While people work ``remind`` says whether somebody with a task is to be reminded, and ``due`` is what customers are
    to be told by now, as a remedy, with the ``number`` that it has. ``since`` is when watching began,
    ``watching`` whether for a remedy or for people (who get longer).
    """
    recovery = visit.service.recovery
    people = visit.event["watching"] == "people"
    now, since = seconds(visit.event["now"]), seconds(visit.event["since"])
    give_up: float = recovery.watch_after_escalation_seconds if people else recovery.give_up_seconds
    changed = visit.event["watching"] == "remedy" and bool(visit.event.get("changed"))
    if visit.event["watching"] == "remedy" and not changed:
        give_up = min(give_up, _FAILOVER_SECONDS)
    # Every look is evidence, for the chart; the looks themselves are told in the timeline only when they decide.
    visit.records.evidence(visit.incident, visit.entered, visit.name, visit.answers)
    slow, incident = None, visit.records.incident(visit.incident) or {}
    if incident.get("kind") == "degraded_latency":
        slow = slow_until(visit.service, typed(recorded(visit.records.everything(visit.incident))))
    evidence = typed(visit.findings)
    progress = judge(visit.service, evidence, now, since, give_up, changed, slow)
    if progress.answer != "waiting":
        visit.note(progress.answer.replace("_", " "), kind="decision", why=progress.reason,
                   detail={"error_rate": progress.error_rate, "answer": progress.answer, "now": now,
                           "since": since, "give_up_seconds": give_up, "changed": changed, "slow_until": slow})
        values: dict[str, Any] = {"watched_until": iso(time.time())}
        if progress.answer == "recovered":
            values |= {"recovered_at": iso(time.time()), "judged_until": iso(now),
                       "well_since": iso(progress.well_since) if progress.well_since else None}
        visit.records.update(visit.incident, **values)
        for item in visit.records.actions(visit.incident):
            # What did not help in time, and was kept, may have done its part since.
            if item["status"] != "applied" and not item.get("kept"):
                continue
            why = "the symptom has gone" if progress.answer == "recovered" and not item.get("kept") else (
                f"what {item['component']} failed at is well since; what else fails has another cause"
                if helped(visit.service, evidence, item["component"], now, seconds(item["applied_at"]),
                          location_of(item.get("where") or "")) else "")
            if why:
                visit.records.judge_action(visit.incident, item["number"], status="verified",
                                         verified_at=iso(time.time()), reason=why)
    due = to_try(visit, long_outage_due(visit, incident, visit.records.actions(visit.incident))) if people else []
    return {"answer": progress.answer, "reason": progress.reason, "error_rate": progress.error_rate,
            "wait_seconds": progress.wait_seconds or recovery.check_every_seconds,
            "remind": people and _due(visit),
            "due": due, "number": visit.records.next_number(visit.incident) if due else 0}


def _due(visit: Step) -> bool:
    tasks = Tasks(visit.records)
    return any(tasks.due(task, time.time(), visit.service.approval.remind_seconds)
               for task in tasks.open_of(visit.incident))
