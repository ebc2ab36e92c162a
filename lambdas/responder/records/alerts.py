"""Alerts that several incidents share: the same people are woken once for all that begins to fail at the same time.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `ALERT#group` | `OPENED` | the group's alert: its key at the vendor, who opened it, until when others join it |
| `ALERT#key` | `BY#incident` | an incident that needs the alert with this key |

An alert ends with the last incident that needs it.
"""

from __future__ import annotations

import time

from responder.model.frozen import dataclass
from responder.records.store import Store

_KEPT_DAYS = 30


@dataclass(frozen=True)
class SharedAlert:
    """The alert of a group."""

    alert: str
    """Its key at the vendor."""
    incident: str
    """The incident that opened it."""
    joined_until: float
    """Until when other incidents join it, seconds since 1970 (UTC)."""


class Alerts(Store):
    """The alerts of all groups."""

    def join_alert(self, group: str, key: str, incident: str, seconds_open: float) -> SharedAlert:
        """Return the alert for an incident: the group's, or its own by ``key``, which the others then join.

        Of any number that ask at the same time one opens it. Asked again, an incident gets the same answer.
        """
        now = time.time()
        partition, place = f"ALERT#{group}", "OPENED"
        found = mine = SharedAlert(key, incident, now + seconds_open)
        if not self.change({"pk": partition, "sk": place}, "SET alert = :alert, incident = :me, joined_until = :until, "
                           "expires = :expires", "attribute_not_exists(pk) OR joined_until < :now", {
                               ":alert": key, ":me": incident, ":until": mine.joined_until, ":now": now,
                               ":expires": int(now) + _KEPT_DAYS * 86400}):
            found = self.row(SharedAlert, partition, place) or mine
        self.put({"pk": f"ALERT#{found.alert}", "sk": f"BY#{incident}"}, _KEPT_DAYS)
        return found

    def leave_alert(self, key: str, incident: str) -> bool:
        """Take back that an incident needs an alert; return whether another incident does.

        Who leaves at the same time as another may find nobody, as the other does: an alert is resolved twice rather
        than never.
        """
        self.delete(f"ALERT#{key}", f"BY#{incident}")
        return bool(self.partition(f"ALERT#{key}", "BY#", "BY#~"))
