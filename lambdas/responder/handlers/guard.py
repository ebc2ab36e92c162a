"""Check the guardrails: the one way to a remedy."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers.step import Step, step
from responder.plan.decide import CARRIED_OUT
from responder.plan.guardrails import Proposal, rule


@step("Check the guardrails")
def handler(visit: Step) -> dict[str, Any]:
    """Return ``ruling`` (permitted, observe, refused), ``guardrail`` and ``reason``, and put it on record."""
    plan, remedy, number = visit.event["plan"], visit.event["remedy"], int(visit.event["number"])
    done = [item["action"] for item in visit.records.everything(visit.incident)
            if item["sk"].startswith("ACTION#") and item["number"] != number
            and item["status"] in CARRIED_OUT - {"done"}]
    proposal = Proposal(plan["action"], plan["target"], remedy["cause"], float(remedy["confidence"]),
                        tuple(remedy["sources"]), plan["refusal"])
    kill_switch = _kill_switch(visit)
    decision = rule(visit.service, proposal, kill_switch, done)
    status = {"permitted": "permitted", "observe": "observed", "refused": "refused"}[decision.ruling]
    record = visit.records.action(visit.incident, number)
    if record is None or record["status"] in ("planned", "permitted", "observed", "refused"):
        visit.records.set_action(visit.incident, number, status=status, guardrail=decision.guardrail,
                                 reason=decision.reason, decided_by="policy")
    visit.note(f"{plan['action']} on {plan['target']}: {status}", kind="decision", by="policy", why=decision.reason,
               detail={"guardrail": decision.guardrail, "summary": plan["summary"], "ruling": decision.ruling,
                       "proposal": asdict(proposal), "kill_switch": kill_switch, "done": done})
    return {"ruling": decision.ruling, "guardrail": decision.guardrail, "reason": decision.reason}


def _kill_switch(visit: Step) -> str | None:
    try:
        with aws.failures("SSM"):
            value: str = aws.client("ssm").get_parameter(Name=visit.service.kill_switch)["Parameter"]["Value"]
    except CallFailed:
        return None
    return value
