"""The record of one incident, typed: the only reader of the timeline table's sort keys.

``IncidentRecord.of`` takes the items as they are stored (``records/``), or as they lie in a record file, and gives
each its type. Times are ISO 8601 in UTC (``Z``) as they are stored; ``model/moment.py`` turns them into seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from responder.model.codec import Json, Malformed, decode
from responder.model.evidence import Evidence, Finding, finding_of

KEYS = frozenset({"pk", "sk", "expires"})
"""What the table needs of an item, and no reader."""


class RemedyStatus(StrEnum):
    """What became of a remedy."""

    PLANNED = "planned"
    PERMITTED = "permitted"
    WAITING = "waiting"
    """People are asked."""
    OBSERVED = "observed"
    """In mode ``observe``: it would be done."""
    REFUSED = "refused"
    """By a guardrail."""
    REJECTED = "rejected"
    """By people, or by nobody's answer."""
    APPLYING = "applying"
    APPLIED = "applied"
    DONE = "done"
    """Of one that tells somebody: they were told."""
    VERIFIED = "verified"
    FAILED = "failed"
    REVERTED = "reverted"

    @property
    def may_have_run(self) -> bool:
        """Whether it was carried out, or may have been, with whatever success."""
        return self in _MAY_HAVE_RUN


_MAY_HAVE_RUN = frozenset({
    RemedyStatus.APPLYING, RemedyStatus.APPLIED, RemedyStatus.VERIFIED, RemedyStatus.REVERTED, RemedyStatus.FAILED,
    RemedyStatus.DONE})

IncidentStatus = Literal["open", "waiting for people", "closed"]
EntryKind = Literal["step", "decision", "plan", "action", "notification", "outcome", "signal", "task"]
"""What a timeline entry tells of."""


@dataclass(frozen=True)
class Cause:
    """What the diagnosis named."""

    id: str
    """One of the plan's six causes, or ``unknown``."""
    mechanism: str = ""
    component: str = ""
    confidence: float = 0.0
    """0 to 1."""
    summary: str = ""


@dataclass(frozen=True)
class Signal:
    """An alarm or a person's start."""

    key: str
    at: str
    kind: str
    name: str
    service: str
    reason: str = ""
    started_by: str = ""


@dataclass(frozen=True)
class Looked:
    """What one source answered in one visit of a step."""

    entered: str
    """When the step's state was entered."""
    source: str
    step: str
    at: str
    findings: tuple[Finding[Any], ...] = ()
    milliseconds: float | None = None
    cut: bool = False
    """Whether findings are missing, for an item has a limit."""


@dataclass(frozen=True)
class Entry:
    """One entry of the timeline."""

    entered: str
    """When the step's state was entered."""
    number: int
    """Orders the entries of one visit."""
    at: str
    step: str
    what: str
    why: str = ""
    by: str = "system"
    kind: EntryKind = "step"
    detail: dict[str, Json] = field(default_factory=dict)
    """What a decision was made from, as its own type writes it (``plan/replay.py``); else what is worth keeping."""


def keyed(sort_key: str) -> tuple[str, ...]:
    """Return the parts of an item's sort key."""
    return tuple(sort_key.split("#"))


def looked_of(item: Mapping[str, Any]) -> Looked:
    """Return an item ``EVIDENCE#entered#source``."""
    place = str(item["sk"])
    findings = tuple(finding_of(finding, f"{place}.findings[{number}]")
                     for number, finding in enumerate(item.get("findings") or ()))
    return Looked(keyed(place)[1], item["source"], item["step"], item["at"], findings, item.get("milliseconds"),
                  bool(item.get("cut")))


def entry_of(item: Mapping[str, Any]) -> Entry:
    """Return an item ``TIMELINE#entered#nn#step``."""
    place = str(item["sk"])
    _, entered, number, *_ = keyed(place)
    return decode(Entry, {key: value for key, value in item.items() if key not in KEYS} | {
        "entered": entered, "number": int(number)}, place)


def evidence_of(looked: Iterable[Looked], first: str = "", last: str = "~") -> Evidence:
    """Return the findings of the visits that were entered between two moments (UTC, both included)."""
    return Evidence(finding for look in looked if first <= look.entered <= last for finding in look.findings)


__all__ = ["Cause", "Entry", "EntryKind", "IncidentStatus", "Json", "Looked", "Malformed", "RemedyStatus", "Signal",
           "entry_of", "evidence_of", "keyed", "looked_of"]
