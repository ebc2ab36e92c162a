"""Deliveries: what each channel remembers of an incident, and which messages it has delivered.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `CHANNEL#id` | `CHANNEL#name` | what a channel remembers of the incident, and what it has delivered |
"""

from __future__ import annotations

import time
from dataclasses import field

from responder.model.codec import Json, encode
from responder.model.frozen import dataclass
from responder.records.store import KEPT_DAYS, Store

_MOST_KEPT = 100
"""Messages of which a channel remembers that it delivered them."""


@dataclass(frozen=True)
class Delivery:
    """What a channel remembers of an incident."""

    state: dict[str, Json] = field(default_factory=dict)
    """Ids of the vendor's, no text; the channel's own module decodes it."""
    sent: dict[str, str] = field(default_factory=dict)
    """When it delivered which message (ISO 8601 in UTC), by the message's key."""
    busy_until: float = 0.0
    """Until when somebody is using the channel for this incident, in seconds since 1970 (UTC)."""


class Deliveries(Store):
    """What channels remember of incidents."""

    def delivery(self, incident: str, channel: str) -> Delivery:
        """Return what a channel remembers of an incident."""
        return self.row(Delivery, f"CHANNEL#{incident}", f"CHANNEL#{channel}") or Delivery()

    def take_channel(self, incident: str, name: str, seconds_held: float = 20.0) -> bool:
        """Be the only one to use a channel for an incident, for a while; False where somebody else is using it."""
        key, now = {"pk": f"CHANNEL#{incident}", "sk": f"CHANNEL#{name}"}, time.time()
        self.put_once(key | encode(Delivery()))
        return self.change(key, "SET busy_until = :until", "attribute_not_exists(busy_until) OR busy_until < :now",
                           {":until": now + seconds_held, ":now": now})

    def keep_channel(self, incident: str, name: str, state: dict[str, Json], sent: dict[str, str]) -> None:
        """Keep what a channel remembers, and release it; of what it delivered the newest hundred."""
        newest = dict(sorted(sent.items(), key=lambda item: item[1])[-_MOST_KEPT:])
        self.put({"pk": f"CHANNEL#{incident}", "sk": f"CHANNEL#{name}", **encode(Delivery(state, newest))}, KEPT_DAYS)
