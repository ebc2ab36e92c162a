"""Keep the change ledger: each minute, record the differences from the last snapshot. A schedule starts it."""

from __future__ import annotations

import time

from responder.clients import kubernetes, parameter_groups, targets, telemetry, watched
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.observed import observed
from responder.handlers.step import log, records
from responder.model.codec import Json
from responder.model.service import Service, load, names
from responder.plan.changes import difference
from responder.plan.own_metrics import of_ledger
from responder.records.ledger import Ledger

_DEADLINE_SECONDS = 20.0
_CALL_SECONDS = 4


@observed()
def handler(event: Json, context: object) -> dict[str, int | None]:
    """Make a snapshot for every service; returns {service: changes found}, None where none could be made."""
    changes: dict[str, int | None] = {}
    newest: list[float | None] = []
    for name in environment.services() or names():
        service, now = load(name), time.time()
        with targets.aimed(service):
            changes[name] = _snapshot(service, now)
        newest.append(Ledger(records(), name).last_at() if changes[name] is None else now)
    telemetry.emit(environment.namespace(), of_ledger(environment.function_name(), time.time(), newest))
    return changes


def _snapshot(service: Service, now: float) -> int | None:
    name = service.service
    ledger = Ledger(records(), name)
    try:
        api = kubernetes.connect(service.cluster.name, time.monotonic() + _DEADLINE_SECONDS)
        last, before = ledger.last_snapshot()
        objects, failed = watched.snapshot(api, service.cluster.namespace, before)
        if any(not watched.KINDS[kind].added for kind in failed):
            # A kind that could not be read has not vanished; nothing is recorded until all kinds can be read again.
            log(step="ledger", service=name, failed=failed)
            return None
        watched.check_plausible(before, objects)
    except CallFailed as error:
        log(step="ledger", service=name, failed=error.note)
        return None
    group, unread = parameter_groups.snapshot(service.database, _CALL_SECONDS)
    if unread:
        # The cluster is recorded without RDS' answer; the parameter group stays as it was until it can be read again.
        log(step="ledger", service=name, failed=unread)
        group = parameter_groups.carry_forward(before, last)
    if failed:
        log(step="ledger", service=name, failed=failed)
    objects |= group | watched.carry_forward(before, last, failed)
    # The first snapshot has no previous one for comparison.
    changes = [] if last is None else difference(before, objects, last, now)
    ledger.keep(now, before, objects, changes)
    log(step="ledger", service=name, objects=len(objects), changes=len(changes))
    return len(changes)
