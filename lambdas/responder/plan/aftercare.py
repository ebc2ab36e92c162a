"""After the incident: what was done for the time being is put back when the reason for it has been gone for a while.

So more pods go again when the load has, the first provider is gone back to, and a closed node is opened. It is a change
like any other: the kill switch, a freeze, another incident and the policy hold it up, and what needs a person is left
to one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from responder.model.service import Service
from responder.plan.guardrails import released, within

Answer = Literal["waiting", "put_back", "people", "done"]
_TRIES = 3
"""A step that could not put something back so often leaves it to people."""
_STAYS = frozenset({"applied", "verified", "failed"})


@dataclass(frozen=True)
class Care:
    """What is to be done about what is there for the time being."""

    answer: Answer
    numbers: tuple[int, ...] = ()
    """The remedies that this is about."""
    reason: str = ""
    since: Mapping[int, float | None] | None = None
    """Since when the reason of each has been gone, seconds since 1970 (UTC); None: it is still there."""
    wait_seconds: int = 0
    """When to look again."""


def in_place(actions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the remedies of an incident that are in place for the time being, and that nobody has been given yet."""
    return [item for item in actions if item.get("temporary") and item["status"] in _STAYS and item.get("applied_at")
            and not item.get("put_back_at") and not item.get("left_to_people_at")]


def care(service: Service, actions: Sequence[Mapping[str, Any]], over: Mapping[int, str], now: float, began: float,
         kill_switch: str | None, busy: bool) -> Care:
    """Decide what is to be put back now.

    ``actions`` are all remedies of the incident as they are on record, ``over`` says of each that is in place why its
    reason is gone (an empty text: it is not, or nobody can tell). ``now`` and ``began`` (of the aftercare) are seconds
    since 1970 (UTC). ``busy``: another incident of the service is open.
    """
    mine = {int(item["number"]): item for item in in_place(actions)}
    if not mine:
        return Care("done", reason="nothing is left that was for the time being")
    recovery = service.recovery
    # What was so before this aftercare began was so in another state of the world.
    since = {number: (max(float(item.get("over_since") or now), began) if over.get(number) else None)
             for number, item in mine.items()}
    hindered = "the kill switch is engaged, or could not be read" if not released(kill_switch) else (
        "another incident is open" if busy else "")
    ripe = [number for number, moment in since.items()
            if moment is not None and now - moment >= recovery.calm_seconds and not hindered
            and not any(within(freeze, now) and mine[number]["action"] not in freeze.allows
                        for freeze in service.guardrails.freezes)]
    failed = [number for number, item in mine.items() if _failure(item)]
    if failed:
        return Care("people", tuple(failed), _asks(service, mine[failed[0]], actions), since)
    if now - began >= recovery.aftercare_seconds:
        return Care("people", tuple(mine), hindered or (
            "the reason for it has not gone by itself in time, or nobody can tell"), since)
    asks = [number for number in ripe if _asks(service, mine[number], actions)]
    if asks:
        return Care("people", tuple(asks), _asks(service, mine[asks[0]], actions), since)
    if ripe:
        return Care("put_back", tuple(ripe), "; ".join(over[number] for number in ripe), since)
    # What is ripe and may not be put back yet is waited for as patiently as what is not.
    left = min((left for moment in since.values() if moment is not None
                and (left := recovery.calm_seconds - (now - moment)) > 0),
               default=float(recovery.check_at_most_every_seconds))
    wait = max(float(recovery.check_every_seconds), min(left + 1, recovery.check_at_most_every_seconds))
    return Care("waiting", reason=hindered or "; ".join(text for text in over.values() if text), since=since,
                wait_seconds=round(wait))


def _asks(service: Service, item: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> str:
    """Why a person is to put it back; an empty text where it goes by itself."""
    if service.mode != "auto" or service.policy.get(item["action"], "off") != "auto":
        return f"{item['action']} is not carried out without being asked for"
    if any(other.get("put_back_at") and (other["action"], other["target"]) == (item["action"], item["target"])
           for other in actions):
        return f"{item['action']} was put back before, and was needed again"
    failure = _failure(item)
    return f"{item['action']} could not be put back: {failure}" if failure else ""


def _failure(item: Mapping[str, Any]) -> str:
    """Why something could not be put back; an empty text where it may still be."""
    tried = f"it was tried {_TRIES} times" if int(item.get("put_back_tries") or 0) >= _TRIES else ""
    return str(item.get("put_back_failed") or tried)
