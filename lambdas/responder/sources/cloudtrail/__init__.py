"""CloudTrail: who changed what in AWS around the service, from its event history.

An account is shared: ``attribution.py`` says which changes are of the service, ``lookups.py`` how the history is asked
in the time that there is. Events show up some minutes late: what is not there yet is unknown, not unchanged.

Formats: AWS's pages "LookupEvents", "CloudTrail record contents" and "Logging AWS Secrets Manager events with AWS
CloudTrail" (the events of a rotation).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from responder.clients import aws
from responder.clients.looks import Answered
from responder.model.evidence import Finding, Window
from responder.model.evidence.trail import Topic, Trail, TrailEvent
from responder.model.frozen import dataclass
from responder.model.moment import iso
from responder.model.service import Service
from responder.plan.times import SUSPICION_SECONDS
from responder.sources import Budget, Query, Source, Statement, asked_as, of_account
from responder.sources.cloudtrail import lookups
from responder.sources.cloudtrail.attribution import Whose, names_of, whose
from responder.sources.cloudtrail.happened import NETWORK, Happened

_BEFORE_SECONDS = 2 * SUSPICION_SECONDS
"""How long before the window changes are looked for: the symptom may have begun before the window, and its cause as
long before that as a change is suspected."""
_EVENTS = 50
_LATE_SECONDS = 300.0
_ROTATED = "RotationSucceeded"


def collect(query: Query) -> list[Finding[Trail]]:
    """Return ``trail``: the changes from half an hour before the window on; raises CallFailed.

    A change that names another team's resource is left out, and counted in the note. One of which it cannot be told
    whose it is has the topic ``other``, which is evidence of nothing.
    """
    client = _client(query)
    start, named = query.window.start - _BEFORE_SECONDS, _asked_by_name(query.service)
    pace = lookups.Pace(query.deadline)
    try:
        all_of = _changes(query, client, pace, len(named))
        found, end = lookups.within(all_of), all_of.window.end
        if not found.covered:
            lookups.add_by_name(client, found, Window(start, end), pace, named, query.looks)
    finally:
        query.looks.give_back(pace.left)
    sorted_out = _sort(query.service, found.events)
    notes = [found.note(start), *sorted_out.notes]
    return [Finding(
        source=SOURCE.name, status="ok" if found.covered else "partial", window=query.window, unit="changes",
        value=float(len(sorted_out.events)), note="; ".join(note for note in notes if note)[:300],
        query=f"aws cloudtrail lookup-events --lookup-attributes AttributeKey=ReadOnly,AttributeValue=false "
              f"--start-time {iso(start)[:19]}Z",
        link="https://console.aws.amazon.com/cloudtrail/home#/events?ReadOnly=false",
        detail=Trail(events=sorted_out.events[-_EVENTS:], complete_until=end - _LATE_SECONDS))]


def ask_ahead(query: Query) -> None:
    """Ask for the changes of the first diagnosis, and share them; raises CallFailed.

    A busy account takes ten seconds at AWS's rate, longer than an incident takes to be confirmed. What is told some
    seconds before the diagnosis is as good: events show up minutes late.
    """
    pace = lookups.Pace(query.deadline)
    try:
        _changes(query, _client(query), pace, 0)
    finally:
        query.looks.give_back(pace.left)


def _changes(query: Query, client: Any, pace: lookups.Pace, named: int) -> Answered:
    """Return all changes that are looked for; time is left for ``named`` look-ups by name."""
    return query.looks.once(
        _key(query), Window(query.window.start - _BEFORE_SECONDS, query.window.end),
        lambda wide: lookups.changes(client, wide, pace, named))


def _client(query: Query) -> Any:
    return aws.client("cloudtrail", max(2, int(query.deadline - time.monotonic())))


def _key(query: Query) -> str:
    return f"cloudtrail/{asked_as(query.service)}"


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


def _sort(service: Service, items: Iterable[Happened]) -> _Sorted:
    kept: list[TrailEvent] = []
    foreign = unknown = 0
    for item in items:
        if not item.change:
            continue
        owner = whose(service, item)
        foreign += owner == "others"
        if owner == "others":
            continue
        event = _event(item, owner)
        unknown += event.topic == "other"
        kept.append(event)
    return _Sorted(tuple(sorted(kept, key=lambda event: event.at)), (
        f"{foreign} changes of other teams' resources are left out" if foreign else "",
        f"of {unknown} changes it is not known whether they are of the service: the configuration names neither "
        "(aws.resources, database.secret)" if unknown else ""))


def _event(event: Happened, owner: Whose) -> TrailEvent:
    return TrailEvent(
        at=event.at, name=event.name[:80], source=event.source,
        topic=_topic(event.source, event.name) if owner == "service" else "other", by=event.by,
        resources=event.resources, parameters=event.parameters)


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
    budget=Budget(
        "CloudTrail LookupEvents", 1.0, 1.0, "2 calls a second in an account and a Region (AWS: LookupEvents)", 2.0,
        a_look=lambda query: lookups.MOST_CALLS, scope=of_account),
    shared=lambda query: (_key(query),),
    ahead=ask_ahead,
)
