"""What a component served, by the event of its requests or else by its entry spans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from responder.clients.failure import CallFailed
from responder.model.evidence import Bucket, Detail, Finding, Series, Window
from responder.model.evidence.by_pod import ByPod, OfPod
from responder.model.evidence.error_rate import DayBefore, ErrorRate
from responder.model.evidence.error_rate_by_version import P95, ErrorRateByVersion, Served
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.frozen import dataclass
from responder.sources import Query
from responder.sources.newrelic.answer import Answer, Row, Rows
from responder.sources.newrelic.nrql import MAX_FACETS, REQUESTS, SPANS, Queries, newest, periods

NAME = "newrelic"
_PODS = 100
_SERIES = 6
"""The most versions of a component that have a series: those with the most requests."""
_BY_SPANS = "counted by entry spans, which may be a sample"
_COUNTED = ("series", "rest", "window", "baseline", "recent")


@dataclass(frozen=True)
class _Asked:
    """One component's part of an answer, by one of the two events."""

    query: Query
    nrql: Queries
    answer: Answer
    component: str
    event: str

    def rows(self, name: str) -> Rows:
        """Return the component's rows of a query."""
        return tuple(row for row in self.answer.rows(self.event + name) if row.facet[:1] == (self.component,))

    def by_version(self, name: str) -> dict[str, Row]:
        """Return the component's rows of a query by version."""
        return {row.facet[1]: row for row in self.rows(name) if len(row.facet) == 2}

    def failure(self, *names: str) -> CallFailed | None:
        """Return why one of these queries has no answer."""
        return self.answer.failure(*(self.event + name for name in names))

    def text(self, name: str) -> str:
        """Return a query."""
        return self.nrql[self.event + name]

    @property
    def seen(self) -> bool:
        """Whether there is any request of it, now or before."""
        return any(row.requests for name in _COUNTED for row in self.rows(name))

    @property
    def periods(self) -> tuple[int, Window]:
        """The length of a period in seconds, and the stretch of whole ones."""
        return periods(self.query.window, len(self.query.service.components))

    @property
    def series(self) -> Series:
        """The whole periods, and what has come so far in the one after them."""
        _, whole = self.periods
        return (*(_bucket(row) for row in self.rows("series")),
                *(Bucket(whole.end, row.requests, row.errors) for row in self.rows("rest") if row.requests))


def served(query: Query, component: str, nrql: Queries, answer: Answer, link: str) -> list[Finding[Detail]]:
    """Return ``error_rate``, ``latency_p95_ms`` and ``error_rate_by_version`` of a component; to diagnose ``by_pod``.
    """
    told = [_Asked(query, nrql, answer, component, event) for event in (REQUESTS, SPANS)]
    asked = next((part for part in told if part.seen), None)
    if asked is None:
        failed = next((failure for part in told if (failure := part.failure(*_COUNTED))), None)
        return [Finding(source=NAME, detail=ErrorRate(), status=failed.status if failed else "empty",
                        component=component, window=query.window, query=nrql[REQUESTS + "window"],
                        note=str(failed) if failed else "New Relic has no data of it at all")]
    return [_rate(asked, link), _latency(asked, link), _by_version(asked, link), *_by_pod(asked, link)]


def _rate(asked: _Asked, link: str) -> Finding[Detail]:
    query, series = asked.query, asked.series
    now, before = asked.by_version("window"), asked.by_version("baseline")
    requests, errors = _total(now)
    if asked.failure("window"):
        requests, errors = sum(bucket.requests for bucket in series), sum(bucket.errors for bucket in series)
    requests_before, errors_before = _total(before)
    limited = [f"cut at {MAX_FACETS} facets"] if len(asked.answer.rows(asked.event + "window")) >= MAX_FACETS else []
    failed = asked.failure("series", "rest", "window", "baseline")
    if failed:
        limited.append(f"a part of the answer did not come: {failed}")
    return Finding(
        source=NAME, status="partial" if limited else "ok", component=asked.component, window=query.window,
        link=link, unit="share", note="; ".join([*limited, *([_BY_SPANS] if asked.event == SPANS else [])]),
        query=asked.text("series"), value=errors / requests if requests else None,
        baseline=errors_before / requests_before if requests_before else None,
        detail=ErrorRate(
            series=series, period_seconds=asked.periods[0], requests=requests, errors=errors,
            baseline_requests=requests_before, baseline_errors=errors_before,
            baseline_seconds=query.baseline.seconds, day_before=_day_before(asked), sampled=asked.event == SPANS))


def _latency(asked: _Asked, link: str) -> Finding[Detail]:
    recent, failed = next(reversed(asked.rows("recent")), None), asked.failure("recent")
    return Finding(
        source=NAME, status=failed.status if failed else "ok", component=asked.component,
        window=newest(asked.query.window), link=link, unit="ms", query=asked.text("recent"),
        note=str(failed) if failed else "", value=round(recent.p95_ms, 1) if recent else None,
        baseline=_typical_p95_ms(asked.by_version("baseline")),
        detail=LatencyP95(requests=recent.requests if recent else 0.0))


def _by_version(asked: _Asked, link: str) -> Finding[Detail]:
    now, before, failed = asked.by_version("window"), asked.by_version("baseline"), asked.failure("window", "baseline")
    beside = _series_by_version(asked.rows("versions"))
    shown = dict(sorted(beside.items(), key=lambda item: -sum(row.requests for row in item[1]))[:_SERIES])
    return Finding(
        source=NAME, status=failed.status if failed else "ok", component=asked.component, window=asked.query.window,
        link=link, unit="share", query=asked.text("window"), note=str(failed) if failed else "",
        detail=ErrorRateByVersion(
            window={version: Served(row.requests, row.errors) for version, row in now.items()},
            baseline={version: Served(row.requests, row.errors) for version, row in before.items()},
            p95_ms=P95(window={version: round(row.p95_ms, 1) for version, row in now.items()},
                       baseline={version: round(row.p95_ms, 1) for version, row in before.items()}),
            series=shown or None), left_out=len(beside) - len(shown) or None)


def _by_pod(asked: _Asked, link: str) -> Iterator[Finding[Detail]]:
    """Yield what each pod served in the newest minute, where any is named."""
    rows = sorted((row for row in asked.rows("pods") if len(row.facet) == 2),
                  key=lambda row: (-row.errors, -row.requests, row.facet))
    if rows:
        yield Finding(
            source=NAME, component=asked.component, window=newest(asked.query.window), link=link, unit="pods",
            query=asked.text("pods"), value=float(len(rows)), left_out=max(0, len(rows) - _PODS) or None,
            note=_BY_SPANS if asked.event == SPANS else "",
            detail=ByPod({row.facet[1]: OfPod(row.requests, row.errors) for row in rows[:_PODS]}))


def _series_by_version(rows: Rows) -> dict[str, Series]:
    found: dict[str, list[Bucket]] = defaultdict(list)
    for row in rows:
        if row.requests and len(row.facet) == 2:
            found[row.facet[1]].append(_bucket(row))
    return {version: tuple(series) for version, series in found.items()}


def _bucket(row: Row) -> Bucket:
    return Bucket(row.start, row.requests, row.errors)


def _total(versions: Mapping[str, Row]) -> tuple[float, float]:
    return sum(row.requests for row in versions.values()), sum(row.errors for row in versions.values())


def _typical_p95_ms(versions: Mapping[str, Row]) -> float | None:
    """Return the p95 of the version with the most requests: percentiles of parts do not add up."""
    most = max(versions.values(), key=lambda row: (row.requests, row.errors, row.p95_ms), default=None)
    return round(most.p95_ms, 1) if most else None


def _day_before(asked: _Asked) -> DayBefore | None:
    """Return the same time of the day before; None where nothing is known of it."""
    window, hour = (next(iter(asked.rows(name)), None) for name in ("day_window", "day_hour"))
    if not hour or not hour.requests or asked.failure("day_window"):
        return None
    return DayBefore(
        requests=window.requests if window else 0.0, errors=window.errors if window else 0.0,
        seconds=asked.query.window.seconds, hour_requests=hour.requests, hour_seconds=asked.query.baseline.seconds)
