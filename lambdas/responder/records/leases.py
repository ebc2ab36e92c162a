"""Leases on targets: one incident at a time may change one target.

| partition key `pk` | sort key `sk` | what |
|---|---|---|
| `TARGET#name` | `LEASE` | the incident that may change a target, the lease's expiry, a fencing number |
"""

from __future__ import annotations

import time

from responder.model.frozen import dataclass
from responder.records.store import KEPT_DAYS, Store


@dataclass(frozen=True)
class Lease:
    """The lease on a target."""

    incident: str
    held_until: float
    """Seconds since 1970 (UTC)."""
    fence: int
    """Increases each time that another incident takes the lease."""


class Leases(Store):
    """The leases on all targets."""

    def hold(self, target: str, incident: str, seconds_held: float) -> int:
        """Take a target's lease, and return its fencing number; 0 where another incident holds it.

        The number increases each time that another incident takes the lease. An incident with an older number must not
        act.
        """
        now = time.time()
        key = {"pk": f"TARGET#{target}", "sk": "LEASE"}
        if not self.change(key, "SET incident = :me, held_until = :until, expires = :expires ADD fence :one",
                           "attribute_not_exists(pk) OR held_until < :now", {
                               ":me": incident, ":until": now + seconds_held, ":now": now, ":one": 1,
                               ":expires": int(now) + KEPT_DAYS * 86400}) and not self.change(
                key, "SET held_until = :until", "incident = :me", {":me": incident, ":until": now + seconds_held}):
            return 0
        held = self._lease(target)
        return held.fence if held and held.incident == incident else 0

    def holds(self, target: str, incident: str, fence: int) -> bool:
        """Whether an incident still holds a target's lease by this fencing number."""
        held = self._lease(target)
        return held is not None and (held.incident, held.fence) == (incident, fence) and held.held_until > time.time()

    def holder(self, target: str) -> str:
        """Return the incident that may change a target just now; empty where there is none."""
        held = self._lease(target)
        return held.incident if held and held.held_until > time.time() else ""

    def pass_on(self, target: str, incident: str, to: str) -> bool:
        """Give a target's lease to another incident, where this one holds it; False where it does not."""
        return self.change({"pk": f"TARGET#{target}", "sk": "LEASE"}, "SET incident = :to ADD fence :one",
                           "incident = :me", {":me": incident, ":to": to, ":one": 1})

    def release(self, target: str, incident: str) -> None:
        """Release a target's lease, where this incident holds it."""
        self.change({"pk": f"TARGET#{target}", "sk": "LEASE"}, "SET held_until = :never", "incident = :me",
                    {":never": 0, ":me": incident})

    def _lease(self, target: str) -> Lease | None:
        return self.row(Lease, f"TARGET#{target}", "LEASE")
