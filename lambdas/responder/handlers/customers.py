"""Update customers who had a message about the incident: what is new, or nothing, and in the end that it is over.

The first message is a remedy (``actions/inform_customers.py``): people may have to approve it, and what follows keeps
what it promised.
"""

from __future__ import annotations

import time

from responder.clients.failure import CallFailed
from responder.handlers.linking import hand_over
from responder.handlers.notify import Delivered, notify
from responder.handlers.step import StepEvent, StepRun, step
from responder.model import facts
from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import epoch, iso
from responder.people import Message
from responder.plan import customers
from responder.plan.customers.facts import Facts
from responder.plan.customers.facts import facts as known

_TOLD, _AGAIN = 2, 3
"""The places of these entries among those of their step."""


@dataclass(frozen=True, kw_only=True)
class UpdateEvent(StepEvent):
    """What this step is given."""

    more_by: str = ""
    """When customers are to be told that they hear more, ISO 8601 in UTC; empty: nothing is promised."""


@dataclass(frozen=True)
class UpdateResult:
    """What this step returns."""

    told: bool
    """Whether customers were told, now or at an earlier try."""


@step("Update customers", UpdateEvent)
def handler(run: StepRun, event: UpdateEvent) -> UpdateResult:
    """Tell customers what is new, or that nothing is; raises CallFailed where no channel could tell them."""
    record = run.records.load(run.incident)
    told = _told(run, record, event.more_by)
    if told is None or not told.text:
        return UpdateResult(False)
    if not _tell(run, record, told, f"customers-{run.entered}"):
        # Lambda tries again after a minute, and what is lost in the end raises the alarm on undelivered events.
        raise CallFailed("unavailable", "customers could not be told by any channel")
    return UpdateResult(True)


def tell_news(run: StepRun, record: IncidentRecord, more_by: str) -> None:
    """Tell customers what changed since their last message, if anything did; what was promised them stays as it was."""
    told = _told(run, record, more_by)
    if told and told.is_news:
        _tell(run, record, told, f"customers-{run.entered}")


def tell_the_end(run: StepRun, record: IncidentRecord) -> None:
    """Tell customers that it is over, or that the responder's work has ended before it was over; once an opening.

    Where it is over, and other services for whose customers it speaks still fail, one of their incidents goes on.
    """
    found = _known(run, record)
    if found.told is None:
        return
    key = f"customers-end-{record.incident.reopenings}"
    if not found.told_over:
        _tell_if_any(run, record, found, key)
    if not (found.over and found.failing):
        return
    heir = found.failing[0]
    hand_over(run, record, customers.told_for(record), heir)
    if not _is_open(run.records.find(heir.incident)):
        # It has ended in the meantime, and may have done so before it knew that it was to go on.
        _tell_if_any(run, record, _known(run, record), f"{key}-of-all", _AGAIN)


def _tell_if_any(run: StepRun, record: IncidentRecord, found: Facts, key: str, number: int = _TOLD) -> None:
    told = customers.message(run.service, found)
    if told is not None:
        _tell(run, record, told, key, number)


def _told(run: StepRun, record: IncidentRecord, more_by: str) -> customers.Told | None:
    """Return what customers are told while it lasts; None where they had no message, or it no longer lasts."""
    found = _known(run, record, epoch(more_by))
    if found.told is None or not found.lasts or found.closed:
        return None
    return customers.message(run.service, found)


def _known(run: StepRun, record: IncidentRecord, more_by: float | None = None) -> Facts:
    """Return what is known now, also of the other services for whose customers this incident speaks."""
    others = {one.incident: run.records.find(one.incident) for one in customers.told_for(record)}
    working = {name for name, incident in others.items() if incident and incident.recovery_verified_at}
    return known(run.service, record, time.time(), more_by, working=working, ended={
        name for name, incident in others.items() if name not in working and not _is_open(incident)})


def _is_open(incident: Incident | None) -> bool:
    return incident is not None and incident.status != "closed"


def _tell(run: StepRun, record: IncidentRecord, told: customers.Told, key: str, number: int = _TOLD) -> Delivered:
    more_by = iso(told.more_by) if told.more_by else ""
    delivered = notify(run, Message("customers", key, run.incident, told.subject, told.text, phase=told.phase,
                                    affected=record.incident.affected, extent=told.extent, said=told.said,
                                    works=told.works, also_fails=told.also_fails, also_works=told.also_works,
                                    more_by=more_by), 60)
    if delivered.fresh:
        run.note(f"customers were told: {told.text}", number=number, kind="notification",
                 fact=facts.Delivered("customers", ", ".join(delivered.channels), said=told.said, more_by=more_by))
    return delivered
