"""Limits that several decisions share, each with its reason; how sure a rate is, ``rates.py`` says."""

from __future__ import annotations

SLOW_MULTIPLE = 3.0
"""Slow is what takes more than three times as long as usual: load alone seldom doubles it."""
SLOW_MS = 500.0
"""Below half a second a call is not called slow, whatever its usual time."""
CLOCK_SECONDS = 20.0
"""Two clocks, and the period that an onset is known to: a change up to this long after the onset may be its cause."""
