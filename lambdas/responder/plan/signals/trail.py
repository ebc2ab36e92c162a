"""Changes of the account just before the symptom."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.trail import Trail
from responder.plan import wording
from responder.plan.signals import Context, Signal, signal
from responder.plan.times import may_have_caused


@signal("When: the password changed and running processes keep the old one.")
def credentials_rotated(call: str, seconds: float) -> str:
    return f"CloudTrail: {call} {wording.duration(seconds)} before the symptom began"


@signal("When: a security group, route or ACL changed.")
def aws_network_changed(call: str, seconds: float) -> str:
    return f"CloudTrail: {call} {wording.duration(seconds)} before the symptom began"


def read(context: Context) -> Iterator[Signal]:
    """Yield the changes of the network and of the database's credentials."""
    for finding in context.evidence.of(Trail):
        for event in finding.detail.events:
            if context.onset is None or not may_have_caused(context.onset, event.at):
                continue
            seconds = max(0.0, context.onset - event.at)
            if event.topic == "network" and not context.in_itself:
                yield aws_network_changed.emit(finding, event.name, seconds)
            if event.topic == "rotation" and context.in_database:
                yield credentials_rotated.emit(finding, event.name, seconds)
