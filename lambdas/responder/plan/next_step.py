"""What comes next: a pure function of how far an incident has come and of what a step found.

The state machine goes where this says and decides nothing. A step's result is the one that its function returns: fields
that decide nothing here are not read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import field, replace

from responder.model.codec import decode_known
from responder.model.frozen import dataclass
from responder.plan import answers, promise
from responder.plan.course import Course, Done, Following, RemedyRef, Settings, State, Undo, Until
from responder.plan.left_to_try import another, first, look_again, watch, watch_remedy
from responder.plan.neighbours import OF_NEIGHBOURS

MOST_RETURNS = 3
"""How often an incident that was about to end looks at a newer alarm, before it ends all the same."""


@dataclass(frozen=True)
class Result(ABC):
    """What a step found, as far as it decides what comes next."""

    @abstractmethod
    def follows(self, course: Course, now: str) -> Following:
        """Return what comes next; ``now`` is when the step ended (ISO 8601)."""


@dataclass(frozen=True)
class Opened(Result):
    """``open``: what a start of the state machine is."""

    result: answers.Opening
    number: int = 1
    until: Until = ""
    settings: Settings = field(default_factory=Settings)
    told_over: bool = False
    """Whether customers were told before that it is over."""
    more_by: str = ""
    """When customers were told before that they hear more, by an execution that ended early."""
    changed: tuple[Done, ...] = ()
    """What such an execution applied, and nobody has judged yet."""
    changed_since: str = ""
    """Since when that is watched (ISO 8601)."""

    def follows(self, course: Course, now: str) -> Following:
        """A new incident begins; any other start ends at once."""
        if self.result == "opened":
            return Following(State.VERIFY, Course(
                self.settings, self.until, number=self.number, more_by=self.more_by, told_over=self.told_over,
                changed=self.changed, changed_since=self.changed_since))
        if self.result == "report":
            return Following(State.REPORT, Course(then=State.CLOSED))
        return Following(State.REFUSE if self.result == "refused" else State.ANSWER, Course())


@dataclass(frozen=True)
class Confirmed(Result):
    """``confirm``: whether there is an outage."""

    answer: answers.Symptoms
    late: bool
    """Whether the incident is so old that people come whatever the sources say."""

    def follows(self, course: Course, now: str) -> Following:
        """Isolate a confirmed incident; verify an unconfirmed one again, and leave it to people in the end.

        Where an execution ended early and all is well, what it applied is judged before the incident ends.
        """
        if self.answer == "false_alarm" and course.changed and not course.until:
            return Following(State.WATCH, watch_remedy(course, course.changed_since or now))
        if self.answer == "false_alarm" or (self.answer == "confirmed" and course.until == "confirm"):
            return Following(State.STAND_DOWN, replace(course, call_team=False))
        if self.answer == "confirmed":
            return Following(State.IDENTIFY, replace(course, call_team=True))
        if course.round < course.settings.rounds:
            return Following(State.WAIT_TO_VERIFY, replace(
                course, round=course.round + 1, wait=course.settings.round_wait_seconds,
                call_team=self.late and not course.until))
        if course.until:
            # What somebody only wanted to look at calls nobody.
            return Following(State.STAND_DOWN, replace(course, call_team=False))
        return Following(State.ESCALATE, replace(course, call_team=True))


@dataclass(frozen=True)
class Isolated(Result):
    """``isolate``: where the fault is."""

    def follows(self, course: Course, now: str) -> Following:
        """The cause is looked for, unless a person asked for the first phases only.

        Where an execution ended early, what it applied is watched first: nobody knows yet whether it helps.
        """
        if course.until == "isolate":
            return Following(State.STAND_DOWN, course)
        if course.changed:
            return Following(State.WATCH, watch_remedy(course, course.changed_since or now))
        return Following(State.GATHER, course)


@dataclass(frozen=True)
class Diagnosed(Result):
    """``diagnose``: the cause, and what may be done about it."""

    cause: str
    summary: str
    unclear: bool
    """Whether more may show at the next look."""
    wait: bool
    """Whether the remedy is to wait."""
    remedies: tuple[RemedyRef, ...]

    def follows(self, course: Course, now: str) -> Following:
        """The first remedy is planned; without one it is waited, looked at again, or left to people."""
        settings, course = course.settings, replace(course, summary=self.summary, remedies=self.remedies)
        if course.until == "diagnose":
            return Following(State.STAND_DOWN, course)
        if self.remedies:
            return Following(State.PLAN, replace(course, place=0, passing=False, neighbour=False, asked=False))
        if self.wait and not course.waited:
            return Following(State.WATCH, watch_remedy(replace(course, waited=True), now))
        if (self.cause == "unknown" or self.unclear) and course.attempt < settings.attempts:
            return Following(State.WATCH, look_again(course, now))
        return Following(State.ESCALATE, course)


@dataclass(frozen=True)
class Planned(Result):
    """``plan``: what a remedy would do."""

    passing: bool
    """Whether its own check refuses it for a reason that passes."""

    def follows(self, course: Course, now: str) -> Following:
        """Nothing but the guardrails."""
        return Following(State.GUARD, replace(course, refused_for_now=self.passing))


@dataclass(frozen=True)
class Ruled(Result):
    """``guard``: what the guardrails say."""

    ruling: answers.Ruling
    guardrail: str
    reason: str
    value: int | None = None
    """The value that people chose with their yes; None: they chose none."""
    other: str = ""
    """The id of the proposal that people want first instead; empty: none."""

    def follows(self, course: Course, now: str) -> Following:
        """Apply only a permitted remedy; ask people once.

        Where they chose another value, the remedy is planned anew with it, and their yes holds for that plan.
        """
        course = replace(course, reason=self.reason)
        if self.ruling == "permitted":
            return Following(State.APPLY, course)
        if course.asked and self.value is not None and not course.is_as_chosen:
            return Following(State.PLAN, replace(course, number=course.number + 1, question=course.number,
                                                 value=self.value))
        if course.asked:
            return another(first(course, self.other), now)
        course = replace(
            course, observed=course.observed or self.ruling == "observe",
            passing=course.passing or self.guardrail in OF_NEIGHBOURS or (
                course.refused_for_now and self.guardrail == "precondition"),
            neighbour=course.neighbour or self.guardrail in OF_NEIGHBOURS)
        if self.ruling == "approval":
            return Following(State.APPROVAL, replace(course, asked=True))
        return another(course, now)


@dataclass(frozen=True)
class Applied(Result):
    """``apply``: what became of a remedy."""

    applied: bool
    done: str
    told: bool
    """Whether it told somebody, and changed nothing."""
    gave_task: bool = False
    """Whether it gave people a task."""
    more_by: str = ""
    """When it promised customers that they hear more (ISO 8601); empty: it promised nothing."""

    def follows(self, course: Course, now: str) -> Following:
        """The next remedy, or watching what this one did."""
        mine = Done(course.number, course.remedies[course.place])
        return another(replace(
            course, applied=self.applied, done=self.done, told=course.told or self.gave_task,
            more_by=self.more_by or course.more_by,
            changed=(*course.changed, mine) if self.applied and not self.told else course.changed), now)


@dataclass(frozen=True)
class Watched(Result):
    """``monitor``: how the recovery goes."""

    answer: answers.Recovery
    reason: str
    wait_seconds: int
    remind: bool
    """Whether somebody with a task is to be reminded."""
    due: tuple[RemedyRef, ...]
    """Remedies that the length of the outage asks for by now."""
    number: int
    """The number of the first remedy that is due."""

    def follows(self, course: Course, now: str) -> Following:
        """The end, the next look, or rolling back what did not help."""
        if not course.since:
            course = watch(course, course.watching, now, self.wait_seconds)
        course = replace(course, progress=self.answer, wait=self.wait_seconds)
        if self.answer == "recovered":
            return Following(State.STAND_DOWN, course)
        if course.watching == "look":
            return Following(State.GATHER, course)
        if self.answer == "waiting":
            if self.due:
                return Following(State.PLAN, replace(course, remedies=self.due, number=self.number, place=0,
                                                     asked=False))
            if self.remind:
                return Following(State.INFORM, replace(course, tell="remind"))
            return Following(State.WATCH, course)
        if course.watching == "remedy":
            why = self.reason if self.answer == "worse" else ""
            return Following(State.ROLL_BACK, replace(
                course, undo=tuple(Undo(done.number, done.remedy, why, False) for done in reversed(course.changed)),
                changed=(), attempt=course.attempt + 1,
                then=State.GATHER if course.attempt < course.settings.attempts else State.ESCALATE))
        return Following(State.STAND_DOWN, course)


@dataclass(frozen=True)
class Escalated(Result):
    """``escalate``: people have it."""

    def follows(self, course: Course, now: str) -> Following:
        """They get a report, and the recovery is watched while they work."""
        return Following(State.INTERIM, watch(course, "people", now, course.settings.check_every_seconds))


@dataclass(frozen=True)
class StoodDown(Result):
    """``stand_down``: the incident has ended, unless there is a newer alarm."""

    newer: bool
    temporary: bool
    """Whether a temporary change is in place."""
    wait_seconds: int = 0

    def follows(self, course: Course, now: str) -> Following:
        """A newer alarm is looked at as if it were the first; else the report is written."""
        if self.newer:
            return Following(State.VERIFY, Course(course.settings, number=course.number, more_by=course.more_by,
                                                  told_over=course.told_over, again=course.again + 1))
        return Following(State.REPORT, replace(
            course, then=State.WAIT_TO_RESTORE if self.temporary else State.CLOSED, since=now,
            wait=self.wait_seconds, failed=""))


@dataclass(frozen=True)
class Cared(Result):
    """``aftercare``: whether what is in place for a while is still needed."""

    answer: answers.Aftercare
    reason: str
    wait_seconds: int
    items: tuple[Done, ...]
    """The mitigations that are no longer needed."""

    def follows(self, course: Course, now: str) -> Following:
        """It is restored, left to people, or looked at again."""
        if self.answer == "waiting":
            return Following(State.WAIT_TO_RESTORE, replace(course, wait=self.wait_seconds))
        course = replace(course, then=State.WAIT_TO_RESTORE, wait=course.settings.check_every_seconds)
        if self.answer == "put_back":
            return Following(State.RESTORE, replace(course, undo=tuple(
                Undo(item.number, item.remedy, self.reason, True) for item in self.items)))
        if self.answer == "people":
            return Following(State.LEAVE, replace(course, left_for=self.reason))
        return Following(State.CLOSED, course)


@dataclass(frozen=True)
class Left(Result):
    """``left``: people know what is still in place."""

    def follows(self, course: Course, now: str) -> Following:
        """The report says so; where a step had failed nothing is looked at again."""
        return Following(State.REPORT, replace(
            course, then=State.CLOSED if course.failed else State.WAIT_TO_RESTORE,
            wait=course.settings.check_every_seconds))


RESULTS: Mapping[str, type[Result]] = {
    "open": Opened, "confirm": Confirmed, "isolate": Isolated, "diagnose": Diagnosed, "plan": Planned, "guard": Ruled,
    "apply": Applied, "monitor": Watched, "escalate": Escalated, "stand_down": StoodDown, "aftercare": Cared,
    "left": Left}
"""The steps that decide what comes next."""

_LEFT_TO_TRY = (State.PLAN, State.INFORM, State.WATCH, State.UPDATE, State.ESCALATE)
WAYS: Mapping[str, tuple[State, ...]] = {
    "open": (State.VERIFY, State.ANSWER, State.REPORT, State.REFUSE),
    "confirm": (State.IDENTIFY, State.WAIT_TO_VERIFY, State.WATCH, State.STAND_DOWN, State.UPDATE, State.ESCALATE),
    "isolate": (State.GATHER, State.WATCH, State.UPDATE, State.STAND_DOWN),
    "diagnose": (State.PLAN, State.WATCH, State.STAND_DOWN, State.UPDATE, State.ESCALATE),
    "plan": (State.GUARD,),
    "guard": (State.APPLY, State.APPROVAL, *_LEFT_TO_TRY),
    "apply": _LEFT_TO_TRY,
    "monitor": (State.WATCH, State.INFORM, State.PLAN, State.ROLL_BACK, State.GATHER, State.UPDATE,
                State.STAND_DOWN),
    "escalate": (State.INTERIM,),
    "stand_down": (State.VERIFY, State.UPDATE, State.REPORT),
    "aftercare": (State.WAIT_TO_RESTORE, State.RESTORE, State.LEAVE, State.CLOSED),
    "left": (State.REPORT,)}
"""Every state that may follow a step; the state machine is built from it, and tests try that there is no other."""

AFTER_UPDATE = (State.VERIFY, State.WAIT_TO_VERIFY, State.IDENTIFY, State.GATHER, State.PLAN, State.APPROVAL,
                State.INFORM, State.WATCH, State.ROLL_BACK, State.ESCALATE)
"""Where the way may go on after customers were told more."""


def next_step(course: Course, step: str, result: Mapping[str, object], now: str) -> Following:
    """Return what follows a step of ``RESULTS``; raises Malformed where its result lacks what decides."""
    following = decode_known(RESULTS[step], result, step).follows(course, now)
    # What was opened is asked about at once.
    return following if step == "open" else promise.kept(following, now)


def if_it_fails(following: Following) -> Following:
    """Return what follows where the steps that come now fail in spite of their retries.

    A remedy's change is watched all the same. While people have the incident, what fails at a look escalates no more.
    """
    state, course = following.state, following.course
    if state is State.UPDATE and course.after:
        state = course.after
    if state in (State.PLAN, State.GUARD, State.APPROVAL, State.APPLY):
        course = replace(course, number=course.number + 1)
        if course.changed:
            return Following(State.INFORM, watch_remedy(course, ""))
        if course.watching == "people":
            return Following(State.WATCH, course)
    if state in (State.INFORM, State.WATCH, State.INTERIM) and course.watching == "people":
        return Following(State.STAND_DOWN, course)
    return Following(State.ESCALATE, course)
