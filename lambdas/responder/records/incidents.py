"""Incidents: opening and closing them, their items, and the lock that allows one open incident per service.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `SERVICE#name` | `OPEN` | the incident lock: which incident is open, until when its lease lasts |
| | `LAST` | the incident that was closed last, when, and its evidence cutoff |
| `INCIDENT#id` | `INCIDENT` | the incident: service, outcome, cause, times |
| | `SIGNAL#time#key` | an alarm or a person's start |
| | `EVIDENCE#entered#source` | the findings of one source in one step |
| | `SETTINGS#version` | the settings under which it was opened |
| | `PROPOSED#entered#nn` | a remedy that follows from a diagnosis, with the facts that it needs |
| `REFUSED#day` | `time#key` | starts for which no service is configured |
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import TypedDict, Unpack

from botocore.exceptions import ClientError

from responder.model.codec import Json, encode
from responder.model.frozen import dataclass
from responder.model.incident import (
    STORED,
    Cause,
    Hypothesis,
    Incident,
    IncidentRecord,
    IncidentStatus,
    Outcome,
    PinnedSettings,
    Proposed,
    Refusal,
    Signal,
    SourceAnswer,
    SymptomKind,
    Weighed,
)
from responder.model.item import sort_key
from responder.model.masking import mask_all
from responder.model.moment import iso, seconds
from responder.model.remedy import merged
from responder.plan.fitting import fitted
from responder.records.store import ITEM_CHARACTERS, KEPT_DAYS, Item, Store


class NoIncident(LookupError):
    """The incident has no record."""


@dataclass(frozen=True)
class Opened:
    """The result of a signal."""

    incident: str
    opened_at: str
    new: bool
    """Whether this very signal opened the incident."""
    reopened: bool = False
    """Whether the incident had been closed before."""


@dataclass(frozen=True)
class Lock:
    """The incident lock of a service: one incident is open at a time."""

    incident: str
    execution: str
    """ARN of the execution that holds it."""
    opened_at: str
    lease_until: float
    """Seconds since 1970 (UTC)."""
    again: bool = False
    """Whether the incident had been closed before."""


@dataclass(frozen=True)
class LastClosed:
    """The incident of a service that was closed last."""

    incident: str
    opened_at: str
    closed_at: str
    judged_until: str = ""
    """Evidence cutoff: signals until then were judged with this incident."""


class IncidentChange(TypedDict, total=False):
    """Attributes of an incident that can be set; see ``Incident`` for what each is. None clears one."""

    status: IncidentStatus
    outcome: Outcome | None
    confirmed: bool
    kind: SymptomKind
    onset: str | None
    confirmed_at: str
    isolated_at: str
    diagnosed_at: str
    recovered_at: str | None
    recovery_verified_at: str | None
    watched_until: str
    evidence_cutoff: str
    escalated_at: str
    closed_at: str
    reported_at: str
    affected: Sequence[str]
    suffering: Sequence[str]
    cause: Cause
    established_cause: Cause
    ranking: Sequence[Hypothesis]
    evidence: Sequence[Weighed]
    missing: Sequence[str]
    not_proposed: Sequence[Refusal]
    attack_signs: Sequence[str]
    places: Sequence[str]
    cared_by: str | None
    report: dict[str, str]


_RETRIED = ("TransactionCanceledException", "ConditionalCheckFailedException", "TransactionConflictException",
            "TransactionInProgressException")


class Incidents(Store):
    """The incidents of all services."""

    def open(self, service: str, incident: str, execution: str, opened_at: str, signal: Signal,
             relapse_seconds: float = 0.0, lease_seconds: float = 1500.0) -> Opened:
        """Open an incident for a service, or attach the signal to the one that is open.

        One of any number of concurrent calls opens the incident. A retry by the execution that opened it gets the
        same answer again. A lock whose lease has expired is taken over, with its incident. A signal from
        before the evidence cutoff of an incident that was closed meanwhile is attached to that incident. A newer one
        within ``relapse_seconds`` of the closing reopens the same incident.
        """
        now = time.time()
        for _ in range(5):
            name = self._continued(service, now, relapse_seconds)
            try:
                self._client.transact_write_items(TransactItems=self._opening(
                    Lock(name or incident, execution, opened_at, now + lease_seconds, name is not None), service,
                    signal.at, now))
            except ClientError as error:
                if error.response["Error"]["Code"] not in _RETRIED:
                    raise
                found = self._attached(service, execution, signal, now)
                if found:
                    return found
                time.sleep(0.05)
                continue
            self.attach(name or incident, signal)
            return Opened(name or incident, opened_at, True, name is not None)
        raise RuntimeError(f"the incident lock of {service} could neither be taken nor read")

    def _continued(self, service: str, now: float, relapse_seconds: float) -> str | None:
        """Return the incident that a new signal continues: one that was abandoned, or closed just before."""
        held = self.lock(service)
        if held and held.lease_until < now and self.find(held.incident):
            # Its execution ended without closing it.
            return held.incident
        last = self.last_closed(service)
        return last.incident if last and seconds(last.closed_at) + relapse_seconds >= now else None

    def _attached(self, service: str, execution: str, signal: Signal, now: float) -> Opened | None:
        """Attach a signal to the open incident, or to the closed one that judged it; None where there is neither."""
        held = self.lock(service)
        if held and (held.lease_until >= now or held.execution == execution):
            self.attach(held.incident, signal)
            return Opened(held.incident, held.opened_at, held.execution == execution, held.again)
        last = None if held else self.last_closed(service)
        if last and last.judged_until >= signal.at:
            self.attach(last.incident, signal)
            return Opened(last.incident, last.opened_at, False)
        return None

    def _opening(self, lock: Lock, service: str, signal_at: str, now: float) -> list[Json]:
        """Return the transaction that opens an incident; it fails where the signal was judged already."""
        incident = {"pk": f"INCIDENT#{lock.incident}", "sk": "INCIDENT"}
        return [
            {"Put": self._request(
                Item={"pk": f"SERVICE#{service}", "sk": "OPEN", **encode(lock)},
                ConditionExpression="attribute_not_exists(pk) OR lease_until < :now",
                ExpressionAttributeValues={":now": now})},
            {"Update": self._request(
                Key=incident,
                # The outcome stays until the relapse is confirmed.
                UpdateExpression="SET #status = :open, "
                                 "reopened_at = list_append(if_not_exists(reopened_at, :none), :at)",
                ConditionExpression="attribute_exists(pk)", ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":open": "open", ":none": [], ":at": [lock.opened_at]})}
            if lock.again else {"Put": self._request(
                Item=self._kept({**incident, "id": lock.incident, "service": service, "execution": lock.execution,
                                 "opened_at": lock.opened_at, "status": "open"}),
                ConditionExpression="attribute_not_exists(pk)")},
            {"ConditionCheck": self._request(
                Key={"pk": f"SERVICE#{service}", "sk": "LAST"},
                ConditionExpression="attribute_not_exists(pk) OR judged_until < :at",
                ExpressionAttributeValues={":at": signal_at})}]

    def lock(self, service: str) -> Lock | None:
        """Return a service's incident lock; None where no incident is open."""
        return self.row(Lock, f"SERVICE#{service}", "OPEN")

    def last_closed(self, service: str) -> LastClosed | None:
        """Return the incident of a service that was closed last; None where there was none."""
        return self.row(LastClosed, f"SERVICE#{service}", "LAST")

    def expire(self, service: str, execution: str) -> None:
        """End the lease of an execution that no longer runs, so that its incident can be taken over at once."""
        self.change({"pk": f"SERVICE#{service}", "sk": "OPEN"}, "SET lease_until = :never", "execution = :gone",
                    {":never": 0, ":gone": execution})

    def attach(self, incident: str, signal: Signal) -> None:
        """Add a signal to an incident; idempotent."""
        self.put_once({"pk": f"INCIDENT#{incident}", "sk": f"SIGNAL#{signal.at}#{signal.key}", **encode(signal)})

    def renew(self, service: str, execution: str, lease_seconds: float) -> bool:
        """Extend the lease of the incident lock; False where another execution holds it."""
        return self.change({"pk": f"SERVICE#{service}", "sk": "OPEN"}, "SET lease_until = :until", "execution = :me",
                           {":until": time.time() + lease_seconds, ":me": execution})

    def close(self, service: str, incident: str, execution: str = "") -> None:
        """Release the incident lock, where this execution holds it, and keep the evidence cutoff."""
        item = self.find(incident)
        # Written before the lock is released, so that a late signal finds the lock or this item.
        self.put({"pk": f"SERVICE#{service}", "sk": "LAST", **encode(LastClosed(
            incident, item.opened_at if item else iso(0), (item and item.closed_at) or iso(time.time()),
            (item and item.evidence_cutoff) or ""))}, KEPT_DAYS)
        try:
            self._client.delete_item(**self._request(
                Key={"pk": f"SERVICE#{service}", "sk": "OPEN"},
                ConditionExpression="incident = :incident AND (execution = :me OR :me = :nobody)",
                ExpressionAttributeValues={":incident": incident, ":me": execution, ":nobody": ""}))
        except self._client.exceptions.ConditionalCheckFailedException:
            pass

    def refuse(self, at: str, key: str, reason: str, given: Json) -> None:
        """Keep a start for which no service is configured."""
        self.put_once({"pk": f"REFUSED#{at[:10]}", "sk": f"{at}#{key}", "at": at, "reason": reason,
                       "given": json.dumps(mask_all(given))[:4000]})

    # --- what is known of one -------------------------------------------------------------------------------------

    def find(self, incident: str) -> Incident | None:
        """Return the incident's own item; None where there is none."""
        item = self.item(f"INCIDENT#{incident}", "INCIDENT")
        return Incident.of(item) if item else None

    def require(self, incident: str) -> Incident:
        """Return the incident's own item; raises NoIncident where there is none."""
        found = self.find(incident)
        if found is None:
            raise NoIncident(f"there is no incident {incident[:100]}")
        return found

    def signals(self, incident: str) -> tuple[Signal, ...]:
        """Return the signals of an incident, oldest first, without reading its other items."""
        return tuple(self.rows(Signal, f"INCIDENT#{incident}", "SIGNAL#", "SIGNAL#~"))

    def settings(self, incident: str) -> tuple[PinnedSettings, ...]:
        """Return the settings under which an incident was opened, one for each version."""
        return tuple(self.rows(PinnedSettings, f"INCIDENT#{incident}", "SETTINGS#", "SETTINGS#~"))

    def pin_settings(self, incident: str, version: str, at: str, settings: str) -> None:
        """Keep settings with an incident, unless it has this version; ``settings`` is exact, never masked."""
        self.put_exact({"pk": f"INCIDENT#{incident}", "sk": f"SETTINGS#{version}", "version": version, "at": at,
                        "settings": settings})

    def load(self, incident: str) -> IncidentRecord:
        """Return an incident's whole record; raises Malformed where there is none."""
        return IncidentRecord.of(self.items(incident))

    def without_timeline(self, incident: str) -> IncidentRecord:
        """Return an incident's record without its timeline, which the functions of remedies and answers may not read.

        Raises Malformed where there is none.
        """
        remedies = [merged(item) for item in self.partition(f"REMEDY#{incident}")]
        return IncidentRecord.of([*self.partition(f"INCIDENT#{incident}"), *remedies])

    def items(self, incident: str) -> list[Item]:
        """Return all items of an incident as record files keep them, in the order of their sort keys."""
        remedies = [merged(item) for item in self.partition(f"REMEDY#{incident}")]
        return sorted([*self.partition(f"INCIDENT#{incident}"), *remedies, *self.partition(f"TIMELINE#{incident}")],
                      key=sort_key)

    def update(self, incident: str, **values: Unpack[IncidentChange]) -> None:
        """Set attributes of the incident."""
        self._set(f"INCIDENT#{incident}", "INCIDENT",
                  {STORED.get(name, name): encode(value) for name, value in values.items()})

    def keep_evidence(self, incident: str, entered: str, step: str, answers: Iterable[SourceAnswer]) -> None:
        """Keep the sources' answers to one step; what has no room in an item is left out by name."""
        items = []
        for answer in answers:
            kept = fitted(answer.source, answer.findings, ITEM_CHARACTERS)
            items.append({
                "pk": f"INCIDENT#{incident}", "sk": f"EVIDENCE#{entered}#{answer.source}", "step": step,
                "at": iso(time.time()), "source": answer.source, "milliseconds": answer.milliseconds,
                **({"cut": True} if kept != answer.findings else {}),
                "findings": [finding.to_json() for finding in kept]})
        self.put_all_once(items)

    def keep_proposals(self, incident: str, entered: str, proposals: Iterable[Proposed]) -> tuple[Proposed, ...]:
        """Keep the remedies that follow from a diagnosis, and return each with its id; idempotent.

        Remedies compare and restore their facts, so these are kept as one exact text and never masked.
        """
        kept = []
        for number, proposed in enumerate(proposals):
            found = proposed.named(f"{entered}#{number:02d}")
            if not self.put_exact({"pk": f"INCIDENT#{incident}", "sk": f"PROPOSED#{found.id}", "action": found.action,
                                   "proposal": found.text}):
                found = self.proposed(incident, found.id) or found
            kept.append(found)
        return tuple(kept)

    def proposed(self, incident: str, name: str) -> Proposed | None:
        """Return a remedy that follows from a diagnosis, by its id; None where there is none."""
        item = self.item(f"INCIDENT#{incident}", f"PROPOSED#{name}")
        return Proposed.of(item) if item else None
