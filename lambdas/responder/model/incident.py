"""The record of one incident, typed: the only reader of the timeline table's sort keys.

``IncidentRecord.of`` takes the items as they are stored (``records/``), or as they lie in a record file, and gives
each its type. Times are ISO 8601 in UTC (``Z``) as they are stored; ``model/moment.py`` turns them into seconds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, replace
from typing import Any, Literal, TypeVar

from responder.model.codec import Json, Malformed, decode, encode
from responder.model.evidence import Evidence, Finding, Status, finding_of
from responder.model.facts import Fact
from responder.model.frozen import dataclass
from responder.model.item import KEYS, Item, keyed, plain, sort_key
from responder.model.outside_signal import Kind
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.timeline import Entry, EntryKind, entry_of

IncidentStatus = Literal["open", "waiting for people", "closed"]
SignalKind = Literal[Kind, "person"]
"""An alarm of CloudWatch, an alert of another system, or a person."""
Outcome = Literal["resolved", "escalated", "observed", "false_alarm"]
SymptomKind = Literal["high_error_rate", "loss_of_connectivity", "degraded_latency", "declined_payments", ""]


@dataclass(frozen=True)
class Cause:
    """What the diagnosis named."""

    id: str
    """One of the plan's six causes, ``unknown``, or ``none`` for a false alarm."""
    mechanism: str = ""
    component: str = ""
    confidence: float = 0.0
    """0 to 1."""
    summary: str = ""
    object: str = ""
    """What of the cluster is at fault, ``node/n1``, where live state shows it."""


@dataclass(frozen=True)
class Hypothesis:
    """A cause by its likeliest mechanism, how likely it is, and why."""

    cause: str
    mechanism: str
    component: str
    where: str
    """Where the failures arise."""
    confidence: float
    """0 to 1."""
    log_odds: float
    evidence_for: tuple[str, ...]
    """Sentences."""
    evidence_against: tuple[str, ...]
    sources: tuple[str, ...]
    """Independent sources that support it."""
    rivals: tuple[str, ...] = ()
    """Mechanisms of the same cause that are nearly as likely."""


@dataclass(frozen=True)
class Refusal:
    """A remedy of a named cause that was not proposed, and why."""

    action: str
    component: str
    cause: str
    mechanism: str
    reason: str
    """A sentence without a capital and a full stop."""


@dataclass(frozen=True)
class Weighed:
    """One observation of the diagnosis, and for and against which causes it was weighed."""

    source: str
    finding: str
    """The kind of the finding."""
    status: Status
    sentence: str
    supports: tuple[str, ...] = ()
    """Causes."""
    against: tuple[str, ...] = ()


@dataclass(frozen=True)
class Incident:
    """The incident's own item."""

    id: str
    service: str
    opened_at: str
    execution: str = ""
    """ARN of the execution that opened it."""
    status: IncidentStatus = "open"
    outcome: Outcome | None = None
    confirmed: bool | None = None
    """None: not judged yet."""
    kind: SymptomKind = ""
    """The confirmed symptom."""
    onset: str | None = None
    """When the symptom began."""
    confirmed_at: str | None = None
    isolated_at: str | None = None
    diagnosed_at: str | None = None
    recovered_at: str | None = None
    """Since when the symptom is gone. Stored as ``well_since``."""
    recovery_verified_at: str | None = None
    """When the watch found it gone for long enough. Stored as ``recovered_at``."""
    watched_until: str | None = None
    evidence_cutoff: str | None = None
    """Signals until then were judged with this incident. Stored as ``judged_until``."""
    escalated_at: str | None = None
    closed_at: str | None = None
    reported_at: str | None = None
    reopened_at: tuple[str, ...] = ()
    """Each time that it was opened again."""
    affected: tuple[str, ...] = ()
    """Components at fault, or that a remedy was verified for."""
    suffering: tuple[str, ...] = ()
    """Components that fail because of those at fault."""
    cause: Cause | None = None
    """None: not diagnosed."""
    established_cause: Cause | None = None
    """A cause whose remedy was verified, where a later diagnosis found none."""
    ranking: tuple[Hypothesis, ...] = ()
    evidence: tuple[Weighed, ...] = ()
    missing: tuple[str, ...] = ()
    """What could not be asked, in sentences."""
    not_proposed: tuple[Refusal, ...] = ()
    attack_signs: tuple[str, ...] = ()
    """In sentences."""
    places: tuple[str, ...] = ()
    """Where its causes lie that other services may share; see ``plan/common_cause.py``."""
    cared_by: str | None = None
    """ARN of the execution that looks after its temporary mitigations."""
    report: dict[str, str] = field(default_factory=dict)
    """Addresses in S3 by file ending: html, md, json, gz."""

    @classmethod
    def of(cls, item: Item) -> Incident:
        """Return an item ``INCIDENT``; raises Malformed."""
        return decode(cls, {_FIELDS.get(key, key): value for key, value in plain(item).items()
                            if key not in _NO_MORE}, "INCIDENT")

    @property
    def reopenings(self) -> int:
        """How often it was opened again: what is said once is said once for each opening."""
        return len(self.reopened_at)

    @property
    def last_reopened_at(self) -> str:
        """When it was last opened again; empty where it never was."""
        return max(self.reopened_at, default="")


STORED = {"recovered_at": "well_since", "recovery_verified_at": "recovered_at", "evidence_cutoff": "judged_until"}
"""Fields of ``Incident`` whose attribute in the table has an older name: old records hold the table to it."""
_FIELDS = {stored: name for name, stored in STORED.items()}
_NO_MORE = frozenset({"recovered_before", "well_before"})
"""Attributes of older records that nothing reads any more."""


@dataclass(frozen=True)
class Signal:
    """An alarm or a person's start."""

    at: str
    kind: SignalKind
    name: str
    """The alarm's name, what another system calls it, or the person's name."""
    key: str = ""
    """Distinguishes signals of one moment."""
    service: str = ""
    reason: str = ""
    started_by: str = ""


@dataclass(frozen=True)
class PinnedSettings:
    """The settings under which an incident was opened: an item ``SETTINGS#version``, which never changes."""

    version: str
    at: str
    """When they were read, ISO 8601 in UTC."""
    settings: str
    """``ServiceSettings`` as one exact JSON text."""


@dataclass(frozen=True)
class Looked:
    """What one source answered in one run of a step."""

    entered: str
    """When the step's state was entered."""
    source: str
    step: str
    at: str
    findings: tuple[Finding[Any], ...] = ()
    milliseconds: float | None = None
    cut: bool = False
    """Whether findings are missing because an item has a size limit."""


@dataclass(frozen=True)
class Proposed:
    """A remedy that follows from a diagnosis; exact, never masked."""

    id: str
    """Its name within the incident, by which the guardrails and the remedy find it."""
    action: str
    cause: str = ""
    mechanism: str = ""
    component: str = ""
    confidence: float = 0.0
    """0 to 1."""
    sources: tuple[str, ...] = ()
    """Independent sources that support the cause."""
    facts: dict[str, Json] = field(default_factory=dict)
    """What the remedy must know; the remedy's own module decodes it."""
    contested: bool = False
    """Whether a mechanism of the same cause that is nearly as likely has other remedies."""
    onset: float | None = None
    """When the symptom began, seconds since 1970 (UTC)."""
    where: str = ""
    """Where the failures arise."""
    symptom: str = ""
    """The kind of the symptom, as it was confirmed."""
    either_change: bool = False
    """Whether it undoes one of two changes, and nothing tells which of them brought the symptom."""

    @classmethod
    def of(cls, item: Item) -> Proposed:
        """Return an item ``PROPOSED#entered#nn``; raises Malformed."""
        place = sort_key(item)
        name = place.removeprefix("PROPOSED#")
        given = {key: value for key, value in json.loads(item["proposal"]).items() if value is not None}
        return decode(cls, given | {"id": name}, place)

    def named(self, name: str) -> Proposed:
        """Return the same under an id."""
        return replace(self, id=name)

    @property
    def text(self) -> str:
        """It as the table keeps it: one exact JSON text."""
        return json.dumps({key: value for key, value in encode(self).items() if key != "id"}, allow_nan=False,
                          sort_keys=True)


@dataclass(frozen=True)
class KeptAnswer:
    """Where the findings of an answer are that is too large to travel between states."""

    key: str
    """Of the object in the bucket for reports."""
    digest: str
    """SHA-256 of the object, in hexadecimal digits."""
    findings: int
    """How many it has."""


@dataclass(frozen=True)
class SourceAnswer:
    """What one source answered when it was asked once."""

    source: str
    findings: tuple[Finding[Any], ...] = ()
    milliseconds: float | None = None
    """How long it took."""
    kept: KeptAnswer | None = None
    """Where the findings are to be read; None: they are here."""
    shared: tuple[str, ...] = ()
    """What another incident asked for, and when, in a sentence each."""

    @classmethod
    def from_wire(cls, value: Any, place: str) -> SourceAnswer:
        """Return what ``to_wire`` gave; raises Malformed."""
        raw = decode(_RawAnswer, value, place)
        return cls(raw.source, findings_of(raw.findings, place), raw.milliseconds, raw.kept,
                   raw.shared)

    def to_wire(self) -> Json:
        """Return it as plain JSON."""
        return encode(_RawAnswer(self.source, tuple(finding.to_json() for finding in self.findings),
                                 self.milliseconds, self.kept, self.shared))


@dataclass(frozen=True)
class _RawAnswer:
    source: str
    findings: tuple[Json, ...] = ()
    milliseconds: float | None = None
    kept: KeptAnswer | None = None
    shared: tuple[str, ...] = ()


F = TypeVar("F", bound=Fact)
T = TypeVar("T")


@dataclass(frozen=True)
class IncidentRecord:
    """Everything that is known of one incident, each part in the order of its sort keys."""

    incident: Incident
    signals: tuple[Signal, ...] = ()
    looked: tuple[Looked, ...] = ()
    timeline: tuple[Entry, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    proposed: tuple[Proposed, ...] = ()

    @classmethod
    def of(cls, items: Iterable[Item]) -> IncidentRecord:
        """Return the items of one incident, in any order; raises Malformed, also where none is the incident's own."""
        found: dict[str, list[Item]] = defaultdict(list)
        for item in sorted(items, key=sort_key):
            found[keyed(sort_key(item))[0]].append(item)

        def all_of(prefix: str, read: Callable[[Item], T]) -> tuple[T, ...]:
            return tuple(read(item) for item in found[prefix])

        own = all_of("INCIDENT", Incident.of)
        if not own:
            raise Malformed("items", "one whose sk is INCIDENT", sorted(found))
        return cls(own[0], all_of("SIGNAL", signal_of), all_of("EVIDENCE", looked_of), all_of("TIMELINE", entry_of),
                   all_of("ACTION", Remedy.of), all_of("PROPOSED", Proposed.of))

    def evidence(self, first: str = "", last: str = "~") -> Evidence:
        """Return the findings of the runs of steps that were entered between two moments (UTC, both included)."""
        return evidence_of(self.looked, first, last)

    def at(self, entered: str) -> Evidence:
        """Return the findings of one run of a step."""
        return self.evidence(entered, entered)

    def facts(self, fact: type[F]) -> Iterator[tuple[Entry, F]]:
        """Yield the entries that state a fact of this type, with the fact."""
        for entry in self.timeline:
            stated = entry.stated(fact)
            if stated is not None:
                yield entry, stated

    def remedy(self, number: int) -> Remedy | None:
        """Return a remedy by its number; None where there is none."""
        return next((remedy for remedy in self.remedies if remedy.number == number), None)

    def proposal(self, name: str) -> Proposed | None:
        """Return what a diagnosis proposed, by its id; None where there is none."""
        return next((proposed for proposed in self.proposed if proposed.id == name), None)


def signal_of(item: Item) -> Signal:
    """Return an item ``SIGNAL#time#key``; raises Malformed."""
    return decode(Signal, plain(item), sort_key(item))


def looked_of(item: Item) -> Looked:
    """Return an item ``EVIDENCE#entered#source``; raises Malformed."""
    place = sort_key(item)
    raw = decode(_RawLooked, plain(item), place)
    return Looked(keyed(place)[1], raw.source, raw.step, raw.at, findings_of(raw.findings, place), raw.milliseconds,
                  raw.cut)


@dataclass(frozen=True)
class _RawLooked:
    source: str
    step: str = ""
    at: str = ""
    findings: tuple[Json, ...] = ()
    milliseconds: float | None = None
    cut: bool = False


def findings_of(values: Iterable[Json], place: str) -> tuple[Finding[Any], ...]:
    """Return findings from plain JSON; raises Malformed."""
    return tuple(finding_of(value, f"{place}.findings[{number}]") for number, value in enumerate(values))


def evidence_of(looked: Iterable[Looked], first: str = "", last: str = "~") -> Evidence:
    """Return the findings of the runs of steps that were entered between two moments (UTC, both included)."""
    return Evidence(finding for look in looked if first <= look.entered <= last for finding in look.findings)


__all__ = [
    "KEYS", "STORED", "Cause", "Entry", "EntryKind", "Hypothesis", "Incident", "IncidentRecord", "IncidentStatus",
    "Item", "Json", "KeptAnswer", "Looked", "Malformed", "Outcome", "PinnedSettings", "Proposed", "Refusal", "Remedy",
    "RemedyStatus", "Signal", "SourceAnswer", "SymptomKind", "Weighed", "entry_of", "evidence_of", "findings_of",
    "keyed", "looked_of",
    "signal_of"]
