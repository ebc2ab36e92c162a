"""Deliveries: each channel's state for an incident, and the messages that it has delivered.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `CHANNEL#id` | `CHANNEL#name` | a channel's state for the incident, and the messages it has delivered |
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
    """A channel's state for an incident."""

    state: dict[str, Json] = field(default_factory=dict)
    """The vendor's ids, no text; the channel's own module decodes it."""
    sent: dict[str, str] = field(default_factory=dict)
    """The key of each delivered message, and when it was delivered (ISO 8601 in UTC)."""
    busy_until: float = 0.0
    """Until when a step has reserved the channel for this incident, in seconds since 1970 (UTC)."""


class Deliveries(Store):
    """The channels' states for all incidents."""

    def delivery(self, incident: str, channel: str) -> Delivery:
        """Return a channel's state for an incident."""
        return self.row(Delivery, f"CHANNEL#{incident}", f"CHANNEL#{channel}") or Delivery()

    def take_channel(self, incident: str, name: str, seconds_held: float = 20.0) -> bool:
        """Reserve a channel for an incident for a short time; False where another step has it."""
        key, now = {"pk": f"CHANNEL#{incident}", "sk": f"CHANNEL#{name}"}, time.time()
        self.put_once(key | encode(Delivery()))
        return self.change(key, "SET busy_until = :until", "attribute_not_exists(busy_until) OR busy_until < :now",
                           {":until": now + seconds_held, ":now": now})

    def keep_channel(self, incident: str, name: str, state: dict[str, Json], sent: dict[str, str]) -> None:
        """Keep a channel's state with its hundred newest deliveries, and release the channel."""
        newest = dict(sorted(sent.items(), key=lambda item: item[1])[-_MOST_KEPT:])
        self.put({"pk": f"CHANNEL#{incident}", "sk": f"CHANNEL#{name}", **encode(Delivery(state, newest))}, KEPT_DAYS)
