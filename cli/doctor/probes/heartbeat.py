"""When the heartbeat last came to its end, and what it could not read (``docs/own-health.md``)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from cli.doctor.model import Check, NotKnown, Probe, broken, well
from cli.doctor.surroundings import Surroundings
from responder.model.codec import Malformed
from responder.model.moment import seconds
from responder.model.service import Service
from responder.plan.heartbeat import PARTITION, Heartbeat
from responder.records.store import Store

_LATE_SECONDS = 2 * 3 * 3600 + 900
"""Two heartbeats were missed (one is every three hours: ``stacks/heartbeat.py``)."""


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: _of(here, service))


def _of(here: Surroundings, service: Service) -> Iterator[Check]:
    store = Store(here.account.stack.output("Timeline"), here.account.client("dynamodb"))
    try:
        with here.account.asking("dynamodb"):
            kept = store.row(Heartbeat, PARTITION, service.service)
    except Malformed as error:
        raise NotKnown(f"what the table has of it cannot be read: {error}") from error
    yield judged(kept, time.time(), here.settings.prefix)


def judged(kept: Heartbeat | None, now: float, prefix: str) -> Check:
    """Judge a service's last heartbeat; None: there was none."""
    run = f"aws lambda invoke --function-name {prefix}-heartbeat /dev/stdout"
    if kept is None:
        return broken("heartbeat", "none was ever kept: whether it can read anything is known by nobody",
                      f"{run}; else look at the function's log and its rule")
    if now - seconds(kept.at) > _LATE_SECONDS:
        return broken("heartbeat", f"the last one was at {kept.at} (UTC), and one is due every three hours",
                      f"{run}; else look at the function's log and its rule")
    if kept.unread:
        return broken("heartbeat", f"the one of {kept.at} (UTC) could not read: " + "; ".join(
            f"{reading.part}: {reading.note}" for reading in kept.unread), f"mend these, then: {run}")
    return well("heartbeat", f"the one of {kept.at} (UTC) read all {len(kept.readings)} parts")


PROBE = Probe("heartbeat", "the last heartbeat", _look, ("dynamodb:GetItem", "kms:Decrypt"))
