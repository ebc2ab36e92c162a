"""What people want to see and what is no evidence for or against any cause: no mechanism gives it a weight."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.alarms import Alarms
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.canary import Canary
from responder.model.evidence.changes import Changes
from responder.model.writers import writer_of
from responder.plan import wording
from responder.plan.rates import count_lower_bound
from responder.plan.signals import Context, Signal, signal
from responder.plan.times import just_before
from responder.plan.workload_kinds import WORKLOAD_KINDS

_LEAST_LINES = 10
_MULTIPLE = 3.0
_HALF = 50.0
"""Per cent of a canary's runs."""


@signal("An alarm says that something is wrong, which started the incident; what the cause is it does not say.")
def alarms_raised(alarms: str) -> str:
    return f"in ALARM: {alarms}"


@signal("A canary shows that customers notice, from outside; every cause looks the same from there.")
def canary_fails(value: float, usual: float) -> str:
    return f"the canary succeeds in {wording.share(value / 100)} of its runs; usual are {wording.share(usual / 100)}"


@signal("An attack, an expired key of a client or a service that rejects good ones all look like this, and people "
        "must know; for none of the plan's causes is it the more likely.")
def auth_failures_above_baseline(component: str, value: float, usual: float) -> str:
    return (f"{wording.count(value)} failed authentications of callers a minute at {component}; usual are "
            f"{wording.decimal(usual)}")


@signal("An autoscaler or another controller did what it is there for: nobody decided on it, and what it follows, such "
        "as the load, is measured by itself.")
def regulated(by: str, change: str) -> str:
    return f"{by} regulated it: {change}"


def read(context: Context) -> Iterator[Signal]:
    """Yield which alarms are on, whether the canaries fail, whether more logins are refused than usual, and what
    controllers changed of the workload."""
    for alarms in context.evidence.of(Alarms):
        raised = sorted(alarm.name for alarm in alarms.detail.alarms if alarm.state == "ALARM")
        if raised:
            yield alarms_raised.emit(alarms, ", ".join(raised))
    for canary in context.evidence.of(Canary):
        usual = canary.baseline or 0.0
        if canary.value is not None and canary.value < _HALF <= usual:
            yield canary_fails.emit(canary, canary.value, usual)
    for refused in context.evidence.of(AuthFailures):
        lines, a_minute = refused.detail.lines, refused.baseline or 0.0
        if refused.window and lines >= _LEAST_LINES and (
                count_lower_bound(lines) > _MULTIPLE * a_minute / 60 * refused.window.seconds):
            yield auth_failures_above_baseline.emit(refused, refused.component, refused.value or 0.0, a_minute)
    for changes in context.evidence.of(Changes):
        for change in changes.detail.by_controllers:
            if change.kind in WORKLOAD_KINDS and change.name in context.workloads and just_before(
                    change, context.onset):
                yield regulated.emit(changes, writer_of(change).what, change.sentence(context.service.shown_keys))
