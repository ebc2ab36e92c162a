"""What customers are told: what does not work, what does, since when, and when more will be said.

Never a cause that is not established, and never internals: the sentences are written here, and only times go into them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

Phase = Literal["investigating", "identified", "monitoring", "resolved"]
SUBJECT = "Card payments are disturbed"
_MORE = "We will say more within 30 minutes."


def text(phase: Phase, kind: str, cause: str, since: float | None, *, alternative: bool,
         until: float | None = None) -> str:
    """Return the text for a phase.

    ``kind`` is the confirmed symptom's, ``cause`` one of the plan's (only the provider's outage is spoken of, for it is
    not ours), ``since`` and ``until`` are seconds since 1970 (UTC), ``alternative`` whether payments go another way.
    """
    what = {"degraded_latency": "are slow for some customers",
            "loss_of_connectivity": "cannot be made at the moment"}.get(kind, "are failing for some customers")
    began = f"since {_clock(since)}" if since else "since a few minutes ago"
    if phase == "resolved":
        ended = f" They have worked as usual since {_clock(until)}." if until else " They work as usual again."
        return f"Card payments were disturbed {began}.{ended} A payment that failed was not taken."
    told = f"Card payments {what} {began}."
    if cause == "provider_outage" and phase != "investigating":
        told += " The company that processes them for us has a disruption."
    if alternative:
        told += (" New payments are made by another way, and work; you can try again now." if phase == "monitoring"
                 else " We are moving payments to another way; you can try again in a few minutes.")
    elif phase == "monitoring":
        told += " We have made a change and watch whether it helps."
    else:
        told += " Please try again later: a payment that fails is not taken. Browsing and your basket work as usual."
    return f"{told} {_MORE}"


def provider_message(name: str, since: float | None, now: float, requests: float, errors: float,
                     kinds: dict[str, float]) -> str:
    """Return a ready message to a provider's support: times, error codes and counts, and nothing of a customer."""
    share = f"{errors / requests:.0%}" if requests else "an unknown share"
    rows = "\n".join(f"  {count:8.0f}  {kind}" for kind, count in sorted(kinds.items(), key=lambda item: -item[1])[:8])
    began = _stamp(since) if since else "a time that we do not know"
    return (f"To the support of {name}\n\n"
            f"Since {began} {share} of our requests to your API have failed "
            f"({errors:.0f} of {requests:.0f} in the minute before {_stamp(now)}).\n"
            f"What we get, by count:\n{rows or '  (not known)'}\n\n"
            "Please tell us: whether you see it, since when, and when you expect it to be over.\n")


def _clock(moment: float | None) -> str:
    return f"{datetime.fromtimestamp(moment or 0.0, UTC):%H:%M} UTC"


def _stamp(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"
