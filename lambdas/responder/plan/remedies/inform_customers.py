"""Inform customers: of a provider's outage, and of any outage that lasts long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan import remedies
from responder.plan.remedies import Candidate, Considered, Nothing, Remedy

LONG_OUTAGE = "long_outage"
"""The mechanism of a message that no cause asks for, but the time."""


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """Nothing: what customers are told is what is on record when they are told it."""


@dataclass(frozen=True)
class Parameters:
    """The message: what people approve, and nothing more is sent."""

    said: tuple[str, ...]
    """The names of its sentences; see ``plan/customers/sentences.py``."""


def facts(considered: Considered) -> Facts:
    """Return nothing."""
    return Facts()


def long_outage(service: Service, onset: float | None, now: float, votes: Mapping[str, str],
                tried: Iterable[tuple[str, str]]) -> list[Candidate]:
    """Return the message to customers that is due by now, whatever the cause; nothing where they were told before.

    ``votes`` is how the sources confirmed the symptom: that is all that customers are told, and how sure it is.
    """
    sources = tuple(source for source, vote in votes.items() if vote == "outage")
    if onset is None or now - onset < service.recovery.long_outage_seconds or not sources or any(
            action == REMEDY.name for action, _ in tried):
        return []
    return [Candidate(REMEDY.name, "unknown", LONG_OUTAGE, service.entry, 1.0, sources, Facts())]


REMEDY = Remedy(
    name="inform_customers",
    phrase="message to customers",
    facts=facts,
    kinds=(Facts, Nothing, Parameters),
    risk="medium",
    default_policy="approve",
    reversible=False,
    keep_when_not_helped=True,
    audience="customers",
)
