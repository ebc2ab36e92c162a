"""What became of an incident, judged by what the world saw and what is on record; a pure function.

The world's own log says what was changed and who was told; the responder's word for it is only compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LAST_RESORT = "The incident responder itself failed"
"""The subject of the state machine's own page."""
OWN_ALARM = "ALARM: incident-response-executions"
"""The subject of the alarm on executions that were stopped (``stacks/own_health.py``)."""
_ENDS = ("Incident closed", "The responder failed")
_MAY_HAVE_RUN = frozenset({"applying", "applied", "verified", "reverted", "failed", "done"})
_NOTED = {"Open the incident": "Open the incident", "Confirm the incident": "Confirm the incident",
          "Isolate the issue": "Isolate the issue", "Diagnose the root cause": "Diagnose the root cause",
          "Plan the remedy": "Plan the remedy", "Check the guardrails": "Check the guardrails",
          "Apply the remedy": "Apply the remedy", "Escalate": "Escalate", "Stand down": "Stand down",
          "Write the postmortem": "Write the postmortem"}
"""State to the step of the timeline that tells of it, once it has ended well."""


REPORT = "Write the postmortem"
STOPPED = "execution"
"""What is missing where somebody stopped the execution."""
_FUNCTIONS = ("a step ends only when its entry is on the timeline, and another function writes that: without Lambda "
              "there is neither")
NEEDED: Mapping[str, tuple[str, frozenset[str]]] = {
    "dynamodb": ("nothing may be changed without the record and its locks, and nobody knows where the incident stands",
                 frozenset()),
    "lambda": (_FUNCTIONS, frozenset()),
    "s3": ("the postmortem has no other place", frozenset({REPORT})),
    STOPPED: ("what was stopped writes nothing more; the alarm on stopped executions tells people", frozenset())}
"""The systems without which nothing can be done: why, and in which steps alone (none: in all).

An incident may end as ``End.TOLD`` only where one of these was gone for all tries of a step. Whatever else fails, a
vendor, the cluster, a source, a way to reach people, a setting, the incident must have an outcome and its postmortem.
SNS is none of them: the people of these stories are reached by PagerDuty and Slack as well.
"""


class End(StrEnum):
    """How an incident ended, the best first."""

    MENDED = "mended"
    """The responder mended it and closed it, with a postmortem."""
    PEOPLE = "people"
    """People have it: they were told, and the outcome is on record."""
    TOLD = "told"
    """The record is not whole for want of what is in ``NEEDED``, and the state machine itself told people so."""
    WRONG = "wrong"


@dataclass(frozen=True)
class Seen:
    """What the world and the record have of an incident when its execution has ended."""

    end: str
    """The execution's last state, or what it failed by."""
    changed: Sequence[str]
    """The path of each change that the cluster made for the responder."""
    target: str
    """The path of the one object that may be changed."""
    well: bool
    """Whether the service works, at the end and for long."""
    woken: Sequence[float]
    """When each message reached people by any channel, seconds since 1970 (UTC)."""
    published: Sequence[str]
    """Subjects of what reached the topic."""
    items: Sequence[Mapping[str, Any]]
    """All items of the incident; none where it was never put on record."""
    done: Sequence[str]
    """The states whose work ended well, in order."""
    locked: bool
    """Whether the incident's lock is still there."""
    postmortem: bool
    """Whether the postmortem is in the bucket."""
    began: float
    allowed: bool = True
    """Whether the remedy may be applied at all; not where people must say yes and nobody does."""
    missing: str = ""
    """The system that was gone, for all tries of a step or longer; empty where each could be reached again."""
    missing_in: str = ""
    """The state in which alone it was; empty: until the end."""


@dataclass(frozen=True)
class Verdict:
    """The end, and what is wrong with it."""

    end: End
    wrong: tuple[str, ...] = ()


def judge(seen: Seen) -> Verdict:
    """Judge an incident."""
    incident = next((item for item in seen.items if item["sk"] == "INCIDENT"), None)
    failed = seen.end == "The responder failed"
    wrong = [*_changes(seen), *_timeline(seen), *_people(seen, incident)]
    if seen.end not in _ENDS:
        wrong.append(f"the execution ended by {seen.end}")
    if failed:
        wrong += _may_be_told(seen)
        return Verdict(End.WRONG if wrong else End.TOLD, tuple(wrong))
    if incident is None or not incident.get("outcome"):
        return Verdict(End.WRONG, (*wrong, "no outcome is on record"))
    wrong += [*_outcome(seen, incident), *([] if seen.postmortem else _may_be_told(seen))]
    if wrong:
        return Verdict(End.WRONG, tuple(wrong))
    if not seen.postmortem:
        return Verdict(End.TOLD)
    return Verdict(End.MENDED if incident["outcome"] == "resolved" and seen.changed else End.PEOPLE)


def _may_be_told(seen: Seen) -> list[str]:
    """Return why an incident whose record is not whole is wrong; empty where nothing more could be done."""
    _, steps = NEEDED.get(seen.missing, ("", frozenset[str]()))
    if seen.missing not in NEEDED:
        return [f"the record is not whole, and {seen.missing or 'nothing'} was gone, without which it could be"]
    if steps and seen.missing_in and seen.missing_in not in steps:
        return [f"the record is not whole because {seen.missing} was gone in {seen.missing_in}"]
    return []


def _outcome(seen: Seen, incident: Mapping[str, Any]) -> list[str]:
    wrong = []
    if incident["outcome"] in ("resolved", "false_alarm") and not seen.well:
        wrong.append(f"it is on record as {incident['outcome']}, and the service does not work")
    if incident["status"] != "closed":
        wrong.append(f"the execution has ended, and the incident is {incident['status']}")
    if seen.locked:
        wrong.append("its lock is still there")
    if not seen.postmortem and OWN_ALARM not in seen.published:
        wrong.append("there is no postmortem, and nobody was told")
    return wrong


def _changes(seen: Seen) -> list[str]:
    wrong = []
    if other := [path for path in seen.changed if path != seen.target]:
        wrong.append(f"changed was {other[0]}")
    if len(seen.changed) > 1:
        wrong.append(f"{len(seen.changed)} changes were made")
    if seen.changed and not seen.allowed:
        wrong.append("a change was made that nobody approved")
    remedies = [item for item in seen.items if str(item["sk"]).startswith("ACTION#")]
    if seen.changed and not any(item.get("status") in _MAY_HAVE_RUN for item in remedies):
        wrong.append("a change was made, and no remedy is on record as one that may have run")
    if not seen.changed and any(item.get("status") == "verified" for item in remedies):
        wrong.append("a remedy is on record as verified, and nothing was changed")
    if seen.changed and not next((item.get("confirmed") for item in seen.items if item["sk"] == "INCIDENT"), False):
        wrong.append("a change was made though the incident is not confirmed")
    return wrong


def _timeline(seen: Seen) -> list[str]:
    entries = [item for item in seen.items if str(item["sk"]).startswith("TIMELINE#")]
    told = {str(item["step"]) for item in entries}
    wrong = [f"the timeline says nothing of {step}" for state, step in _NOTED.items()
             if state in seen.done and step not in told and seen.items]
    twice = [key for key in {(item["step"], item["what"], item["sk"]) for item in entries}
             if sum((item["step"], item["what"]) == key[:2] for item in entries) > 1 and key[0] == "Apply the remedy"]
    return wrong + [f"the timeline says twice: {what}" for _, what, _ in twice[:1]]


def _people(seen: Seen, incident: Mapping[str, Any] | None) -> list[str]:
    if seen.end == "The responder failed":
        return [] if LAST_RESORT in seen.published else ["nobody was told that the responder failed"]
    if not seen.woken:
        return ["nobody was told"]
    escalated = _moment(incident, "escalated_at")
    if escalated is not None and max(seen.woken) < escalated:
        return ["nobody was told that people must take over"]
    closed = _moment(incident, "closed_at")
    if closed is not None and max(seen.woken) < closed - 1:
        return ["nobody was told that it is over"]
    return []


def _moment(incident: Mapping[str, Any] | None, name: str) -> float | None:
    from responder.model.moment import epoch

    return epoch(str((incident or {}).get(name) or ""))
