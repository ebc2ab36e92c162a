"""What customers met, in words: how many requests failed, stopped or were slow, and for how long."""

from __future__ import annotations

from responder.plan.review.story import Story
from responder.plan.wording import duration, share


def _share(story: Story) -> str:
    """Return the share of requests that were affected; the worst of a period where that is all that is known."""
    impact = story.impact
    if impact.affected_share:
        return share(impact.affected_share)
    return f"up to {share(impact.worst_error_rate)}" if impact.worst_error_rate else ""


def clause(story: Story) -> str:
    """Return what requests did, as a clause: "25% of payments failed"."""
    requests, affected = story.reports.requests, _share(story)
    match story.incident.kind:
        case "loss_of_connectivity":
            return f"{requests} stopped coming through"
        case "degraded_latency":
            return f"{requests} were answered slowly"
        case "declined_payments":
            return f"more {requests} were declined than usual"
        case _ if affected:
            missing = " or did not come" if story.impact.missing_requests and story.impact.affected_share else ""
            return f"{affected} of {requests} failed{missing}"
        case _:
            return f"{requests} failed"


def verb(story: Story) -> str:
    """Return the same as what something did to requests: "failed 25% of payments"."""
    requests, affected = story.reports.requests, _share(story)
    match story.incident.kind:
        case "loss_of_connectivity":
            return f"stopped {requests}"
        case "degraded_latency":
            return f"slowed {requests} down"
        case "declined_payments":
            return f"declined {requests}"
        case _ if affected:
            missing = story.impact.missing_requests and story.impact.affected_share
            return f"{'cost' if missing else 'failed'} {affected} of {requests}"
        case _:
            return f"failed {requests}"


def lasted(story: Story) -> str:
    """Return for how long, where it is over: "for 36 s"; else an empty text."""
    seconds = story.impact.seconds
    return f"for {duration(seconds)}" if story.over and seconds else ""
