"""Questions to people: approvals and manual tasks. Each is decided once, before it expires.

| partition key `pk` | sort key `sk` | what | written by |
|---|---|---|---|
| `TASK#incident` | `01`; `01m` is to be done by hand | kind, when asked, until when, the token, reminders | who asks |
| `ANSWER#incident` | the same | votes, the decision, by whom, how, when | who takes answers |

So the functions that ask cannot answer, and the functions that take answers cannot change a question. The task token
stays in the question: it is never in a timeline, a message or a record in S3.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Literal

from responder.model.codec import encode
from responder.model.frozen import dataclass
from responder.model.moment import iso
from responder.plan import approvals
from responder.plan.approvals import Decision, TaskKind, Voter, Way
from responder.plan.choices import NOTHING, Chosen
from responder.plan.question import Asked
from responder.plan.wording import clock
from responder.records.store import KEPT_DAYS, Item
from responder.records.table import Records

ALLOWED: dict[TaskKind, tuple[Decision, ...]] = {"approval": ("approve", "reject", "instead"), "manual": ("done",)}


class NotPossible(Exception):
    """The answer decides nothing; the message tells the person why."""


class Expired(NotPossible):
    """The question has expired: nobody decided in time."""


class Decided(NotPossible):
    """The question is decided already; ``task`` holds the decision."""

    def __init__(self, task: Task) -> None:
        super().__init__(f"somebody has already decided: {task.decision} by {task.decided_by} at {task.decided_at}")
        self.task = task


@dataclass(frozen=True)
class Vote:
    """One approval of several that are needed."""

    key: str
    """Equal for votes of the same person; see ``Voter.key``."""
    shown: str
    arn: str = ""
    """By IAM: the caller's ARN; else empty."""
    at: str = ""
    value: int | None = None
    """The value that was chosen with it; None: as it was planned."""


@dataclass(frozen=True)
class Task:
    """One question to people, and its answer."""

    incident: str
    number: int
    """1-based position of the remedy that it is about."""
    service: str
    kind: TaskKind
    asked_at: float
    """Seconds since 1970 (UTC)."""
    expires_at: float
    asked: tuple[str, ...]
    """The persons who were asked."""
    needed: int = 1
    """How many people must approve, as it was when they were asked; see ``plan/approvals.py`` for what holds."""
    otherwise: str = ""
    """What follows where nobody answers, in a sentence without a capital; empty where nothing does."""
    others: tuple[str, ...] = ()
    """The ids of the proposals that may come first instead."""
    votes: tuple[Vote, ...] = ()
    decision: Decision | Literal[""] = ""
    decided_by: str = ""
    decided_at: str = ""
    how: Way | Literal[""] = ""
    """The channel of the deciding answer."""
    value: int | None = None
    """The value that was chosen with the yes; None: as it was planned."""
    other: str = ""
    """The id of the proposal that is to come first instead; empty: none."""

    @property
    def chosen(self) -> Chosen:
        """What was chosen besides yes or no."""
        return Chosen(self.value, self.other)

    @property
    def in_plan(self) -> Asked:
        """Who was asked, and until when, as the plan says it to people."""
        return Asked(self.asked, self.expires_at, self.needed, self.approved, self.otherwise)

    @property
    def approved(self) -> int:
        """How many people have approved the same for certain, of what most have."""
        return max((self.approved_with(value) for value in {vote.value for vote in self.votes}), default=0)

    def approved_with(self, value: int | None) -> int:
        """How many people have approved it with a value for certain; of one person the last vote counts."""
        last = {vote.key: vote for vote in self.votes}
        return approvals.people([key for key, vote in last.items() if vote.value == value])

    @property
    def id(self) -> str:
        """Its id within the incident; one remedy may need an approval and then a manual task."""
        return f"{self.number:02d}{'m' if self.kind == 'manual' else ''}"


@dataclass(frozen=True)
class _Question:
    """A question as it is stored."""

    service: str
    kind: TaskKind
    asked_at: float
    expires_at: float
    asked: tuple[str, ...]
    needed: int
    otherwise: str = ""
    others: tuple[str, ...] = ()
    token: str = ""
    """The task token of the state that waits; empty for a manual task."""
    reminders: int = 0
    """How many reminders were sent."""


@dataclass(frozen=True)
class _Answer:
    """The answer to a question as it is stored."""

    votes: tuple[Vote, ...] = ()
    decision: Decision | Literal[""] = ""
    decided_by: str = ""
    decided_at: str = ""
    how: Way | Literal[""] = ""
    chosen_value: int | None = None
    chosen_other: str = ""


class Tasks:
    """The questions of one deployment, and their answers."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def ask(self, task: Task, token: str) -> None:
        """Keep a question and its task token; a retry of the step replaces the token only."""
        key = _question(task.incident, task.id)
        self._records.put_once(key | encode(_Question(
            task.service, task.kind, task.asked_at, task.expires_at, task.asked, task.needed, task.otherwise,
            task.others, token)))
        # Written separately, because the other attributes are masked. The newest token belongs to the waiting state.
        self._records.change(key, "SET #token = :token", "attribute_exists(pk)", {":token": token})

    def get(self, incident: str, task: str) -> Task | None:
        """Return a question by its id with its answer, without its token; None where there is none."""
        asked = self._asked(incident, task)
        return _task(incident, task, asked, self._records.row(
            _Answer, **_answer(incident, task)) or _Answer()) if asked else None

    def token(self, incident: str, task: str) -> str:
        """Return a question's task token; empty for a manual task."""
        asked = self._asked(incident, task)
        return asked.token if asked else ""

    def _asked(self, incident: str, task: str) -> _Question | None:
        return self._records.row(_Question, **_question(incident, task))

    def answer(self, incident: str, name: str, decision: str, by: str, *, voter: Voter | None = None,
               needed: int = 1, chosen: Chosen = NOTHING) -> Task:
        """Record an answer, and return the updated question; it is decided where ``decision`` is set.

        One of any number of answers decides. Raises NotPossible for a later answer, an answer after the expiry, or one
        of a kind that the question does not take. ``by`` is the person's name as it is shown. The caller judges whether
        they may answer, what may be ``chosen`` (``plan/choices.py``) and how many are ``needed``
        (``plan/approvals.py``); without a ``voter`` one is enough.
        """
        task = self.get(incident, name)
        if task is None:
            raise NotPossible(f"incident {incident} has no task {name}")
        if decision not in ALLOWED[task.kind]:
            raise NotPossible(f"{decision!r} is no answer to this: it takes {' or '.join(ALLOWED[task.kind])}")
        if task.decision:
            raise Decided(task)
        if task.expires_at <= time.time():
            raise Expired(f"the question expired at {clock(task.expires_at)} UTC, and nobody had decided")
        if voter and decision == "approve" and needed > 1:
            task = self._voted(task, voter, needed, chosen.value)
            if task.approved_with(chosen.value) < needed:
                return task
        names = dict.fromkeys(vote.shown for vote in task.votes if vote.value == chosen.value)
        if not self._change(task, "SET decision = :decision, decided_by = :by, decided_at = :at, how = :how, "
                                  "chosen_value = :value, chosen_other = :other", {
                ":decision": decision, ":at": iso(time.time()), ":how": voter.way if voter else "",
                ":value": chosen.value, ":other": chosen.other,
                ":by": " and ".join(names) if names and decision == "approve" else by}):
            return self._lost(task)
        return self.get(incident, name) or task

    def _voted(self, task: Task, voter: Voter, needed: int, value: int | None) -> Task:
        """Add a vote; a second vote of one person for the same is a repeat, and for something else takes its place.

        If the first attempt crashed before it decided, the repeat decides. Otherwise it raises NotPossible.
        """
        before = task.approved_with(value)
        last = {vote.key: vote for vote in task.votes}.get(voter.key)
        if last and last.value == value:
            if before < needed:
                raise NotPossible(f"{voter.shown} has approved it already; {needed} people must")
            return task
        vote = Vote(voter.key, voter.shown, voter.arn, iso(time.time()), value)
        if not self._change(task, "SET votes = list_append(if_not_exists(votes, :none), :vote)",
                            {":none": [], ":vote": [encode(vote)]}):
            self._lost(task)
        task = self.get(task.incident, task.id) or task
        if before == task.approved_with(value) < needed:
            raise NotPossible("an approval in Slack and one by IAM are two people only where both are named in the "
                              "configuration (team[].slack and team[].iam)")
        return task

    def _change(self, task: Task, expression: str, values: Item) -> bool:
        """Change the answer while it is undecided; the first change creates it."""
        return self._records.change(_answer(task.incident, task.id), f"{expression}, expires = :kept_until",
                                    "attribute_not_exists(decision)",
                                    values | {":kept_until": int(time.time()) + KEPT_DAYS * 86400})

    def _lost(self, task: Task) -> Task:
        raise Decided(self.get(task.incident, task.id) or task)

    def due(self, task: Task, now: float, every_seconds: float) -> int:
        """Return the number of the reminder of an open manual task that is due now, from 1; 0: none is."""
        if task.kind != "manual" or task.decision or not task.asked_at < now < task.expires_at:
            return 0
        nth = int((now - task.asked_at) // every_seconds)
        asked = self._asked(task.incident, task.id)
        return nth if nth > (asked.reminders if asked else 0) else 0

    def reminded(self, task: Task, nth: int) -> None:
        """Record that the nth reminder was sent."""
        self._records.change(_question(task.incident, task.id), "SET reminders = :nth", "attribute_exists(pk)",
                             {":nth": nth})

    def open_of(self, incident: str) -> Sequence[Task]:
        """Return an incident's questions that nobody has answered yet."""
        return [task for name in self._records.sort_keys(f"TASK#{incident}")
                for task in [self.get(incident, name)] if task and not task.decision]


def _question(incident: str, task: str) -> dict[str, str]:
    return {"pk": f"TASK#{incident}", "sk": task}


def _answer(incident: str, task: str) -> dict[str, str]:
    return {"pk": f"ANSWER#{incident}", "sk": task}


def _task(incident: str, name: str, asked: _Question, answer: _Answer) -> Task:
    return Task(incident, int(name.rstrip("m")), asked.service, asked.kind, asked.asked_at, asked.expires_at,
                asked.asked, asked.needed, asked.otherwise, asked.others, answer.votes, answer.decision,
                answer.decided_by, answer.decided_at, answer.how, answer.chosen_value,
                answer.chosen_other)


def id_of(text: object) -> str:
    """Return a task's id from ``1``, ``"01"`` or ``"01m"``; raises NotPossible."""
    found = re.fullmatch("([0-9]{1,4})(m?)", str(text).strip())
    if not found:
        raise NotPossible(f"task {str(text)[:40]!r} is not one such as 01 or 01m")
    return f"{int(found[1]):02d}{found[2]}"
