"""Plan, apply or revert one remedy: which one is a matter of the function's environment, for each has a function and a
role of its own.

What the remedy is comes from the record: the diagnosis that proposes it (``remedy.id``), and later its own plan.
"""

from __future__ import annotations

from responder.handlers.act.applying import apply
from responder.handlers.act.planning import plan
from responder.handlers.act.remedy import RemedyEvent, TryAgain
from responder.handlers.act.reverting import revert
from responder.handlers.step import event_of
from responder.model.codec import Json

__all__ = ["TryAgain", "handler"]
_OPERATIONS = {"plan": plan, "apply": apply, "revert": revert}


def handler(event: Json, context: object) -> dict[str, Json]:
    """Plan, apply or revert, as the event's ``operation`` says; see ``RemedyEvent``."""
    return _OPERATIONS[event_of(RemedyEvent, event).operation](event, context)
