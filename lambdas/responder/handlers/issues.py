"""File improvements as issues, where that is configured: each once for an incident, after the report is written."""

from __future__ import annotations

import time

from responder import people
from responder.clients.failure import CallFailed
from responder.handlers.step import StepRun
from responder.model.facts import Filed, Undelivered
from responder.model.incident import IncidentRecord
from responder.model.masking.typed import masked
from responder.people import Message
from responder.plan.review import Review
from responder.plan.review.issue import text

_MOST = 7
"""As many as the report shows at first."""
_SECONDS = 40.0
"""Then the rest is left to the next time that the report is written."""


def file_improvements(run: StepRun, record: IncidentRecord, review: Review) -> bool:
    """File what the report of a closed incident proposes first; return whether anything was filed now.

    What is on the timeline as filed is not filed again; what was filed without having come so far is found by its mark.
    """
    channels = [channel for channel in people.every()
                if "improvement" in channel.takes and channel.configured(run.service)]
    if not channels or record.incident.status != "closed":
        return False
    done = {(fact.channel, fact.fingerprint) for _, fact in record.facts(Filed)}
    items = masked(review).improvements[:_MOST]
    end, filed = time.monotonic() + _SECONDS, False
    for place, channel in enumerate(channels):
        for number, item in enumerate(items):
            if (channel.name, item.fingerprint) in done or time.monotonic() > end:
                continue
            message = Message("improvement", "", run.incident, item.what, text(item, review.incident.service),
                              mark=item.fingerprint)
            try:
                kept: people.Filed | None = channel.send(run.service, message, people.Filed())
            except CallFailed as failed:
                run.note(f"{channel.name} could not be used", number=10 + place, kind="notification",
                         why=failed.note, fact=Undelivered(channel.name, failed.status))
                break  # The others would fail in the same way.
            link = kept.address if kept else ""
            run.note(f"an improvement is filed: {item.what}", number=20 + _MOST * place + number,
                     kind="notification", why=link, fact=Filed(channel.name, item.fingerprint, link))
            filed = True
    return filed
