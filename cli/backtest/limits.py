"""How far back each vendor keeps what is asked, and how many requests a backtest sends at most.

Sources of the figures: AWS's pages "Metrics concepts" (retention), "mon-describe-alarm-history", "Viewing events with
CloudTrail event history", "DescribeEvents" of RDS and of AWS Health, and "Pricing and data retention for Performance
Insights"; New Relic's page "Manage data retention". What a Splunk index, Prometheus or a log group keeps is set by
their owners.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cli.backtest.outcome import Moment
from responder.model.moment import seconds
from responder.model.service import Service
from responder.plan.wording import listed, source_name, stamp
from responder.sources import Source

_DAY_SECONDS = 86_400.0
KEPT_DAYS: Mapping[str, tuple[float, str]] = {
    "cloudwatch": (15, "metrics by the minute for 15 days"),
    "application_signals": (15, "metrics by the minute for 15 days"),
    "dependencies": (15, "metrics by the minute for 15 days"),
    "newrelic": (8, "events for 8 days, unless the account has a longer retention"),
    "rds": (14, "events for 14 days, and waits for 7 unless Performance Insights has a longer retention"),
    "cloudtrail": (90, "its event history for 90 days"),
    "aws_health": (90, "events for 90 days"),
    "changes": (30, "changes for 30 days"),
    "splunk": (float("inf"), "what its indexes keep"),
}
"""Source to how many days it can be asked back, and what it keeps."""
_CALLS: Mapping[str, int] = {
    "newrelic": 1, "splunk": 8, "cloudwatch": 8, "cloudwatch_logs": 30, "cloudtrail": 12, "aws_health": 6, "rds": 14,
    "prometheus": 25, "application_signals": 12, "dependencies": 6, "foreign_changes": 20, "changes": 6}
"""Requests of one look, at most in an ordinary account; pages of long answers come on top."""
_CALLS_OF_OTHERS = 10


def past_retention(used: Iterable[Source], moments: Sequence[Moment], now: float) -> Iterator[str]:
    """Yield a sentence for each source that no longer has what some incidents need."""
    for source in used:
        days, what = KEPT_DAYS.get(source.name, (float("inf"), ""))
        lost = [moment for moment in moments if now - seconds(moment.at) > days * _DAY_SECONDS]
        if lost and source.past:
            newest = max(moment.at for moment in lost)
            yield (f"{source_name(source.name)} keeps {what}: of {len(lost)} of {len(moments)} incidents (until "
                   f"{stamp(newest)} UTC) it may have nothing any more")


def left_out(used: Sequence[Source]) -> str:
    """Say which sources cannot be asked about the past, and what that costs; empty where there is none."""
    names = [source_name(source.name) for source in used if not source.past]
    if not names:
        return ""
    return (f"{listed(names)} tell only how things are when they are asked, and were left out. The change ledger "
            "stands in for the cluster's objects, nothing does for the state of pods and nodes: a cause that shows "
            "there alone is not named here, and confidence is lower than it would have been")


def most_calls(service: Service, used: Sequence[Source]) -> dict[str, int]:
    """Return the most requests to each source for one incident: all rounds and all looks that the settings allow."""
    looks = {"confirm": service.confirm.rounds, "isolate": 1, "diagnose": service.confirm.looks,
             "watch": service.confirm.looks}
    return {source.name: _CALLS.get(source.name, _CALLS_OF_OTHERS) * sum(
        looks.get(phase, 0) for phase in source.phases) for source in used if source.past}
