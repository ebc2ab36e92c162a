"""Whether the error budget burns, too slowly to look like an outage.

The sweep judges it by the requests of the last hours, minute by minute: alarms of CloudWatch on the same windows cost
nine times as much (``docs/costs.md``). Source: Google's Site Reliability Workbook, "Alerting on SLOs" (multiwindow,
multi-burn-rate alerts).
"""

from __future__ import annotations

from collections.abc import Mapping

from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan.rates import lower_bound
from responder.plan.sureness import sureness
from responder.plan.wording import count, share

NAME = "slow-burn"
"""What people read as the name of the alarm."""
STEP_SECONDS = 60
BURNS = ((0.02, 3600, 300), (0.05, 21_600, 1800))
"""Share of the error budget, the long window in which it is used up, and the short one, which ends it soon after the
failures; in seconds. The workbook's two that are worth waking for; its third, 10 % in three days, is a ticket."""
LOOK_BACK_SECONDS = BURNS[-1][1]
LATELY_SECONDS = BURNS[-1][2]
"""For so long after an outage the windows may still hold its failures: the outage has told of them."""
PARTITION = "BURN"
"""The partition of the table that has each service's last burn, by the service's name."""
_CUSTOMERS = 4
"""Hours see several customers who each try again; a minute sees one."""
_DAYS = 30

Counts = Mapping[float, float]
"""The start of a minute, in seconds since 1970 (UTC), to what was counted in it. A minute that is missing has none."""


@dataclass(frozen=True)
class Burning:
    """A rate at which the error budget is gone too soon."""

    part: float
    """The share of the budget that went."""
    seconds: int
    """In which time it went."""
    errors: float
    requests: float
    lately: float
    """The share of failed requests in the short window."""
    lately_seconds: int


@dataclass(frozen=True)
class Episode:
    """The time in which the budget burns; it is over when that was not seen for half an hour."""

    since: float
    """When it was first seen, seconds since 1970 (UTC)."""
    seen: float
    """When it was last seen."""
    told: bool = False
    """Whether people were told and the plan was started."""


def objective(service: Service) -> float | None:
    """Return the share of the requests that must succeed; None where the configuration gives none."""
    reports = service.reports.objective
    return service.alarms.objective or (reports.success_share if reports else None)


def burning(service: Service, requests: Counts, errors: Counts, end: float) -> Burning | None:
    """Return how the error budget burns by the minutes before ``end``, a whole minute; None where it does not.

    The long window must be sure of it. None also for as long as the windows remember an outage, and where nothing is
    known: no requests use no budget.
    """
    share = objective(service)
    if share is None or _outage_lately(service, requests, errors, end):
        return None
    reports, settings = service.reports.objective, service.alarms
    days = reports.days if reports else _DAYS
    for part, long, short in BURNS:
        threshold = (1.0 - share) * part * days * 86_400 / long
        count, failed = _total(requests, end, long), _total(errors, end, long)
        count_lately, failed_lately = _total(requests, end, short), _total(errors, end, short)
        if failed < settings.minimum_failures * _CUSTOMERS or not count_lately:
            continue
        sure = lower_bound(failed, count, sureness(settings.false_alarms_a_week, long))
        # The short window only says that it goes on.
        if sure > threshold and failed_lately / count_lately > threshold:
            return Burning(part, long, failed, count, failed_lately / count_lately, short)
    return None


def episode(before: Episode | None, now: float) -> Episode:
    """Return the episode to which a burn that is seen ``now`` belongs."""
    if before is None or now - before.seen > LATELY_SECONDS:
        return Episode(now, now)
    return Episode(before.since, now, before.told)


def may_start(incident_open: bool, last_closed: float | None, now: float) -> bool:
    """Whether a burn may start the plan: not beside an incident, nor within half an hour after one.

    ``last_closed`` is when the last incident was closed, seconds since 1970 (UTC); None: there was none.
    """
    return not incident_open and (last_closed is None or now - last_closed > LATELY_SECONDS)


def reason(found: Burning) -> str:
    """Return the sentence that says what is seen."""
    return (f"{count(found.errors)} of {count(found.requests)} requests failed in {found.seconds // 60} min "
            f"({share(found.errors / found.requests)}), and {share(found.lately)} in the last "
            f"{found.lately_seconds // 60} min: at least {share(found.part)} of the error budget went in that time, "
            "too slowly to look like an outage (found by the sweep)")


def message(service: str, prefix: str, said: str) -> tuple[str, str]:
    """Return subject and text of the message to people, who hear of it whether or not the plan runs."""
    return f"{service}: the error budget burns", (
        f"{service}: {said}.\n\nThis has started the incident responder ({prefix}), which looks whether it is an "
        "outage. Nothing is to be done yet. If no message of it follows within 10 minutes, it is not running: look at "
        f"the executions of the state machine {prefix}, and handle it by hand. If it finds no outage it says no more, "
        "and the budget may still burn: look at what fails during working hours.\n")


def _outage_lately(service: Service, requests: Counts, errors: Counts, end: float) -> bool:
    """Whether a minute of the last half hour failed as in an outage, of which its own alarm has told."""
    settings = service.alarms
    z = sureness(settings.false_alarms_a_week, STEP_SECONDS)
    return any(failed >= settings.minimum_failures
               and lower_bound(failed, max(requests.get(at, 0.0), failed), z) > settings.error_rate
               for at, failed in errors.items() if end - LATELY_SECONDS <= at < end)


def _total(counts: Counts, end: float, seconds: int) -> float:
    return sum(value for at, value in counts.items() if end - seconds <= at < end)
