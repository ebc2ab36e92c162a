"""Thresholds and measures: shares that are percentages, limits that nothing reaches, and metrics that are the same."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.service import Service
from stacks.nearest import Found

_LEAST_GROWTH = 0.1
"""RDS grows storage by at least 10% (AWS: "Working with storage for Amazon RDS DB instances")."""
_LONGEST_LOCK_DAYS = 36_500
"""Amazon S3 API reference: "PutObjectRetention", 100 years."""


def _reach(service: Service) -> Iterator[Found]:
    limits = service.guardrails
    if not 0 < limits.reach_share <= 1:
        yield ("guardrails", "reach_share"), str(limits.reach_share), "a share from 0 to 1, such as 0.5 for 50%"
    if limits.storage_growth < _LEAST_GROWTH:
        yield (("guardrails", "storage_growth"), str(limits.storage_growth),
               f"{_LEAST_GROWTH} or more: RDS grows storage by no less")


def _counts(service: Service) -> Iterator[Found]:
    limits = service.guardrails
    for name in ("minimum_sources", "remedies_per_incident", "remedies_per_hour", "maximum_replicas"):
        value = getattr(limits, name)
        if value < 1:
            yield (("guardrails", name), str(value), "1 or more; mode: observe, or a policy that is \"off\", is how "
                                                     "nothing is done")
    if limits.cooldown_seconds < 0:
        yield ("guardrails", "cooldown_seconds"), str(limits.cooldown_seconds), "0 or more"


def _metrics(service: Service) -> Iterator[Found]:
    metrics = service.metrics
    if not metrics.namespace.strip():
        yield ("metrics", "namespace"), "nothing", "the namespace of the service's metrics in CloudWatch"
    named = {"requests": metrics.requests, "errors": metrics.errors, "latency": metrics.latency}
    for index, (field, name) in enumerate(named.items()):
        same = next((other for other in list(named)[:index] if named[other] == name), "")
        if same:
            yield ("metrics", field), f"{name!r}, as metrics.{same} has", f"another metric than metrics.{same}"
    if metrics.operation_dimension and metrics.operation_dimension == metrics.dimension:
        yield (("metrics", "operation_dimension"), repr(metrics.operation_dimension),
               f"another dimension than that of the component ({metrics.dimension})")


def _severities(service: Service) -> Iterator[Found]:
    rules = service.reports.severities
    for name, ways in (("sev1", rules.sev1), ("sev2", rules.sev2), ("sev3", rules.sev3)):
        for place, rule in enumerate(ways):
            if not (rule.affected_share or rule.minutes or rule.money):
                yield (("reports", "severities", name, place), "a rule with no limit, which every incident meets",
                       "affected_share, minutes or money, or no rule")


def _locked(service: Service) -> Iterator[Found]:
    days = service.reports.lock_days
    if not 0 <= days <= _LONGEST_LOCK_DAYS:
        yield ("reports", "lock_days"), str(days), f"days, from 1 to {_LONGEST_LOCK_DAYS}, or 0 for no lock"


def _alarmed_and_confirmed(service: Service) -> Iterator[Found]:
    """Find what goes off and is then not confirmed."""
    for name in ("error_rate", "latency_p95_ms"):
        alarmed, confirmed = getattr(service.alarms, name), getattr(service.confirm, name)
        if 0 < alarmed < confirmed:
            yield (("confirm", name), str(confirmed), f"alarms.{name} ({alarmed}) or less: what lies between raises an "
                                                      "alarm each time and is never confirmed")


def _percentiles(service: Service) -> Iterator[Found]:
    alarms = service.alarms
    if alarms.latency_p99_ms is not None and alarms.latency_p99_ms <= alarms.latency_p95_ms:
        yield (("alarms", "latency_p99_ms"), str(alarms.latency_p99_ms),
               f"more than latency_p95_ms ({alarms.latency_p95_ms}): the p99 is never below the p95")


def _objectives(service: Service) -> Iterator[Found]:
    reported, alarmed = service.reports.objective, service.alarms.objective
    if reported and alarmed is not None and reported.success_share != alarmed:
        yield (("alarms", "objective"), str(alarmed),
               f"that of reports.objective ({reported.success_share}), or leave this one out")


def _per_hour(service: Service) -> Iterator[Found]:
    limits = service.guardrails
    if 0 < limits.remedies_per_hour < limits.remedies_per_incident:
        yield (("guardrails", "remedies_per_hour"), str(limits.remedies_per_hour),
               f"remedies_per_incident ({limits.remedies_per_incident}) or more: one incident may use up the hour")


ERRORS = (_reach, _counts, _metrics, _severities, _locked)
WARNINGS = (_alarmed_and_confirmed, _percentiles, _objectives, _per_hour)
