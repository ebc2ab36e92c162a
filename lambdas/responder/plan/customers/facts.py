"""What is known of an incident at a moment, as far as customers may be told of it: taken from the record alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Literal

from responder.model.evidence import Bucket, Evidence
from responder.model.evidence.error_rate import ErrorRate
from responder.model.facts import Delivered, ToldFor
from responder.model.frozen import dataclass
from responder.model.incident import Incident, IncidentRecord
from responder.model.moment import epoch, seconds
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.model.service.customers import speaks_of_payments
from responder.plan.decisions import Confirmed, Watched
from responder.plan.rates import lower_bound
from responder.plan.series import total
from responder.plan.symptom import verdicts

Extent = Literal["all", "most", "some", "hardly", "slow", ""]
"""How much of what customers want fails; ``hardly``: hardly any of it reaches us; empty: nobody can tell."""
_ALL = 0.98
"""Of fifty customers at most one gets through: who reads "not possible" and tries all the same is not surprised."""
_MOST = 0.5
"""What the word says. It is said where the rate is above it beyond doubt, by each source that can tell."""
_FRESH_SECONDS = 120.0
"""Older evidence says nothing of what works now: the slowest source is a minute behind, and a look takes a while."""
_UNKNOWN = ("", "unknown", "none")


@dataclass(frozen=True)
class Facts:
    """What is known at a moment. Moments are seconds since 1970 (UTC)."""

    at: float
    lasts: bool
    """Whether a confirmed symptom is there, and was not verified to be gone."""
    over: bool
    """Whether it was verified to be gone."""
    closed: bool
    """Whether the responder has ended its work on the incident."""
    extent: Extent
    """Since it began, until now or until it was over."""
    since: float
    """When it began, or when the first sign of it came; after it is over, when the whole began."""
    until: float
    """When it was over; while it lasts, ``at``."""
    breaks: bool = False
    """Whether it was verified to be gone before, and came back."""
    cause_known: bool = False
    by_provider: bool = False
    """Whether the cause is the outage of a provider."""
    switching: bool = False
    """Whether the other provider is in use and not yet verified to help."""
    switched: bool = False
    """Whether it is in use and was verified to help."""
    changing: bool = False
    """Whether anything else was changed that is not yet verified to help."""
    solved_in_part: bool = False
    """Whether something was verified to help, while the symptom is there."""
    in_vain: bool = False
    """Whether what was done last did not help."""
    entry_well: bool = False
    """Whether the component that customers reach first is seen to be healthy."""
    payments: bool = False
    """Whether the service takes payments."""
    with_people: bool = False
    """Whether people were called to take over."""
    more_by: float | None = None
    """When customers are to hear more; None: nothing is promised."""
    told: frozenset[str] | None = None
    """The sentences of the last message to customers; None: there was none."""
    failing: tuple[ToldFor, ...] = ()
    """Other services that fail for the same cause, and whose customers these messages are for too."""
    working: tuple[ToldFor, ...] = ()
    """Those of them that work again."""
    nothing_new: bool = False
    """Whether the next message has nothing to say that the last one did not."""

    @property
    def told_over(self) -> bool:
        """Whether the last that customers heard is that it is over."""
        return self.told is not None and "works_again" in self.told


def facts(service: Service, record: IncidentRecord, at: float, more_by: float | None = None,
          onset: float | None = None, working: Collection[str] = (), ended: Collection[str] = ()) -> Facts:
    """Return what is known at a moment.

    ``onset`` is when the symptom began, where the record at hand has no timeline to tell it. ``working`` are incidents
    of other services that are seen to be over, ``ended`` those whose work has ended otherwise: of these nothing is
    known.
    """
    incident, remedies, evidence = record.incident, record.remedies, record.evidence()
    over = bool(incident.recovery_verified_at)
    lasts = bool(incident.confirmed) and not over
    first = epoch(incident.onset) or seconds(incident.opened_at)
    since = first if over else onset or _began(record) or first
    until = (epoch(incident.recovered_at) or epoch(incident.recovery_verified_at) or at) if over else at
    cause = incident.cause.id if incident.cause else ""
    # A cache or a queue of our own is no other company.
    ours = incident.cause is not None and incident.cause.mechanism == "dependency_fails"
    mine = [remedy for remedy in remedies if not remedy.audience]
    others = told_for(record)
    applied = [remedy for remedy in mine if remedy.status is RemedyStatus.APPLIED and not remedy.kept]
    return Facts(
        at, lasts, over, incident.status == "closed", _extent(service, incident, evidence, since, until), since, until,
        breaks=sum(watched.answer == "recovered" for _, watched in record.facts(Watched)) > (1 if over else 0),
        cause_known=cause not in _UNKNOWN, by_provider=cause == "provider_outage" and not ours,
        switching=any(_switches(remedy) for remedy in applied),
        switched=any(_switches(remedy) and remedy.status is RemedyStatus.VERIFIED for remedy in mine),
        changing=any(remedy.action != "switch_provider" for remedy in applied),
        solved_in_part=any(remedy.status is RemedyStatus.VERIFIED and (remedy.verified_at or "") >
                           incident.last_reopened_at for remedy in mine),
        in_vain=not applied and _in_vain(mine, incident),
        entry_well=_entry_well(service, evidence, at),
        payments=speaks_of_payments(service.service, f"{service.description} {service.customers.name}"),
        with_people=incident.escalated_at is not None, more_by=more_by, told=_last_told(record),
        failing=tuple(one for one in others if one.incident not in (*working, *ended)),
        working=tuple(one for one in others if one.incident in working))


def told_for(record: IncidentRecord) -> tuple[ToldFor, ...]:
    """Return the other services whose customers this incident's messages are for, each by its newest incident."""
    return tuple({fact.service: fact for _, fact in record.facts(ToldFor)}.values())


def last_message(record: IncidentRecord) -> Delivered | None:
    """Return what is on record of the last message to customers; None where there was none."""
    messages = [delivered for _, delivered in record.facts(Delivered) if delivered.to == "customers"]
    return messages[-1] if messages else None


def _last_told(record: IncidentRecord) -> frozenset[str] | None:
    """Return the sentences of the last message to customers; None where they were told nothing."""
    message = last_message(record)
    if message:
        return frozenset(message.said)
    known = any(remedy.action == "inform_customers" and remedy.status is RemedyStatus.DONE
                for remedy in record.remedies)
    return frozenset() if known else None


def _began(record: IncidentRecord) -> float | None:
    """Return when what lasts now began: after a relapse, when that began."""
    reopened = record.incident.last_reopened_at
    onsets = [epoch(confirmed.onset) or epoch(reopened) for entry, confirmed in record.facts(Confirmed)
              if confirmed.answer == "confirmed" and entry.entered >= reopened]
    return onsets[0] if onsets else None


def _switches(remedy: Remedy) -> bool:
    return remedy.action == "switch_provider" and not remedy.restored_at


def _in_vain(remedies: Iterable[Remedy], incident: Incident) -> bool:
    return any(remedy.applied_at and remedy.applied_at > incident.last_reopened_at and (
        remedy.status is RemedyStatus.REVERTED or remedy.kept) for remedy in remedies)


def _extent(service: Service, incident: Incident, evidence: Evidence, since: float, until: float) -> Extent:
    """Return how much fails at the entry, where customers come in, from the beginning on.

    Where several sources can tell, the most cautious of them counts: what is said holds by each.
    """
    if incident.kind == "degraded_latency":
        return "slow"
    if incident.kind == "declined_payments":
        return "some"
    measured = _measured(service.entry, evidence, since, until)
    enough = [one for one in measured if one.requests >= service.confirm.minimum_requests]
    if not enough:
        return _silent(measured) if incident.kind == "loss_of_connectivity" else ""
    if all(one.errors >= _ALL * one.requests for one in enough):
        return "all"
    if all(lower_bound(one.errors, one.requests) > _MOST for one in enough):
        return "most"
    return "some" if all(one.errors for one in enough) else ""


def _silent(measured: Iterable[Bucket]) -> Extent:
    return "hardly" if any(one.requests > one.errors for one in measured) else "all"


def _measured(component: str, evidence: Evidence, since: float, until: float) -> list[Bucket]:
    """Return the requests and failures of a stretch of time by each source: of periods that begin in it, each once."""
    periods: dict[str, dict[float, Bucket]] = defaultdict(dict)
    for finding in evidence.looks(ErrorRate, component):
        # A period that was measured again later is more complete.
        periods[finding.source] |= {bucket.start: bucket for bucket in finding.detail.series
                                    if since <= bucket.start < until}
    return [total(found.values()) for _, found in sorted(periods.items())]


def _entry_well(service: Service, evidence: Evidence, at: float) -> bool:
    """Whether every source that can tell sees the entry healthy, and one sees its requests, by evidence of just now."""
    fresh = Evidence(finding for finding in evidence.newest if finding.component == service.entry
                     and finding.window and finding.window.end >= at - _FRESH_SECONDS)
    found = [verdict for verdict in verdicts(service, fresh) if verdict.state != "unknown"]
    return any(not verdict.by_lines for verdict in found) and all(verdict.state == "healthy" for verdict in found)
