"""Plan the remedy: check its preconditions anew, say what would be done, and keep what is there now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from responder.actions import ActionFailed, AnyAction, AnyPlan, Declined, RemediationContext
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.act.remedy import RemedyEvent, added_to, mine, planned_context
from responder.handlers.step import StepRun, step
from responder.model.codec import Json, encode
from responder.model.facts import Planned
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.moment import iso
from responder.model.remedy import Remedy, operands
from responder.model.shown import NotExact
from responder.plan.deeds import Site
from responder.plan.remedies import OnRecord
from responder.plan.wording import capital
from responder.records.store import ITEM_CHARACTERS

_MOST_CHARACTERS = ITEM_CHARACTERS - 50_000
"""Of a plan's operands: its diff and the rest stand in the same item."""
_MOST_SHOWN = 20_000


@dataclass(frozen=True)
class PlanResult:
    """What planning returns."""

    action: str
    target: str
    summary: str
    refusal: str
    """Why it must not be done; empty where it may."""
    tells: bool
    """Whether it has an audience, and changes nothing."""
    passing: bool
    """Whether the refusal may pass by itself."""


@step("Plan the remedy", RemedyEvent, renews=False)
def plan(run: StepRun, event: RemedyEvent) -> PlanResult:
    """Plan the remedy; the plan and what was there are on record before it returns."""
    action, number, name = mine(), event.number, event.remedy.id
    proposal = run.records.proposed(run.incident, name)
    if proposal is None or proposal.action != action.name:
        raise ActionFailed(f"no diagnosis on record proposes {action.name} under the id {name!r}")
    context = planned_context(run, event, action, proposal)
    kept = run.records.plan_remedy(run.incident, _remedy(
        action, context, name, _planned(run, action, context, proposal.facts)))
    if kept.action != action.name or kept.proposal != name:
        raise ActionFailed(f"remedy {number} is on record as {kept.action} of {kept.component}, and not as "
                           f"{action.name} of {context.component}")
    run.note(f"{action.name}: {kept.refusal or kept.summary}", kind="plan", fact=Planned(kept.diff))
    return PlanResult(action.name, kept.target, kept.summary, kept.refusal, bool(action.audience), kept.transient)


def _planned(run: StepRun, action: AnyAction, context: RemediationContext, facts: Json) -> AnyPlan | Declined:
    """Return what the remedy would do, or why it must not."""
    target, summary = context.component, f"{action.name} of {context.component}"
    try:
        found = action.plan_of(context, facts)
    except CallFailed as failed:
        return Declined(target, summary, f"what it needs to know could not be read: {failed.note}")
    except NotExact as hidden:
        return Declined(target, summary, f"it would have to keep something secret, which no record holds: {hidden}")
    if isinstance(found, Declined):
        return found
    if first := added_to(run, action, found.target):
        # In the end the state from before the first of them is restored.
        found = replace(found, before=action.kept(found.target, "", first.before, first.parameters, "").before)
    if len(operands(encode(found.before), encode(found.parameters))) > _MOST_CHARACTERS:
        return Declined(found.target, found.summary, "what it changes is too large to be kept on record, so it could "
                                                     "not be undone", diff=found.diff)
    return found


def _remedy(action: AnyAction, context: RemediationContext, proposal: str, found: AnyPlan | Declined) -> Remedy:
    """Return the record of a plan."""
    record = Remedy(
        context.number, action.name, component=context.component, cause=context.cause, mechanism=context.mechanism,
        where=context.where, target=found.target, summary=found.summary,
        deed=capital(found.summary), diff=str(found.diff)[:_MOST_SHOWN], proposal=proposal,
        risk=action.risk, audience=action.audience, reversible=action.remedy.rolled_back, planned_at=iso(time.time()))
    if isinstance(found, Declined):
        return replace(record, refusal=found.reason, transient=found.transient)
    told = action.remedy.deed(Site(context.service, environment.region()), OnRecord(
        found.target, context.component, found.before, found.parameters))
    return replace(record, temporary=found.temporary, before=encode(found.before), parameters=encode(found.parameters),
                   deed=told.title or record.deed, by_hand=_whole(told.by_hand), undo=_whole(told.undo))


def _whole(commands: Sequence[str]) -> str:
    """Return commands, one a line; none of them where one would be masked or is too long to be kept."""
    lines = "\n".join(commands)
    return lines if mask(lines) == lines and len(lines) <= _MOST_SHOWN else ""
