"""What wears out slowly: memory that processes do not give back, and credits that a machine has used up.

It has gone on for hours before a drill begins: CloudWatch shows the way there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_MIB_PER_MINUTE = 60.0


@dataclass(frozen=True)
class Leak:
    """A component whose processes do not give memory back."""

    mib_per_minute: float
    since: float
    """When the drill began to look, seconds since 1970 (UTC)."""
    held_mib: Mapping[str, float] = field(default_factory=dict)
    """Uid of a pod that was there before to what its process held then."""

    def held(self, uid: str, started: float, base_mib: float, now: float) -> float:
        """What a process holds now that was started at a moment."""
        grown = self.mib_per_minute / _MIB_PER_MINUTE
        if uid in self.held_mib and started <= self.since:
            return self.held_mib[uid] + grown * (now - self.since)
        return base_mib + grown * max(0.0, now - started)


def history(leak: Leak, now_mib: float, base_mib: float, minutes: int) -> list[float]:
    """What a process held in each of the minutes before, the newest first: it began at its base some hours ago."""
    # The drill's minutes are faster than those that were: the whole way took two thirds of the time that is shown.
    step = (now_mib - base_mib) / (minutes * 2 / 3)
    return [max(base_mib, now_mib - step * (number + 1)) for number in range(minutes)]
