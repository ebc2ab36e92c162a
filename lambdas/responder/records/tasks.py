"""What people are asked: approvals and manual tasks, each decided once, until it expires.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `TASK#incident` | number | the question: kind, when asked, until when, the task token, votes, the decision |

The task token stays in this item: it is in no timeline, no message, no record in S3.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from responder.records.table import Records, iso

Decision = Literal["approve", "reject", "done"]
ALLOWED: dict[str, tuple[Decision, ...]] = {"approval": ("approve", "reject"), "manual": ("done",)}


class NotPossible(Exception):
    """An answer that decides nothing; the message says why, as a person is told."""


@dataclass(frozen=True)
class Task:
    """One question to people."""

    incident: str
    number: int
    """Of the remedy that it is about."""
    service: str
    kind: str
    """``approval`` or ``manual``."""
    asked_at: float
    """Seconds since 1970 (UTC)."""
    expires_at: float
    asked: tuple[str, ...]
    """Who was asked."""
    needed: int = 1
    """How many people must approve."""
    votes: tuple[str, ...] = ()
    decision: str = ""
    decided_by: str = ""
    decided_at: str = ""


class Tasks:
    """The questions of one deployment."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def ask(self, task: Task, token: str) -> None:
        """Keep a question and its task token; asked again (the step ran twice), only the token is new."""
        key = _key(task.incident, task.number)
        self._records.put_once(key | {
            "service": task.service, "kind": task.kind, "asked_at": task.asked_at, "expires_at": task.expires_at,
            "asked": list(task.asked), "needed": task.needed, "votes": [], "decision": "", "token": token})
        self._records.change(key, "SET #token = :token", "decision = :none", {":token": token, ":none": ""})

    def get(self, incident: str, number: int) -> Task | None:
        """Return a question, without its token; None where there is none."""
        item = self._records.item(**_key(incident, number))
        return _task(incident, number, item) if item else None

    def token(self, incident: str, number: int) -> str:
        """Return a question's task token; empty for a manual task."""
        item = self._records.item(**_key(incident, number)) or {}
        return str(item.get("token", ""))

    def answer(self, incident: str, number: int, decision: str, by: str) -> Task:
        """Take an answer in, and return the question as it is then; it is decided where ``decision`` is set.

        Of any number of answers one decides; raises NotPossible for an answer after that, after the expiry, or of a
        kind that the question does not have.
        """
        task = self.get(incident, number)
        if task is None:
            raise NotPossible(f"incident {incident} has no task {number}")
        if decision not in ALLOWED[task.kind]:
            raise NotPossible(f"{decision!r} is no answer to this: it takes {' or '.join(ALLOWED[task.kind])}")
        if task.decision:
            raise NotPossible(f"it is decided already: {task.decision} by {task.decided_by} at {task.decided_at}")
        if task.expires_at <= time.time():
            raise NotPossible(f"it has expired at {iso(task.expires_at)}")
        if decision == "approve" and task.needed > 1:
            if by in task.votes:
                raise NotPossible(f"{by} has approved it already; {task.needed} people must")
            if not self._change(task, "SET votes = list_append(votes, :by)", {":by": [by]}):
                return self._lost(task)
            task = self.get(incident, number) or task
            if len(set(task.votes)) < task.needed:
                return task
        if not self._change(task, "SET decision = :decision, decided_by = :by, decided_at = :at", {
                ":decision": decision, ":by": " and ".join(dict.fromkeys((*task.votes, by))), ":at": iso(time.time())}):
            return self._lost(task)
        return self.get(incident, number) or task

    def _change(self, task: Task, expression: str, values: dict[str, Any]) -> bool:
        return self._records.change(_key(task.incident, task.number), expression, "decision = :none",
                                    values | {":none": ""})

    def _lost(self, task: Task) -> Task:
        now = self.get(task.incident, task.number) or task
        raise NotPossible(f"it is decided already: {now.decision} by {now.decided_by} at {now.decided_at}")

    def open_of(self, incident: str) -> Sequence[Task]:
        """Return an incident's questions that nobody has answered yet."""
        return [task for item in self._records.partition(f"TASK#{incident}")
                for task in [_task(incident, int(item["sk"]), item)] if not task.decision]


def _key(incident: str, number: int) -> dict[str, str]:
    return {"pk": f"TASK#{incident}", "sk": f"{number:02d}"}


def _task(incident: str, number: int, item: dict[str, Any]) -> Task:
    return Task(incident, number, item["service"], item["kind"], float(item["asked_at"]), float(item["expires_at"]),
                tuple(item["asked"]), int(item["needed"]), tuple(item["votes"]), item["decision"],
                item.get("decided_by", ""), item.get("decided_at", ""))


def number_of(text: Any) -> int:
    """Return a task's number from ``2``, ``"02"`` or ``"2"``; raises NotPossible."""
    try:
        return int(str(text))
    except ValueError:
        raise NotPossible(f"task {str(text)[:40]!r} is not a number") from None
