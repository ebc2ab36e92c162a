"""What stands between a diagnosis and a remedy. Every refusal has the name of its guardrail, and leads to people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from responder.model.frozen import dataclass
from responder.model.remedy import PastFailure, Remedy
from responder.model.service import Freeze, Service
from responder.model.service import Remedy as DeployedRemedy
from responder.model.service.settings import Stricter, under
from responder.plan import remedies, wording
from responder.plan.answers import ByPeople, Ruling

if TYPE_CHECKING:
    # Not at run time: the guardrails' function has no need of the whole diagnosis.
    from responder.plan.remedies import Candidate

RELEASED = "released"
_RISKS = ("low", "medium", "high")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK_SECONDS = 7 * 86400
MEMORY_SECONDS = 30 * 86400.0
"""How long a remedy that did not help is remembered: a release cycle or two, after which the service is another one."""


@dataclass(frozen=True)
class GuardrailRequest:
    """A remedy that could be applied, and what is known about it."""

    action: str
    target: str
    confidence: float
    sources: tuple[str, ...]
    """Independent sources that support the cause."""
    refusal: str = ""
    """Why the action itself refuses, by its own check of the preconditions; empty where it does not."""
    tells: bool = False
    """Whether it has an audience: it only informs somebody, and changes nothing."""
    adds: bool = False
    """Whether it adds to a remedy of the same incident that was insufficient: no cooldown is between the two."""
    tries_again: str = ""
    """The incident, where its own try of the same was taken back because of another fault, which has been remediated
    since: no cooldown is between the two."""
    mechanism: str = ""
    """Which of the cause's mechanisms it remediates."""
    component: str = ""
    reversible: bool = True
    """Whether it can be undone: by the responder where it does not help, or by the command that people are told."""
    contested: bool = False
    """Whether another mechanism of the same cause is nearly as likely, and has another remedy."""
    unsound: str = ""
    """Why its plan on record is not to be trusted, in one sentence; empty where it is."""
    cause: str = ""
    """What it remediates: for people who read the decision."""
    either_change: bool = False
    """Whether it undoes one of two changes, and nothing tells which of them brought the symptom."""


@dataclass(frozen=True)
class RecentRemedy:
    """A remedy of the service that counts against the limits of time."""

    at: float
    """When it was applied, seconds since 1970 (UTC)."""
    action: str
    target: str
    incident: str = ""
    """The incident that applied it: for people who read the decision."""


@dataclass(frozen=True)
class Situation:
    """What the guardrails look at besides the request."""

    now: float
    """Seconds since 1970 (UTC)."""
    kill_switch: str | None
    """The SSM parameter's value; None where it could not be read: then nothing is done either."""
    done: tuple[str, ...] = ()
    """The remedies that this incident has applied so far."""
    recent: tuple[RecentRemedy, ...] = ()
    """The remedies of the last hour for the service, of other incidents too."""
    held_by_another: bool = False
    """Whether another incident may change the target just now."""
    answer: ByPeople = ""
    """What people said to it: ``approve``, ``reject``, ``none`` (nobody did in time); empty: not asked yet."""
    answered_by: str = ""
    attack: tuple[str, ...] = ()
    """Signs of an attack behind the failures, each in a sentence."""
    failed_before: str = ""
    """When the same remedy did not help for the same mechanism and component, in a sentence; empty: not lately."""
    stricter: Stricter | None = None
    """What the newest settings forbid that those of the incident allow; None: nothing."""
    held_by: str = ""
    """The other incident that may change the target; empty: none, or not known."""
    for_all: tuple[RecentRemedy, ...] = ()
    """The remedies that other incidents have applied lately to the target, where several services share it."""


@dataclass(frozen=True)
class Verdict:
    """What the guardrails decided."""

    ruling: Ruling
    guardrail: str = ""
    """The guardrail that refused, or that turned it into a question or an observation."""
    reason: str = ""
    decided_by: str = field(default="policy")


def in_order(candidates: Sequence[Candidate], deployed: Mapping[str, DeployedRemedy],
             unhelpful: Collection[tuple[str, str, str]] = ()) -> list[Candidate]:
    """Return the proposals in the order in which they are tried: remediating actions first, then by rising risk.

    What did not help lately for the same (action, mechanism, component) comes after what has not failed. The order is
    stable: of equals, the cause of most failures comes first. A message comes last, for it may wait for an approval.
    """
    return sorted(candidates, key=lambda p: (not deployed[p.action].mends,
                                           (p.action, p.mechanism, p.component) in unhelpful,
                                           _RISKS.index(deployed[p.action].risk)))


def failed_before(failures: Iterable[PastFailure], action: str, mechanism: str, component: str) -> str:
    """Say when a remedy did not help for the same mechanism and component; empty where it is not known to have failed.

    ``failures`` is what did not help in other incidents lately, oldest first.
    """
    same = [failure for failure in failures
            if (failure.action, failure.mechanism, failure.component) == (action, mechanism, component)]
    if not same:
        return ""
    times = f"{len(same)} times in the last 30 days, the last time" if len(same) > 1 else "once in the last 30 days,"
    return (f"{action} did not help against {mechanism.replace('_', ' ')} of {component} {times} on "
            f"{wording.stamp(same[-1].at)} UTC "
            f"(incident {same[-1].incident}: {same[-1].reason or 'the symptom stayed'})")


def released(kill_switch: str | None) -> bool:
    """Whether the kill switch lets remedies through, by its parameter's value; None, where it was not read, does not.
    """
    return kill_switch is not None and kill_switch.strip() == RELEASED


def insufficient(actions: Sequence[Remedy], action: str, target: str) -> Remedy | None:
    """Return an incident's remedy that was insufficient, and to which another of the same target adds; None: none was.
    """
    return next((remedy for remedy in reversed(actions) if remedy.insufficient and remedy.temporary
                 and (remedy.action, remedy.target) == (action, target)), None)


def rule(service: Service, request: GuardrailRequest, situation: Situation) -> Verdict:
    """Decide whether a remedy may be applied, in the order of what weighs most.

    A remedy that only informs somebody is bound by the kill switch, the mode, its policy and its own refusal.
    """
    service = under(service, request.action, situation.stricter)
    limits, policy = service.guardrails, service.policy.get(request.action, "off")
    if request.unsound:
        return Verdict("refused", "record", request.unsound)
    # In mode observe nothing is done whatever the switch says, and what would be done is worth knowing.
    if service.mode != "observe":
        if situation.kill_switch is None:
            return Verdict("refused", "kill_switch",
                           f"the kill switch {service.kill_switch} could not be read, or was never set")
        if not released(situation.kill_switch):
            return Verdict("refused", "kill_switch", f"the kill switch {service.kill_switch} is not {RELEASED!r}")
    if request.refusal:
        return Verdict("refused", "precondition", request.refusal)
    if policy == "off":
        return Verdict("refused", "policy", f"the policy for {request.action} is off{_since(situation)}")
    if request.confidence < limits.minimum_confidence:
        return Verdict("refused", "minimum_confidence",
                       f"{wording.share(request.confidence)} is less than {wording.share(limits.minimum_confidence)}")
    if len(request.sources) < limits.minimum_sources:
        return Verdict("refused", "minimum_sources",
                       f"{len(request.sources)} independent sources are fewer than {limits.minimum_sources}")
    refused = (_told_elsewhere if request.tells else _bounded)(service, request, situation)
    if refused:
        return refused
    if service.mode == "observe":
        return Verdict("observe", "mode", f"mode observe{_since(situation)}: nothing was changed")
    asks = _asks(service, request, situation, policy)
    if asks:
        return _approved(service, asks, situation)
    return Verdict("permitted", reason=f"policy: {request.action} is auto")


def _since(situation: Situation) -> str:
    """Name the configuration that is stricter than the incident's own; empty where none is."""
    return f" by the stricter configuration {situation.stricter.version}" if situation.stricter else ""


def _told_elsewhere(service: Service, request: GuardrailRequest, situation: Situation) -> Verdict | None:
    """Refuse a message that another incident sends for this one as well; in mode observe nothing would be sent."""
    if service.mode == "observe" or not situation.held_by_another:
        return None
    return Verdict("refused", "lease", f"{_holder(situation)} has the same cause, and tells its customers too")


def _holder(situation: Situation) -> str:
    return f"incident {situation.held_by}" if situation.held_by else "another incident"


def _bounded(service: Service, request: GuardrailRequest, situation: Situation) -> Verdict | None:
    """What bounds changes by time and number."""
    limits = service.guardrails
    for freeze in limits.freezes:
        if within(freeze, situation.now) and request.action not in freeze.allows:
            return Verdict("refused", "freeze", f"a freeze is on until {freeze.end}"
                           + (f": {freeze.reason}" if freeze.reason else ""))
    if len(situation.done) >= limits.remedies_per_incident:
        return Verdict("refused", "remedies_per_incident", f"{len(situation.done)} of at most "
                       f"{limits.remedies_per_incident} remedies have been carried out")
    hour = [one for one in situation.recent if situation.now - one.at < 3600]
    if len(hour) >= limits.remedies_per_hour:
        return Verdict("refused", "remedies_per_hour",
                       f"{len(hour)} of at most {limits.remedies_per_hour} remedies within an hour")
    again = [one.at for one in situation.recent if (one.action, one.target) == (request.action, request.target)
             and not (one.incident and one.incident == request.tries_again)]
    if again and not request.adds and situation.now - max(again) < limits.cooldown_seconds:
        ago, wait = wording.duration(situation.now - max(again)), wording.duration(limits.cooldown_seconds)
        return Verdict("refused", "cooldown", f"{request.action} was carried out on {request.target} {ago} ago; not "
                       f"again within {wait}")
    if situation.held_by_another:
        return Verdict("refused", "lease", f"{_holder(situation)} is changing {request.target}")
    for_all = [one for one in situation.for_all if (one.action, one.target) == (request.action, request.target)
               and situation.now - one.at < limits.cooldown_seconds]
    if for_all:
        last, ago = for_all[-1], wording.duration(situation.now - for_all[-1].at)
        return Verdict("refused", "neighbour", f"incident {last.incident} carried out {request.action} on "
                       f"{request.target} {ago} ago, for all that share it")
    return None


def _asks(service: Service, request: GuardrailRequest, situation: Situation, policy: str) -> str:
    """Say why a person must approve; empty where nobody must."""
    reasons = [f"the policy for {request.action} is approve{_since(situation)}"] if policy == "approve" else (
        [f"the mode is approve{_since(situation)}"] if service.mode == "approve" else [])
    if request.tells:
        return "; ".join(reasons)
    if situation.attack and request.action in remedies.names() and remedies.find(request.action).undoes_change:
        reasons.append("there are signs of an attack, and what is blamed may be what holds it off: "
                       + "; ".join(situation.attack))
    if situation.failed_before:
        reasons.append(situation.failed_before)
    if request.contested and not request.reversible:
        reasons.append("another mechanism of the same cause is nearly as likely and has another remedy, and this one "
                       "cannot be undone")
    if request.either_change:
        reasons.append("two changes were made just before the symptom, nothing tells which of them brought it, and "
                       "this undoes one of them")
    return "; ".join(reasons)


def _approved(service: Service, asks: str, situation: Situation) -> Verdict:
    if not situation.answer:
        return Verdict("approval", "approval", f"{asks}: people are asked")
    if situation.answer == "approve":
        return Verdict("permitted", reason="approved", decided_by=situation.answered_by)
    if situation.answer == "reject":
        return Verdict("rejected", "approval", f"rejected by {situation.answered_by}",
                       decided_by=situation.answered_by)
    return Verdict("rejected", "approval", f"{asks}, and " + (
        situation.answered_by or f"nobody decided within {service.approval.wait_seconds} s"))


def within(freeze: Freeze, now: float) -> bool:
    """Whether a moment (seconds since 1970, UTC) lies in a freeze."""
    start, end = moment(freeze.start), moment(freeze.end)
    if weekly_day(freeze.start):
        # The first of January 1970 was a Thursday.
        now = (now + 3 * 86400) % _WEEK_SECONDS
        return start <= now < end if start <= end else now >= start or now < end
    return start <= now < end


def weekly_day(text: str) -> bool:
    """Whether a time is of every week."""
    return text[:3].lower() in _DAYS


def moment(text: str) -> float:
    """Return the seconds from Monday 00:00 to ``fri 18:00``, or since 1970 to an ISO 8601 time; raises ValueError."""
    if weekly_day(text):
        day, _, clock = text.lower().partition(" ")
        if day not in _DAYS:
            raise ValueError(f"{day!r} is no day")
        time_of_day = datetime.strptime(clock, "%H:%M").replace(tzinfo=UTC)
        return _DAYS.index(day) * 86400.0 + time_of_day.hour * 3600 + time_of_day.minute * 60
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("it has no time zone")
    return found.timestamp()
