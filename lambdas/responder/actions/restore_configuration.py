"""Put back what the change ledger recorded from before a change: only the fields that changed, nothing else.

What was created is deleted, what was deleted is created again. Only exact values are compared, put back and created
(``model/shown.py``). It is refused, by object and path, where a value that it needs is hidden, for the ledger does not
keep what is secret; where somebody has changed the same field again since; and where a GitOps tool owns the object. A
node is never opened again: who closed it had a reason.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from responder.actions import Action, ActionFailed, Case, Plan, writing
from responder.clients import kubernetes, watched
from responder.model.change import ABSENT, OWN_MANAGER, Change
from responder.model.masking import unkept
from responder.model.redact import MISSING as NOTHING
from responder.model.redact import lines as diff_lines
from responder.model.shown import exact, hidden_path, shown
from responder.sources import cluster_access
from responder.sources.rollouts import gitops

_ROOT = {"ConfigMap": ()}
"""Where in an object the ledger's body lies; below ``spec`` but for these."""


def plan(case: Case, api: kubernetes.Kubernetes | None = None) -> Plan:
    """Say which fields of which objects would be put back; see ``Action.plan``."""
    changes = [Change.from_json(item) for item in case.facts.get("changes", [])]
    if not changes:
        return Plan(case.component, "put back what changed", refusal=(
            "what changed is too large to be kept on record" if case.facts.get("too_large")
            else "no change is known that could be put back"))
    namespace = case.service.cluster.namespace
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    steps: list[dict[str, Any]] = []
    lines: list[str] = []
    refusal = ""
    for change in changes:
        live = _live(api, change, namespace)
        said = _refusal(change, live)
        refusal = refusal or said
        # What is not exact is not carried on: a refused plan has no operands.
        steps.append({"change": change.to_json(), "uid": live["metadata"]["uid"] if live else "",
                      "live": _operand(change, live)} if not said else {})
        lines += _lines(f"{change.kind.lower()}/{change.name}", change, case.service.shown_keys)
    target = f"{changes[0].kind.lower()}/{changes[0].name}"
    names = ", ".join(f"{change.kind} {change.name}" for change in changes)
    return Plan(target, f"put back what changed in {names}", diff=shown("\n".join(lines)), refusal=refusal,
                before={"objects": [step["live"] for step in steps]} if not refusal else {},
                parameters={"steps": steps} if not refusal else {})


def _operand(change: Change, live: dict[str, Any] | None) -> Any:
    """Return of the live object what taking it back needs: of a created one all, of others nothing but the change."""
    return watched.KINDS[change.kind][3](live) if live is not None and change.what == "created" else None


def apply(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Put it back; a field that is as it was before already is left alone, so a repeat does nothing."""
    return _carry_out(case, plan, api, back=True)


def revert(case: Case, plan: Plan, api: kubernetes.Kubernetes | None = None) -> str:
    """Bring the change about again, which was not the cause."""
    return _carry_out(case, plan, api, back=False)


def _carry_out(case: Case, plan: Plan, api: kubernetes.Kubernetes | None, *, back: bool) -> str:
    namespace = case.service.cluster.namespace
    api = api or kubernetes.connect(case.service.cluster.name, case.deadline)
    for step in plan.parameters["steps"]:
        change = Change.from_json(step["change"])
        live = _live(api, change, namespace)
        conflicts = frozenset({409, 422}) if change.what == "changed" else frozenset[int]()
        with writing(f"{change.kind} {change.name}", conflicts):
            if change.what == "changed":
                _set_fields(api, change, live, namespace, back)
            elif (change.what == "created") is back:
                if live is not None:
                    _delete(api, change, live, step["uid"] if back else live["metadata"]["uid"], namespace)
            elif live is None:
                body = step["live"] if change.what == "created" else change.fields[0].before
                _create(api, change, exact(body), namespace)
    return plan.summary if back else f"{plan.summary}: taken back"


def _live(api: kubernetes.Kubernetes, change: Change, namespace: str) -> dict[str, Any] | None:
    groups, plural, namespaced, _ = watched.KINDS[change.kind]
    for group in groups:
        try:
            return api.get(group, plural, namespace if namespaced else "", change.name)
        except KeyError:
            continue
    return None


def _group(api: kubernetes.Kubernetes, change: Change, live: dict[str, Any] | None) -> tuple[str, str]:
    groups, plural, _, _ = watched.KINDS[change.kind]
    if live is None:
        return groups[-1], plural
    version = live.get("apiVersion", "")
    return next((group for group in groups if group.split("/", 1)[1] == version), groups[-1]), plural


def _refusal(change: Change, live: dict[str, Any] | None) -> str:
    if change.kind == "Node":
        return "a node that somebody closed is not opened again"
    if change.what == "deleted" and not change.fields:
        return f"what {change.kind} {change.name} was like is not known"
    hidden = _hidden(change, live)
    if hidden is not None:
        where = ".".join(str(part) for part in hidden)
        return (f"{change.kind} {change.name}{': ' * bool(where)}{where} holds something secret, which is not kept: it "
                "cannot be put back exactly")
    if live is None:
        return "" if change.what == "deleted" else f"{change.kind} {change.name} is gone"
    tool = gitops(live["metadata"])
    if tool:
        return f"{tool} owns {change.kind} {change.name} and would undo it: revert the change in its repository"
    for item in change.fields if change.what == "changed" else ():
        now = _value(_body(change, live), item.path)
        if now != item.after and now != item.before:
            return (f"{change.kind} {change.name} has been changed again since: "
                    f"{'.'.join(str(part) for part in item.path)}")
    return ""


def _hidden(change: Change, live: dict[str, Any] | None) -> list[Any] | None:
    """Return where a value is that is needed, to put it back or to take that back again, and is not kept."""
    for item in change.fields:
        for side in (item.before, item.after):
            found = hidden_path(side)
            if found is not None:
                return [*item.path, *found]
    if change.what == "created" and live is not None:
        body = watched.KINDS[change.kind][3](live)
        return hidden_path(body) or next(iter(unkept(body)), None)
    # An operand goes into the record as it is. What an older ledger kept as exact may be secret by today's rules.
    return next(([*item.path, *place] for item in change.fields for side in (item.before, item.after)
                 if side is not ABSENT for place in unkept(_nested(item.path, side))), None)


def _nested(path: tuple[str | int, ...], value: Any) -> Any:
    """Return a value below its own name, which may tell that it is a secret."""
    names = [part for part in path if isinstance(part, str)]
    name = names[-2] if names[-1:] == ["value"] and len(names) > 1 else names[-1] if names else ""
    return {name: value} if name else value


def _body(change: Change, live: dict[str, Any]) -> Any:
    return live if change.kind in _ROOT else live.get("spec") or {}


def _set_fields(api: kubernetes.Kubernetes, change: Change, live: dict[str, Any] | None, namespace: str,
                back: bool) -> None:
    if live is None:
        raise ActionFailed(f"{change.kind} {change.name} is gone")
    body = json.loads(json.dumps(_body(change, live)))
    touched = False
    for item in change.fields:
        wanted, expected = (exact(side) for side in (
            (item.before, item.after) if back else (item.after, item.before)))
        now = _value(body, item.path)
        if now == wanted:
            continue
        if now != expected:
            raise ActionFailed(f"{change.kind} {change.name} has been changed by somebody else: nothing was done")
        _set(body, item.path, wanted)
        touched = True
    if not touched:
        return
    top = {key: value for key, value in body.items() if value != _body(change, live).get(key)}
    gone = [key for key in _body(change, live) if key not in body]
    root = "" if change.kind in _ROOT else "/spec"
    patch: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        *({"op": "add", "path": f"{root}/{key}", "value": value} for key, value in top.items()),
        *({"op": "remove", "path": f"{root}/{key}"} for key in gone)]
    group, plural = _group(api, change, live)
    api.patch(group, plural, namespace, change.name, patch, manager=OWN_MANAGER)


def _delete(api: kubernetes.Kubernetes, change: Change, live: dict[str, Any], uid: str, namespace: str) -> None:
    group, plural = _group(api, change, live)
    api.delete(group, plural, namespace, change.name, uid)


def _create(api: kubernetes.Kubernetes, change: Change, body: Any, namespace: str) -> None:
    groups, plural, _, _ = watched.KINDS[change.kind]
    content = body if change.kind in _ROOT else {"spec": body}
    api.create(groups[-1], plural, namespace, {
        "apiVersion": groups[-1].split("/", 1)[1], "kind": change.kind,
        "metadata": {"name": change.name, "namespace": namespace}, **content}, manager=OWN_MANAGER)


def _value(body: Any, path: Sequence[str | int]) -> Any:
    """The value at a path, in which items of a list are named; ABSENT where there is none."""
    for part in path:
        if isinstance(body, dict):
            if part not in body:
                return ABSENT
            body = body[part]
        elif isinstance(body, list):
            body = next((item for item in body if isinstance(item, dict) and item.get("name") == part), ABSENT)
            if body is ABSENT:
                return ABSENT
        else:
            return ABSENT
    return body


def _set(body: Any, path: Sequence[str | int], value: Any) -> None:
    *way, last = path
    for part in way:
        body = body[part] if isinstance(body, dict) else next(item for item in body if item.get("name") == part)
    if isinstance(body, list):
        place = next((index for index, item in enumerate(body) if item.get("name") == last), None)
        if place is not None:
            body.pop(place)
        if value is not ABSENT:
            body.insert(len(body) if place is None else place, value)
    elif value is ABSENT:
        body.pop(last, None)
    else:
        body[last] = value


def _lines(target: str, change: Change, allowed: Sequence[str]) -> list[str]:
    if change.what != "changed":
        return [f"{'-' if change.what == 'created' else '+'} {target}"]
    found = [f"  {target}"]
    for item in change.fields:
        now, then = (NOTHING if side is ABSENT else side for side in (item.after, item.before))
        found += diff_lines(now, then, allowed, item.path)
    return found


ACTION = Action(
    name="restore_configuration",
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    plan=plan,
    apply=apply,
    revert=revert,
    statements=cluster_access,
    kubernetes_group="incident-responder:restore-configuration",
)
