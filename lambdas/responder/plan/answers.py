"""What the steps answer: said by the decisions of this folder, and followed by ``next_step``."""

from __future__ import annotations

from typing import Literal

Opening = Literal["opened", "attached", "decided", "declined", "report", "refused"]
"""``declined``: what a person asked for cannot be; ``refused``: nobody looks after it."""
Symptoms = Literal["confirmed", "false_alarm", "inconclusive"]
Ruling = Literal["permitted", "approval", "observe", "refused", "rejected"]
ByPeople = Literal["", "approve", "reject", "none"]
"""What people said to a remedy; ``none``: nobody did in time; empty: not asked yet."""
Recovery = Literal["recovered", "waiting", "not_helped", "worse"]
Aftercare = Literal["waiting", "put_back", "people", "done"]
