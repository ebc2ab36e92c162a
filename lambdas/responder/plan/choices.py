"""What a person may choose who is asked about a remedy: another value of its one open parameter, or another remedy.

A choice is judged by the record alone: the plan that the remedy's own function wrote, and what the diagnosis proposed.
A value is planned anew under a number of its own, so that the remedy's own checks and the guardrails see it; the yes
holds for that plan, and for no other. Another remedy comes first instead, and needs a yes of its own where the policy
says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from responder.model.codec import Malformed
from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord, Proposed
from responder.model.remedy import Remedy
from responder.model.service import Service
from responder.plan import remedies
from responder.plan.deeds import Choice


@dataclass(frozen=True)
class Chosen:
    """What a person chose besides yes or no."""

    value: int | None = None
    """Of a yes: the value in place of the planned one; None: as it was planned."""
    other: str = ""
    """The id of the proposal that is to come first instead (``Proposed.id``); empty: none."""


NOTHING = Chosen()


@dataclass(frozen=True)
class Other:
    """Another remedy that may come first instead."""

    id: str
    """Of its proposal."""
    words: str
    """"restart of the pods of backend"."""


def choice_of(remedy: Remedy) -> Choice | None:
    """Return what of a planned remedy a person may change; None: nothing, or an earlier version planned it."""
    if remedy.action not in remedies.names():
        return None
    known = remedies.find(remedy.action)
    try:
        return known.choice(known.on_record(remedy.target, remedy.component, remedy.before, remedy.parameters))
    except Malformed:
        return None


def others(service: Service, record: IncidentRecord, ids: tuple[str, ...]) -> tuple[Other, ...]:
    """Return which of some proposals may come first instead, by the policy of now."""
    found = (record.proposal(name) for name in ids)
    return tuple(Other(one.id, in_words(one)) for one in found
                 if one and service.policy.get(one.action, "off") != "off")


def in_words(proposed: Proposed) -> str:
    """Return a proposal as a sentence has it."""
    return f"{remedies.phrase(proposed.action)} of {proposed.component}"


def objection(service: Service, remedy: Remedy | None, record: IncidentRecord, ids: tuple[str, ...],
              chosen: Chosen) -> str:
    """Say why something cannot be chosen, in a sentence without a capital and a full stop; empty where it can.

    ``ids`` are the proposals that could come first instead when people were asked.
    """
    if chosen.other:
        allowed = {other.id for other in others(service, record, ids)}
        return "" if chosen.other in allowed else "this other remedy is not proposed here, or its policy is off by now"
    if chosen.value is None:
        return ""
    choice = choice_of(remedy) if remedy else None
    if choice is None:
        return "nothing of this remedy can be chosen"
    return "" if choice.allows(chosen.value) else (
        f"{choice.label.lower()}: {chosen.value} is not one of {', '.join(str(one.value) for one in choice.options)}")


def offered(choice: Choice | None, instead: Sequence[Other]) -> str:
    """Say what may be chosen; empty where nothing may."""
    told = [f"{_values(choice)} in place of {choice.words(choice.planned)}"] if choice else []
    told += [f"the {other.words} first" for other in instead]
    return f"{'; or '.join(told)} (by IAM, or on the page where you have a link)." if told else ""


def by_iam(choice: Choice | None, instead: Sequence[Other]) -> list[str]:
    """Return how to choose by IAM, as lines of a shell's comment."""
    told = [f'# To approve with another value ({_values(choice)}), add to the body after "approve": '
            f', "value": {next(one.value for one in choice.options if one.value != choice.planned)}'] if choice else []
    return told + [f'# To have the {other.words} first, put in place of "approve": "instead", "other": '
                   f"{json.dumps(other.id)}" for other in instead]


def _values(choice: Choice) -> str:
    """Return the values that may be chosen: a range of numbers, or the names of the others."""
    values = [option.value for option in choice.options]
    if choice.unit:
        return f"{min(values)} to {max(values)} {choice.unit}"
    return ", ".join(option.words for option in choice.options if option.value != choice.planned)


def is_as_chosen(asked: Remedy, value: int | None, planned: Remedy) -> bool:
    """Whether a plan is what a person said yes to who was ``asked`` about another one and chose a value."""
    offered, found = choice_of(asked), choice_of(planned)
    same = all((
        asked.action == planned.action, asked.target == planned.target, asked.component == planned.component,
        asked.proposal == planned.proposal, asked.mechanism == planned.mechanism))
    return same and value is not None and offered is not None and offered.allows(value) and (
        found is not None and found.planned == value)


def said(remedy: Remedy | None, record: IncidentRecord, chosen: Chosen) -> str:
    """Say what was chosen, after the name of who chose it: "chose 6 pods instead of 8 pods"; empty: nothing was."""
    if chosen.other:
        proposed = record.proposal(chosen.other)
        return f"chose the {in_words(proposed)} first" if proposed else "chose another remedy first"
    if chosen.value is None:
        return ""
    choice = choice_of(remedy) if remedy else None
    return f"chose {choice.words(chosen.value)} instead of {choice.words(choice.planned)}" if choice else (
        f"chose {chosen.value}")
