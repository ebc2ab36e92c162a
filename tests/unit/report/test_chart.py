"""The report's charts: round figures, texts that stand apart, and no line where nothing was measured."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.model.evidence import Bucket, Series
from responder.model.moment import iso
from responder.plan.review import Review
from responder.records.chart import Chart, Drawing, chart_of
from responder.records.chart.axes import STEPS, moments, rates, shares
from responder.records.chart.placing import Flag, apart, rows_of
from responder.records.chart.samples import MOST_POINTS, connected, samples
from responder.records.chart.shapes import SIZE, Text, shortened, width_of
from responder.records.report import render
from tests.pages.worst import LONG, START, between, remedy, reviewed, steady, worst

FAILING = between(60, 130)


def charted(review: Review) -> Chart:
    chart = chart_of(review)
    assert chart is not None
    return chart


def drawing(review: Review, name: str) -> Drawing:
    return next(one for one in charted(review).drawings if one.name == f"chart-{name}")


def said(drawing: Drawing) -> list[str]:
    return [text.text for text in drawing.texts]


def box(text: Text) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a text."""
    wide = width_of(text.text)
    left = text.x - {"start": 0.0, "middle": wide / 2, "end": wide}[text.anchor]
    return left, text.y - 0.8 * SIZE, left + wide, text.y + 0.1 * SIZE


def overlapping(drawing: Drawing) -> list[tuple[str, str]]:
    boxes = [(text.text, box(text)) for text in drawing.texts]
    return [(one, other) for place, (one, a) in enumerate(boxes) for other, b in boxes[place + 1:]
            if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]]


def outside(drawing: Drawing) -> list[str]:
    return [text.text for text in drawing.texts for left, top, right, bottom in [box(text)]
            if left < -0.5 or right > drawing.width + 0.5 or top < -0.5 or bottom > drawing.height + 0.5]


# --- axes -------------------------------------------------------------------------------------------------------------


@given(st.floats(0, 1), st.integers(2, 6))
def test_shares_have_round_ticks_from_nothing_to_above_the_highest(highest: float, most: int) -> None:
    ticks = shares(highest, most).ticks
    _check(ticks, highest, most)
    assert ticks[-1][0] <= 1
    assert all(text.endswith("%") and float(text[:-1]) == pytest.approx(figure * 100) for figure, text in ticks)


@given(st.floats(0, 1e9), st.integers(2, 6))
def test_rates_have_round_ticks_in_a_unit_that_people_can_read(highest: float, most: int) -> None:
    scale = rates(highest, most, highest)
    _check(scale.ticks, highest * scale.factor, most)
    assert all(len(text) <= 7 for _, text in scale.ticks)
    assert scale.part(highest) <= 1 and (not highest or scale.part(highest) > 0)


def _check(ticks: Sequence[tuple[float, str]], highest: float, most: int) -> None:
    figures = [figure for figure, _ in ticks]
    step = figures[1]
    assert figures[0] == 0 and figures[-1] >= highest * (1 - 1e-6) and len(ticks) <= most + 1
    assert all(later - earlier == pytest.approx(step) for earlier, later in pairwise(figures))
    assert float(f"{step / 10 ** math.floor(math.log10(step) + 1e-9):.6g}") in (1, 2, 5)
    assert len({text for _, text in ticks}) == len(ticks)


@given(st.floats(START, START + 1e7), st.floats(1, 4e6), st.floats(150, 700))
def test_times_of_day_are_round_and_stand_apart(start: float, seconds: float, width: float) -> None:
    found = moments(start, start + seconds, width)
    step = min((later.at - earlier.at for earlier, later in pairwise(found)), default=1.0)
    assert step in STEPS
    for moment in found:
        assert start <= moment.at <= start + seconds and moment.at % min(step, 86_400) == 0
    if len(found) > 1:
        assert step / seconds * width >= max(width_of(moment.text) for moment in found) + 6


def test_a_date_stands_where_the_day_changes_and_nowhere_in_one_day() -> None:
    texts = said(drawing(worst()["midnight"], "failed-broad"))
    assert texts.count("15 Jan") == 1 and texts.count("16 Jan") == 1
    assert not any("Jan" in text for text in said(drawing(worst()["one"], "failed-broad")))


# --- texts ------------------------------------------------------------------------------------------------------------


flags = st.lists(st.builds(Flag, st.floats(0, 356).map(lambda x: round(x, 1)), st.text("abc :-", min_size=1,
                 max_size=70), st.integers(0, 4)), max_size=16)


@settings(max_examples=60)
@given(flags, st.integers(1, 6))
def test_texts_of_marks_never_overlap_and_no_line_goes_through_one(given_flags: list[Flag], rows: int) -> None:
    placed, dropped = rows_of(given_flags, 356, rows)
    assert len(placed) + len(dropped) == len(given_flags)
    for one in placed:
        assert one.left >= 0 and one.right <= 356 and 0 <= one.row < rows
        for other in placed:
            if one is not other and one.row == other.row:
                assert one.right <= other.left or other.right <= one.left
            if one.row < other.row:
                assert not one.left < other.flag.x < one.right


@given(flags.filter(bool))
def test_the_least_important_text_goes_first_where_there_is_no_room(given_flags: list[Flag]) -> None:
    placed, dropped = rows_of(given_flags, 356, 2)
    assert placed
    assert not dropped or max(one.flag.importance for one in placed) <= min(flag.importance for flag in dropped)


@given(st.lists(st.floats(0, 100), max_size=6), st.floats(1, 15))
def test_names_at_lines_ends_stand_apart_and_stay_beside_the_panel(wanted: list[float], distance: float) -> None:
    found = apart(wanted, distance, 0, 100)
    assert all(later - earlier >= distance - 1e-6 for earlier, later in pairwise(sorted(found)))
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in found)
    if all(later - earlier >= distance for earlier, later in pairwise(sorted(wanted))):
        assert found == pytest.approx(wanted)


@given(st.text(min_size=1, max_size=80), st.floats(30, 400))
def test_a_long_text_loses_its_middle(text: str, room: float) -> None:
    short = shortened(text, room)
    assert width_of(short) <= room
    assert short == text or "…" in short


@pytest.mark.parametrize("name", list(worst()))
def test_no_two_texts_of_a_chart_overlap_and_none_is_cut(name: str) -> None:
    chart = chart_of(worst()[name])
    for one in chart.drawings if chart else ():
        assert overlapping(one) == [], one.name
        assert outside(one) == [], one.name


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 300), st.integers(1, 6))
def test_texts_stand_apart_in_any_incident(chance: random.Random, periods: int, components: int) -> None:
    def second() -> float:
        return chance.uniform(-100, 15 * periods)

    def sometimes() -> float | None:
        return chance.choice([None, second()])

    def series() -> Series:
        each, kept = chance.choice([0.0, 1.0, 400.0, 1e7]), chance.choice([0.3, 0.9, 1.0])
        made = steady(periods * 10, each=each, share=lambda at: chance.choice([0.0, chance.random()]))
        return tuple(bucket for bucket in made if chance.random() < kept)

    chart = chart_of(reviewed(
        {name: series() for name in chance.sample([LONG, "backend", "frontend", "payment-gateway", "ledger", "a"],
                                                  components)},
        onset=second(), opened=second(), diagnosed=sometimes(), well=sometimes(), recovered=sometimes(),
        escalated=sometimes(), reopened=tuple(second() for _ in range(chance.randrange(3))),
        actions=tuple(remedy(second(), status=chance.choice(["done", "verified", "failed"]))
                      for _ in range(chance.randrange(6)))))
    for one in chart.drawings if chart else ():
        assert overlapping(one) == []
        assert outside(one) == []


# --- what is drawn ----------------------------------------------------------------------------------------------------


def test_without_measurements_there_is_no_chart_and_the_report_says_so() -> None:
    assert chart_of(worst()["no-data"]) is None


def test_a_line_has_a_gap_where_nothing_was_measured_and_the_chart_says_so() -> None:
    review = worst()["nothing-measured-for-a-while"]
    sentence = "nothing was measured from 08:01:10 to 08:02:00"
    for name in ("failed-broad", "failed-slim", "traffic-broad"):
        one = drawing(review, name)
        assert all(len(line.parts) in (0, 2) for line in one.lines)
        assert "not measured" in said(one) or one.silent == (sentence,)
        shaded = next(area for area in one.areas if area.kind == "none")
        for x in (float(point.split(",")[0]) for line in one.lines for part in line.parts for point in part.split()):
            assert not shaded.x < x < shaded.x + shaded.width
    assert sentence in drawing(review, "failed-broad").description
    assert "not measured" in said(drawing(review, "failed-broad"))
    assert any(sentence in some.texts for some in charted(review).unlabelled)


@given(st.sets(st.integers(0, 100), min_size=1), st.integers(5, 60))
def test_no_line_crosses_a_gap_and_every_measurement_is_on_one(numbers: set[int], period: int) -> None:
    rows = tuple(Bucket(START + number * period, 10.0, 1.0) for number in sorted(numbers | {200, 201}))
    found = samples({"a": rows}, START, START + 202 * period)["a"]
    parts = list(connected(found))
    assert [sample for part in parts for sample in part] == list(found)
    assert all(later.start - earlier.end <= earlier.seconds / 2 for part in parts for earlier, later in pairwise(part))


def test_a_component_without_requests_has_no_error_rate_and_its_traffic_is_drawn_as_none() -> None:
    review = worst()["no-requests"]
    failed, traffic = drawing(review, "failed-broad"), drawing(review, "traffic-broad")
    silent = charted(review).components.index("payment-gateway")
    assert len(failed.lines[silent].parts) == 2 and len(traffic.lines[silent].parts) == 1
    assert "no requests" in said(failed) and said(failed).count("payment-gateway") == 2
    assert "payment-gateway had no requests from 08:01:10 to 08:02:00" in failed.description


def test_of_the_time_after_the_last_measurement_no_end_is_said() -> None:
    one = drawing(reviewed({"a": steady(100, share=FAILING)}, well=None, escalated=150), "failed-broad")
    assert "nothing was measured after 08:01:40" in one.description and "to 08:0" not in one.description


def test_few_requests_at_night_make_no_outage() -> None:
    quiet = tuple(Bucket(START + 10 * n, float(n % 3 == 0), 0.0) for n in range(20))
    assert "no requests" not in said(drawing(reviewed({"a": quiet}), "failed-broad"))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 3000), st.sampled_from([7, 10, 60]))
def test_no_line_has_more_points_than_can_be_told_apart_and_no_request_is_lost(periods: int, period: int) -> None:
    series = steady(periods * period, period=period, share=FAILING)
    found = samples({"a": series}, START, START + periods * period)["a"]
    assert len(found) <= MOST_POINTS + 1
    assert sum(sample.requests for sample in found) == pytest.approx(sum(bucket.requests for bucket in series))
    assert sum(sample.errors for sample in found) == pytest.approx(sum(bucket.errors for bucket in series))
    assert all(sample.per_second == pytest.approx(400 / period) for sample in found)


def test_lines_are_told_apart_without_colour() -> None:
    lines = [line for line in drawing(worst()["four-hours"], "failed-broad").lines if line.parts]
    assert len({line.dash for line in lines}) == 4
    shapes = {re.sub(r"[\d.,M]+", "", line.symbols.split("z")[0]) for line in lines}
    assert len(shapes) == 4


def test_phases_and_remedies_are_named_and_timed() -> None:
    chart = charted(worst()["one"])
    assert [(phase.name, phase.when) for phase in chart.phases] == [
        ("not detected", "15 s"), ("detected", "10 s"), ("diagnosed", "5.0 s"), ("remedy applied", "40 s"),
        ("watched", "30 s"), ("well", "from 08:02:40")]
    one = chart.drawings[0]
    assert "rollback: payment-gateway" in said(one) and "4 remedy applied" in said(one)
    deeds = {rule.x1 for rule in one.rules if rule.kind == "deed"}
    assert len(deeds) == 1


def test_each_opening_of_a_relapse_has_its_own_phases() -> None:
    names = [phase.name for phase in charted(worst()["three-relapses"]).phases]
    assert names == ["not detected", "detected", "diagnosed", "remedy applied", "well", "relapsed", "remedy applied",
                     "well", "relapsed", "relapsed", "escalated"]


def test_a_remedy_that_was_verified_for_one_component_does_not_make_the_incident_well() -> None:
    verified = replace(remedy(90), verified_at=iso(START + 100))
    names = [phase.name for phase in charted(reviewed({"a": steady(200, share=FAILING)}, actions=(verified,))).phases]
    assert names == ["not detected", "detected", "diagnosed", "remedy applied", "watched", "well"]


def test_what_a_chart_has_no_room_for_is_said_beside_it() -> None:
    late = charted(worst()["measured-late"])
    assert all("09:06:40 escalated" in some.texts for some in late.unlabelled) and len(late.unlabelled) == 2
    assert not any("escalated" in text for text in said(late.drawings[0]))
    crowded = charted(worst()["twelve-marks-in-five-seconds"])
    told = {text.split(" ", 1)[1] for some in crowded.unlabelled if some.kind == "broad" for text in some.texts}
    shown = set(said(crowded.drawings[0]))
    assert {"detected", "well again", "inform customers", "engage network team"} <= told | shown
    assert not told & shown


def test_more_components_than_can_be_shown_are_counted_and_the_worst_are_shown_first() -> None:
    chart = charted(reviewed({f"c{n:02d}": steady(200, share=between(60, 130, n / 20)) for n in range(13)}))
    assert chart.components[0] == "c12" and len(chart.components) == 10 and chart.hidden == 3


def test_long_incidents_with_many_components_make_no_heavy_page() -> None:
    page = render(reviewed({f"component-{n}": steady(14_400, share=FAILING) for n in range(10)}))["html"]
    assert len(page) < 400_000


def test_a_component_s_name_shows_as_text() -> None:
    page = render(reviewed({"<script>alert(1)</script>": steady(200, share=FAILING)}))["html"]
    assert "<script" not in page and "&lt;script&gt;" in page
