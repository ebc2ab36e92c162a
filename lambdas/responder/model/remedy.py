"""A remedy's record: what its own function wrote, and what the deciding function said of it, in one item.

The item's attributes have their writer's name before a colon: ``rollback:status``, ``judged:status``. So the role of
each function can be held to its own attributes (IAM's condition key ``dynamodb:Attributes`` knows top-level attributes
only), and none can write what another one said. ``Remedy.of`` puts the two together, as the rest of the code reads
them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field, fields
from enum import StrEnum

from responder.model.codec import Json, decode
from responder.model.frozen import dataclass
from responder.model.item import sort_key

JUDGED = "judged"
"""The writer's name of what the deciding function says: the guardrails' ruling, and how it went."""
OPERANDS = "operands"
"""What a remedy compares, restores or applies, as one JSON text: exact, and never masked."""
_RUN = frozenset({"applied", "failed"})
"""Statuses of its own that a later look can turn into ``verified``."""


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
    """By people, or because nobody answered in time."""
    APPLYING = "applying"
    APPLIED = "applied"
    DONE = "done"
    """A remedy that notifies somebody: they were notified."""
    VERIFIED = "verified"
    FAILED = "failed"
    REVERTED = "reverted"
    """It did not help and was rolled back."""

    @property
    def may_have_run(self) -> bool:
        """Whether it was carried out, or may have been, whether or not it helped."""
        return self in _MAY_HAVE_RUN


_MAY_HAVE_RUN = frozenset({
    RemedyStatus.APPLYING, RemedyStatus.APPLIED, RemedyStatus.VERIFIED, RemedyStatus.REVERTED, RemedyStatus.FAILED,
    RemedyStatus.DONE})

STORED = {
    "audience": "tells", "transient": "passing", "insufficient": "too_little", "rolled_back_at": "reverted_at",
    "restored_at": "put_back_at", "restore_attempts": "put_back_tries", "restore_failure": "put_back_failed",
    "condition_cleared_at": "over_since", "result": "done"}
"""Fields of ``Remedy`` whose attribute in the table has an older name: IAM and old records hold the table to it."""
_FIELDS = {stored: name for name, stored in STORED.items()}
_KEYS = frozenset({"pk", "sk", "expires"})


@dataclass(frozen=True)
class Remedy:
    """A remedy of an incident: its plan, the ruling on it, and what became of it. Times are ISO 8601 in UTC."""

    number: int
    """1-based position among the incident's remedies."""
    action: str
    status: RemedyStatus = RemedyStatus.PLANNED
    component: str = ""
    cause: str = ""
    mechanism: str = ""
    """Which of the cause's mechanisms it remediates."""
    where: str = ""
    """Where the failures arise that it remediates; empty where the diagnosis did not say."""
    target: str = ""
    """What it changes: ``deployment/payment-gateway``."""
    summary: str = ""
    deed: str = ""
    """What it does, as the title of a question: "Scale deployment/backend from 4 to 8 pods"; empty in records from
    before it was kept."""
    by_hand: str = ""
    """The shell commands that do the same by hand, one a line; empty where there are none, or in older records."""
    undo: str = ""
    """The shell commands that undo it, one a line; empty where there are none, or in older records."""
    diff: str = ""
    """What it changes, as people read a diff; masked, never compared or applied."""
    before: dict[str, Json] = field(default_factory=dict)
    """What was there before, enough to restore it: exact; the remedy's own module decodes it."""
    parameters: dict[str, Json] = field(default_factory=dict)
    """What applying needs: exact; the remedy's own module decodes it."""
    proposal: str = ""
    """The id of the ``Proposed`` that it follows from."""
    risk: str = ""
    """``low``, ``medium`` or ``high``; anything else counts as high."""
    audience: str = ""
    """The people whom it notifies; empty for a remedy that changes something."""
    reversible: bool = False
    """Whether it is rolled back where it does not help."""
    temporary: bool = False
    """Whether it is a temporary mitigation, which is restored when its reason is gone."""
    refusal: str = ""
    """Why its own preconditions refuse it, in one sentence; empty where they do not."""
    transient: bool = False
    """Whether the refusal may pass by itself."""
    reason: str = ""
    """Why it has its status."""
    guardrail: str = ""
    """The guardrail that refused it, or made it a question; empty where none did."""
    decided_by: str = ""
    """``policy``, or the person who approved or rejected it."""
    ruled_on: str | None = None
    """Digest of the plan that the guardrails ruled on; see ``digest``."""
    lease: str = ""
    """The lease on its target: its name in the table; empty before the ruling."""
    fence: int = 0
    """The lease's fencing number."""
    planned_at: str | None = None
    applied_at: str | None = None
    verified_at: str | None = None
    rolled_back_at: str | None = None
    restored_at: str | None = None
    """When a temporary mitigation was restored, after it had helped."""
    left_to_people_at: str | None = None
    result: str = ""
    """What was done, in a sentence."""
    told_by: str = ""
    """The channels that notified its audience, separated by commas."""
    in_part: bool = False
    """Whether it was applied only in part."""
    kept: bool = False
    """Whether it did not help and stays as it is."""
    insufficient: bool = False
    """Whether it did not help because there was too little of it: it stays, and another may add to it."""
    restore_attempts: int = 0
    restore_failure: str = ""
    """Why it could not be restored."""
    condition_cleared_at: float | None = None
    """Since when the reason for a temporary mitigation is gone, in seconds since 1970 (UTC)."""
    disputed: tuple[str, ...] = ()
    """The writers, where more than one function wrote a plan under this number."""

    @classmethod
    def of(cls, item: Mapping[str, Json]) -> Remedy:
        """Return an item ``ACTION#nn``, of today's form or of an older one; raises Malformed."""
        record = {_FIELDS.get(key, key): value for key, value in merged(item).items()
                  if key not in _KEYS and value is not None}
        return decode(cls, {"number": _number(item)} | record, sort_key(item))

    @property
    def operands(self) -> str:
        """``before`` and ``parameters`` as the record keeps them."""
        return operands(self.before, self.parameters)

    @property
    def digest(self) -> str:
        """What tells one plan from another: only the plan that the guardrails ruled on is applied."""
        return digest(vars(self))

    @property
    def is_ruled_on(self) -> bool:
        """Whether the plan on record is the one plan that the guardrails ruled on."""
        return not self.disputed and self.ruled_on == self.digest


@dataclass(frozen=True)
class Execution:
    """A remedy that was carried out for a service, as cooldowns and hourly limits need it."""

    at: float
    """Seconds since 1970 (UTC)."""
    incident: str
    number: int
    """1-based position among the incident's remedies."""
    action: str
    target: str = ""
    component: str = ""
    mechanism: str = ""


@dataclass(frozen=True)
class PastFailure:
    """A remedy that was applied in another incident and did not help."""

    at: float
    """Seconds since 1970 (UTC)."""
    incident: str
    action: str
    component: str
    mechanism: str
    reason: str = ""


def _number(item: Mapping[str, Json]) -> int:
    return int(sort_key(item).rpartition("#")[2])


@dataclass(frozen=True)
class _Said:
    """What one writer said that decides what became of a remedy."""

    status: str = ""
    reason: str = ""
    action: str = ""
    operands: str = ""

    @classmethod
    def of(cls, attributes: Mapping[str, Json]) -> _Said:
        return cls(*(str(attributes.get(part.name) or "") for part in fields(cls)))


def merged(item: Mapping[str, Json]) -> dict[str, Json]:
    """Return a remedy's item as one flat record; any other item, and one of an older schema, as it is.

    ``disputed`` names the writers where more than one function wrote a plan under this number.
    """
    if not str(item.get("sk", "")).startswith("ACTION#") or "status" in item:
        return dict(item)
    plain: dict[str, Json] = {}
    parts: dict[str, dict[str, Json]] = {}
    for key, value in item.items():
        writer, colon, name = key.partition(":")
        if colon:
            parts.setdefault(writer, {})[name] = value
        else:
            plain[key] = value
    ruling = parts.pop(JUDGED, {})
    judged = _Said.of(ruling)
    writer = judged.action or next(iter(sorted(parts)), "")
    attributes = parts.get(writer, {})
    own = _Said.of(attributes)
    status = _status(own, judged)
    kept = json.loads(own.operands or "{}")
    told = {key: value for key, value in attributes.items() if key != OPERANDS}
    return {**plain, **ruling, **told, "action": writer, "number": _number(item), "status": status,
            "reason": judged.reason if status == judged.status else own.reason or judged.reason,
            "before": {}, "parameters": {}, **kept,
            **({"kept": None} if status == RemedyStatus.VERIFIED else {}),
            **({"disputed": sorted(parts)} if len(parts) > 1 else {})}


def _status(own: _Said, judged: _Said) -> str:
    if own.status in ("", RemedyStatus.PLANNED):
        return judged.status or RemedyStatus.PLANNED.value
    return judged.status if judged.status == RemedyStatus.VERIFIED and own.status in _RUN else own.status


def operands(before: Mapping[str, Json], parameters: Mapping[str, Json]) -> str:
    """Return a plan's operands as the record keeps them; ``Remedy.of`` gives back the same values.

    Raises TypeError for what is no plain JSON (a tuple or a key that is a number would come back as something else),
    ValueError for a number that JSON does not know.
    """
    given = {"before": before, "parameters": parameters}
    text = json.dumps(given, allow_nan=False, sort_keys=True)
    if json.loads(text) != given:
        raise TypeError("operands are plain JSON: lists, texts as keys, no other types")
    return text


def digest(record: Mapping[str, Json]) -> str:
    """Return what tells one plan from another: what the guardrails rule on is what is applied, or nothing is."""
    told = {key: record.get(key) for key in ("action", "component", "target", "summary", "diff", "before",
                                             "parameters", "proposal")}
    # Left out where they are empty, so that a plan from before they were kept has the digest that was ruled on.
    told |= {key: record.get(key) for key in ("deed", "by_hand", "undo") if record.get(key)}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
