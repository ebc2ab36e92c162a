"""Restore objects of the cluster that somebody changed just before the symptom: which changes a mechanism is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from responder.model.change import PARAMETER_GROUP, Change
from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.effects import less_cpu, selects_others
from responder.plan.remedies import Considered, Field, OnRecord, Remedy
from responder.plan.suspects import changes_before


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """The changes that the mechanism is about, the newest of each object."""

    changes: tuple[Change, ...] = ()
    too_large: bool = False
    """Whether they are too large for the record, and were left out."""

    def reduced(self) -> Facts:
        """Leave the changes out."""
        return replace(self, changes=(), too_large=True)


@dataclass(frozen=True)
class Before:
    """The objects as they were found."""

    objects: tuple[Json, ...] = ()
    """Of each object what rolling back needs: of a created one its body, of others nothing but the change."""


@dataclass(frozen=True)
class Step:
    """One object that is restored."""

    change: Change
    uid: str = ""
    """Of the object as it was found; empty: it was gone."""
    live: Json = None
    """Its body, where the change created it: it is deleted, and created again to roll back."""


@dataclass(frozen=True)
class Parameters:
    """The objects that are restored, in this order."""

    steps: tuple[Step, ...] = ()


def facts(considered: Considered) -> Facts:
    """Collect the changes that the mechanism is about."""
    return Facts(tuple(suspects(considered)))


def suspects(considered: Considered) -> list[Change]:
    """Return the changes just before the symptom that the mechanism is about, of each object the newest."""
    service, found = considered.service, dict[tuple[str, str], Change]()
    for change in changes_before(considered.onset, considered.evidence):
        if change.kind not in considered.objects or change.kind == PARAMETER_GROUP:
            continue
        if change.kind == "Deployment":
            fields = tuple(field for field in change.fields if field.path == ("replicas",) or less_cpu(field))
            if change.name != service.component(considered.hypothesis.component).deployment or not fields:
                continue
            change = replace(change, fields=fields)
        if change.kind == "NetworkPolicy" and selects_others(
                service, considered.hypothesis.component, considered.where, change, considered.evidence):
            continue
        if change.kind == "Service" and change.name not in {component.name for component in service.components}:
            continue
        found[change.kind, change.name] = change
    return list(found.values())


def against(considered: Considered, facts: Facts) -> str:
    """Where more pods help as well, it is proposed only for a change that took them away."""
    if not facts.changes and "scale_up" in considered.together:
        return "no change was seen that took the capacity away"
    return ""


def against_contested(considered: Considered, facts: Facts) -> str:
    """Where it is not known whether the mechanism is the one, a change must have been seen."""
    return "" if facts.changes else "no change was seen that it would put back"


def writes(record: OnRecord[Before, Parameters]) -> Iterator[Field]:
    """The fields that were restored; not their values, which may be long or secret and stay where they are."""
    for change in (step.change for step in record.parameters.steps):
        if change.what != "changed":
            yield Field(change.kind, change.name)
        for field in change.fields if change.what == "changed" else ():
            yield Field(change.kind, change.name, tuple(str(part) for part in field.path))


REMEDY = Remedy(
    name="restore_configuration",
    phrase="restore of the configuration",
    facts=facts,
    kinds=(Facts, Before, Parameters),
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    against=against,
    against_contested=against_contested,
    writes=writes,
    undoes_change=True,
)
