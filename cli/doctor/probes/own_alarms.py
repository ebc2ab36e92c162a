"""Which of the alarms on the responder itself are on (``docs/own-health.md``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cli.doctor.account import Resource
from cli.doctor.alarms import Alarm, described
from cli.doctor.model import Check, Probe, broken, well
from cli.doctor.surroundings import Surroundings

_OWN = "OwnHealth"
"""How the logical ids of these alarms begin (``stacks/own_health.py``)."""


def _look(here: Surroundings) -> Iterable[Check]:
    alarms = [resource for resource in here.account.stack.of("AWS::CloudWatch::Alarm")
              if resource.logical.startswith(_OWN)]
    yield from judged(alarms, described(here.account, [alarm.physical for alarm in alarms]))


def judged(alarms: Sequence[Resource], found: Mapping[str, Alarm]) -> Iterator[Check]:
    """Judge the alarms on the responder itself."""
    fine = 0
    for resource in alarms:
        subject = f"alarm {resource.logical.removeprefix(_OWN)}"
        alarm = found.get(resource.physical)
        if alarm is None:
            yield broken(subject, "it is gone, although the stack has it", "deploy again: make deploy")
        elif alarm.state == "ALARM":
            yield broken(subject, f"it is in ALARM: {alarm.description}", "docs/own-health.md says what to do first")
        else:
            fine += 1
    if fine:
        yield well(f"{fine} of {len(alarms)} alarms on the responder itself", "not in ALARM")


PROBE = Probe("own-alarms", "the alarms on the responder itself", _look, ("cloudwatch:DescribeAlarms",))
