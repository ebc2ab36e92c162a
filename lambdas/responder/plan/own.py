"""Which changes of the platform are the responder's own: those that a remedy on record has written, and no other.

A field manager is a name that anybody may write under (Kubernetes: "Server-Side Apply", field management), so the name
alone says nothing: what claims to be the responder's and is on no record is a change like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from responder.model.change import ABSENT, OWN_MANAGER, Change, FieldChange
from responder.model.codec import Json
from responder.model.evidence import Evidence, Finding
from responder.model.evidence.changes import Changes
from responder.model.frozen import dataclass
from responder.model.moment import epoch
from responder.model.remedy import Remedy, RemedyStatus
from responder.plan.remedies import find, names
from responder.plan.times import CLOCK_SECONDS

_EXECUTION_SECONDS = 300.0
"""A step that changes something may take a minute and is tried four times; then it is on record as applied."""
_WATCHED_SECONDS = 3600.0
"""A remedy is watched for an hour at most: one that was rolled back without a time on record was so within it."""


@dataclass(frozen=True)
class Write:
    """What a remedy on record has written, or may have: one field of one object, within a stretch of time."""

    kind: str
    name: str
    path: tuple[str, ...]
    """The field, and all below it; empty: the whole object."""
    values: tuple[Json, ...]
    """What it was set to, or one of these; empty: the record does not say."""
    start: float
    end: float
    """Seconds since 1970 (UTC)."""


def claimed(evidence: Evidence) -> bool:
    """Whether any change claims to be the responder's, or was seen by nobody to be of somebody else."""
    return any(change.by in ("", OWN_MANAGER) for finding in evidence.every if isinstance(finding.detail, Changes)
               for change in finding.detail.changes)


def written(remedies: Iterable[Remedy], now: float) -> list[Write]:
    """Return what remedies on record have written, or may have; ``now`` is in seconds since 1970 (UTC)."""
    return [Write(field.kind, field.name, field.path, field.values, start, end) for remedy in remedies
            if (remedy.status.may_have_run or remedy.restored_at) and remedy.action in names()
            for start, end in _spans(remedy, now)
            for field in find(remedy.action).written(remedy.target, remedy.component, remedy.before, remedy.parameters)]


def without_own(evidence: Evidence, own: Sequence[Write]) -> Evidence:
    """Return the evidence without the changes, and the parts of changes, that the responder's remedies have written."""
    return Evidence(_foreign(finding, own) for finding in evidence.every) if own else evidence


def _foreign(finding: Finding[Any], own: Sequence[Write]) -> Finding[Any]:
    if not isinstance(finding.detail, Changes) or not finding.usable:
        return finding
    changes = tuple(rest for change in finding.detail.changes if (rest := _rest(change, own)) is not None)
    return replace(finding, value=float(len(changes)) if finding.value is not None else None,
                   detail=replace(finding.detail, changes=changes))


def _rest(change: Change, own: Sequence[Write]) -> Change | None:
    """Return what of a change the responder has not written; None where that is nothing."""
    # A deletion leaves no trace of who did it, nor does a scale subresource before Kubernetes 1.22.
    if change.by not in ("", OWN_MANAGER):
        return change
    mine = [write for write in own if (write.kind, write.name) == (change.kind, change.name)
            and change.earliest <= write.end + CLOCK_SECONDS and change.latest >= write.start - CLOCK_SECONDS]
    if change.what != "changed":
        return None if any(not write.path for write in mine) else change
    left = tuple(field for field in change.fields if not any(_wrote(write, field) for write in mine))
    if not left and change.fields:
        return None
    # Where a part of it is the responder's own, somebody else wrote the rest between two looks of the ledger.
    return change if left == change.fields else replace(change, fields=left, by="")


def _wrote(write: Write, field: FieldChange) -> bool:
    path = tuple(str(part) for part in field.path)
    if path[:len(write.path)] != write.path or not write.path:
        return False
    return not write.values or (None if field.after is ABSENT else field.after) in write.values


def _spans(remedy: Remedy, now: float) -> Iterator[tuple[float, float]]:
    """Yield when a remedy wrote: as it was applied, rolled back, and restored after the incident."""
    planned, applied = epoch(remedy.planned_at), epoch(remedy.applied_at)
    if applied is not None:
        yield max(applied - _EXECUTION_SECONDS, planned or 0.0), applied
    elif planned is not None:
        # It broke off: what it changed by then is on no record.
        yield planned, min(now, planned + _WATCHED_SECONDS)
    rolled_back = epoch(remedy.rolled_back_at)
    if rolled_back is not None:
        yield rolled_back - _EXECUTION_SECONDS, rolled_back
    elif remedy.status == RemedyStatus.REVERTED and applied is not None:
        yield applied, min(now, applied + _WATCHED_SECONDS)
    restored = epoch(remedy.restored_at)
    if restored is not None:
        yield restored - _EXECUTION_SECONDS, restored
