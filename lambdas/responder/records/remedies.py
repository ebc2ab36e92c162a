"""Remedies: the plan of each, the ruling on it, its result, and the executions of a service's remedies.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `REMEDY#id` | `ACTION#nn` | a remedy: plan, previous state, result; see ``model/remedy.py`` |
| `REMEDIES#service` | `incident#nn` | the execution of a remedy: action, target, time |
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TypedDict, Unpack

from responder.model.codec import Json, encode
from responder.model.remedy import JUDGED, OPERANDS, STORED, Execution, PastFailure, Remedy, RemedyStatus
from responder.records.store import KEPT_DAYS, Store

_PLANNED = ("component", "risk", "audience", "reversible", "status", "planned_at", "cause", "mechanism", "proposal",
            "where", "target", "summary", "deed", "by_hand", "undo", "diff", "refusal", "transient", "temporary")
"""The attributes of its plan that a remedy's own function writes, besides the operands."""


class RemedyChange(TypedDict, total=False):
    """The attributes that a remedy's own function can set; ``Remedy`` describes them. None clears one."""

    status: RemedyStatus
    reason: str
    guardrail: str
    applied_at: str
    result: str
    told_by: str
    in_part: bool
    kept: bool | None
    insufficient: bool
    temporary: bool
    rolled_back_at: str
    restored_at: str
    restore_failure: str


class RemedyJudgement(TypedDict, total=False):
    """The attributes that the deciding function can set: ruling, result, and expiry."""

    action: str
    status: RemedyStatus
    guardrail: str
    reason: str
    ruled_on: str
    decided_by: str
    lease: str
    fence: int
    verified_at: str
    condition_cleared_at: float | None
    restore_attempts: int
    left_to_people_at: str


class Remedies(Store):
    """The remedies of all incidents."""

    def remedy(self, incident: str, number: int) -> Remedy | None:
        """Return a remedy, None where there is none."""
        item = self.item(f"REMEDY#{incident}", f"ACTION#{number:02d}")
        return Remedy.of(item) if item else None

    def remedies_of(self, incident: str) -> tuple[Remedy, ...]:
        """Return the remedies of an incident in order, without reading its other items."""
        return tuple(Remedy.of(item) for item in self.partition(f"REMEDY#{incident}"))

    def next_number(self, incident: str) -> int:
        """Return the number of the incident's next remedy."""
        return 1 + max((remedy.number for remedy in self.remedies_of(incident)), default=0)

    def plan_remedy(self, incident: str, remedy: Remedy) -> Remedy:
        """Keep a remedy's plan; an existing plan stays, and is returned.

        ``before`` and ``parameters`` are kept exactly; everything else is shown to people, and masked.
        """
        shown = {name: value for name, value in vars(remedy).items() if name in _PLANNED}
        try:
            self._set(f"REMEDY#{incident}", f"ACTION#{remedy.number:02d}", _by(remedy.action, shown),
                      {f"{remedy.action}:{OPERANDS}": remedy.operands}, "attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            pass
        kept = self.remedy(incident, remedy.number)
        if kept is None:
            raise RuntimeError(f"the plan of remedy {remedy.number} of {incident} could not be read back")
        return kept

    def set_remedy(self, incident: str, number: int, writer: str, **values: Unpack[RemedyChange]) -> None:
        """Set attributes of a remedy for its own function, ``writer``."""
        self._set(f"REMEDY#{incident}", f"ACTION#{number:02d}", _by(writer, values))

    def judge_remedy(self, incident: str, number: int, **values: Unpack[RemedyJudgement]) -> None:
        """Set attributes of a remedy for the deciding function."""
        self._set(f"REMEDY#{incident}", f"ACTION#{number:02d}", _by(JUDGED, values), {
            "expires": int(time.time()) + KEPT_DAYS * 86400})

    # --- past executions of a service ------------------------------------------------------------------------------

    def executed(self, service: str, incident: str, remedy: Remedy) -> None:
        """Record a remedy's execution, for cooldowns, hourly limits and its success later; idempotent."""
        done = Execution(time.time(), incident, remedy.number, remedy.action, remedy.target, remedy.component,
                         remedy.mechanism)
        self.put_once({"pk": f"REMEDIES#{service}", "sk": f"{incident}#{remedy.number:02d}", **encode(done)})

    def executions(self, service: str, since: float) -> list[Execution]:
        """Return the remedies that were executed since a moment (seconds since 1970, UTC), oldest first."""
        return sorted((done for done in self.rows(Execution, f"REMEDIES#{service}") if done.at >= since),
                      key=lambda done: done.at)

    def past_failures(self, service: str, since: float, apart: str) -> list[PastFailure]:
        """Return the remedies since a moment that were applied and did not help, in all incidents except ``apart``."""
        found = []
        executions = self.executions(service, since)
        for done in executions:
            # What was tried again in the same incident is judged by its last try.
            again = any((one.incident, one.action, one.target, one.mechanism) == (
                done.incident, done.action, done.target, done.mechanism) and one.number > done.number
                for one in executions)
            if done.incident == apart or not done.mechanism or again:
                continue
            remedy = self.remedy(done.incident, done.number)
            # A remedy that was stopped or failed half way proves nothing: it may have helped if it had finished.
            if remedy and remedy.status in (RemedyStatus.REVERTED, RemedyStatus.FAILED) and remedy.applied_at and not (
                    remedy.insufficient or remedy.in_part):
                found.append(PastFailure(done.at, done.incident, done.action, done.component, done.mechanism,
                                         remedy.reason))
        return found


def _by(writer: str, values: Mapping[str, Json]) -> dict[str, Json]:
    """Return attributes by their names in the table, under their writer's name; see ``model/remedy.py``."""
    return {f"{writer}:{STORED.get(name, name)}": encode(value) for name, value in values.items()}


