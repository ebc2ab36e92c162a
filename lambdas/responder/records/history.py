"""All incidents, one line each: to recognise a repeated incident, and for the list of all in the bucket.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `HISTORY#service` | the incident's id | ``PastIncident`` of ``plan/review`` |
"""

from __future__ import annotations

import logging

from responder.model.codec import Malformed, decode, encode
from responder.model.item import plain
from responder.model.masking.typed import masked
from responder.plan.review import PastIncident
from responder.records.store import KEPT_DAYS
from responder.records.table import Records

_MOST = 2000
_log = logging.getLogger(__name__)


def keep(records: Records, past: PastIncident) -> None:
    """Keep an incident's line; it replaces an older one."""
    records.put({"pk": f"HISTORY#{past.service}", "sk": past.id, **encode(masked(past))}, KEPT_DAYS)


def past_incidents(records: Records, service: str) -> list[PastIncident]:
    """Return a service's newest incidents, oldest first.

    An unreadable line is left out, so that it does not prevent another incident's report.
    """
    found = []
    for item in records.partition(f"HISTORY#{service}"):
        try:
            found.append(decode(PastIncident, plain(item), "HISTORY"))
        except Malformed as error:
            _log.warning("a line of the history cannot be read: %s", error)
    return sorted(found, key=lambda past: past.opened_at)[-_MOST:]
