"""After the incident: temporary mitigations are restored when the reason for them has been gone for a while.

So pods are taken away again when the load is gone, the first provider is gone back to, and a closed node is opened. It
is a change like any other: the kill switch, a freeze, another incident and the policy hold it up, and what needs a
person is left to one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from responder.model.frozen import dataclass
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.plan.answers import Aftercare
from responder.plan.guardrails import released, within
from responder.plan.times import RARER

_ATTEMPTS = 3
"""After so many steps that could not restore something it is left to people."""
_STAYS = frozenset({RemedyStatus.APPLIED, RemedyStatus.VERIFIED, RemedyStatus.FAILED})


@dataclass(frozen=True)
class Care:
    """What is to be done about the temporary mitigations that are in place."""

    answer: Aftercare
    numbers: tuple[int, ...] = ()
    """The remedies that this is about."""
    reason: str = ""
    since: Mapping[int, float | None] = field(default_factory=dict)
    """Since when the reason of each has been gone, seconds since 1970 (UTC); None: it is still there."""
    wait_seconds: int = 0
    """When to look again."""


def in_place(remedies: Iterable[Remedy]) -> list[Remedy]:
    """Return the temporary mitigations of an incident that are in place, and that have not been left to people yet."""
    return [remedy for remedy in remedies if remedy.temporary and remedy.status in _STAYS and remedy.applied_at
            and not remedy.restored_at and not remedy.left_to_people_at]


def care(service: Service, remedies: Sequence[Remedy], reasons_gone: Mapping[int, str], now: float, began: float,
         kill_switch: str | None, busy: bool) -> Care:
    """Decide what is to be restored now.

    ``remedies`` are all of the incident, ``reasons_gone`` says of each that is in place why its reason is gone (an
    empty text: it is not, or nobody can tell). ``now`` and ``began`` (of the aftercare) are seconds since 1970 (UTC).
    ``busy``: another incident of the service is open.
    """
    mine = {remedy.number: remedy for remedy in in_place(remedies)}
    if not mine:
        return Care("done", reason="no temporary mitigation is left")
    recovery = service.recovery
    # What was so before this aftercare began was so in another state of the world.
    since = {number: (max(remedy.condition_cleared_at or now, began) if reasons_gone.get(number) else None)
             for number, remedy in mine.items()}
    hindered = "the kill switch is engaged, or could not be read" if not released(kill_switch) else (
        "another incident is open" if busy else "")
    ripe = [number for number, moment in since.items()
            if moment is not None and now - moment >= recovery.calm_seconds and not hindered
            and not any(within(freeze, now) and mine[number].action not in freeze.allows
                        for freeze in service.guardrails.freezes)]
    failed = [number for number, remedy in mine.items() if _failure(remedy)]
    if failed:
        return Care("people", tuple(failed), _asks(service, mine[failed[0]], remedies), since)
    if now - began >= recovery.aftercare_seconds:
        return Care("people", tuple(mine), hindered or (
            "the reason for it has not gone by itself in time, or nobody can tell"), since)
    asks = [number for number in ripe if _asks(service, mine[number], remedies)]
    if asks:
        return Care("people", tuple(asks), _asks(service, mine[asks[0]], remedies), since)
    if ripe:
        return Care("put_back", tuple(ripe), "; ".join(reasons_gone[number] for number in ripe), since)
    # What is ripe and may not be restored yet is waited for as patiently as what is not.
    left = min((left for moment in since.values() if moment is not None
                and (left := recovery.calm_seconds - (now - moment)) > 0),
               default=float(recovery.check_at_most_every_seconds))
    wait = max(float(recovery.check_every_seconds), min(left + 1, recovery.check_at_most_every_seconds),
               RARER * (now - began))
    return Care("waiting", reason=hindered or "; ".join(text for text in reasons_gone.values() if text), since=since,
                wait_seconds=round(wait))


def _asks(service: Service, remedy: Remedy, remedies: Iterable[Remedy]) -> str:
    """Say why a person is to restore it; an empty text where it is done without one."""
    if service.mode != "auto" or service.policy.get(remedy.action, "off") != "auto":
        return f"{remedy.action} is not carried out without approval"
    if any(other.restored_at and (other.action, other.target) == (remedy.action, remedy.target) for other in remedies):
        return f"{remedy.action} was restored before, and was needed again"
    failure = _failure(remedy)
    return f"{remedy.action} could not be restored: {failure}" if failure else ""


def _failure(remedy: Remedy) -> str:
    """Say why something could not be restored; an empty text where it may still be."""
    return remedy.restore_failure or (f"it was tried {_ATTEMPTS} times" if remedy.restore_attempts >= _ATTEMPTS else "")
