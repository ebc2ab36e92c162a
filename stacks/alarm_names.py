"""What the alarms of a service are called, for those that need no template: the command line, the checker."""

from __future__ import annotations

from responder.model.service import Service

OUTAGE, SLOW_BURN = "outage", "slow-burn"
_MINUTE_SECONDS = 60


def objective(service: Service) -> float | None:
    """Return the share of the requests that must succeed; None where the configuration gives none."""
    reports = service.reports.objective
    return service.alarms.objective or (reports.success_share if reports else None)


def alarm_names(prefix: str, service: Service) -> list[str]:
    """Return the names of the alarms of which each one starts an incident: through ``outage``, or as the user's own."""
    kinds = ["error-rate",
             *(["error-rate-minute"] if service.metrics.period_seconds < _MINUTE_SECONDS else []), "latency",
             *(["latency-p99"] if service.alarms.latency_p99_ms else []), "loss-of-traffic", "loss-of-traffic-slow",
             *(["load-balancer-error-rate"] if service.metrics.load_balancer else []),
             *(f"error-rate-of-{operation}" for operation in service.metrics.operations)]
    return [*(f"{prefix}-{service.service}-{kind}" for kind in kinds),
            *(alarm.name for alarm in service.alarms.own if alarm.name)]


def starting_names(prefix: str, service: Service) -> list[str]:
    """Return the names of the alarms whose events start the state machine."""
    kinds = [OUTAGE, *([SLOW_BURN] if objective(service) else [])]
    return [*(f"{prefix}-{service.service}-{kind}" for kind in kinds),
            *(alarm.name for alarm in service.alarms.own if alarm.name)]
