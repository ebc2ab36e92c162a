"""Plan, apply or revert one remedy: which one is a matter of the function's environment, for each has a function and a
role of its own.

What the remedy is comes from the record: the diagnosis that proposes it (``remedy.id``), and later its own plan.
"""

from __future__ import annotations

from typing import Any

from responder.handlers.act.applying import apply
from responder.handlers.act.planning import plan
from responder.handlers.act.remedy import TryAgain
from responder.handlers.act.reverting import revert

__all__ = ["TryAgain", "handler"]
_OPERATIONS = {"plan": plan, "apply": apply, "revert": revert}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Plan, apply or revert, as ``operation`` says; ``number`` is the remedy's 1-based position in its incident."""
    return _OPERATIONS[event["operation"]](event, context)
