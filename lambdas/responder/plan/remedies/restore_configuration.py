"""Restore objects of the cluster that somebody changed just before the symptom: which changes a mechanism is about."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace

from responder.model.change import ABSENT, PARAMETER_GROUP, Change
from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.changes import made
from responder.plan.deeds import Deed, Site, text
from responder.plan.effects import less_cpu, selects_others
from responder.plan.remedies import Considered, Field, OnRecord, Remedy
from responder.plan.suspects import changes_before
from responder.plan.wording import capital, listed
from responder.plan.workload_kinds import WORKLOAD_KINDS

API_VERSIONS = {
    "Deployment": "apps/v1", "ConfigMap": "v1", "Service": "v1", "NetworkPolicy": "networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2", "ResourceQuota": "v1", "LimitRange": "v1",
    "PodDisruptionBudget": "policy/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1",
    "Rollout": "argoproj.io/v1alpha1", "ScaledObject": "keda.sh/v1alpha1", "Canary": "flagger.app/v1beta1"}
"""Of the kinds that are created again: the API version that is asked for."""
AT_ROOT = frozenset({"ConfigMap"})
"""Kinds whose content, as the ledger keeps it, lies at the object's root; that of all others is its ``spec``."""
_MATCHED = frozenset({"containers", "initContainers", "env"})
"""Lists of objects that a strategic merge patch matches by ``name`` (Kubernetes API reference, "patch strategy")."""
_UNMATCHED = frozenset({"ports", "volumes", "volumeMounts", "metrics"})
"""Lists whose items the ledger may tell by ``name``, and a patch by something else, or not at all."""
_MOST_NAMED = 3


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
    """Return the changes just before the symptom that the mechanism is about, of each object and writer the newest."""
    service, found = considered.service, list[Change]()
    for change in changes_before(considered.onset, considered.evidence):
        if change.kind not in considered.objects or change.kind == PARAMETER_GROUP:
            continue
        if change.kind in WORKLOAD_KINDS:
            fields = tuple(field for field in change.fields if field.path == ("replicas",) or less_cpu(field))
            if change.name != service.component(considered.hypothesis.component).deployment or not fields:
                continue
            change = replace(change, fields=fields)
        if change.kind == "NetworkPolicy" and selects_others(
                service, considered.hypothesis.component, considered.where, change, considered.evidence):
            continue
        if change.kind == "Service" and change.name not in {
                name for component in service.components for name in (component.name, component.service)}:
            continue
        found = [one for one in found if not _again(one, change)] + [change]
    return found


def _again(one: Change, later: Change) -> bool:
    """Whether a later change replaces one of the same object: it is of the same writer, or of the same fields."""
    return (one.kind, one.name) == (later.kind, later.name) and (
        one.by == later.by or "changed" not in (one.what, later.what)
        or any(later.touches(*map(str, field.path)) for field in one.fields))


def against(considered: Considered, facts: Facts) -> str:
    """Where more pods help as well, it is proposed only for a change that took them away."""
    if not facts.changes and "scale_up" in considered.together:
        return "no change was seen that took the capacity away"
    return ""


def against_contested(considered: Considered, facts: Facts) -> str:
    """Where it is not known whether the mechanism is the one, a change must have been seen."""
    return "" if facts.changes else "no change was seen that it would put back"


def deed(site: Site, record: OnRecord[Before, Parameters]) -> Deed:
    """What becomes of each object, and kubectl's commands; none where one of them would tell what is not shown."""
    steps = record.parameters.steps
    by_hand = [_command(site, step, back=True) for step in steps]
    undo = [_command(site, step, back=False) for step in reversed(steps)]
    title = listed([_title(step.change, site) for step in steps])
    return Deed(capital(title), tuple(by_hand) if all(by_hand) else (),
                tuple(undo) if all(undo) else ())


def summary(changes: Sequence[Change]) -> str:
    """Say what becomes of each object, and who made it as it is, and when; not where that is not known."""
    return listed([f"{_title(change)} ({made(change)})" for change in changes])


def _title(change: Change, site: Site | None = None) -> str:
    named = f"{change.kind} {change.name}"
    if change.what != "changed":
        verb = "delete the" if change.what == "created" else "create again the"
        return f"{verb} {named}"
    fields = [".".join(map(str, field.path)) for field in change.fields]
    told = fields if len(fields) <= _MOST_NAMED else [*fields[:_MOST_NAMED], f"{len(fields) - _MOST_NAMED} more"]
    value = change.fields[0].before if len(fields) == 1 else ABSENT
    if site and isinstance(value, str | int | float) and site.shows(change.fields[0].path, value):
        return f"set {told[0]} of the {named} back to {value}"
    return f"set {listed(told)} of the {named} back to what {'it was' if len(fields) == 1 else 'they were'}"


def _command(site: Site, step: Step, *, back: bool) -> str:
    """Return the command that restores an object, or with ``back`` False changes it again; empty: it would tell what
    is not shown."""
    change = step.change
    if change.what == "changed":
        return _patch(site, change, back)
    if (change.what == "created") is back:
        return site.kubectl("delete", change.kind.lower(), change.name)
    body = step.live if change.what == "created" else change.fields[0].before if change.fields else None
    version = API_VERSIONS.get(change.kind)
    if not isinstance(body, dict) or version is None or not site.shows((), body):
        return ""
    whole = {"apiVersion": version, "kind": change.kind, "metadata": {"name": change.name},
             **(body if change.kind in AT_ROOT else {"spec": body})}
    return f"printf %s {shlex.quote(text(whole))} | {site.kubectl('create', '-f', '-')}"


def _patch(site: Site, change: Change, back: bool) -> str:
    patch: dict[str, Json] = {}
    for field in change.fields:
        value = field.before if back else field.after
        whole = all(isinstance(part, str) for part in field.path) and not _UNMATCHED & set(field.path[:-1])
        if not field.path or not whole or (value is not ABSENT and not site.shows(field.path, value)):
            return ""
        *way, last = field.path
        place = patch
        for part in way:
            place = place.setdefault(str(part), {})
        gone = {"$patch": "delete"} if way and way[-1] in _MATCHED else None
        place[str(last)] = gone if value is ABSENT else value
    strategic = any(_MATCHED & set(field.path) for field in change.fields)
    body = _as_lists(patch)
    return site.kubectl("patch", change.kind.lower(), change.name, "--type", "strategic" if strategic else "merge",
                        "-p", text(body if change.kind in AT_ROOT else {"spec": body}))


def _as_lists(patch: Json) -> Json:
    """Return a patch in which the lists that are matched by name are lists again, and no longer objects by name."""
    if not isinstance(patch, dict):
        return patch
    return {key: [{"name": name, **_as_lists(item)} for name, item in value.items()]
            if key in _MATCHED and isinstance(value, dict) else _as_lists(value) for key, value in patch.items()}


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
    by_mechanism=True,
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    hazard="the change may have been made on purpose, such as to hold off an attack",
    against=against,
    against_contested=against_contested,
    deed=deed,
    writes=writes,
    undoes_change=True,
)
