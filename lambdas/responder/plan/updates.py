"""What people are told while an incident lasts: what is so, what it means, what comes next, who must act.

From the record alone, so that whoever asks at whatever moment gets the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from responder.model.service import Person, Service
from responder.plan.refusals import not_done

_ROLES = {"code_bug": ("developer",), "network": ("network",), "database_connection": ("database", "developer"),
          "overload": ("developer",), "cluster_failure": ("platform",), "provider_outage": ()}
"""Who is called for a cause, beside the one in command: the roles of the plan, and those that a team adds."""
_KINDS = {"high_error_rate": "high error rate", "loss_of_connectivity": "complete loss of connectivity",
          "degraded_latency": "slow answers"}


@dataclass(frozen=True)
class Update:
    """How it stands, in four sentences."""

    what: str
    so_what: str
    next: str
    who: str

    def text(self) -> str:
        """As it is sent."""
        return f"What: {self.what}\nSo what: {self.so_what}\nNext: {self.next}\nWho must act: {self.who}"


def update(service: Service, items: Sequence[Mapping[str, Any]]) -> Update:
    """Say how an incident stands, by all its items (see ``records/table.py``)."""
    incident = next((item for item in items if item["sk"] == "INCIDENT"), {})
    actions = [item for item in items if item["sk"].startswith("ACTION#")]
    cause = incident.get("cause") or {}
    since = _clock(incident.get("onset") or incident.get("opened_at"))
    affected = ", ".join(incident.get("affected") or []) or service.service
    kind = _KINDS.get(str(incident.get("kind") or ""), "symptoms that are not confirmed")
    what = f"{affected}: {kind} since {since}."
    if incident.get("recovered_at"):
        well = _clock(incident.get("well_since") or incident["recovered_at"])
        what = f"{affected}: the symptom is gone since {well}."
    so_what = "Which cause it has is being looked for."
    if cause.get("id") == "unknown":
        so_what = f"No cause stands out: {cause.get('summary', '')}"
    elif cause.get("id") not in (None, "none"):
        so_what = f"Cause: {cause['id'].replace('_', ' ')} ({float(cause['confidence']):.0%}). {cause['summary']}"
    if len(incident.get("suffering") or []):
        so_what += f" Suffering from it: {', '.join(incident['suffering'])}."
    following, who = _following(service, incident, actions, not_done(items))
    return Update(what, so_what[:1500], following, who)


def _following(service: Service, incident: Mapping[str, Any], actions: Sequence[Mapping[str, Any]],
               left: Sequence[str]) -> tuple[str, str]:
    command = next((person.name for person in service.team if person.role == "sre"), "the SRE in command")
    nobody = "nobody: the responder acts by itself."
    if incident.get("status") == "closed":
        return "The postmortem is written.", f"{command}: read it, and what it proposes."
    if incident.get("recovered_at"):
        return "It is watched for a while, then closed.", nobody
    if incident.get("outcome") in ("escalated", "observed"):
        tasks = [item for item in actions if item.get("status") == "done" and item["action"] == "engage_network_team"]
        if tasks:
            return f"The responder keeps watching. {tasks[-1]['summary']}.", "who was given the task."
        told = f" Not done: {'; '.join(left)}."[:1000] if left else ""
        return f"No automatic step is left. The responder keeps watching.{told}", f"{command}: take over."
    newest = actions[-1] if actions else None
    if newest is None:
        return "Evidence is gathered from every source.", nobody
    summary = newest.get("summary") or newest["action"]
    return {
        "planned": (f"The guardrails decide on: {summary}.", nobody),
        "permitted": (f"Being done: {summary}.", nobody),
        "applying": (f"Being done: {summary}.", nobody),
        "applied": (f"Done: {summary}. Whether it helped is watched.", nobody),
        "done": (f"Done: {summary}.", nobody),
        "verified": (f"It helped: {summary}.", nobody),
        "reverted": (f"It did not help and was taken back: {summary}. The next hypothesis follows.", nobody),
        "waiting": (f"A decision is needed: {summary}.", "whoever was asked for approval."),
    }.get(newest["status"], (f"Not done: {summary} ({newest.get('reason') or newest['status']}).", nobody))


_MENDS_CODE = ("rollback", "restore_configuration")
_NOT_DONE = ("refused", "rejected", "failed", "reverted")


def hotfix(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the developers' task where a code bug could not be taken back: what was not done, why, and what was found.

    Empty where there is none. Source: the plan, 3, "deploy a hotfix or rollback to the previous version".
    """
    incident = next((item for item in items if item["sk"] == "INCIDENT"), {})
    cause = incident.get("cause") or {}
    if cause.get("id") != "code_bug":
        return ""
    tried = [item for item in items if item["sk"].startswith("ACTION#") and item["action"] in _MENDS_CODE]
    if any(item["status"] not in _NOT_DONE for item in tried):
        return ""
    why = [f"- {item.get('summary') or item['action']}: {item['status']}"
           + (f" ({item['reason']})" if item.get("reason") else "") for item in tried]
    ranked: Mapping[str, Any] = next((h for h in incident.get("ranking") or [] if h["cause"] == "code_bug"), {})
    changed = [line for item in tried for line in str(item.get("diff") or "").splitlines()][:40]
    return "\n".join([
        f"A hotfix is needed in {cause.get('component') or 'the service'}: it could not be taken back by itself.",
        *(why or [f"- not done: {sentence}" for sentence in not_done(items)] or ["- no remedy was left to try"]),
        *(["What would take it back:", *(f"  {line}" for line in changed)] if changed else []), "What was found:",
        *(f"- {sentence}" for sentence in ranked.get("evidence_for") or [cause.get("summary", "")]),
        *(f"- against it: {sentence}" for sentence in ranked.get("evidence_against") or [])])


def reopenings(incident: Mapping[str, Any]) -> int:
    """How often an incident was opened again: what is told once is told once for each time."""
    return len(incident.get("reopened_at") or [])


def called(service: Service, cause: str, affected: Sequence[str]) -> tuple[Person, ...]:
    """Return who is called once the cause is known: by their role, developers by what fails."""
    roles = _ROLES.get(cause, ())
    return tuple(person for person in service.team if person.role in roles
                 and (not person.components or set(person.components) & set(affected)))


def _clock(moment: Any) -> str:
    return f"{datetime.fromisoformat(moment):%H:%M:%S} UTC" if isinstance(moment, str) and moment else "an unknown time"
