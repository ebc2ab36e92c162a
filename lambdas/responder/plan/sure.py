"""From which confidence on something is named: a fault's place by metrics and requests, a problem by live state."""

from __future__ import annotations

SURE = 0.6
"""Below it one abstains: more likely than not, with the half's width of a tenth that a calibration of 0.05 allows. To
name an innocent one sends people the wrong way, so what may as well be another is not named."""
