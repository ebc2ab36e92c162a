"""Requests and failures of one component."""

from __future__ import annotations

from responder.model.evidence import Detail, Series
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class DayBefore:
    """The same window a day before, and the hour before that: what is usual at that time of day."""

    requests: float
    errors: float
    seconds: float
    hour_requests: float
    hour_seconds: float


@dataclass(frozen=True)
class ErrorRate(Detail):
    """Requests and failures of one component. ``value`` and ``baseline`` are shares."""

    requests: float = 0.0
    errors: float = 0.0
    baseline_requests: float = 0.0
    baseline_errors: float = 0.0
    baseline_seconds: float = 3600.0
    """How long the baseline is."""
    series: Series = ()
    """The window, period by period."""
    period_seconds: float = 0.0
    """How long a period of ``series`` is; 0 in older records, whose periods tell."""
    day_before: DayBefore | None = None
    """The same hour a day before; None where nothing is known of it."""
    sampled: bool = False
    """Whether the requests may be a sample: their shares tell, their number does not."""

    @property
    def usual_per_second(self) -> float:
        """Requests a second in the baseline, 0 where it has none."""
        return self.baseline_requests / (self.baseline_seconds or 3600.0)


KIND = ErrorRate
