"""Incidents whose causes lie at the same place: link them, and let another one tell customers when this one is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from responder import people
from responder.handlers.step import StepRun
from responder.model.facts import Delivered, Linked, ToldFor
from responder.model.incident import Incident, IncidentRecord
from responder.model.remedy import Remedy
from responder.plan import customers
from responder.plan.common_cause import in_words
from responder.plan.neighbours import leads, tells_customers

_LINKED, _HANDED_OVER = 20, 30
"""The places of these entries among those of their step."""


def link(run: StepRun, record: IncidentRecord, places: Sequence[str]) -> None:
    """Link this incident with those whose causes lie at the same places; the first one at a place leads.

    Each of both has an entry that names the other. Places that are no longer this incident's get another leader.
    """
    known = {(fact.place, fact.incident) for _, fact in record.facts(Linked)}
    mine = run.service.service
    for number, place in enumerate(places):
        if run.records.hold(leads(place), run.incident, run.service.remedy_seconds):
            continue
        leading = run.records.find(run.records.holder(leads(place)))
        if leading is None or (place, leading.id) in known:
            continue
        why = f"both have their cause in {in_words(place)}"
        run.note(f"linked with incident {leading.id} of {leading.service}, which leads", number=_LINKED + number,
                 why=why, fact=Linked(place, leading.id, leading.service, leads=True))
        run.records.note(leading.id, run.entered, f"{run.name} ({mine})", f"incident {run.incident} of {mine} is linked"
                         " with this one", number=_LINKED + number, why=why,
                         fact=Linked(place, run.incident, mine, leads=False))
    for place in record.incident.places:
        if place not in places:
            run.records.release(leads(place), run.incident)


def leave(run: StepRun, incident: Incident, remedies: Iterable[Remedy]) -> None:
    """Let other incidents lead, and tell customers, at the places of this one.

    What it told them by may be of a place that a later diagnosis has left.
    """
    told = {remedy.lease for remedy in remedies if remedy.audience and remedy.lease}
    for lease in told.union(*((leads(place), tells_customers(place, run.service)) for place in incident.places)):
        run.records.release(lease, run.incident)


def hand_over(run: StepRun, record: IncidentRecord, told_for: Sequence[ToldFor], heir: ToldFor) -> None:
    """Let another incident go on with what customers are told: with the vendor's ids, and for whom.

    It may be done again: what is written is the same.
    """
    who, own = f"{run.name} ({run.service.service})", record.incident
    rest = [customers.told_with(run.service, own), *(one for one in told_for if one.incident != heir.incident)]
    for channel in people.every():
        before = run.records.delivery(own.id, channel.name)
        if "customers" in channel.takes and before.state:
            run.records.keep_channel(heir.incident, channel.name, before.state, {})
            run.records.keep_channel(own.id, channel.name, {}, before.sent)
    for number, one in enumerate(rest):
        run.records.note(heir.incident, run.entered, who, f"customers of {one.service} are told with this incident",
                         number=_HANDED_OVER + number, why=f"incident {own.id} is over, and told them until now",
                         fact=one)
    run.records.note(heir.incident, run.entered, who, "customers were told of this incident", kind="notification",
                     number=_HANDED_OVER + len(rest), why=f"with incident {own.id}",
                     fact=Delivered("customers", "", said=("problems",)))
    for place in own.places:
        run.records.pass_on(tells_customers(place, run.service), own.id, heir.incident)
    run.note(f"incident {heir.incident} of {heir.service} tells customers from here on", number=_HANDED_OVER,
             kind="notification")
