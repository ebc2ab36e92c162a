"""Which version came when, and whether it fails more, or takes longer, than the one before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from responder.model.change import ABSENT
from responder.model.evidence import Bucket, Finding
from responder.model.evidence.calls import Calls
from responder.model.evidence.changes import Changes
from responder.model.evidence.error_rate_by_version import UNKNOWN, ErrorRateByVersion, Served
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.evidence.rollouts import Rollouts
from responder.model.images import version_of
from responder.plan import wording
from responder.plan.effects import Effect, effect_of
from responder.plan.failure_modes import location_of_line
from responder.plan.rates import SLOW_MULTIPLE, lower_bound, upper_bound
from responder.plan.series import total
from responder.plan.signals import Context, Signal, signal
from responder.plan.times import SUSPICION_SECONDS, just_before, may_have_caused, shortest_step
from responder.plan.wording import source_name

_PERIOD_SECONDS = 10.0
"""Length of the period in a series with a single period."""
_LOG_SHARE = 0.9
_MOST = 0.5
_LEAST_LINES = 10
_NONE = Served(0.0, 0.0)


@signal("Most outages follow a change within minutes (Google's Site Reliability Engineering book puts changes at "
        "about 70 % of outages); yet with a release a day and a quarter of an hour of suspicion one outage in a "
        "hundred follows one by chance.")
def rollout_just_before(component: str, images: str, seconds: float) -> str:
    return f"{component} got {images} " + (f"{wording.duration(seconds)} before the symptom began" if seconds >= 1 else
                                           "as the symptom began (known to a period of 10 s)")


@signal("When: it cannot have brought what was there before it, so its time alone says next to nothing; but faults "
        "come in twos, and hurried changes are made in outages. What its version shows of itself decides.")
def rollout_amid_it(component: str, images: str, seconds: float) -> str:
    return f"{component} got {images} {wording.duration(seconds)} after the symptom had begun"


@signal("Code that has run unchanged for long rarely begins to fail by itself.")
def no_recent_rollout(component: str) -> str:
    return f"no rollout of {component} within {wording.duration(SUSPICION_SECONDS)} before the symptom"


@signal("Both versions share the load, the database, the provider and the network; what only one of them shows is its"
        " own. This is as near to a controlled experiment as an outage gives.")
def only_new_version_fails(source: str, new: str, new_rate: float, old: str, old_rate: float) -> str:
    return (f"{source_name(source)}: version {new} fails {wording.share(new_rate)}, version {old} "
            f"{wording.share(old_rate)}, at the same time")


@signal("The reverse of the experiment: what the old version shows as well, the new one did not bring.")
def old_version_fails_too(source: str, old: str, old_rate: float) -> str:
    return f"{source_name(source)}: version {old}, which was well before, fails {wording.share(old_rate)} as well"


@signal("Before and after differ, but so may other things at that moment: less than the comparison side by side.")
def new_version_replaced_healthy_one(source: str, new: str, new_rate: float, old: str, old_rate: float) -> str:
    return (f"{source_name(source)}: version {new} fails {wording.share(new_rate)}; before it, version {old} failed "
            f"{wording.share(old_rate)}")


@signal("When: what a version did well and then does badly came with something else than the version. It is as strong"
        " as there being no recent rollout at all, and no stronger, for a leak or a cache takes a while: then the "
        "state of the pods tells it.")
def new_version_was_well_first(source: str, new: str, served: float, old_rate: float, new_rate: float) -> str:
    return (f"{source_name(source)}: version {new} served {wording.count(served)} requests before the symptom and "
            f"failed {wording.share(old_rate)} of them, against {wording.share(new_rate)} since")


@signal("Where and when: the change of version is the change of time, under the same load; as only_new_version_fails,"
        " and less, for the old one is mostly known from before.")
def new_version_slower(source: str, new: str, new_ms: float, old: str, old_ms: float) -> str:
    return (f"{source_name(source)}: version {new} takes {wording.count(new_ms)} ms at the 95th percentile, version "
            f"{old} took {wording.count(old_ms)} ms")


@signal("Where: what both versions share is the cause, not what is new.")
def old_version_slow_too(source: str, old: str, new: str) -> str:
    return f"{source_name(source)}: version {old} is slow as well as version {new}"


@signal("Where the errors are logged; weaker than rates, for the new version may simply have most of the traffic.")
def errors_logged_only_by_new_version(component: str, new: str, share: float) -> str:
    return f"{wording.share(share)} of {component}'s error lines come from version {new}"


@signal("Where the errors are logged: not only where the change is.")
def errors_logged_by_old_version_too(component: str, new: str, share: float) -> str:
    return f"{wording.share(share)} of {component}'s error lines come from versions other than {new}"


class _Release(NamedTuple):
    """A version that came lately, and the moment from which on it is compared with the others."""

    version: str
    since: float | None
    """When the symptom began, or the version came where it came later."""


def read(context: Context) -> Iterator[Signal]:
    """Yield when the component got its version, and how it fares beside the others or against the time before it."""
    release = _Release("", context.onset)
    for finding in context.evidence.of(Rollouts, context.component):
        found = _rollout(context, finding, release.since)
        if found is not None:
            told, release = found[0], found[1] or release
            yield told
    if not any(context.evidence.of(Rollouts, context.component)):
        # The source that tells it best does not answer: the ledger saw the new image as well.
        for told, version in _released(context):
            release = _Release(version, release.since)
            yield told
    # Versions are told apart by all that fails: that is the calls of another only where most failures are.
    if release.version and (context.in_itself or (not context.unreached and context.mode.share >= _MOST)):
        yield from _compared(context, release)


def _rollout(context: Context, finding: Finding[Rollouts],
             onset: float | None) -> tuple[Signal, _Release | None] | None:
    """Return when the newest revision came, and the release that it is where it came lately."""
    current = next((revision for revision in finding.detail.revisions if revision.current), None)
    if current is None or onset is None:
        return None
    previous = next((revision for revision in finding.detail.revisions if not revision.current), None)
    images = ", ".join(current.images)
    version = version_of(current.images[0]) if current.images else ""
    if previous is not None and may_have_caused(onset, current.created):
        if previous.images == current.images:
            return None  # The same image: what else changed, the ledger tells.
        return (rollout_just_before.emit(finding, context.component, images, onset - current.created),
                _Release(version, onset))
    if previous is not None and current.created > onset and previous.images != current.images:
        # The symptom was there already: it may be a second fault, by what its version shows of itself.
        return (rollout_amid_it.emit(finding, context.component, images, current.created - onset),
                _Release(version, current.created))
    return no_recent_rollout.emit(finding, context.component), None


def _released(context: Context) -> Iterator[tuple[Signal, str]]:
    """Yield each release that the change ledger knows of, with its version."""
    for finding in context.evidence.of(Changes):
        for change in finding.detail.changes:
            if change.name not in context.workloads or context.onset is None or not just_before(change, context.onset):
                continue
            if effect_of(context.service, context.component, context.mode.where, change) is not Effect.RELEASE:
                continue
            images = [str(field.after) for field in change.fields
                      if field.path[-1:] == ("image",) and field.after is not ABSENT]
            if images:
                yield rollout_just_before.emit(finding, context.component, ", ".join(images),
                                               context.onset - change.latest), version_of(images[0])


def _compared(context: Context, release: _Release) -> Iterator[Signal]:
    evidence, component = context.evidence, context.component
    until = _callees_failed_until(context)
    for finding in evidence.of(ErrorRateByVersion, component):
        yield from _slower(context, finding, release.version) if context.mode.slow else _by_version(
            context, finding, release, until)
    if not _alone(context, release):
        for lines in evidence.of(ErrorSignatures):
            yield from _by_log(context, lines, release.version)


def _callees_failed_until(context: Context) -> float:
    """Return until when what the component calls failed, by an earlier look, where by the newest it does no more; or 0.

    Until then its versions failed with it, whatever they are themselves: with two faults at once, one of which has
    ended since, that time tells nothing about the other.
    """
    failed: dict[float, bool] = {}
    for finding in context.evidence.looks(Calls, context.component):
        if finding.window:
            failed[finding.window.end] = failed.get(finding.window.end, False) or any(
                callee.requests and lower_bound(callee.errors, callee.requests) > context.service.confirm.error_rate
                for callee in finding.detail.callees.values())
    if not failed or failed[max(failed)]:
        return 0.0
    return max((end for end, bad in failed.items() if bad), default=0.0)


_Counts = Mapping[str, Served]
"""By version."""


class _Split(NamedTuple):
    """What each version served, by when."""

    before: _Counts
    """Before the onset."""
    since: _Counts
    beside: _Counts
    """Since the onset, in those periods in which several versions served."""


def _split(detail: ErrorRateByVersion, onset: float | None, apart_until: float = 0.0) -> _Split | None:
    """Split what each version served at the onset.

    Periods since the onset that begin before ``apart_until`` are left out. None where the source gave no series: totals
    of a window compare one time with another.
    """
    series = detail.series
    if series is None or onset is None:
        return None
    starts = sorted({bucket.start for buckets in series.values() for bucket in buckets})
    period = shortest_step(starts, _PERIOD_SECONDS)
    shared = {start for start in starts
              if sum(any(bucket.start == start for bucket in buckets) for buckets in series.values()) > 1}

    def counts(wanted: Callable[[float], bool]) -> _Counts:
        return {version: _sum(bucket for bucket in buckets if wanted(bucket.start))
                for version, buckets in series.items()}

    return _Split(counts(lambda start: start + period <= onset),
                  counts(lambda start: start + period > onset and start >= apart_until),
                  counts(lambda start: start + period > onset and start >= apart_until and start in shared))


def _sum(buckets: Iterable[Bucket]) -> Served:
    counted = total(buckets)
    return Served(counted.requests, counted.errors)


def _alone(context: Context, release: _Release) -> bool:
    """Whether the new version served alone since the onset, so that no other can have failed.

    A source whose requests do not name their version cannot tell that.
    """
    told = [split for finding in context.evidence.of(ErrorRateByVersion, context.component)
            if (split := _split(finding.detail, release.since)) is not None
            and split.since.get(release.version, _NONE).requests]
    return bool(told) and all(
        sum(served.requests for version, served in split.beside.items() if version != release.version)
        < context.service.confirm.minimum_requests for split in told)


def _by_version(context: Context, finding: Finding[ErrorRateByVersion], release: _Release,
                callees_failed_until: float) -> Iterator[Signal]:
    """Compare the new version with the others: side by side where both serve, else before and after."""
    limit, enough, new = context.service.confirm.error_rate, context.service.confirm.minimum_requests, release.version
    now: _Counts = finding.detail.window
    split = _split(finding.detail, release.since, callees_failed_until)
    if split is not None:
        now, since, first = split.beside, split.since.get(new, _NONE), split.before.get(new, _NONE)
        # A release alone does not explain what its version did well first and then does badly.
        if since.requests >= enough and first.requests >= enough and _surely(since) > limit and (
                upper_bound(first.errors, first.requests) < _surely(since) / 2):
            yield new_version_was_well_first.emit(finding, finding.source, new, first.requests, _rate(first),
                                                  _rate(since))
        if now.get(new, _NONE).requests < enough:
            now = {new: since}
    mine = now.get(new, _NONE)
    if mine.requests < enough or _surely(mine) <= limit:
        return
    for version, other in sorted(now.items()):
        # Requests that do not name their version may be of either.
        if version in (new, UNKNOWN) or other.requests < enough:
            continue
        most = upper_bound(other.errors, other.requests)
        # Both get the same requests at the same time: what the new version fails more is its own, and what both fail
        # has another cause.
        fails_too = most >= _surely(mine) / 2 and _surely(other) > limit
        if fails_too:
            yield old_version_fails_too.emit(finding, finding.source, version, _rate(other))
        elif most < _surely(mine):
            yield only_new_version_fails.emit(finding, finding.source, new, _rate(mine), version, _rate(other))
        return
    for version, other in sorted(finding.detail.baseline.items()):
        if version not in (new, UNKNOWN) and other.requests >= enough and (
                upper_bound(other.errors, other.requests) < _surely(mine)):
            yield new_version_replaced_healthy_one.emit(finding, finding.source, new, _rate(mine), version,
                                                        _rate(other))
            return


def _surely(served: Served) -> float:
    return lower_bound(served.errors, served.requests)


def _rate(served: Served) -> float:
    return served.errors / served.requests


def _slower(context: Context, finding: Finding[ErrorRateByVersion], new: str) -> Iterator[Signal]:
    """Compare how long the new version takes with the one before: side by side where both serve, else with the past."""
    enough, served = context.service.confirm.minimum_requests, finding.detail.window
    now, before = finding.detail.p95_ms.window, finding.detail.p95_ms.baseline
    if served.get(new, _NONE).requests < enough or not now.get(new):
        return
    old = next((version for version in sorted(before) if version not in (new, UNKNOWN) and before[version]), "")
    if old and now[new] >= SLOW_MULTIPLE * before[old]:
        if served.get(old, _NONE).requests >= enough and now.get(old, 0.0) >= now[new] / 2:
            yield old_version_slow_too.emit(finding, finding.source, old, new)
        else:
            yield new_version_slower.emit(finding, finding.source, new, now[new], old, before[old])


def _by_log(context: Context, finding: Finding[ErrorSignatures], new: str) -> Iterator[Signal]:
    """Yield which versions wrote the lines of this failure mode; of all modes where too few lines are of this one.

    With two faults at once the lines of one say nothing of the other.
    """
    component = context.component
    groups = [group for group in finding.detail.signatures
              if group.component == component and group.count > 3 * group.usual]
    of_mode = [group for group in groups if location_of_line(context.service, component, group.whole)
               == context.location]
    lines: dict[str, float] = defaultdict(float)
    for group in of_mode if sum(group.count for group in of_mode) >= _LEAST_LINES else groups:
        for version, count in group.versions.items():
            lines[version] += count
    total = sum(lines.values())
    if total < _LEAST_LINES:
        return
    share = lines[new] / total
    if share >= _LOG_SHARE:
        yield errors_logged_only_by_new_version.emit(finding, component, new, share)
    elif share <= 1 - _LOG_SHARE / 2:
        yield errors_logged_by_old_version_too.emit(finding, component, new, 1 - share)
