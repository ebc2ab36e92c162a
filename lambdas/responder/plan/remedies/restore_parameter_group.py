"""Restore the database parameters that somebody changed just before the symptom: which they are, and their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace

from responder.model.change import CLUSTER_GROUP, PARAMETER_GROUP, Change, FieldChange
from responder.model.evidence.trail import Trail
from responder.model.frozen import dataclass
from responder.model.redact import decision
from responder.plan import remedies
from responder.plan.changes import in_effect
from responder.plan.deeds import Deed, Site, text
from responder.plan.remedies import Considered, OnRecord, Remedy
from responder.plan.suspects import changes_before
from responder.plan.times import may_have_caused
from responder.plan.wording import listed

_CALLS = frozenset({"ModifyDBParameterGroup", "ResetDBParameterGroup", "ModifyDBClusterParameterGroup",
                    "ResetDBClusterParameterGroup"})
_EACH = 20
"""Parameters that RDS takes a call (AWS: "ModifyDBParameterGroup")."""


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """The changes of parameter groups, one for each group: each parameter from before its first change on."""

    changes: tuple[Change, ...] = ()
    too_large: bool = False
    """Whether they are too large for the record, and were left out."""
    by: str = ""
    """Who changed the group, as CloudTrail tells; empty: not known."""

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
    """Of a DB cluster ``cluster-pg:NAME``."""
    back: dict[str, str | None]
    """Parameter to the value from before the change; None: the engine's default."""
    instance: str = ""
    """The instance on which they must take effect."""
    cluster: str = ""
    """The DB cluster on which they must take effect, where the group is a cluster's."""


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
    calls = [event for finding in considered.evidence.of(Trail) for event in finding.detail.events
             if event.name in _CALLS and may_have_caused(considered.onset, event.at)
             and {name.removeprefix(CLUSTER_GROUP) for name in found} & {
                 *event.resources, *map(str, event.parameters.values())}]
    return Facts(tuple(found.values()), by=", ".join(dict.fromkeys(event.by for event in calls if event.by)))


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


def deed(site: Site, record: OnRecord[Before, Parameters]) -> Deed:
    """The parameters that get their values from before, and RDS' calls for it."""
    wanted = record.parameters
    old = {name: record.before.values.get(name) for name in wanted.back}
    changed = sorted(name for name, value in wanted.back.items() if old[name] != value)
    return Deed(f"Set {listed(changed)} of the parameter group {wanted.group} back to what "
                f"{'it was' if len(changed) == 1 else 'they were'}",
                tuple(_setting(site, wanted.group, {name: wanted.back[name] for name in changed})),
                tuple(_setting(site, wanted.group, {name: old[name] for name in changed})))


def _setting(site: Site, group: str, values: Mapping[str, str | None]) -> Iterator[str]:
    """Yield the commands that set values, None for the engine's default; none where one of them is not shown."""
    if not all(value is None or decision(name, value) for name, value in values.items()):
        return
    given = [{"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
             for name, value in values.items() if value is not None]
    without = [{"ParameterName": name, "ApplyMethod": "immediate"} for name, value in values.items() if value is None]
    of = "cluster-" if group.startswith(CLUSTER_GROUP) else ""
    for verb, items in (("modify", given), ("reset", without)):
        for start in range(0, len(items), _EACH):
            yield site.aws("rds", f"{verb}-db-{of}parameter-group", f"--db-{of}parameter-group-name",
                           group.removeprefix(CLUSTER_GROUP), "--parameters", text(items[start:start + _EACH]))


REMEDY = Remedy(
    name="restore_parameter_group",
    phrase="restore of the parameter group",
    facts=facts,
    kinds=(Facts, Before, Parameters),
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    hazard="every instance that uses the group gets the values, and the change may have been made on purpose",
    against_contested=against_contested,
    deed=deed,
    undoes_change=True,
)
