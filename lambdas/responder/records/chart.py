"""The postmortem's chart, computed as lines, marks and labels that the template draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from responder.model.evidence import Bucket, Series
from responder.model.frozen import dataclass
from responder.model.moment import epoch
from responder.plan.review import Overview, Review
from responder.plan.wording import clock, count, share

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 860, 360, 52, 36, 92, 32
_TRAFFIC_HEIGHT, _TRAFFIC_TOP = 130, 12
_DASHES = ("", "7 3", "2 3", "10 3 2 3")
_MARK_ROWS = 5
_LIMITS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Shares at which the axis may end; 1 if no other fits."""
_BEFORE_SECONDS = 60.0
"""The chart shows at least this much time before the symptom, where it was measured."""


@dataclass(frozen=True)
class Line:
    """One component's line."""

    component: str
    points: str
    """SVG points."""
    dash: str


@dataclass(frozen=True)
class Mark:
    """A step of the incident on the time axis."""

    x: float
    label: str
    row: int


@dataclass(frozen=True)
class Label:
    """A text beside an axis."""

    at: float
    """Its x on the time axis, its y on another."""
    text: str


@dataclass(frozen=True)
class Period:
    """One row of the table that has the chart's numbers."""

    time: str
    cells: tuple[str, ...]
    """In the order of ``Chart.components``."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Two charts, one above the other, in SVG units: the share of failed requests, and the number of requests."""

    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM
    traffic_height: int = _TRAFFIC_HEIGHT
    traffic_bottom: int = _TRAFFIC_HEIGHT - _BOTTOM
    components: tuple[str, ...]
    lines: tuple[Line, ...]
    grid: tuple[Label, ...]
    traffic: tuple[Line, ...]
    traffic_grid: tuple[Label, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Label, ...]
    table: tuple[Period, ...] = field(repr=False)


@dataclass(frozen=True)
class _Scale:
    """From seconds, shares and counts to SVG units."""

    start: float
    end: float
    highest_share: float
    most_requests: float

    def x(self, moment: float) -> float:
        return round(_LEFT + (moment - self.start) / (self.end - self.start) * (_WIDTH - _LEFT - _RIGHT), 1)

    def failed(self, rate: float) -> float:
        return round(_HEIGHT - _BOTTOM - rate / self.highest_share * (_HEIGHT - _TOP - _BOTTOM), 1)

    def volume(self, requests: float) -> float:
        return round(_TRAFFIC_HEIGHT - _BOTTOM
                     - requests / self.most_requests * (_TRAFFIC_HEIGHT - _TRAFFIC_TOP - _BOTTOM), 1)


def chart_of(review: Review) -> Chart | None:
    """Return the chart of a review; None where nothing was measured."""
    times = [bucket.start for series in review.series.values() for bucket in series]
    if not times:
        return None
    start, end = _shown_time(review.incident, times)
    shown = {component: tuple(bucket for bucket in series if bucket.start >= start and bucket.requests)
             for component, series in sorted(review.series.items())}
    buckets = [bucket for series in shown.values() for bucket in series]
    highest = max((bucket.error_rate for bucket in buckets), default=0.0)
    scale = _Scale(start, end, next((limit for limit in _LIMITS if highest <= limit), 1.0),
                   max((bucket.requests for bucket in buckets), default=1.0))
    lines, traffic = _lines(shown, scale)
    limit, most = scale.highest_share, scale.most_requests
    moments = [start + (end - start) * part / 6 for part in range(7)]
    return Chart(
        components=tuple(shown), lines=lines, traffic=traffic,
        grid=tuple(Label(scale.failed(limit * part / 4), share(limit * part / 4)) for part in range(5)),
        traffic_grid=tuple(Label(scale.volume(most * part / 2), count(most * part / 2)) for part in range(3)),
        marks=_marks(review, scale), ticks=tuple(Label(scale.x(moment), clock(moment)) for moment in moments),
        table=_table(shown))


def _shown_time(incident: Overview, times: Sequence[float]) -> tuple[float, float]:
    """Some time before the symptom shows what is normal; more would press the incident into a corner."""
    onset = epoch(incident.onset) or epoch(incident.opened_at) or min(times)
    start = max(min(times), onset - max(_BEFORE_SECONDS, 0.5 * (max(times) - onset)))
    return start, max(max(times) + 10, epoch(incident.recovered_at) or 0.0, start + 1)


def _lines(shown: Mapping[str, Series], scale: _Scale) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    drawn = [(component, series, _DASHES[place % len(_DASHES)])
             for place, (component, series) in enumerate(shown.items()) if series]
    return (tuple(Line(component, " ".join(f"{scale.x(bucket.start)},{scale.failed(bucket.error_rate)}"
                                           for bucket in series), dash) for component, series, dash in drawn),
            tuple(Line(component, " ".join(f"{scale.x(bucket.start)},{scale.volume(bucket.requests)}"
                                           for bucket in series), dash) for component, series, dash in drawn))


def _marks(review: Review, scale: _Scale) -> tuple[Mark, ...]:
    incident = review.incident
    applied = next((remedy.applied_at for remedy in review.actions if remedy.applied_at), None)
    steps = ((incident.onset, "symptom begins"), (incident.opened_at, "opened"), (incident.confirmed_at, "confirmed"),
             (incident.isolated_at, "isolated"), (incident.diagnosed_at, "diagnosed"), (applied, "remedy applied"),
             (incident.escalated_at, "escalated"), (incident.well_since, "well again"),
             (incident.recovered_at, "recovered"))
    reached = sorted((moment, label) for at, label in steps
                     for moment in [epoch(at)] if moment and scale.start <= moment <= scale.end)
    return tuple(Mark(scale.x(moment), label, place % _MARK_ROWS) for place, (moment, label) in enumerate(reached))


def _table(shown: Mapping[str, Series]) -> tuple[Period, ...]:
    by_start = {component: {bucket.start: bucket for bucket in series} for component, series in shown.items()}
    return tuple(Period(clock(moment), tuple(_cell(buckets.get(moment)) for buckets in by_start.values()))
                 for moment in sorted({bucket.start for series in shown.values() for bucket in series}))


def _cell(bucket: Bucket | None) -> str:
    return "-" if bucket is None else (
        f"{count(bucket.errors)} of {count(bucket.requests)} ({share(bucket.error_rate)})")
