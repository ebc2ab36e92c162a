"""The postmortem's charts: the share of failed requests and the number of requests over time, as SVG in the page.

Each is drawn twice, for screens and paper and for phones; the page's style shows one of them. All text is placed by its
width, so no script is needed to lay it out. Round figures and times stand beside the axes, a line is interrupted where
nothing was measured, and lines differ by dash and symbol, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from responder.model.frozen import dataclass
from responder.model.moment import epoch
from responder.plan.review import Review
from responder.plan.wording import capital, clock, count, duration, share
from responder.records.chart import axes
from responder.records.chart.drawing import BROAD, SLIM, Measure, Scene, draw
from responder.records.chart.samples import Sample, Samples, missing, samples, steps, unmeasured, without_requests
from responder.records.chart.shapes import Area, Drawing, Line, Rule, Text
from responder.records.chart.story import Mark, Span, marks, spans

__all__ = ["Area", "Chart", "Drawing", "Line", "Phase", "Row", "Rule", "Text", "Unlabelled",
           "chart_of"]

_BEFORE_SECONDS = 60.0
"""The chart shows at least this much time before the symptom, where it was measured."""
_AFTER = 0.02
_MOST_COMPONENTS = 10
"""More are in the record alone: those that fail most are shown, the worst first."""


@dataclass(frozen=True)
class Phase:
    """A phase that the charts show by its number."""

    number: int
    name: str
    when: str
    """How long it took, or since when it was."""


@dataclass(frozen=True)
class Unlabelled:
    """What the drawings of a kind have no room for."""

    kind: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One row of the table that has the charts' numbers."""

    time: str
    cells: tuple[str, ...]
    """In the order of ``Chart.components``."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The charts of an incident and their numbers."""

    components: tuple[str, ...]
    """The one that failed most first."""
    drawings: tuple[Drawing, ...]
    phases: tuple[Phase, ...]
    unlabelled: tuple[Unlabelled, ...]
    hidden: int
    """How many components are not shown."""
    period: str
    """How long a period of the table is."""
    table: tuple[Row, ...] = field(repr=False)


def chart_of(review: Review) -> Chart | None:
    """Return the charts of a review; None where nothing was measured."""
    times = [bucket.start for series in review.series.values() for bucket in series]
    if not times:
        return None
    found = marks(review)
    start, end = _shown_time(review, times, found)
    every = samples(review.series, start, end)
    worst = sorted(every, key=lambda name: (-sum(sample.errors for sample in every[name]), name))[:_MOST_COMPONENTS]
    shown = {component: every[component] for component in worst}
    end = max(end, *(sample.end for mine in shown.values() for sample in mine))
    scene = Scene(start, end, shown, spans(review, end), tuple(mark for mark in found if start <= mark.at <= end),
                  unmeasured(shown, start, end), without_requests(shown))
    drawings = [draw(scene, _measures(scene), form) for form in (BROAD, SLIM)]
    return Chart(
        components=tuple(shown), drawings=tuple(drawing for pair in zip(*drawings, strict=True) for drawing in pair),
        phases=tuple(Phase(number, span.name, _when(span)) for number, span in enumerate(scene.spans, 1)),
        unlabelled=tuple(filter(lambda some: some.texts, (_unlabelled(found, scene, mine[0]) for mine in drawings))),
        hidden=len(every) - len(shown), period=duration(steps(shown)[-1]), table=_table(shown))


def _when(span: Span) -> str:
    return f"from {clock(span.start)}" if span.end is None else duration(span.end - span.start)


def _unlabelled(found: Sequence[Mark], scene: Scene, drawing: Drawing) -> Unlabelled:
    """Return the marks that are not in the time that is shown, and those for which there was no room."""
    texts = [f"{clock(mark.at)} {mark.text}" for mark in found
             if mark not in scene.marks or {mark.text, mark.short} & {*drawing.left_out}]
    return Unlabelled(drawing.kind, (*texts, *drawing.silent))


def _shown_time(review: Review, times: Sequence[float], found: Sequence[Mark]) -> tuple[float, float]:
    """Some time before the symptom shows what is normal; more would press the incident into a corner.

    Marks long after the last measurement would do so too: they are told beside the chart.
    """
    incident = review.incident
    first, last = min(times), max(times)
    onset = epoch(incident.onset) or epoch(incident.opened_at) or first
    start = max(first, min(last, onset - max(_BEFORE_SECONDS, 0.5 * (last - onset))))
    late = last + max(_BEFORE_SECONDS, last - start)
    newest = max((mark.at for mark in found if mark.at <= late), default=last)
    # A mark at the end has some room after it, where what it began is seen.
    return start, max(last, newest + _AFTER * (newest - start), start) + 1


def _measures(scene: Scene) -> tuple[Measure, Measure]:
    busiest = max((sample.per_second for mine in scene.shown.values() for sample in mine), default=0.0)
    unit = axes.rates(busiest, 1, busiest).unit
    return (
        Measure(name="failed", heading="Share of requests that failed (time in UTC)",
                description=_failed_gist(scene), value=lambda sample: sample.error_rate,
                scale=lambda mine, most: axes.shares(max((sample.error_rate for sample in mine), default=0.0), most),
                shared=True, requested=True, flagged=True, tall=190, low=52),
        Measure(name="traffic", heading=f"{capital(unit)} (time in UTC)",
                description=_traffic_gist(scene, unit), value=lambda sample: sample.per_second,
                scale=lambda mine, most: axes.rates(max((sample.per_second for sample in mine), default=0.0), most,
                                                    busiest),
                shared=False, requested=False, flagged=False, tall=96, low=40))


def _failed_gist(scene: Scene) -> str:
    """Say in sentences what the chart of failures shows."""
    tops = sorted(((max(mine, key=lambda sample: sample.error_rate), component)
                   for component, mine in scene.shown.items()), key=lambda top: -top[0].error_rate)
    said = [f"{component}: up to {share(top.error_rate)} of its requests failed, at {clock(top.start)}"
            if top.errors else f"{component}: none failed" for top, component in tops]
    said += [f"{mark.text} at {clock(mark.at)}" for mark in scene.marks]
    return f"{'; '.join([*said, *missing([*scene.unmeasured, *scene.idle])])}."


def _traffic_gist(scene: Scene, unit: str) -> str:
    """Say in sentences what the chart of requests shows."""
    factor = axes.rates(0.0, 1, max((sample.per_second for mine in scene.shown.values() for sample in mine),
                                    default=0.0)).factor
    said = [f"{component}: {_range(mine, factor)} {unit}" for component, mine in scene.shown.items()]
    return f"{'; '.join([*said, *missing([*scene.unmeasured, *scene.idle])])}."


def _range(mine: Samples, factor: float) -> str:
    figures = [sample.per_second * factor for sample in mine]
    return f"{count(min(figures))} to {count(max(figures))}"


def _table(shown: Mapping[str, Samples]) -> tuple[Row, ...]:
    by_start = {component: {sample.start: sample for sample in mine} for component, mine in shown.items()}
    return tuple(Row(clock(moment), tuple(_cell(mine.get(moment)) for mine in by_start.values()))
                 for moment in sorted({moment for mine in by_start.values() for moment in mine}))


def _cell(sample: Sample | None) -> str:
    return "-" if sample is None else (
        f"{count(sample.errors)} of {count(sample.requests)} ({share(sample.error_rate)})")
