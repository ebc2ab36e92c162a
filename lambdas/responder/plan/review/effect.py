"""What customers met, in words: how many requests failed, stopped or were slow, and for how long."""

from __future__ import annotations

from responder.plan.review.story import Story
from responder.plan.wording import duration, share


def share_told(story: Story) -> str:
    """Return the share of requests that failed; empty where it is not known."""
    worst = story.impact.worst_error_rate
    return f"up to {share(worst)}" if worst else ""


def clause(story: Story) -> str:
    """Return what requests did, as a clause: "up to 45% of payments failed"."""
    requests, failed = story.reports.requests, share_told(story)
    match story.incident.kind:
        case "loss_of_connectivity":
            return f"{requests} stopped coming through"
        case "degraded_latency":
            return f"{requests} were answered slowly"
        case _ if failed:
            return f"{failed} of {requests} failed"
        case _:
            return f"{requests} failed"


def verb(story: Story) -> str:
    """Return the same as what something did to requests: "failed up to 45% of payments"."""
    requests, failed = story.reports.requests, share_told(story)
    match story.incident.kind:
        case "loss_of_connectivity":
            return f"stopped {requests}"
        case "degraded_latency":
            return f"slowed {requests} down"
        case _ if failed:
            return f"failed {failed} of {requests}"
        case _:
            return f"failed {requests}"


def lasted(story: Story) -> str:
    """Return for how long, where it is over: "for 36 s"; else an empty text."""
    seconds = story.impact.seconds
    return f"for {duration(seconds)}" if story.over and seconds else ""
