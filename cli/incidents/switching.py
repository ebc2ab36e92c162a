"""Engage and release kill switches, with who did it and why, and what that means just then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from cli.incidents.known import open_ones
from cli.incidents.lines import standing_lines, switch_line
from cli.incidents.overview import in_force
from cli.incidents.place import Place
from cli.incidents.standing import standing
from cli.incidents.switch import ENGAGED, RELEASED, Switch, put, read
from cli.incidents.who import caller
from cli.output import NOT_WELL, WRONG_INPUT, Refused
from responder.clients.failure import CallFailed
from responder.model.codec import Malformed
from responder.model.frozen import dataclass
from responder.model.service import Service


@dataclass(frozen=True)
class Flipped:
    """A kill switch that was set, or was so already."""

    service: str
    was: Switch | None
    """None: it may not be read."""
    now: Switch | None
    """As it was read again afterwards; None: it may not be read."""
    is_changed: bool
    """Whether it was set anew; False: it said the same before."""
    value: Literal["released", "engaged"]


def meant(place: Place, service: str, every: bool) -> Sequence[Service]:
    """Return the services whose switches are meant; raises Refused where several could be and none is named."""
    found = place.chosen(service)
    if len(found) > 1 and not every:
        raise Refused(f"{place.stack} has several services: name one with --service: "
                      f"{', '.join(sorted(one.service for one in found))}", WRONG_INPUT)
    if not found:
        raise Refused(f"{place.stack} has no service", WRONG_INPUT)
    return found


def flipped(place: Place, service: Service, value: Literal["released", "engaged"], reason: str) -> Flipped:
    """Set a switch, unless it says the same already, and return what it says; raises Refused.

    It is set also where it may not be read: whoever stops the responder in an outage needs the one right alone.
    """
    was = _readable(place, service)
    if was and was.value == value:
        return Flipped(service.service, was, was, False, value)
    put(place, service, value, caller(place).name, reason)
    now = _readable(place, service)
    if now and now.value != value:
        raise Refused(f"the kill switch of {service.service} says {now.value!r} again: somebody else has set it "
                      f"({now.why or now.by})", NOT_WELL)
    return Flipped(service.service, was, now, True, value)


def _readable(place: Place, service: Service) -> Switch | None:
    try:
        return read(place, service)
    except Refused:
        return None


def flipped_lines(found: Flipped) -> Iterator[str]:
    """Yield what a switch says now."""
    told = switch_line(found.now) if found.now else f"{found.value} (it may not be read back)"
    yield f"{found.service}: the kill switch {'was already so' if not found.is_changed else 'is set'}: {told}"
    if found.is_changed:
        yield ("Nothing is changed any more. To release it: "
               f"responder release --service {found.service} --reason …" if found.value == ENGAGED else
               f"From now on remedies may be applied. To stop them: responder stop --service {found.service}")


def release_lines(place: Place, service: Service, now: float) -> Iterator[str]:
    """Yield what somebody should know who is about to release a switch; raises Refused."""
    switch = _readable(place, service)
    yield f"{service.service}: the kill switch is {switch_line(switch) if switch else 'not readable for you'}"
    try:
        newest, _ = in_force(place, service)
    except (CallFailed, Malformed, Refused):
        newest = service
        yield "The settings of now cannot be read; these are the ones of the deployment."
    alone = sorted(action for action, policy in newest.policy.items() if policy == "auto")
    if newest.mode == "observe":
        yield "The mode is observe: nothing will be changed all the same."
    elif newest.mode == "approve":
        yield "The mode is approve: each remedy needs a person's yes."
    else:
        yield f"The mode is auto: without asking it may apply {', '.join(alone) or 'nothing'}."
    held = open_ones(place.records(), [service])
    for one in held:
        yield from standing_lines(standing(place, one, now)[0], now)
    if not held:
        yield "No incident is open."


__all__ = ["ENGAGED", "RELEASED", "Flipped", "flipped", "flipped_lines", "meant", "release_lines"]
