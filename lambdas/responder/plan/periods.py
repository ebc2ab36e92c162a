"""How long the periods of a series are: the longer the window and the more series, the longer. So answers stay small.

Each length is a multiple of the one before it, so that the periods of a long window are made of those of a short one.
All of them are lengths that CloudWatch and NRQL take (AWS's page "GetMetricData": 1, 5, 10, 20, 30, or a multiple of
60; of what is older than three hours only multiples of 60 are kept).
"""

from __future__ import annotations

LENGTHS_SECONDS = (10, 30, 60, 300, 900, 3600, 14_400)
MOST_PERIODS = 360
"""Of one series: an hour by 10 s, three hours by 30 s, six hours by 60 s, thirty hours by 300 s."""
MOST_POINTS = 5_000
"""Of all series of one kind in an answer: each takes about 31 bytes."""


def period_seconds(window_seconds: float, series: int = 1, shortest_seconds: int = 10) -> int:
    """Return the length of a period for so many series of a window; never less than ``shortest_seconds``."""
    most = max(1, min(MOST_PERIODS, MOST_POINTS // max(1, series)))
    for length in LENGTHS_SECONDS:
        if length % shortest_seconds == 0 and window_seconds <= most * length:
            return length
    # Whole multiples of the longest: no window is too long.
    longest = -(-LENGTHS_SECONDS[-1] // shortest_seconds) * shortest_seconds
    return longest * max(1, -(-int(window_seconds) // (most * longest)))
