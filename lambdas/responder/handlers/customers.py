"""Update customers who had a message about the incident: what is new, or nothing, and in the end that it is over.

The first message is a remedy (``actions/inform_customers.py``): people may have to approve it, and what follows keeps
what it promised.
"""

from __future__ import annotations

import time

from responder.clients.failure import CallFailed
from responder.handlers.notify import Delivered, notify
from responder.handlers.step import StepEvent, StepRun, step
from responder.model import facts
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.moment import epoch, iso
from responder.people import Message
from responder.plan import customers
from responder.plan.customers.facts import facts as known


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
    told = _told(run, run.records.load(run.incident), event.more_by)
    if told is None or not told.text:
        return UpdateResult(False)
    if not _tell(run, run.records.require(run.incident).affected, told, f"customers-{run.entered}"):
        # Lambda tries again after a minute, and what is lost in the end raises the alarm on undelivered events.
        raise CallFailed("unavailable", "customers could not be told by any channel")
    return UpdateResult(True)


def tell_news(run: StepRun, record: IncidentRecord, more_by: str) -> None:
    """Tell customers what changed since their last message, if anything did; what was promised them stays as it was."""
    told = _told(run, record, more_by)
    if told and told.is_news:
        _tell(run, record.incident.affected, told, f"customers-{run.entered}")


def tell_the_end(run: StepRun, record: IncidentRecord) -> None:
    """Tell customers that it is over, or that the responder's work has ended before it was over; once an opening."""
    at = time.time()
    found = known(run.service, record, at)
    told = customers.message(run.service, found)
    if found.told is None or found.told_over or told is None:
        return
    _tell(run, record.incident.affected, told, f"customers-end-{record.incident.reopenings}")


def _told(run: StepRun, record: IncidentRecord, more_by: str) -> customers.Told | None:
    """Return what customers are told while it lasts; None where they had no message, or it no longer lasts."""
    found = known(run.service, record, time.time(), epoch(more_by))
    if found.told is None or not found.lasts or found.closed:
        return None
    return customers.message(run.service, found)


def _tell(run: StepRun, affected: tuple[str, ...], told: customers.Told, key: str) -> Delivered:
    more_by = iso(told.more_by) if told.more_by else ""
    delivered = notify(run, Message("customers", key, run.incident, told.subject, told.text, phase=told.phase,
                                    affected=affected, extent=told.extent, said=told.said, more_by=more_by), 60)
    if delivered.fresh:
        run.note(f"customers were told: {told.text}", number=2, kind="notification",
                 fact=facts.Delivered("customers", ", ".join(delivered.channels), said=told.said, more_by=more_by))
    return delivered
