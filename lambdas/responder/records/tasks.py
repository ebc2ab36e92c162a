"""What people are asked: approvals and manual tasks, each decided once, until it expires.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `TASK#incident` | `01`; `01m` is to be done by hand | kind, when asked, until when, the token, votes, the decision |

The task token stays in this item: it is in no timeline, no message, no record in S3.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from responder.records.table import Records, iso

Decision = Literal["approve", "reject", "done"]
ALLOWED: dict[str, tuple[Decision, ...]] = {"approval": ("approve", "reject"), "manual": ("done",)}


class NotPossible(Exception):
    """An answer that decides nothing; the message says why, as a person is told."""


class Decided(NotPossible):
    """It is decided already; ``task`` says how."""

    def __init__(self, task: Task) -> None:
        super().__init__(f"it is decided already: {task.decision} by {task.decided_by} at {task.decided_at}")
        self.task = task


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

    @property
    def id(self) -> str:
        """Its name within the incident; a remedy may be approved and then give somebody a task."""
        return f"{self.number:02d}{'m' if self.kind == 'manual' else ''}"


class Tasks:
    """The questions of one deployment."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def ask(self, task: Task, token: str) -> None:
        """Keep a question and its task token; asked again (the step ran twice), only the token is new."""
        key = _key(task.incident, task.id)
        self._records.put_once(key | {
            "service": task.service, "kind": task.kind, "asked_at": task.asked_at, "expires_at": task.expires_at,
            "asked": list(task.asked), "needed": task.needed, "votes": [], "decision": "", "token": token})
        self._records.change(key, "SET #token = :token", "decision = :none", {":token": token, ":none": ""})

    def get(self, incident: str, task: str) -> Task | None:
        """Return a question by its id, without its token; None where there is none."""
        item = self._records.item(**_key(incident, task))
        return _task(incident, item) if item else None

    def token(self, incident: str, task: str) -> str:
        """Return a question's task token; empty for a manual task."""
        item = self._records.item(**_key(incident, task)) or {}
        return str(item.get("token", ""))

    def answer(self, incident: str, name: str, decision: str, by: str, voter: str = "") -> Task:
        """Take an answer in, and return the question as it is then; it is decided where ``decision`` is set.

        Of any number of answers one decides; raises NotPossible for an answer after that, after the expiry, or of a
        kind that the question does not have. ``voter`` tells one person from another where several must approve.
        """
        task = self.get(incident, name)
        if task is None:
            raise NotPossible(f"incident {incident} has no task {name}")
        if decision not in ALLOWED[task.kind]:
            raise NotPossible(f"{decision!r} is no answer to this: it takes {' or '.join(ALLOWED[task.kind])}")
        if task.decision:
            raise Decided(task)
        if task.expires_at <= time.time():
            raise NotPossible(f"it has expired at {iso(task.expires_at)}")
        if decision == "approve" and task.needed > 1:
            voter = " ".join((voter or by).split()).casefold()
            if voter not in task.votes:
                if not self._change(task, "SET votes = list_append(votes, :by)", {":by": [voter]}):
                    return self._lost(task)
                task = self.get(incident, name) or task
                if len(set(task.votes)) < task.needed:
                    return task
            # A vote that is there already is a repeat; it decides where its own first try died before it could.
            elif len(set(task.votes)) < task.needed:
                raise NotPossible(f"{voter} has approved it already; {task.needed} people must")
        if not self._change(task, "SET decision = :decision, decided_by = :by, decided_at = :at", {
                ":decision": decision, ":at": iso(time.time()),
                ":by": f"{' and '.join(dict.fromkeys(task.votes))}; the last: {by}" if task.votes else by}):
            return self._lost(task)
        return self.get(incident, name) or task

    def _change(self, task: Task, expression: str, values: dict[str, Any]) -> bool:
        return self._records.change(_key(task.incident, task.id), expression, "decision = :none",
                                    values | {":none": ""})

    def _lost(self, task: Task) -> Task:
        raise Decided(self.get(task.incident, task.id) or task)

    def due(self, task: Task, now: float, every_seconds: float) -> int:
        """Return the how manieth reminder of an open manual task is due now; 0: none is."""
        if task.kind != "manual" or task.decision or not task.asked_at < now < task.expires_at:
            return 0
        nth = int((now - task.asked_at) // every_seconds)
        item = self._records.item(**_key(task.incident, task.id)) or {}
        return nth if nth > int(item.get("reminders") or 0) else 0

    def reminded(self, task: Task, nth: int) -> None:
        """Keep that the nth reminder was sent."""
        self._records.change(_key(task.incident, task.id), "SET reminders = :nth", "attribute_exists(pk)",
                             {":nth": nth})

    def open_of(self, incident: str) -> Sequence[Task]:
        """Return an incident's questions that nobody has answered yet."""
        return [task for item in self._records.partition(f"TASK#{incident}")
                for task in [_task(incident, item)] if not task.decision]


def _key(incident: str, task: str) -> dict[str, str]:
    return {"pk": f"TASK#{incident}", "sk": task}


def _task(incident: str, item: dict[str, Any]) -> Task:
    return Task(incident, int(item["sk"].rstrip("m")), item["service"], item["kind"], float(item["asked_at"]),
                float(item["expires_at"]), tuple(item["asked"]), int(item["needed"]), tuple(item["votes"]),
                item["decision"], item.get("decided_by", ""), item.get("decided_at", ""))


def id_of(text: Any) -> str:
    """Return a task's id from ``1``, ``"01"`` or ``"01m"``; raises NotPossible."""
    found = re.fullmatch(r"(\d{1,4})(m?)", str(text).strip())
    if not found:
        raise NotPossible(f"task {str(text)[:40]!r} is not one such as 01 or 01m")
    return f"{int(found[1]):02d}{found[2]}"
