"""Check the guardrails: the one way to a remedy. After people were asked it is checked anew, with what they said.

What is ruled on comes from the record: the plan that the remedy's own function wrote, and the diagnosis that proposes
it. Whoever may invoke this function can only name a remedy by its number.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from responder.handlers.diagnose import unhelpful
from responder.handlers.step import Step, kill_switch, step
from responder.model.remedy import digest
from responder.plan.approvals import needed
from responder.plan.decide import CARRIED_OUT
from responder.plan.guardrails import Proposal, Situation, failed_before, rule, too_little
from responder.records.tasks import Tasks

_HOUR_SECONDS = 3600.0
_STATUS = {"permitted": "permitted", "approval": "waiting", "observe": "observed", "refused": "refused",
           "rejected": "rejected"}


class NoPlan(Exception):
    """There is no plan on record to rule on."""


@step("Check the guardrails")
def handler(visit: Step) -> dict[str, Any]:
    """Return ``ruling`` (permitted, approval, observe, refused, rejected), ``guardrail`` and ``reason``, on record."""
    number, service = int(visit.event["number"]), visit.service
    actions = visit.records.actions(visit.incident)
    record = next((item for item in actions if item["number"] == number), None)
    if record is None:
        raise NoPlan(f"remedy {number} of {visit.incident} has no plan on record")
    before = [item for item in actions if item["number"] != number]
    proposal = _proposal(visit, record, before)
    target = f"{service.cluster.name}/{service.cluster.namespace}/{record['target']}"
    # As long as it may take to be approved, applied and watched; an incident that ends gives it back sooner.
    fence = 0 if proposal.tells else visit.records.hold(
        target, visit.incident, service.approval.wait_seconds + 3 * service.recovery.give_up_seconds + 600.0)
    situation = _situation(visit, record, before, proposal, held_by_another=not proposal.tells and not fence)
    decision = rule(service, proposal, situation)
    if record["status"] in ("planned", *_STATUS.values()):
        visit.records.judge_action(visit.incident, number, action=record["action"], status=_STATUS[decision.ruling],
                                   guardrail=decision.guardrail, reason=decision.reason, ruled_on=digest(record),
                                   decided_by=decision.decided_by, lease=target, fence=fence)
        if decision.ruling == "permitted" and not proposal.tells:
            visit.records.carried_out(service.service, visit.incident, number, record)
    visit.note(f"{record['action']} on {record['target']}: {_STATUS[decision.ruling]}", kind="decision",
               by=decision.decided_by, why=decision.reason,
               detail={"guardrail": decision.guardrail, "summary": record["summary"], "ruling": decision.ruling,
                       "proposal": asdict(proposal), "situation": asdict(situation)})
    return {"ruling": decision.ruling, "guardrail": decision.guardrail, "reason": decision.reason}


def _proposal(visit: Step, record: Mapping[str, Any], before: list[dict[str, Any]]) -> Proposal:
    """Return what is ruled on, by the record alone."""
    proposed = visit.records.proposal(visit.incident, str(record.get("proposal") or "")) or {}
    same = (proposed.get("action"), proposed.get("component")) == (record["action"], record.get("component"))
    return Proposal(
        record["action"], record["target"], str(record.get("cause") or ""),
        # Without a diagnosis that proposes it a remedy has no confidence and no sources, and is refused.
        float(proposed["confidence"]) if same else 0.0, tuple(proposed["sources"]) if same else (),
        str(record.get("refusal") or ""), bool(record.get("tells")),
        too_little(before, record["action"], record["target"]) is not None,
        mechanism=str(record.get("mechanism") or ""), component=str(record.get("component") or ""),
        reversible=bool(record.get("reversible")), contested=bool(proposed.get("contested")),
        unsound=_unsound(visit, record))


def _unsound(visit: Step, record: Mapping[str, Any]) -> str:
    """Say why a plan on record is not to be trusted; empty where it is."""
    if record.get("disputed"):
        return f"several functions wrote a plan under number {record['number']}: " + ", ".join(record["disputed"])
    if visit.event.get("asked") and record.get("ruled_on") not in (None, digest(record)):
        return "its plan is not the one that people were asked about"
    return ""


def _situation(visit: Step, record: Mapping[str, Any], before: list[dict[str, Any]], proposal: Proposal, *,
               held_by_another: bool) -> Situation:
    number, now, service = int(record["number"]), time.time(), visit.service
    # What the state machine passes on says only whether people were asked; what they said is in the table.
    answer, by = _answer(visit, record) if visit.event.get("asked") else ("", "")
    recent = tuple({key: item[key] for key in ("at", "action", "target", "incident")}
                   for item in visit.records.remedies(service.service, now - max(
                       _HOUR_SECONDS, service.guardrails.cooldown_seconds))
                   if (item["incident"], item["sk"].rpartition("#")[2]) != (visit.incident, f"{number:02d}"))
    incident = visit.records.incident(visit.incident) or {}
    return Situation(
        now, kill_switch(service), tuple(item["action"] for item in before
                                         if item["status"] in CARRIED_OUT - {"done"}), recent,
        held_by_another, answer, by, attack=tuple(incident.get("attack_signs") or ()),
        failed_before="" if proposal.tells else failed_before(
            unhelpful(visit), proposal.action, proposal.mechanism, proposal.component))


def _answer(visit: Step, record: Mapping[str, Any]) -> tuple[str, str]:
    task = Tasks(visit.records).get(visit.incident, f"{int(record['number']):02d}")
    if task is None:
        return "none", "nobody could be asked"
    if not task.decision:
        return "none", ""
    wanted = needed(visit.service, record["action"])
    if task.decision == "approve" and wanted > 1 and task.approved < wanted:
        return "none", f"{task.approved} of {wanted} people have approved it"
    return task.decision, task.decided_by
