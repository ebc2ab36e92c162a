"""Keep the change ledger: each minute, what differs from the last look. Started by a schedule, not by an incident."""

from __future__ import annotations

import time

from responder.clients import kubernetes, parameter_groups, watched
from responder.clients.failure import CallFailed
from responder.handlers.step import log, records
from responder.model.codec import Json
from responder.model.service import load, names
from responder.plan.changes import difference
from responder.records.ledger import Ledger

_DEADLINE_SECONDS = 20.0
_CALL_SECONDS = 4


def handler(event: Json, context: object) -> dict[str, int | None]:
    """Look at the watched objects of every service; returns {service: changes found}, None where it could not look."""
    return {name: _look(name) for name in names()}


def _look(name: str) -> int | None:
    service, now = load(name), time.time()
    ledger = Ledger(records(), name)
    try:
        api = kubernetes.connect(service.cluster.name, time.monotonic() + _DEADLINE_SECONDS)
        objects, failed = watched.look(api, service.cluster.namespace)
        if failed:
            # A kind that could not be read has not vanished: nothing is recorded until all can be read again.
            log(step="ledger", service=name, failed=failed)
            return None
        last, before = ledger.last_look()
        watched.believe(before, objects)
    except CallFailed as error:
        log(step="ledger", service=name, failed=error.note)
        return None
    parameters, notes = parameter_groups.look(service.database, _CALL_SECONDS)
    if notes:
        # RDS' silence is no reason to know nothing of the cluster: the group is as it was until it can be read again.
        log(step="ledger", service=name, failed=notes)
        parameters = parameter_groups.unread(before, last)
    objects |= parameters
    # The first look has nothing to compare with.
    changes = [] if last is None else difference(before, objects, last, now)
    ledger.keep(now, before, objects, changes)
    log(step="ledger", service=name, objects=len(objects), changes=len(changes))
    return len(changes)
