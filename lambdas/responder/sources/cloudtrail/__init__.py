"""CloudTrail: who changed what in AWS around the service, from its event history.

An account is shared: ``attribution.py`` says which changes are of the service, ``lookups.py`` how the history is asked
in the time that there is. Events show up some minutes late: what is not there yet is unknown, not unchanged.

Formats: AWS's pages "LookupEvents", "CloudTrail record contents" and "Logging AWS Secrets Manager events with AWS
CloudTrail" (the events of a rotation).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

from responder.clients import aws
from responder.model.evidence import Finding
from responder.model.evidence.trail import Topic, Trail, TrailEvent
from responder.model.frozen import dataclass
from responder.model.masking import mask, mask_all
from responder.model.moment import iso
from responder.model.service import Service
from responder.plan.times import SUSPICION_SECONDS
from responder.sources import Query, Source, Statement
from responder.sources.cloudtrail import lookups
from responder.sources.cloudtrail.attribution import NETWORK, Whose, names_of, whose

_BEFORE_SECONDS = 2 * SUSPICION_SECONDS
"""How long before the window changes are looked for: the symptom may have begun before the window, and its cause as
long before that as a change is suspected."""
_EVENTS = 50
_LATE_SECONDS = 300.0
_PARAMETERS = 1000
"""Characters of a request's parameters that are kept; longer ones are left out."""
_READS = ("Describe", "List", "Get", "Lookup")
_ROTATED = "RotationSucceeded"
_ROTATION_ENDED = ("RotationFailed", "RotationAbandoned")
"""What Secrets Manager says of a rotation that changed nothing."""
_DRY_RUN = "Client.DryRunOperation"


def collect(query: Query) -> list[Finding[Trail]]:
    """Return ``trail``: the changes from half an hour before the window on; raises CallFailed.

    A change that names another team's resource is left out, and counted in the note. One of which it cannot be told
    whose it is has the topic ``other``, which is evidence of nothing.
    """
    client = aws.client("cloudtrail", max(2, int(query.deadline - time.monotonic())))
    start = query.window.start - _BEFORE_SECONDS
    found = lookups.changes(client, start, query.window.end, query.deadline, _asked_by_name(query.service))
    sorted_out = _sort(query.service, found.events)
    notes = [found.note(start), *sorted_out.notes]
    return [Finding(
        source=SOURCE.name, status="ok" if found.covered else "partial", window=query.window, unit="changes",
        value=float(len(sorted_out.events)), note="; ".join(note for note in notes if note)[:300],
        query=f"aws cloudtrail lookup-events --lookup-attributes AttributeKey=ReadOnly,AttributeValue=false "
              f"--start-time {iso(start)[:19]}Z",
        link="https://console.aws.amazon.com/cloudtrail/home#/events?ReadOnly=false",
        detail=Trail(events=sorted_out.events[-_EVENTS:], complete_until=query.window.end - _LATE_SECONDS))]


def _asked_by_name(service: Service) -> list[tuple[str, str]]:
    """Return the attributes to ask by where the whole window has too many changes, the most telling first."""
    named = names_of(service)
    return [*(("ResourceName", name) for name in named.groups), ("EventName", _ROTATED),
            *(("ResourceName", name) for names in (named.rds, named.others, named.eks) for name in names)]


@dataclass(frozen=True)
class _Sorted:
    """The changes that are kept, and what is said of the others."""

    events: tuple[TrailEvent, ...]
    """Oldest first."""
    notes: tuple[str, ...]


def _sort(service: Service, items: Iterable[dict[str, Any]]) -> _Sorted:
    kept: list[TrailEvent] = []
    foreign = unknown = 0
    for item in items:
        record = _record(item)
        if not _is_change(item, record):
            continue
        owner = whose(service, item, record)
        foreign += owner == "others"
        if owner == "others":
            continue
        event = _event(item, record, owner)
        unknown += event.topic == "other"
        kept.append(event)
    return _Sorted(tuple(sorted(kept, key=lambda event: event.at)), (
        f"{foreign} changes of other teams' resources are left out" if foreign else "",
        f"of {unknown} changes it is not known whether they are of the service: the configuration names neither "
        "(aws.resources, database.secret)" if unknown else ""))


def _record(item: dict[str, Any]) -> dict[str, Any]:
    try:
        full = json.loads(item.get("CloudTrailEvent") or "{}")
    except ValueError:
        return {}
    return full if isinstance(full, dict) else {}


def _is_change(item: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether something was changed: no read, no call that was refused or only tried, no rotation that failed."""
    name = str(item.get("EventName", ""))
    if item.get("ReadOnly") == "true" or name.startswith(_READS) or name in _ROTATION_ENDED:
        return False
    # A dry run is recorded with the error Client.DryRunOperation, a refused call with the reason for it.
    return not record.get("errorCode") and _DRY_RUN not in str(record.get("errorMessage", ""))


def _event(item: dict[str, Any], record: dict[str, Any], owner: Whose) -> TrailEvent:
    name, source = str(item.get("EventName", "")), str(item.get("EventSource", ""))
    parameters = mask_all(record.get("requestParameters") or {})
    return TrailEvent(
        at=item["EventTime"].timestamp(), name=name[:80], source=source,
        topic=_topic(source, name) if owner == "service" else "other", by=mask(str(item.get("Username", "")))[:100],
        resources=tuple([mask(str(r.get("ResourceName", "")))[:120] for r in item.get("Resources") or []][:10]),
        parameters=parameters if len(json.dumps(parameters, default=str)) < _PARAMETERS else {})


def _topic(source: str, name: str) -> Topic:
    if source.startswith("ec2") and any(word in name for word in NETWORK):
        return "network"
    # RotateSecret and RotationStarted only ask for it: the password has changed when the rotation has succeeded.
    if source.startswith("secretsmanager") and name == _ROTATED:
        return "rotation"
    if source.startswith("rds"):
        return "database"
    return "cluster" if source.startswith("eks") else "other"


SOURCE = Source(
    name="cloudtrail",
    phases=frozenset({"diagnose"}),
    collect=collect,
    configured=lambda service: service.aws.cloudtrail,
    statements=lambda service: (Statement(("cloudtrail:LookupEvents",), ("*",), why_all=(
        "cloudtrail:LookupEvents knows no resources (Service Authorization Reference, AWS CloudTrail)")),),
)
