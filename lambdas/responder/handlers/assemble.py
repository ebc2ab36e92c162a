"""Assemble the incident response team: notify it at once, without delaying the other steps."""

from __future__ import annotations

from dataclasses import replace

from responder import people
from responder.handlers.confirm import ConfirmResult
from responder.handlers.notify import message, notify, record_notification
from responder.handlers.step import StepEvent, StepRun, step
from responder.model.facts import Undelivered
from responder.model.frozen import dataclass
from responder.plan import messages


class NotPaged(Exception):
    """The page may not have reached the people on call; a retry does not notify the others again."""


@dataclass(frozen=True, kw_only=True)
class AssembleEvent(StepEvent):
    """What this step is given."""

    confirmation: ConfirmResult


@dataclass(frozen=True)
class AssembleResult:
    """What this step returns."""

    notified: tuple[str, ...] = ("team",)


@step("Assemble the team", AssembleEvent)
def handler(run: StepRun, event: AssembleEvent) -> AssembleResult:
    """Page the people on call, and open the channel where the team follows the incident; once per opening.

    Of several services that begin to fail at the same time, one pages the people that they have in common.
    """
    record = run.records.load(run.incident)
    page = message(run, record, "page", f"page-{record.incident.reopenings}", messages.page(run.service, record))
    channels = notify(run, replace(page, need="begins", persons=tuple(
        person for person in run.service.team if person.role == "sre")))
    record_notification(run, "the incident response team is called" + (
        f", with incident {channels.joined}" if channels.joined else ""), "team", channels)
    if not channels:
        run.note("the team could not be told", kind="notification", fact=Undelivered("all channels"))
    if not channels or set(channels.failed) & {channel.name for channel in people.every() if channel.wakes}:
        # Lambda retries after one minute and after two more; then an alarm of the responder's own goes off.
        raise NotPaged(f"the page was not taken by {', '.join(channels.failed) or 'any channel'}")
    return AssembleResult()
