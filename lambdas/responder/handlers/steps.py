"""Several steps in one function, where they need the same rights: the first warms it for those that follow.

Which steps a function has is a matter of its environment: ``STEPS`` names their modules here, separated by commas.
"""

from __future__ import annotations

import importlib
import os

from responder.model.codec import Json


def handler(event: Json, context: object) -> Json:
    """Hand the event to the step that it names; raises ValueError where this function has no such step."""
    name = event["do"]
    if name not in os.environ["STEPS"].split(","):
        raise ValueError(f"this function has no step {name!r}; it has {os.environ['STEPS']}")
    return importlib.import_module(f"responder.handlers.{name}").handler(event, context)
