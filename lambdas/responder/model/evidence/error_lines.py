"""Error lines of one component."""

from __future__ import annotations

from responder.model.evidence import Detail, Series
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class ErrorLines(Detail):
    """Error lines of one component. ``value`` and ``baseline`` are lines a minute."""

    lines: float = 0.0
    baseline_lines: float = 0.0
    all_lines: float = 0.0
    """Lines of all levels."""
    baseline_all_lines: float = 0.0
    series: Series = ()
    """Period by period; a line is counted as a request that failed."""
    newest: float | None = None
    """Start of the newest period with a line of any level, seconds since 1970 (UTC); None: no line, or an older
    record."""
    period_seconds: float = 0.0
    """How long a period is; 0 in older records, whose periods tell."""


KIND = ErrorLines
