"""What customers are told: what does not work, what does, since when, and when more will be said.

Never a cause that is not established, and never internals: the sentences are written here, and only times go into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from responder.plan.wording import count, share

Phase = Literal["investigating", "identified", "monitoring", "resolved"]
SUBJECT = "Card payments are disturbed"
_MORE = "We will say more within 30 minutes."
_LASTS = {"degraded_latency": "have been slow for some customers", "loss_of_connectivity": "have not been possible"}
_WAS = {"degraded_latency": "were slow for some customers", "loss_of_connectivity": "were not possible"}
"""By the kind of symptom, while it lasts and afterwards; any other kind is said to fail for some customers."""
_MOST_KINDS = 8


def text(phase: Phase, kind: str, cause: str, since: float | None, *, alternative: bool,
         until: float | None = None) -> str:
    """Return the text for a phase.

    ``kind`` is the confirmed symptom's, ``cause`` one of the plan's (only the provider's outage is spoken of, for it is
    not ours), ``since`` and ``until`` are seconds since 1970 (UTC), ``alternative`` whether payments go another way.
    """
    if phase == "resolved":
        return (f"Card payments {_WAS.get(kind, 'failed for some customers')}{_span(since, until)}. "
                "They work as usual again. A payment that failed was not taken.")
    began = f"since {_clock(since)}" if since else "for a few minutes"
    told = f"Card payments {_LASTS.get(kind, 'have been failing for some customers')} {began}."
    if cause == "provider_outage" and phase != "investigating":
        told += " The company that processes them for us has a disruption."
    if alternative:
        told += (" New payments are made in another way, and work; you can try again now." if phase == "monitoring"
                 else " We are moving payments to another way; you can try again in a few minutes.")
    elif phase == "monitoring":
        told += " We have made a change and are watching whether it helps."
    else:
        told += " Please try again later: a payment that fails is not taken. Browsing and your basket work as usual."
    return f"{told} {_MORE}"


def provider_message(name: str, since: float | None, now: float, requests: float, errors: float,
                     kinds: Mapping[str, float]) -> str:
    """Return a ready message to a provider's support: times, error codes and counts, and nothing about a customer.

    ``kinds`` are the kinds of errors with their counts; moments are seconds since 1970 (UTC).
    """
    failed = share(errors / requests) if requests else "an unknown share"
    rows = "\n".join(f"  {count(number):>8}  {kind}"
                     for kind, number in sorted(kinds.items(), key=lambda item: -item[1])[:_MOST_KINDS])
    began = _stamp(since) if since else "a time that we do not know"
    return (f"To the support of {name}\n\n"
            f"Since {began} {failed} of our requests to your API have failed "
            f"({count(errors)} of {count(requests)} in the minute before {_stamp(now)}).\n"
            f"What we get, by count:\n{rows or '  (not known)'}\n\n"
            "Please tell us: whether you see it, since when, and when you expect it to be over.\n")


def _span(since: float | None, until: float | None) -> str:
    """Say from when to when, to the minute; nothing where neither is known."""
    if since and until and _clock(since) != _clock(until):
        return f" from {_clock(since)} to {_clock(until)}"
    if since:
        return f" {'at' if until else 'from'} {_clock(since)}{'' if until else ' on'}"
    return f" until {_clock(until)}" if until else ""


def _clock(moment: float | None) -> str:
    return f"{datetime.fromtimestamp(moment or 0.0, UTC):%H:%M} UTC"


def _stamp(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"
