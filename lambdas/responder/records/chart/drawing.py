"""Lays a chart out: the marks' texts on top, the phases, a panel or several, the time below."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field

from responder.model.frozen import dataclass
from responder.records.chart.axes import Scale, moments
from responder.records.chart.placing import Flag, Placed, apart, rows_of
from responder.records.chart.samples import Sample, Samples, Stretch, connected, missing
from responder.records.chart.shapes import LINE, Area, Drawing, Line, Rule, Text, shortened, width_of
from responder.records.chart.story import Mark, Span

_STYLES = 4
_DASHES = ("", "8 3", "2 3", "11 3 2 3")
_STRIP, _BETWEEN, _EDGE = 18.0, 10.0, 12.0
"""Pixels: height of the phases, between panels, beside the panels where nothing is written there."""
_LOWER = 4.0
"""From the middle of a text to its baseline."""
_LABEL_ROOM = 150.0
_NOTABLE = 0.05
"""A shorter part of the time in which nothing was measured is seen, but not worth a word."""
_SYMBOL_EVERY, _SYMBOL = 52.0, 3.25
_ENDS_NEAR = 40.0
"""A text at a line's end has a line to it where that is near."""


@dataclass(frozen=True)
class Format:
    """For whom it is drawn."""

    kind: str
    width: float
    together: int
    """So many components at the most share a panel."""
    rows: int
    """Of marks' texts at the most."""
    wordy: bool
    """Whether there is room for the marks' long texts."""


BROAD = Format("broad", 760, _STYLES, 5, True)
SLIM = Format("slim", 356, 1, 6, False)


@dataclass(frozen=True)
class Scene:
    """What all charts of an incident have in common."""

    start: float
    end: float
    shown: dict[str, Samples]
    spans: tuple[Span, ...]
    marks: tuple[Mark, ...]
    unmeasured: tuple[Stretch, ...]
    idle: tuple[Stretch, ...]


@dataclass(frozen=True)
class Measure:
    """What a chart shows of each period."""

    name: str
    """Part of the drawing's id."""
    heading: str
    """A sentence for who does not see it, too."""
    description: str
    value: Callable[[Sample], float]
    scale: Callable[[Iterable[Sample], int], Scale]
    """From what a panel shows, and the number of steps at the most."""
    shared: bool
    """Whether all panels have the same scale."""
    requested: bool
    """Whether it is of requests, so that there is nothing to say of a period without them."""
    flagged: bool
    """Whether the marks' texts stand above it."""
    tall: float
    low: float
    """Pixels of a panel that is alone, and of one among others."""


@dataclass(frozen=True)
class _Panel:
    components: tuple[str, ...]
    title: str
    top: float
    """Of its plot."""
    height: float
    scale: Scale

    def y(self, value: float) -> float:
        return round(self.top + self.height * (1 - self.scale.part(value)), 1)

    @property
    def bottom(self) -> float:
        return self.top + self.height


@dataclass(frozen=True)
class _Canvas:
    """What has been drawn."""

    areas: list[Area] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    strip: list[Area] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    gaps: list[Stretch] = field(default_factory=list)
    """Those in which there was no room for a text."""


@dataclass(frozen=True)
class _Time:
    """From moments to pixels."""

    start: float
    end: float
    left: float
    right: float

    def x(self, moment: float) -> float:
        part = min(1.0, max(0.0, (moment - self.start) / (self.end - self.start)))
        return round(self.left + part * (self.right - self.left), 1)


def draw(scene: Scene, measures: Sequence[Measure], form: Format) -> tuple[Drawing, ...]:
    """Return the chart of each measure in a format, on one axis of time."""
    panels = [_scaled(scene, measure, form) for measure in measures]
    every = [panel for mine in panels for panel in mine]
    left = 8 + max(width_of(text) for panel in every for _, text in panel.scale.ticks)
    names = [component for panel in every if not panel.title for component in panel.components]
    right = form.width - (22 + max(width_of(shortened(name, _LABEL_ROOM)) for name in names) if names else _EDGE)
    time = _Time(scene.start, scene.end, left, right)
    return tuple(_drawing(scene, measure, form, time, mine) for measure, mine in zip(measures, panels, strict=True))


def _drawing(scene: Scene, measure: Measure, form: Format, time: _Time, panels: Sequence[_Panel]) -> Drawing:
    canvas = _Canvas()
    canvas.texts.append(Text(0, LINE - _LOWER, shortened(measure.heading, form.width), kind="strong"))
    top, left_out = _flags(canvas, scene, time, form, LINE + 4) if measure.flagged else (LINE + 4, ())
    top = _phases(canvas, scene, time, top)
    bottom = top
    for panel in _stacked(panels, top):
        _panel(canvas, scene, measure, time, panel)
        bottom = panel.bottom
    height = _time_axis(canvas, time, bottom, form.width)
    return Drawing(
        name=f"chart-{measure.name}-{form.kind}", kind=form.kind, width=form.width, height=round(height),
        title=measure.heading, description=measure.description, areas=tuple(canvas.areas), rules=tuple(canvas.rules),
        lines=tuple(canvas.lines), strip=tuple(canvas.strip), texts=tuple(canvas.texts), left_out=left_out,
        silent=tuple(dict.fromkeys(missing(canvas.gaps))))


def _scaled(scene: Scene, measure: Measure, form: Format) -> list[_Panel]:
    """Return the panels, not yet at their places: one for all components, or one for each."""
    every = tuple(scene.shown)
    alone = len(every) <= form.together
    groups = [every] if alone else [(component,) for component in every]
    height, most = (measure.tall, 5) if alone and measure.flagged else (measure.tall, 3) if alone else (measure.low, 2)

    def scale(components: Iterable[str]) -> Scale:
        return measure.scale((sample for one in components for sample in scene.shown[one]), most)

    return [_Panel(group, "" if len(group) > 1 else group[0], 0.0, height, scale(every if measure.shared else group))
            for group in groups]


def _stacked(panels: Sequence[_Panel], top: float) -> Iterator[_Panel]:
    for panel in panels:
        top += (LINE + 4 if panel.title else 0) + _BETWEEN
        yield _Panel(panel.components, panel.title, top, panel.height, panel.scale)
        top += panel.height


def _flags(canvas: _Canvas, scene: Scene, time: _Time, form: Format, top: float) -> tuple[float, tuple[str, ...]]:
    """Draw the marks' texts and their lines down to the phases; return where these end, and what had no place."""
    flags = [Flag(time.x(mark.at), mark.text if form.wordy else mark.short, mark.importance, mark.deed)
             for mark in scene.marks]
    placed, dropped = rows_of(flags, form.width, form.rows)
    used = 1 + max((one.row for one in placed), default=-1)
    bottom = top + used * LINE
    for one in placed:
        canvas.texts.append(_flag_text(one, bottom))
        canvas.rules.append(Rule(one.flag.x, bottom - (one.row + 1) * LINE + 3, one.flag.x, bottom + 4,
                                 _kind(one.flag.deed)))
    return bottom + 4, tuple(flag.text for flag in dropped)


def _kind(deed: bool) -> str:
    return "deed" if deed else "mark"


def _flag_text(one: Placed, bottom: float) -> Text:
    y = bottom - one.row * LINE - _LOWER
    return Text(round(one.left, 1), y, one.text) if one.after else Text(round(one.right, 1), y, one.text, "end")


def _phases(canvas: _Canvas, scene: Scene, time: _Time, top: float) -> float:
    """Draw the phases, with their names where these fit, else their numbers; return where they end."""
    if not scene.spans:
        return top
    for number, span in enumerate(scene.spans, 1):
        left, right = time.x(span.start), time.x(scene.end if span.end is None else span.end)
        canvas.strip.append(Area(left, top, max(1.0, round(right - left, 1)), _STRIP,
                                 "phase worse" if span.bad else "phase better"))
        text = next((text for text in (f"{number} {span.name}", str(number)) if width_of(text) + 6 <= right - left), "")
        if text:
            canvas.texts.append(Text(left + 3, top + _STRIP / 2 + _LOWER, text, kind="strong"))
    return top + _STRIP


def _panel(canvas: _Canvas, scene: Scene, measure: Measure, time: _Time, panel: _Panel) -> None:
    if panel.title:
        canvas.texts.append(Text(time.left, panel.top - 7, shortened(panel.title, time.right - time.left)))
    for span in scene.spans:
        canvas.areas.append(_shade(time, panel, span.start, scene.end if span.end is None else span.end,
                                   "bad" if span.bad else "good"))
    for value, text in panel.scale.ticks:
        y = panel.y(value / panel.scale.factor)
        canvas.rules.append(Rule(time.left, y, time.right, y, "grid"))
        canvas.texts.append(Text(time.left - 6, y + _LOWER, text, "end"))
    for mark in scene.marks:
        canvas.rules.append(Rule(time.x(mark.at), panel.top, time.x(mark.at), panel.bottom, _kind(mark.deed)))
    _missing(canvas, scene, measure, time, panel)
    ends = []
    for place, component in enumerate(panel.components):
        style = list(scene.shown).index(component) % _STYLES
        line, end = _line(scene.shown[component], measure, time, panel, style, place)
        canvas.lines.append(line)
        ends.append((component, style, end))
    if not panel.title:
        _end_labels(canvas, time, panel, ends)


def _missing(canvas: _Canvas, scene: Scene, measure: Measure, time: _Time, panel: _Panel) -> None:
    """Draw when nothing was measured, and when a component had no requests."""
    taken: list[Area] = []
    found = [(stretch, "not measured", "") for stretch in scene.unmeasured]
    for stretch in scene.idle if measure.requested else ():
        names = [name for name in stretch.components if name in panel.components]
        if names:
            found.append((stretch, "no requests", "" if len(names) == len(panel.components) else ", ".join(names)))
    for stretch, said, names_of in found:
        area = _shade(time, panel, stretch.start, stretch.end, "none")
        canvas.areas.append(area)
        if width_of(said) <= area.width - 6 and all(
                area.x >= other.x + other.width or other.x >= area.x + area.width for other in taken):
            taken.append(area)
            middle, y = round(area.x + area.width / 2, 1), panel.top + panel.height / 2 + _LOWER
            for number, text in enumerate(filter(None, (said, shortened(names_of, area.width - 6)))):
                canvas.texts.append(Text(middle, y + number * LINE, text, "middle", "over"))
        elif area.width > _NOTABLE * (time.right - time.left):
            canvas.gaps.append(stretch)


def _shade(time: _Time, panel: _Panel, start: float, end: float, kind: str) -> Area:
    left, right = time.x(start), time.x(end)
    return Area(left, panel.top, round(right - left, 1), panel.height, kind)


def _line(mine: Samples, measure: Measure, time: _Time, panel: _Panel, style: int,
          place: int) -> tuple[Line, tuple[float, float]]:
    """Return a component's line and where it ends; ``place`` is its number in the panel."""
    parts, drawn, last = [], [], (time.left, panel.bottom)
    for part in connected(mine, requested=measure.requested):
        points = [(time.x(sample.middle), panel.y(measure.value(sample))) for sample in part]
        drawn += points
        if len(part) == 1:
            # One period alone is drawn as long as it was.
            points = [(time.x(moment), points[0][1]) for moment in (part[0].start, part[0].end)]
        parts.append(" ".join(f"{x},{y}" for x, y in points))
        last = points[-1]
    # Lines that lie on each other have their symbols at different periods.
    together = len(panel.components)
    every = max(together, math.ceil(_SYMBOL_EVERY / ((time.right - time.left) / max(1, len(mine)))))
    symbols = "".join(_symbol(style, x, y) for x, y in drawn[place * every // together::every] or drawn[:1])
    return Line(style, _DASHES[style], tuple(parts), symbols), last


def _symbol(style: int, x: float, y: float) -> str:
    """Return the SVG path of a circle, a square, a triangle or a diamond."""
    r, far = _SYMBOL, _SYMBOL + 1
    left, top, bottom = round(x - r, 1), round(y - r, 1), round(y + r, 1)
    return (f"M{left},{y}a{r},{r} 0 1 0 {2 * r},0a{r},{r} 0 1 0 {-2 * r},0z",
            f"M{left},{top}h{2 * r}v{2 * r}h{-2 * r}z",
            f"M{left - 1},{bottom}h{2 * far}l{-far},{-2 * far}z",
            f"M{left - 1},{y}l{far},{-far}l{far},{far}l{-far},{far}z")[style]


def _end_labels(canvas: _Canvas, time: _Time, panel: _Panel,
                ends: Sequence[tuple[str, int, tuple[float, float]]]) -> None:
    """Write each component's name where its line ends, with the line's symbol."""
    middles = apart([y for _, _, (_, y) in ends], LINE, panel.top, panel.bottom - 3)
    for (component, style, (x, y)), middle in zip(ends, middles, strict=True):
        if time.right - x < _ENDS_NEAR:
            canvas.rules.append(Rule(x, y, time.right + 5, round(middle, 1), "lead"))
        canvas.lines.append(Line(style, "", (), _symbol(style, time.right + 9, round(middle, 1))))
        canvas.texts.append(Text(time.right + 17, round(middle + _LOWER, 1), shortened(component, _LABEL_ROOM),
                                 kind="strong"))


def _time_axis(canvas: _Canvas, time: _Time, top: float, width: float) -> float:
    """Write round times below the panels; return where the drawing ends."""
    dates = False
    for moment in moments(time.start, time.end, time.right - time.left):
        x = time.x(moment.at)
        canvas.rules.append(Rule(x, top, x, top + 4, "grid"))
        for number, text in enumerate(filter(None, (moment.text, moment.date))):
            if width_of(text) / 2 <= min(x, width - x):
                canvas.texts.append(Text(x, top + 4 + (number + 1) * LINE - 3, text, "middle"))
                dates = dates or number > 0
    return top + 4 + LINE * (2 if dates else 1) + 2

