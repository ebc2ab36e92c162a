"""Look again at alarms that stay on while no incident is open, and at the error budget; a schedule starts it.

The name of the execution says which round of which alarm it is for, or which burn: whatever runs this twice, each
starts the plan once (``clients/executions.py``). A service that could not be looked at fails the function after all
others were looked at: an alarm tells people when no sweep comes to its end (``stacks/own_health.py``).
"""

from __future__ import annotations

import time

from responder.clients import alarm_states, executions, targets
from responder.clients.failure import CallFailed
from responder.handlers import environment
from responder.handlers.alarm_event import DETAIL_TYPE
from responder.handlers.observed import observed
from responder.handlers.step import log, records
from responder.model.codec import Json, encode
from responder.model.evidence import Window
from responder.model.moment import iso, seconds
from responder.model.outside_signal import OutsideSignal, OutsideStart
from responder.model.service import Service, deployed, load, names
from responder.people.sns import publish
from responder.plan import burn
from responder.plan.sweep import Start, starts
from responder.sources import cloudwatch

_KEPT_DAYS = 30


class NotSwept(RuntimeError):
    """Services could not be looked at."""


@observed()
def handler(event: Json, context: object) -> dict[str, str]:
    """Look after every service; returns {service: the alarm for which the plan was started, or empty}.

    Raises NotSwept where a service could not be looked at.
    """
    found: dict[str, str] = {}
    failed: list[str] = []
    for name in names():
        try:
            found[name] = _sweep(load(name))
        except CallFailed as error:
            log(step="sweep", service=name, failed=error.note)
            failed.append(f"{name}: {error.note}")
    if failed:
        raise NotSwept("; ".join(failed))
    return found


def _sweep(service: Service) -> str:
    """Look after one service; raises CallFailed."""
    now, name = time.time(), service.service
    held = records().lock(name)
    # An execution that ended without closing its incident holds a lock that has expired: the start takes it over.
    is_open = held is not None and held.lease_until >= now
    with targets.aimed(service):
        on = alarm_states.on(deployed(name).alarms)
    started = next((start for start in starts(on, is_open, now) if _start(name, start, now)), None)
    log(step="sweep", service=name, on=[alarm.name for alarm in on], open=is_open,
        started=started.alarm.name if started else "")
    # An alarm that is on has started the plan, and its failures are not the budget's matter.
    if started or on:
        return started.alarm.name if started else ""
    return burn.NAME if _burns(service, is_open, now) else ""


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


def _burns(service: Service, is_open: bool, now: float) -> bool:
    """Look at the error budget; whether this started the plan, once for each episode. Raises CallFailed."""
    if burn.objective(service) is None:
        return False
    end = now // burn.STEP_SECONDS * burn.STEP_SECONDS
    with targets.aimed(service):
        requests, errors = cloudwatch.entry_counts(
            service, Window(end - burn.LOOK_BACK_SECONDS, end), burn.STEP_SECONDS)
    found = burn.burning(service, requests, errors, end)
    if found is None:
        return False
    name = service.service
    episode = burn.episode(records().row(burn.Episode, burn.PARTITION, name), now)
    last = records().last_closed(name)
    starting = not episode.told and burn.may_start(is_open, seconds(last.closed_at) if last else None, now)
    _keep(name, episode)
    said = burn.reason(found)
    log(step="sweep", service=name, burning=said, since=iso(episode.since), starting=starting)
    if not starting:
        return False
    signal = OutsideSignal("alarm", name, f"{name} {round(episode.since)}", iso(now), burn.NAME, said)
    is_new = executions.start(environment.state_machine(), f"burn-{executions.digest(signal.id)}",
                              encode(OutsideStart(signal)))
    # At least once: whoever ends between the two tells people again at the next sweep, and starts nothing.
    subject, text = burn.message(name, service.prefix, said)
    publish(environment.topic(), subject, text, f"{burn.NAME} of {name}")
    _keep(name, burn.Episode(episode.since, now, told=True))
    return is_new


def _keep(service: str, episode: burn.Episode) -> None:
    records().put({"pk": burn.PARTITION, "sk": service, **encode(episode)}, _KEPT_DAYS)
