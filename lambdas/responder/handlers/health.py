"""Keep the ``aws.health`` events from EventBridge, for incidents that may need them."""

from __future__ import annotations

from responder.handlers.observed import observed
from responder.handlers.step import log, records
from responder.model.codec import Json, Malformed
from responder.model.masking import mask_all
from responder.sources.aws_health import kept_event

_KEPT_DAYS = 30


@observed()
def handler(event: Json, context: object) -> Json:
    """Keep one event; an event of another form is logged and ignored. Idempotent."""
    try:
        item = mask_all(kept_event(event))
    except Malformed as error:
        log(step="health", refused=repr(error)[:200])
        return {"kept": False}
    records().put(item, _KEPT_DAYS)
    return {"kept": True}
