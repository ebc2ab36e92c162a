"""Which of the account's alarms are of this service, and which of these tell a symptom that customers feel."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cli.init.decide.components import Chosen
from cli.init.decide.database import ChosenDatabase
from cli.init.decide.front import InFront
from cli.init.decide.telemetry import ChosenMetrics
from cli.init.facts import Alarm, Alarms, Facts, Metrics
from cli.init.readers import Asked

_AUTOMATIC = re.compile(r"^(TargetTracking-|awseb-|incident-response-)")
"""Alarms of autoscaling, and the responder's own."""
_SYMPTOM = re.compile(r"5xx|error|fault|fail|latency|responsetime|duration|unhealthyhost|successpercent|availab", re.I)


_GENERAL = frozenset({"default", "prod", "production", "staging", "web", "app", "api", "frontend", "backend"})
"""Names that a canary of anybody may have."""


@dataclass(frozen=True)
class OwnAlarms:
    """The service's alarms."""

    symptoms: tuple[Alarm, ...] = ()
    """They may start an incident."""
    others: tuple[Alarm, ...] = ()
    """They tell of a cause or a resource: they start none."""
    looked_at: int = 0


def own_alarms(asked: Asked, facts: Facts, chosen: Chosen, front: InFront, metrics: ChosenMetrics,
               database: ChosenDatabase) -> OwnAlarms:
    """Return the alarms whose metric is of the service: by what its dimensions name, never by the alarm's name."""
    found = facts.of(Alarms).found
    symptoms, others = [], []
    values = _values(asked, chosen, front, database, facts)
    for alarm in found:
        if _AUTOMATIC.search(alarm.name):
            continue
        named = {value for _, value in alarm.dimensions}
        felt = alarm.namespace == "CloudWatchSynthetics" and bool(named & values)
        if front.balancer is not None:
            felt = felt or front.balancer.dimension in named
        if metrics.chosen is not None and alarm.namespace == metrics.chosen.namespace:
            felt = felt or bool(named & set(chosen.names))
        if felt and _SYMPTOM.search(alarm.metric):
            symptoms.append(alarm)
        elif felt or named & values:
            others.append(alarm)
    return OwnAlarms(tuple(symptoms), tuple(others), len(found))


def _values(asked: Asked, chosen: Chosen, front: InFront, database: ChosenDatabase, facts: Facts) -> set[str]:
    """Return what a dimension may name that is the service's alone."""
    found = {front.group.dimension} if front.group else set()
    if database.candidate:
        found |= {known.identifier for known in (database.candidate.instance, database.candidate.cluster) if known}
    return found | set(own_canaries(asked, facts, chosen))


def own_canaries(asked: Asked, facts: Facts, chosen: Chosen) -> list[str]:
    """Return the canaries whose name has the service's, a component's or the namespace's name as a word of its own."""
    words = {*chosen.names, asked.service, asked.namespace} - _GENERAL
    return [name for name in facts.of(Metrics).canaries if any(
        re.search(rf"(?:^|[^a-z0-9]){re.escape(one)}(?:[^a-z0-9]|$)", name, re.I) for one in words)]
