"""Put back what the change ledger recorded from before a change: only the fields that changed, nothing else.

What was created is deleted, what was deleted is created again. Only exact values are compared, put back and created
(``model/shown.py``). It is declined, by object and path, where a value that it needs is hidden, for the ledger does not
keep what is secret; where somebody has changed the same field again since; and where a GitOps tool, an operator or
another object keeps the object as it is. A node is never opened again: whoever closed it had a reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from responder.actions import Action, ActionFailed, Declined, Plan, RemediationContext, connected, writing
from responder.clients import watched
from responder.clients.kubernetes import Kubernetes, NotFound
from responder.clients.ownership import Keeper, keeper
from responder.model.change import ABSENT, OWN_MANAGER, Change, FieldChange
from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.model.masking import unkept
from responder.model.redact import MISSING
from responder.model.redact import lines as diff_lines
from responder.model.shown import exact, hidden_path, shown
from responder.model.writers import put_back_by
from responder.plan.remedies.restore_configuration import AT_ROOT, REMEDY, Before, Facts, Parameters, Step, summary
from responder.sources import cluster_access

Planned = Plan[Before, Parameters]
Path = Sequence[str | int]


@dataclass(frozen=True)
class _Live:
    """An object as it is now."""

    uid: str
    resource_version: str
    group: str
    """The API group and version by which it was read."""
    keeper: Keeper | None
    """Who puts it back as it was; None: nobody is known to."""
    content: Mapping[str, Json]
    """What the paths of a change begin in."""
    body: Json
    """What people set, as the ledger keeps it."""


def plan(context: RemediationContext, facts: Facts, api: Kubernetes | None = None) -> Planned | Declined:
    """Say which fields of which objects would be put back; see ``Action.plan``."""
    changes = facts.changes
    if not changes:
        return Declined(context.component, "put back what changed", (
            "what changed is too large to be kept on record" if facts.too_large
            else "no change is known that could be put back"))
    api = connected(context, api)
    found = [(change, _live(api, change, _namespace(context, change))) for change in changes]
    target = f"{changes[0].kind.lower()}/{changes[0].name}"
    said, allowed = summary(changes), context.service.shown_keys
    diff = shown("\n".join(line for change, live in found for line in _lines(change, live, allowed)))
    refusal = next(filter(None, (_refusal(change, live) for change, live in found)), "")
    if refusal:
        return Declined(target, said, refusal, diff=diff)
    steps = tuple(Step(change, live.uid if live else "",
                       live.body if live and change.what == "created" else None) for change, live in found)
    return Plan(target, said, Before(tuple(step.live for step in steps)), Parameters(steps), diff)


def apply(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Put it back; a field that is as it was before already is left alone, so a repeat does nothing."""
    return _bring(context, plan, api, back=True)


def revert(context: RemediationContext, plan: Planned, api: Kubernetes | None = None) -> str:
    """Bring the change about again, which was not the cause."""
    return _bring(context, plan, api, back=False)


def _bring(context: RemediationContext, plan: Planned, api: Kubernetes | None, *, back: bool) -> str:
    api = connected(context, api)
    for step in plan.parameters.steps:
        change, namespace = step.change, _namespace(context, step.change)
        live = _live(api, change, namespace)
        conflicts = frozenset({409, 422}) if change.what == "changed" else frozenset[int]()
        with writing(f"{change.kind} {change.name}", conflicts):
            if change.what == "changed":
                _set_fields(api, change, live, namespace, back)
            elif (change.what == "created") is back:
                if live is not None:
                    api.delete(live.group, watched.KINDS[change.kind].plural, namespace, change.name,
                               step.uid if back else live.uid)
            elif live is None:
                _create(api, change, exact(step.live if change.what == "created" else change.fields[0].before),
                        namespace)
    return plan.summary if back else f"{plan.summary}: taken back"


def _namespace(context: RemediationContext, change: Change) -> str:
    """Return where a changed object is: the ledger watches one namespace, whatever namespaces the components are in."""
    return change.namespace or context.service.cluster.namespace


def _live(api: Kubernetes, change: Change, namespace: str) -> _Live | None:
    kind = watched.KINDS[change.kind]
    for group in kind.groups:
        try:
            item = api.get(group, kind.plural, namespace if kind.namespaced else "", change.name)
        except NotFound:
            continue
        metadata, version = item["metadata"], item.get("apiVersion", "")
        return _Live(metadata["uid"], metadata.get("resourceVersion", ""),
                     next((one for one in kind.groups if one.split("/", 1)[1] == version), kind.groups[-1]),
                     keeper(item), item if change.kind in AT_ROOT else item.get("spec") or {}, kind.reduce(item))
    return None


def _refusal(change: Change, live: _Live | None) -> str:
    named = f"{change.kind} {change.name}"
    if change.kind == "Node":
        return "a node that somebody closed is not opened again"
    if change.what == "deleted" and not change.fields:
        return f"what {named} was like is not known"
    hidden = _hidden(change, live)
    if hidden is not None:
        where = _dotted(hidden)
        return (f"{named}{': ' * bool(where)}{where} holds something secret or too large, which is not kept: it cannot "
                "be put back exactly")
    if live is None:
        return "" if change.what == "deleted" else f"{named} is gone"
    if live.keeper:
        return f"{live.keeper} owns {named} and would undo it: {live.keeper.instead}"
    if kept := put_back_by(change.by):
        return f"{kept} wrote {named} and would undo it: revert the change where {kept} has it from"
    again = next((field for field in change.fields if change.what == "changed"
                  and _value(live.content, field.path) not in (field.after, field.before)), None)
    return f"{named} has been changed again since: {_dotted(again.path)}" if again else ""


def _hidden(change: Change, live: _Live | None) -> Path | None:
    """Return where a value is that is needed, to put it back or to bring it about again, and is not kept."""
    for field in change.fields:
        for side in (field.before, field.after):
            found = hidden_path(side)
            if found is not None:
                return [*field.path, *found]
    if change.what == "created" and live is not None:
        return hidden_path(live.body) or next(iter(unkept(live.body)), None)
    # An operand goes into the record as it is. What an older ledger kept as exact may be secret by today's rules.
    return next(([*field.path, *place] for field in change.fields for side in (field.before, field.after)
                 if side is not ABSENT for place in unkept(_nested(field.path, side))), None)


def _nested(path: Path, value: Json) -> Json:
    """Return a value below its own name, which may tell that it is a secret."""
    names = [part for part in path if isinstance(part, str)]
    name = names[-2] if names[-1:] == ["value"] and len(names) > 1 else names[-1] if names else ""
    return {name: value} if name else value


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)


def _set_fields(api: Kubernetes, change: Change, live: _Live | None, namespace: str, back: bool) -> None:
    if live is None:
        raise ActionFailed(f"{change.kind} {change.name} is gone")
    body = json.loads(json.dumps(live.content))
    touched = False
    for field in change.fields:
        wanted, expected = (field.before, field.after) if back else (field.after, field.before)
        now = _value(body, field.path)
        if now == exact(wanted):
            continue
        if now != exact(expected):
            raise ActionFailed(f"{change.kind} {change.name} has been changed by somebody else: nothing was done")
        _set(body, field.path, wanted)
        touched = True
    if not touched:
        return
    top = {key: value for key, value in body.items() if value != live.content.get(key)}
    gone = [key for key in live.content if key not in body]
    root = "" if change.kind in AT_ROOT else "/spec"
    patch: list[dict[str, Json]] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": live.resource_version},
        *({"op": "add", "path": f"{root}/{key}", "value": value} for key, value in top.items()),
        *({"op": "remove", "path": f"{root}/{key}"} for key in gone)]
    api.patch(live.group, watched.KINDS[change.kind].plural, namespace, change.name, patch, manager=OWN_MANAGER)


def _create(api: Kubernetes, change: Change, body: Json, namespace: str) -> None:
    kind = watched.KINDS[change.kind]
    content = body if change.kind in AT_ROOT else {"spec": body}
    # The ledger reads by the first of the groups that the cluster serves: what it kept is of that version.
    api.create(kind.groups[0], kind.plural, namespace, {
        "apiVersion": kind.groups[0].split("/", 1)[1], "kind": change.kind,
        "metadata": {"name": change.name, "namespace": namespace}, **content}, manager=OWN_MANAGER)


def _value(body: Json, path: Path) -> Json:
    """Return the value at a path, in which items of a list are named; ABSENT where there is none."""
    for part in path:
        if isinstance(body, Mapping):
            body = body.get(str(part), ABSENT)
        elif isinstance(body, list):
            body = next((item for item in body if _named(item, part)), ABSENT)
        else:
            return ABSENT
    return body


def _set(body: Json, path: Path, value: Json) -> None:
    *way, last = path
    for part in way:
        body = body[part] if isinstance(body, dict) else next(item for item in body if _named(item, part))
    if isinstance(body, list):
        place = next((index for index, item in enumerate(body) if _named(item, last)), None)
        if place is not None:
            body.pop(place)
        if value is not ABSENT:
            body.insert(len(body) if place is None else place, value)
    elif value is ABSENT:
        body.pop(last, None)
    else:
        body[last] = value


def _named(item: Json, name: str | int) -> bool:
    return isinstance(item, dict) and item.get("name") == name


def _lines(change: Change, live: _Live | None, allowed: Sequence[str]) -> list[str]:
    """Return a diff: what is there now against what is put back."""
    target = f"{change.kind.lower()}/{change.name}"
    if change.what == "created":
        return [f"- {target}", *(diff_lines(live.body, MISSING, allowed) if live else ())]
    if change.what == "deleted":
        body = change.fields[0].before if change.fields else MISSING
        return [f"+ {target}", *diff_lines(MISSING, body, allowed)]
    return [f"  {target}", *(line for field in change.fields for line in _field_lines(field, allowed))]


def _field_lines(field: FieldChange, allowed: Sequence[str]) -> list[str]:
    before, after = (MISSING if side is ABSENT else side for side in (field.before, field.after))
    return diff_lines(after, before, allowed, list(field.path))


ACTION = Action(
    remedy=REMEDY,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=cluster_access,
    kubernetes_group="incident-responder:restore-configuration",
)
