"""What the alarms of a service are called, for those that need no template: the command line, the checker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from responder.model.service import Service

_MINUTE_SECONDS = 60
_PATTERN_CHARACTERS = 1_500
"""Of names in one event pattern, which has up to 2,048 characters (AWS: "Amazon EventBridge quotas")."""


def alarm_names(prefix: str, service: Service) -> list[str]:
    """Return the names of the alarms whose events start the state machine, the user's own among them."""
    kinds = ["error-rate",
             *(["error-rate-minute"] if service.metrics.period_seconds < _MINUTE_SECONDS else []), "latency",
             *(["latency-p99"] if service.alarms.latency_p99_ms else []), "loss-of-traffic", "loss-of-traffic-slow",
             *(["load-balancer-error-rate"] if service.metrics.load_balancer else []),
             *(f"error-rate-of-{operation}" for operation in service.metrics.operations)]
    return [*(f"{prefix}-{service.service}-{kind}" for kind in kinds),
            *(alarm.name for alarm in service.alarms.own if alarm.name)]


def in_patterns(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the names in groups that each have room in one event pattern."""
    group: list[str] = []
    for name in names:
        if group and sum(len(one) + 3 for one in (*group, name)) > _PATTERN_CHARACTERS:
            yield group
            group = []
        group.append(name)
    if group:
        yield group
