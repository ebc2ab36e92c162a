"""Whether a certificate, key or token of ours has come to its end."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.credential_end import CredentialEnd, End
from responder.plan import wording
from responder.plan.signals import Context, Signal, signal
from responder.plan.times import CLOCK_SECONDS

_SPREAD_SECONDS = 3600.0
"""Clients keep connections, and sessions of TLS, for up to an hour: what has ended is refused from then on at last."""


@signal("When and what: it ended as the symptom began, or within the hour that connections are kept for; nothing else "
        "has to have happened, and nothing but a new one ends it.")
def ours_ended_as_it_began(name: str, at: str) -> str:
    return f"our {name} ended at {at}"


@signal("What: it has ended, and was not in use, or was not looked at, for longer than connections are kept: mild.")
def ours_ended_long_before(name: str, at: str) -> str:
    return f"our {name} ended at {at}, long before the symptom"


@signal("What: what is known of ours is valid still; a key that was revoked, and a limit, have no end that anybody "
        "knows.")
def ours_are_valid(target: str, first: str) -> str:
    return f"what we show to {target} is valid, the first of it until {first}"


def read(context: Context) -> Iterator[Signal]:
    """Yield whether what we show to what the failing calls are of has ended."""
    for finding in context.evidence.of(CredentialEnd, context.mode.where):
        over = ended(finding)
        for end in over:
            near = context.onset is None or context.onset - end.at <= _SPREAD_SECONDS
            kind = ours_ended_as_it_began if near else ours_ended_long_before
            yield kind.emit(finding, end.name, wording.exact_stamp(end.at))
        if not over and finding.detail.ends:
            yield ours_are_valid.emit(finding, context.place, wording.exact_stamp(
                min(end.at for end in finding.detail.ends)))


def ended(finding: Finding[CredentialEnd]) -> tuple[End, ...]:
    """Return what has come to its end by the time of an answer, that which ended last first."""
    now = (finding.window.end if finding.window else 0.0) + CLOCK_SECONDS
    return tuple(sorted((end for end in finding.detail.ends if end.at <= now), key=lambda end: (-end.at, end.name)))


def ends(evidence: Evidence, where: str) -> tuple[End, ...]:
    """Return what of ours for a target has come to its end, that which ended last first."""
    return tuple(end for finding in evidence.of(CredentialEnd, where) for end in ended(finding))
