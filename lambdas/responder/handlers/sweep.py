"""Look again at alarms that stay on while no incident is open; a schedule starts it.

The name of the execution says which round of which alarm it is for: whatever runs this twice, each round starts the
plan once (``clients/executions.py``).
"""

from __future__ import annotations

import time

from responder.clients import alarm_states, executions, targets
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.alarm_event import DETAIL_TYPE
from responder.handlers.observed import observed
from responder.handlers.step import log, records
from responder.model.codec import Json
from responder.model.moment import iso
from responder.model.service import deployed, load, names
from responder.plan.sweep import Start, starts


@observed()
def handler(event: Json, context: object) -> dict[str, str]:
    """Look after every service; returns {service: the alarm for which the plan was started, or empty}."""
    return {name: _sweep(name) for name in names()}


def _sweep(service: str) -> str:
    now = time.time()
    try:
        held = records().lock(service)
        # An execution that ended without closing its incident holds a lock that has expired: the start takes it over.
        is_open = held is not None and held.lease_until >= now
        with targets.aimed(load(service)):
            on = alarm_states.on(deployed(service).alarms)
        started = next((start for start in starts(on, is_open, now) if _start(service, start, now)), None)
    except CallFailed as failed:
        log(step="sweep", service=service, failed=failed.note)
        return ""
    log(step="sweep", service=service, on=[alarm.name for alarm in on], open=is_open,
        started=started.alarm.name if started else "")
    return started.alarm.name if started else ""


def _start(service: str, start: Start, now: float) -> bool:
    """Start the plan for one round of an alarm; False where that was done before. Raises CallFailed."""
    alarm = start.alarm
    digest = executions.digest(f"{service} {alarm.name} {start.since}")
    reason = (f"in ALARM since {iso(start.since)[:19]}Z, and no incident is open (found by the sweep, look "
              f"{start.round + 1}): {alarm.reason}")
    return executions.start(environment.state_machine(), f"sweep-{digest}-{start.round}", {
        "detail-type": DETAIL_TYPE, "source": "sweep", "time": iso(now),
        "detail": {"alarmName": alarm.name, "state": {
            "value": "ALARM", "timestamp": iso(now), "reason": reason}}})
