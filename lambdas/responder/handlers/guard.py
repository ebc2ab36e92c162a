"""Check the guardrails: the one way to a remedy. After people were asked it is checked anew, with what they said."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from responder.handlers.step import Step, kill_switch, step
from responder.plan.decide import CARRIED_OUT
from responder.plan.guardrails import Proposal, Situation, rule, too_little
from responder.records.tasks import Tasks

_HOUR_SECONDS = 3600.0
_STATUS = {"permitted": "permitted", "approval": "waiting", "observe": "observed", "refused": "refused",
           "rejected": "rejected"}


@step("Check the guardrails")
def handler(visit: Step) -> dict[str, Any]:
    """Return ``ruling`` (permitted, approval, observe, refused, rejected), ``guardrail`` and ``reason``, on record."""
    plan, remedy, number = visit.event["plan"], visit.event["remedy"], int(visit.event["number"])
    service = visit.service
    before = [item for item in visit.records.actions(visit.incident) if item["number"] != number]
    done = tuple(item["action"] for item in before if item["status"] in CARRIED_OUT - {"done"})
    proposal = Proposal(plan["action"], plan["target"], remedy["cause"], float(remedy["confidence"]),
                        tuple(remedy["sources"]), plan["refusal"], bool(plan.get("tells")),
                        too_little(before, plan["action"], plan["target"]) is not None)
    # What the state machine passes on says only whether people were asked; what they said is in the table.
    answer, by = _answer(visit, number) if visit.event.get("asked") else ("", "")
    now, target = time.time(), f"{service.cluster.name}/{service.cluster.namespace}/{plan['target']}"
    # As long as it may take to be approved, applied and watched; an incident that ends gives it back sooner.
    fence = 0 if proposal.tells else visit.records.hold(
        target, visit.incident, service.approval.wait_seconds + 3 * service.recovery.give_up_seconds + 600.0)
    recent = tuple({key: item[key] for key in ("at", "action", "target", "incident")}
                   for item in visit.records.remedies(service.service, now - max(
                       _HOUR_SECONDS, service.guardrails.cooldown_seconds))
                   if (item["incident"], item["sk"].rpartition("#")[2]) != (visit.incident, f"{number:02d}"))
    situation = Situation(now, kill_switch(service), done, recent, not proposal.tells and not fence, answer, by)
    decision = rule(service, proposal, situation)
    record = visit.records.action(visit.incident, number)
    if record is None or record["status"] in ("planned", *_STATUS.values()):
        visit.records.set_action(visit.incident, number, status=_STATUS[decision.ruling],
                                 guardrail=decision.guardrail, reason=decision.reason,
                                 decided_by=decision.decided_by, lease=target, fence=fence)
    visit.note(f"{plan['action']} on {plan['target']}: {_STATUS[decision.ruling]}", kind="decision",
               by=decision.decided_by, why=decision.reason,
               detail={"guardrail": decision.guardrail, "summary": plan["summary"], "ruling": decision.ruling,
                       "proposal": asdict(proposal), "situation": asdict(situation)})
    return {"ruling": decision.ruling, "guardrail": decision.guardrail, "reason": decision.reason}


def _answer(visit: Step, number: int) -> tuple[str, str]:
    task = Tasks(visit.records).get(visit.incident, f"{number:02d}")
    if task is None:
        return "none", "nobody could be asked"
    if not task.decision:
        return "none", ""
    return task.decision, task.decided_by

