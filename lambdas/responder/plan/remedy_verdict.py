"""What became of a remedy that was applied: by the failures that it is for, and by the sum where they do not tell."""

from __future__ import annotations

from responder.model.evidence import Evidence
from responder.model.fault_location import OWN, location_of
from responder.model.frozen import dataclass
from responder.model.moment import seconds
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Service
from responder.plan.recovery import Progress, helped
from responder.plan.remediated import Aim, effect, hidden, new_kinds


@dataclass(frozen=True)
class RemedyVerdict:
    """A remedy's new status, and why."""

    status: RemedyStatus
    """``VERIFIED``, or ``FAILED``: it is not rolled back then."""
    reason: str


_RECOVERED = RemedyVerdict(RemedyStatus.VERIFIED, "the symptom has gone")


def verdict(service: Service, remedy: Remedy, progress: Progress, looks: Evidence, newest: Evidence,
            now: float) -> RemedyVerdict | None:
    """Judge a remedy at ``now`` (seconds since 1970, UTC) by the newest look and all that came before.

    None: it stays as it is, and is rolled back where the recovery's answer says so. What the failed calls say of
    themselves goes before the sum of the failures: two faults may be in the same calls.
    """
    recovered = progress.answer == "recovered" and not remedy.kept
    if not remedy.applied_at:
        return _RECOVERED if recovered else None
    aim = _aim(remedy, remedy.applied_at)
    seen = effect(service, looks, newest, aim, progress.well_since if recovered else None)
    if seen == "goes_on":
        # While all is well, nothing is rolled back.
        return RemedyVerdict(RemedyStatus.FAILED, "the failures that it is for go on; what has passed had another cause"
                             ) if recovered else None
    if recovered:
        return _RECOVERED
    # Where all became worse, what fails in another way only since the remedy may be its doing; of what runs in the
    # component itself, anything may be.
    if seen == "gone" and not (progress.answer == "worse" and (
            aim.location == OWN or new_kinds(service, looks, newest, aim))):
        return RemedyVerdict(RemedyStatus.VERIFIED, f"the failures of {remedy.component} that it is for are gone; what "
                             "else fails has another cause")
    if helped(service, newest, remedy.component, now, aim.changed_at, aim.location):
        return RemedyVerdict(RemedyStatus.VERIFIED, f"what {remedy.component} failed at is well since; what else fails "
                             "has another cause")
    return None


def effect_is_hidden(service: Service, remedy: Remedy, looks: Evidence) -> bool:
    """Whether it cannot be told what a remedy did, because calls fail since then before they come so far."""
    return bool(remedy.applied_at) and hidden(service, looks, _aim(remedy, remedy.applied_at or ""))


def _aim(remedy: Remedy, applied_at: str) -> Aim:
    return Aim(remedy.component, remedy.mechanism, location_of(remedy.where), seconds(applied_at),
               str(remedy.parameters))
