"""Deliver a message by every channel that takes it: once per channel; failures are recorded."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace

from responder import people
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.step import StepRun, log
from responder.model.facts import Delivered as DeliveredFact
from responder.model.facts import Undelivered
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.moment import iso
from responder.people import AnyChannel, Kind, Message
from responder.plan import messages
from responder.plan.links import references
from responder.plan.messages import Said
from responder.plan.needs import needs
from responder.records.deliveries import Delivery

_JOINED_SECONDS = 600.0
"""Who was woken so shortly before has not looked at much else yet. Later it is another need."""
_WAIT_SECONDS = 12.0
"""Longer than any channel takes; then this step continues, because a duplicate message is better than none."""


@dataclass(frozen=True)
class Delivered:
    """The result of a delivery."""

    channels: tuple[str, ...] = ()
    """The channels that have delivered it, now or before."""
    fresh: bool = False
    """Whether one of the channels delivered it now."""
    failed: tuple[str, ...] = ()
    """The channels that failed."""
    joined: str = ""
    """The incident for which the same people were woken before, where that holds for this one too; empty: none."""

    def __bool__(self) -> bool:
        return bool(self.channels)


def message(run: StepRun, record: IncidentRecord, kind: Kind, key: str, said: Said) -> Message:
    """Return a message to the team, with the pages to open and with what still needs a person."""
    return Message(kind, key, run.incident, said.subject, said.text, affected=record.incident.affected,
                   topic=said.subject, references=references(run.service, record, environment.reports()),
                   needs=needs(record), code=said.code)


def notify(run: StepRun, message: Message, number: int = 50) -> Delivered:
    """Deliver a message; ``number`` orders the notes of one step."""
    delivered: list[str] = []
    failures: list[str] = []
    fresh, joined = False, ""
    for place, channel in enumerate(people.every()):
        if message.kind not in channel.takes or not channel.configured(run.service):
            continue
        # Several steps may notify people at the same time; only one at a time may change a channel's state.
        end = time.monotonic() + _WAIT_SECONDS
        while not run.records.take_channel(message.incident, channel.name) and time.monotonic() < end:
            time.sleep(0.3)
        before = run.records.delivery(message.incident, channel.name)
        known = bool(message.key) and message.key in before.sent
        said = message if known else _by_alert(run, channel, message, before, joined)
        try:
            taken = known or _deliver(run, channel, said, before)
        except CallFailed as failed:
            failures.append(channel.name)
            run.note(f"{channel.name} could not be used", number=number + place, kind="notification",
                       why=failed.note, fact=Undelivered(channel.name, failed.status))
            taken = False
        if known or channel.name in failures:
            run.records.keep_channel(message.incident, channel.name, before.state, before.sent)
        if taken:
            fresh, joined = fresh or not known, joined or said.joins
            delivered.append(channel.name)
    return Delivered(tuple(delivered), fresh, tuple(failures), joined)


def _by_alert(run: StepRun, channel: AnyChannel, message: Message, before: Delivery, joined: str) -> Message:
    """Return a message with the alert by which it wakes people, and with those that it must leave to other incidents.

    A channel that wakes nobody is told where the others have added it to an alert: ``joined`` has opened that.
    """
    alerting = channel.alerting
    if alerting is None:
        return _joining(message, joined)
    state = channel.remembered(before.state)
    if message.need:
        group = hashlib.sha256(f"{channel.name} {alerting.team(run.service)} {message.need}".encode()).hexdigest()
        opened = run.records.join_alert(group, alerting.key(message, state), run.incident, _JOINED_SECONDS)
        joins = "" if opened.incident == run.incident else opened.incident
        return replace(_joining(message, joins), alert=opened.alert)
    shared = tuple(key for key in alerting.ended(message, state) if run.records.leave_alert(key, run.incident))
    return replace(message, shared=shared) if shared else message


def _joining(message: Message, joins: str) -> Message:
    """Return a message that names the incident for which the same people were woken; the same where there is none."""
    return replace(message, joins=joins, text=f"{message.text}\n\n{messages.joined(joins)}") if joins else message


def _deliver(run: StepRun, channel: AnyChannel, message: Message, before: Delivery) -> bool:
    """Deliver a message by a channel that is reserved, and release it; False where there was no recipient.

    At-least-once delivery: deliver, then record. Raises CallFailed where nothing was delivered.
    """
    state = channel.deliver(run.service, message, before.state)
    now = {message.key: iso(time.time())} if message.key and state is not None else {}
    run.records.keep_channel(message.incident, channel.name, before.state if state is None else state,
                               before.sent | now)
    if state is None:
        log(step=run.name, incident=message.incident, channel=channel.name, kind=message.kind, delivered=False)
    return state is not None


def record_notification(run: StepRun, what: str, to: str, delivered: Delivered, number: int = 0) -> None:
    """Record a notification and its channels, if it was delivered now."""
    if delivered.fresh:
        run.note(what, number=number, kind="notification", fact=DeliveredFact(to, ", ".join(delivered.channels)))
