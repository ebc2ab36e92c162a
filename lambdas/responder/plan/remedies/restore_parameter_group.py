"""Restore the database parameters that somebody changed just before the symptom: which they are, and their values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, replace

from responder.model.change import PARAMETER_GROUP, Change, FieldChange
from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.changes import in_effect
from responder.plan.remedies import Considered, Remedy
from responder.plan.suspects import changes_before


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """The changes of parameter groups, one for each group: each parameter from before its first change on."""

    changes: tuple[Change, ...] = ()
    too_large: bool = False
    """Whether they are too large for the record, and were left out."""

    def reduced(self) -> Facts:
        """Leave the changes out."""
        return replace(self, changes=(), too_large=True)


@dataclass(frozen=True)
class Before:
    """The group as it was found."""

    values: dict[str, str | None] = field(default_factory=dict)
    """Parameter to its value; None: the engine's default."""


@dataclass(frozen=True)
class Parameters:
    """The values that are restored."""

    group: str
    back: dict[str, str | None]
    """Parameter to the value from before the change; None: the engine's default."""
    instance: str = ""
    """The instance on which they must take effect."""


def facts(considered: Considered) -> Facts:
    """Collect the parameters that changed just before the symptom and took effect at once."""
    found: dict[str, Change] = {}
    for change in changes_before(considered.onset, considered.evidence):
        if change.kind != PARAMETER_GROUP or change.kind not in considered.objects:
            continue
        earlier = found[change.name].fields if change.name in found else ()
        fields = _merged(earlier, change)
        if fields:
            found[change.name] = replace(change, fields=fields)
    return Facts(tuple(found.values()))


def _merged(earlier: Iterable[FieldChange], change: Change) -> tuple[FieldChange, ...]:
    """Return the parameters that changed, each from before its first change to after its last."""
    fields = {item.path: item for item in earlier}
    for item in change.fields if change.what == "changed" else ():
        if in_effect(item):
            fields[item.path] = FieldChange(item.path, fields.get(item.path, item).before, item.after)
    return tuple(fields.values())


def against_contested(considered: Considered, facts: Facts) -> str:
    """Where it is not known whether the mechanism is the one, a change must have been seen."""
    return "" if facts.changes else "no change was seen that it would put back"


REMEDY = Remedy(
    name="restore_parameter_group",
    phrase="restore of the parameter group",
    facts=facts,
    kinds=(Facts, Before, Parameters),
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    against_contested=against_contested,
    undoes_change=True,
)
