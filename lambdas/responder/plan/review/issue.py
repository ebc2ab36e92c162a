"""An improvement as the text of an issue: the same for every tracker, in paragraphs."""

from __future__ import annotations

from responder.plan.review.contents import Improvement
from responder.plan.wording import duration


def text(item: Improvement, service: str) -> str:
    """Return what an issue says of an improvement."""
    saves = ""
    if item.saves_seconds:
        bound = "at least" if item.saves_at_least else "up to"
        saves = f" It would have saved {bound} {duration(item.saves_seconds)} of this incident."
    return "\n\n".join((
        f"Seen in an incident of {service}: {item.evidence}.", f"To do ({item.object}): {item.measure}.",
        f"Owner: {item.owner}. Size: {item.size}. Aim: {item.aim}.{saves}", f"Done when: {item.done_when}."))
