"""Whether the alarms that start an incident are there, and know anything: none may lack data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cli.doctor.alarms import Alarm, described
from cli.doctor.model import Check, Probe, broken, note, well
from cli.doctor.surroundings import Surroundings
from responder.model.moment import iso
from responder.model.service import Service
from stacks.alarm_names import alarm_names
from stacks.deployment import Settings


def wanted(settings: Settings, service: Service) -> list[str]:
    """Return the names of the alarms on which a service's incidents depend, the user's own among them."""
    return list(dict.fromkeys(alarm_names(settings.prefix, service)))


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: _of(here, service))


def _of(here: Surroundings, service: Service) -> Iterator[Check]:
    names = wanted(here.settings, service)
    own = {alarm.name for alarm in service.alarms.own if alarm.name}
    yield from judged(names, described(here.place(service), names), own, here.file(service))


def judged(names: Sequence[str], found: Mapping[str, Alarm], own: set[str], file: str) -> Iterator[Check]:
    """Judge the alarms that should be there; ``own`` are those that the user made."""
    fine = 0
    for name in names:
        subject, alarm = f"alarm {name}", found.get(name)
        if alarm is None:
            yield broken(subject, "there is no such alarm", f"alarms.own in {file}" if name in own else (
                "deploy again: make deploy"))
        elif alarm.state == "INSUFFICIENT_DATA":
            yield broken(subject, f"it has INSUFFICIENT_DATA: {alarm.reason or 'no reason given'}",
                         "the checks of alarm-metrics say which metric has no data; right after a deployment wait for "
                         "a few periods")
        elif alarm.state == "ALARM":
            since = f" since {iso(alarm.since)}" if alarm.since else ""
            yield note(subject, f"it is in ALARM{since} (UTC), and starts nothing anew until it was OK: {alarm.reason}")
        else:
            fine += 1
    if fine:
        yield well(f"{fine} of {len(names)} alarms", "there, and OK")


PROBE = Probe("alarms", "the alarms that start an incident", _look, ("cloudwatch:DescribeAlarms",))
