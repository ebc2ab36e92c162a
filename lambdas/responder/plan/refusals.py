"""Why remedies of an incident were not applied, as people are told it."""

from __future__ import annotations

from responder.model.incident import IncidentRecord
from responder.model.remedy import RemedyStatus
from responder.plan.remedies import phrase, sentence

_MOST_TOLD = 12


def not_done(record: IncidentRecord) -> list[str]:
    """Return a sentence for each remedy that an incident thought of and did not carry out.

    First those that were planned and then refused, or that nobody approved; then those that were not proposed.
    """
    told = [f"{remedy.summary or phrase(remedy.action)}: {remedy.reason or remedy.status}"
            for remedy in record.remedies if remedy.status in (RemedyStatus.REFUSED, RemedyStatus.REJECTED)]
    return list(dict.fromkeys([*told, *not_proposed(record)]))[:_MOST_TOLD]


def not_proposed(record: IncidentRecord) -> list[str]:
    """Return a sentence for each remedy of the cause that was named last which was not even planned."""
    planned = {(remedy.action, remedy.component) for remedy in record.remedies}
    return [sentence(refusal) for refusal in record.incident.not_proposed
            if (refusal.action, refusal.component) not in planned]
