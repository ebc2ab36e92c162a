"""Which changes of the platform are the responder's own: those that a remedy on record has written, and no other.

A field manager is a name that anybody may write under (Kubernetes: "Server-Side Apply", field management), so the name
alone says nothing: what claims to be the responder's and is on no record is a change like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from responder.model.finding import Finding
from responder.model.moment import epoch
from responder.plan.changes import OWN_MANAGER, Change
from responder.plan.times import CLOCK_SECONDS

_DEED_SECONDS = 300.0
"""A step that changes something may take a minute and is tried four times; then it is on record as applied."""
_UNDONE_SECONDS = 3600.0
"""What was taken back without a time on record was so within an hour: that long a remedy is watched at most."""


@dataclass(frozen=True)
class Write:
    """What a remedy on record has written, or may have: one field of one object, within a stretch of time."""

    kind: str
    name: str
    path: tuple[str, ...]
    """The field, and all below it; empty: the whole object."""
    values: tuple[Any, ...]
    """What it was set to, or one of these; empty: the record does not say."""
    start: float
    end: float
    """Seconds since 1970 (UTC)."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self) | {"path": list(self.path), "values": list(self.values)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Write:
        """Return what ``to_json`` wrote."""
        return cls(str(value["kind"]), str(value["name"]), tuple(str(part) for part in value["path"]),
                   tuple(value["values"]), float(value["start"]), float(value["end"]))


def claimed(findings: Iterable[Finding]) -> bool:
    """Whether any change claims to be the responder's, or was seen by nobody to be of somebody else."""
    return any(item.get("by") in ("", None, OWN_MANAGER) for finding in findings if finding.name == "changes"
               for item in finding.detail.get("changes", []))


def written(actions: Iterable[Mapping[str, Any]], carried_out: frozenset[str], now: float) -> list[Write]:
    """Return what remedies have written, by their records (see ``handlers/act.py``).

    ``carried_out`` are the statuses of those that may have changed something; ``now`` is in seconds since 1970 (UTC).
    """
    return [Write(kind, name, path, values, start, end) for action in actions
            if action.get("status") in carried_out or action.get("put_back_at")
            for start, end in _spans(action, now) for kind, name, path, values in _fields(action)]


def without_own(findings: Sequence[Finding], own: Sequence[Write]) -> list[Finding]:
    """Return the findings without the changes, and the parts of changes, that the responder's remedies have written."""
    return [_foreign(finding, own) if finding.name == "changes" and finding.usable and own else finding
            for finding in findings]


def _foreign(finding: Finding, own: Sequence[Write]) -> Finding:
    changes = [change for item in finding.detail.get("changes", [])
               if (change := _rest(Change.from_json(item), own)) is not None]
    return replace(finding, value=float(len(changes)) if finding.value is not None else None,
                   detail=finding.detail | {"changes": [change.to_json() for change in changes]})


def _rest(change: Change, own: Sequence[Write]) -> Change | None:
    """Return what of a change the responder has not written; None where that is nothing."""
    # A deletion leaves no trace of who did it.
    if change.by != OWN_MANAGER and (change.by or change.what != "deleted"):
        return change
    mine = [write for write in own if (write.kind, write.name) == (change.kind, change.name)
            and change.earliest <= write.end + CLOCK_SECONDS and change.latest >= write.start - CLOCK_SECONDS]
    if change.what != "changed":
        return None if any(not write.path for write in mine) else change
    left = tuple(item for item in change.fields if not any(_wrote(write, item) for write in mine))
    if not left and change.fields:
        return None
    # Where a part of it is the responder's own, somebody else wrote the rest between two looks of the ledger.
    return change if left == change.fields else replace(change, fields=left, by="")


def _wrote(write: Write, item: Mapping[str, Any]) -> bool:
    path = tuple(str(part) for part in item["path"])
    if path[:len(write.path)] != write.path or not write.path:
        return False
    return not write.values or item.get("after") in write.values


def _spans(action: Mapping[str, Any], now: float) -> Iterator[tuple[float, float]]:
    """When a remedy wrote: as it was applied, as it was taken back, and as it was put back after the incident."""
    planned, applied = epoch(action.get("planned_at")), epoch(action.get("applied_at"))
    if applied is not None:
        yield max(applied - _DEED_SECONDS, planned or 0.0), applied
    elif planned is not None:
        # It broke off: what it changed by then is on no record.
        yield planned, min(now, planned + _UNDONE_SECONDS)
    reverted = epoch(action.get("reverted_at"))
    if reverted is not None:
        yield reverted - _DEED_SECONDS, reverted
    elif action.get("status") == "reverted" and applied is not None:
        yield applied, min(now, applied + _UNDONE_SECONDS)
    put_back = epoch(action.get("put_back_at"))
    if put_back is not None:
        yield put_back - _DEED_SECONDS, put_back


_Field = tuple[str, str, tuple[str, ...], tuple[Any, ...]]
"""Kind, name, path and values, as ``Write`` has them."""


def _fields(action: Mapping[str, Any]) -> Iterator[_Field]:
    """What each remedy writes; what writes nothing that is watched, such as a restart, is not there."""
    before, given = action.get("before") or {}, action.get("parameters") or {}
    place, _, name = str(action.get("target") or "").partition("/")
    match action.get("action"):
        case "rollback" if place == "deployment":
            yield "Deployment", name, ("template",), ()
        case "scale_up" if place == "deployment":
            yield "Deployment", name, ("replicas",), (given.get("replicas"), before.get("replicas"))
            if before.get("scaler"):
                bounds = (given.get("replicas"), before.get("minimum"), before.get("maximum"))
                for field in ("minReplicas", "maxReplicas"):
                    yield "HorizontalPodAutoscaler", str(before["scaler"]), (field,), bounds
        case "cycle_deployment" if place == "deployment":
            yield "Deployment", name, ("replicas",), (0, given.get("replicas"))
        case "restart_pods":
            for node in given.get("close") or ():
                yield "Node", str(node), ("unschedulable",), ()
        case "switch_provider" if place == "configmap":
            yield "ConfigMap", name, ("data",), (given.get("value"), before.get("value"))
        case "restore_configuration":
            yield from _restored(given.get("steps") or ())


def _restored(steps: Iterable[Mapping[str, Any]]) -> Iterator[_Field]:
    """The fields that were put back; not their values, which may be long or secret and stay where they are."""
    for step in steps:
        change = step.get("change") or {}
        kind, name = str(change.get("kind", "")), str(change.get("name", ""))
        if change.get("what") != "changed":
            yield kind, name, (), ()
        for item in change.get("fields") or () if change.get("what") == "changed" else ():
            yield kind, name, tuple(str(part) for part in item["path"]), ()
