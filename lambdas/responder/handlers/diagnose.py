"""Diagnose the root cause from the findings of all steps, and name the remedies that the plan has for it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from responder.handlers.step import Step, step
from responder.model.codec import encode
from responder.model.finding import Finding, recorded
from responder.model.service import deployed
from responder.plan.decide import CARRIED_OUT, judge_cause
from responder.plan.diagnose import Diagnosis
from responder.plan.guardrails import MEMORY_SECONDS, in_order
from responder.plan.own import Write, claimed, written
from responder.plan.refusals import PEOPLE, Refusal
from responder.plan.remedies import WAIT, Proposed, long_outage
from responder.plan.weights import Weights, shipped
from responder.records.store import ITEM_CHARACTERS
from responder.records.table import iso


@step("Diagnose the root cause")
def handler(visit: Step) -> dict[str, Any]:
    """Return ``cause``, ``confidence``, ``wait``, ``unclear`` and ``remedies`` [{action, function, cause, …}]."""
    visit.records.evidence(visit.incident, visit.entered, visit.name, visit.answers)
    items = visit.records.everything(visit.incident)
    findings = recorded(items)
    onset = visit.event["confirmation"].get("onset")
    weights = shipped()
    incident: Mapping[str, Any] = next((item for item in items if item["sk"] == "INCIDENT"), {})
    actions = [item for item in items if item["sk"].startswith("ACTION#")]
    again = _again(incident)
    tried = [(item["action"], item.get("component", "")) for item in actions
             if item["status"] in CARRIED_OUT and not _over(item, again)]
    looks = sum(item["sk"].startswith("TIMELINE#") and item["step"] == visit.name for item in items)
    judgement = judge_cause(visit.service, findings, visit.opened_at, onset, tried, weights, looks,
                            own := _own(visit, findings, actions))
    isolation, result = judgement.isolation, judgement.diagnosis
    proposed = list(judgement.proposed) or long_outage_due(visit, incident, actions)
    not_proposed = [asdict(refusal) for refusal in judgement.not_proposed]
    visit.note(f"{result.cause} ({result.confidence:.0%})", kind="decision", why=result.summary,
               detail={"cause": result.cause, "mechanism": result.mechanism, "component": result.component,
                       "ranking": encode(result.ranking),
                       "parts": encode(result.parts), "missing": result.missing,
                       "remedies": [f"{p.action} of {p.component}" for p in judgement.proposed],
                       "not_proposed": not_proposed,
                       "attack_signs": list(judgement.attack_signs), "onset": onset, "tried": tried, "looks": looks,
                       "fading": judgement.fading, "opened_at": visit.opened_at,
                       "own": [write.to_json() for write in own]})
    # Two faults at once: what was at fault and has been mended since was at fault all the same.
    mended = [item["component"] for item in actions if item["status"] == "verified" and item.get("component")
              and (item.get("verified_at") or "") > again]
    affected = list(dict.fromkeys([*judgement.affected, *mended])) if judgement.affected else []
    before = incident.get("cause") or {}
    established = result.cause == "unknown" and any(
        item["status"] == "verified" and item.get("cause") == before.get("id") for item in actions)
    visit.records.update(
        visit.incident, cause={"id": result.cause, "mechanism": result.mechanism, "component": result.component,
                               "confidence": result.confidence, "summary": result.summary},
        **({"affected": affected, "suffering": [name for name in isolation.impacted if name not in affected]}
           if affected else {}),
        **({"established_cause": before} if established else {}),
        ranking=encode(result.ranking),
        evidence=_evidence(result, findings, weights), missing=list(result.missing),
        not_proposed=not_proposed + _missing(visit, judgement.proposed), attack_signs=list(judgement.attack_signs),
        diagnosed_at=iso(time.time()))
    return {"cause": result.cause, "confidence": result.confidence, "component": result.component,
            "onset": onset, "summary": result.summary,
            # Which mechanism it is may show yet, and with it the remedy; or what the other part of the failures is.
            "unclear": not judgement.proposed and (bool(judgement.fading) or any(
                hypothesis.rivals for hypothesis in result.named) or any(
                (part.component, part.where) not in {(h.component, h.where) for h in result.named}
                for part in result.parts)),
            "wait": bool(judgement.proposed) and all(p.action == WAIT for p in judgement.proposed),
            "remedies": to_try(visit, proposed)}


def _missing(visit: Step, proposed: Sequence[Proposed]) -> list[dict[str, Any]]:
    """Return a refusal for each proposal whose remedy the service does not have."""
    known = {remedy.action for remedy in deployed(visit.service.service).remedies} | {WAIT, PEOPLE}
    return [asdict(Refusal(p.action, p.component, p.cause, p.mechanism, "it is not deployed for this service"))
            for p in proposed if p.action not in known]


def _own(visit: Step, findings: Sequence[Finding], actions: Sequence[Mapping[str, Any]]) -> list[Write]:
    """Return what the remedies of this incident, and of those before that the ledger may tell of, have written."""
    if not claimed(findings):
        return []
    now = time.time()
    others = dict.fromkeys(item["incident"] for item in reversed(visit.records.remedies(
        visit.service.service, now - _OWN_SECONDS)) if item["incident"] != visit.incident)
    earlier = [item for incident in list(others)[:_OWN_INCIDENTS] for item in visit.records.actions(incident)]
    # The oldest changes that the source tells of are of an hour before the window.
    return [write for write in written([*earlier, *actions], CARRIED_OUT, now)
            if write.end > now - _TOLD_SECONDS][-_MOST_OWN:]


_OWN_SECONDS = 7 * 86400.0
"""What was put in place for a while may be put back days later, and is the responder's own change then too."""
_OWN_INCIDENTS = 20
_TOLD_SECONDS = 4 * 3600.0
_MOST_OWN = 200


def to_try(visit: Step, proposed: Sequence[Proposed]) -> list[dict[str, Any]]:
    """Return proposals as the state machine takes them, in the order in which they are tried; each is on record.

    Of each: the function's name, the id by which guardrails and remedy read it from the record, and what the state
    machine needs to know to take one after the other.
    """
    functions = {remedy.action: remedy for remedy in deployed(visit.service.service).remedies}
    confirmation = visit.event["confirmation"]
    failed = {(item["action"], item["mechanism"], item["component"])
              for item in unhelpful(visit)} if proposed else set()
    ordered = in_order([p for p in proposed if p.action in functions], functions, failed)
    proposals = [asdict(p) | {"onset": confirmation.get("onset"),
                              "facts": p.facts | {"kind": confirmation.get("kind") or ""}} for p in ordered]
    for proposal in proposals:
        if len(json.dumps(proposal)) > ITEM_CHARACTERS:
            # An item of the table holds 400 kB. The remedy refuses what it would need and says why.
            proposal["facts"] |= {"changes": [], "too_large": True}
    kept = visit.records.propose(visit.incident, visit.entered, proposals)
    return [{"function": functions[p["action"]].function, "id": name, "action": p["action"], "cause": p["cause"],
             "contested": bool(p.get("contested"))} for name, p in kept]


def unhelpful(visit: Step) -> list[dict[str, Any]]:
    """Return what did not help in other incidents of the last 30 days; see ``Records.unhelpful``."""
    return visit.records.unhelpful(visit.service.service, time.time() - MEMORY_SECONDS, visit.incident)


def long_outage_due(visit: Step, incident: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> list[Proposed]:
    """Return the message to customers that the length of the outage asks for, if they were not to be told before."""
    again = _again(incident)
    asked = [(item["action"], "") for item in actions if not _over(item, again)]
    confirmation = visit.event["confirmation"]
    return long_outage(visit.service, confirmation.get("onset"), time.time(), confirmation.get("votes") or {}, asked)


def _again(incident: Mapping[str, Any]) -> str:
    """When an incident was last opened again; an empty text where it never was."""
    return max((str(moment) for moment in incident.get("reopened_at") or ()), default="")


def _over(item: Mapping[str, Any], again: str) -> bool:
    """Whether a remedy counts no more: put back since, too little, or a message of before it was opened again."""
    if item.get("put_back_at") or item.get("too_little"):
        return True
    return item["status"] == "done" and str(item.get("planned_at") or "") < again


def _evidence(result: Diagnosis, findings: list[Finding], weights: Weights) -> list[dict[str, Any]]:
    """Each item shows its side in the record: what it was, from whom, for and against what."""
    found = [{"source": signal.source, "finding": signal.finding, "status": "ok", "sentence": signal.sentence,
              "supports": list(weights.supported_by(signal.id)), "against": list(weights.denied_by(signal.id))}
             for signal in result.signals]
    failed = {(f.source, f.name, f.status): f for f in findings if not f.usable}
    return found + [{"source": f.source, "finding": f.name, "status": f.status, "sentence": f.note, "supports": [],
                     "against": []} for f in failed.values()]
