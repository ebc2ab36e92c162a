"""A backtest from the configuration to its report: finds the incidents, asks, decides, and says what holds for all."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from cli.backtest import alarm_history, limits
from cli.backtest.asking import AsOf, used_by
from cli.backtest.course import OPENED_SECONDS, Judged, run
from cli.backtest.moments import ALARM_HISTORY_DAYS, moments, named
from cli.backtest.outcome import Case, Moment, Report
from cli.backtest.reads import Pace, Sent, reads_only
from cli.output import NOT_ASKED, Refused, tell
from responder.clients import targets
from responder.clients.failure import CallFailed
from responder.model.moment import iso, seconds
from responder.model.service import Mode, Remedy, Service
from responder.plan.weights import shipped
from responder.plan.wording import duration, plural, stamp
from responder.sources import Source
from stacks.alarm_names import alarm_names
from stacks.used import used_actions

_DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class Wanted:
    """What a backtest is to look at; times are seconds since 1970 (UTC)."""

    services: tuple[Service, ...]
    since: float
    until: float
    at: tuple[float, ...] = ()
    """Times that the person names; empty: the alarms' history tells them."""
    alarms: tuple[str, ...] = ()
    """Further alarms whose history is read."""
    mode: Mode = "auto"
    """The mode that is assumed."""
    most: int = 20
    """At most so many incidents, the newest."""
    table: str = ""
    """The timeline table, with the change ledger; empty: the responder is not deployed."""


@contextmanager
def environment(profile: str, region: str, table: str) -> Iterator[None]:
    """Within the block, the sources' own code finds the credentials, the Region and the table."""
    given = {"AWS_PROFILE": profile, "AWS_REGION": region, "AWS_DEFAULT_REGION": region, "TABLE": table}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update({name: value for name, value in given.items() if value})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def backtest(wanted: Wanted, pace: Pace | None = None) -> Report:
    """Return the report; raises Refused where no source could be asked, and if anything but a read was tried."""
    with reads_only(pace) as sent:
        found = [(service, _used(service, wanted), _moments(service, wanted)) for service in wanted.services]
        chosen = sorted((moment for _, _, all_of_it in found for moment in all_of_it), key=lambda one: one.at)
        kept = set(chosen[-wanted.most:])
        _announce(found, kept)
        cases = [_case(service, used, moment, wanted.mode) for service, used, all_of_it in found
                 for moment in all_of_it if moment in kept]
    _check(sent, cases)
    notes = [*_notes(found, wanted), *([f"{len(chosen) - wanted.most} older incidents were left out: --most allows "
                                        f"{wanted.most}"] if len(chosen) > wanted.most else [])]
    return Report(iso(wanted.since), iso(wanted.until), "backtest", tuple(sorted(cases, key=lambda case: (
        case.moment.at, case.moment.service))), tuple(notes), calls=dict(sent.calls))


_Found = tuple[Service, tuple[Source, ...], list[Moment]]


def _used(service: Service, wanted: Wanted) -> tuple[Source, ...]:
    # Without a table there is no ledger, and no event of AWS Health that was kept.
    return tuple(source for source in used_by(service) if wanted.table or not source.reads)


def _moments(service: Service, wanted: Wanted) -> list[Moment]:
    if wanted.at:
        return named(service.service, wanted.at)
    names = list(dict.fromkeys([*alarm_names(service.prefix, service), *wanted.alarms]))
    at_home = replace(service, aws=replace(service.aws, role_arn=""))
    try:
        with targets.aimed(at_home):
            turns = alarm_history.turns(names, wanted.since, wanted.until)
    except CallFailed as failed:
        raise Refused(f"the history of the alarms could not be read: {failed.note}. Name the times with --at instead",
                      NOT_ASKED) from failed
    return moments(service.service, turns, service.recovery.relapse_seconds)


def _announce(found: Sequence[_Found], kept: set[Moment]) -> None:
    """Say what will be asked before anything is."""
    total: dict[str, int] = {}
    for service, used, all_of_it in found:
        count = sum(moment in kept for moment in all_of_it)
        for name, calls in limits.most_calls(service, used).items():
            total[name] = total.get(name, 0) + calls * count
    if kept:
        longest = max(total.values(), default=0) * Pace().apart_seconds
        tell(f"{plural(len(kept), 'incident')}; at most {sum(total.values())} requests, nothing but reads, four a "
             f"second to one system (at most {duration(longest)} for the slowest): "
             + ", ".join(f"{name} {calls}" for name, calls in sorted(total.items())))


def _case(service: Service, used: Sequence[Source], moment: Moment, mode: Mode) -> Case:
    tell(f"{stamp(moment.at)} UTC: {service.service}{', ' if moment.alarm else ''}{moment.alarm}")
    judged = Judged(replace(service, mode=mode), remedies_of(service), shipped())
    return run(judged, moment, AsOf(service, used, seconds(moment.at) + OPENED_SECONDS))


def remedies_of(service: Service) -> Mapping[str, Remedy]:
    """Return the remedies that are deployed for a service, by their action."""
    return {action.name: Remedy(action.name, "", action.risk, not action.audience or bool(action.task_for))
            for action in used_actions([service])}


def _check(sent: Sent, cases: Sequence[Case]) -> None:
    if sent.refused:
        raise Refused(f"a request that is not known to be a read was stopped before it was sent: {sent.refused[0]}. "
                      "Nothing was changed; please report this", NOT_ASKED)
    if cases and all(vote.vote == "unknown" for case in cases for vote in case.votes):
        first = next((vote for case in cases for vote in case.votes), None)
        raise Refused("no source could say anything of any of these times"
                      + (f": {first.source}: {first.reason}" if first else ""), NOT_ASKED)


def _notes(found: Sequence[_Found], wanted: Wanted) -> Iterator[str]:
    now = time.time()
    if not wanted.at and now - wanted.since > ALARM_HISTORY_DAYS * _DAY_SECONDS:
        yield (f"CloudWatch keeps the history of an alarm for {ALARM_HISTORY_DAYS} days: earlier incidents are found "
               "only where their times are named (--at)")
    for service, used, all_of_it in found:
        said = [*limits.past_retention(used, all_of_it, now), limits.left_out(used)]
        yield from (f"{service.service}: {one}" if len(found) > 1 else one for one in said if one)
        tagged = [alarm.tag for alarm in service.alarms.own if alarm.tag]
        if tagged and not wanted.at:
            yield f"{service.service}: alarms that are found by a tag are not looked for; name them with --alarm"
    if not wanted.table:
        yield "the responder is not deployed: there is no change ledger, so what changed in the cluster is not known"
    yield (f"the mode {wanted.mode} is assumed, and a released kill switch. Whether a remedy's own check of the live "
           "state would have refused it is not known")
    yield ("by now the vendors have everything of that time. Then, what arrives late was not there yet: the times "
           "after the alarm are the earliest possible")
