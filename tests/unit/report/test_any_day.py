"""Incidents at odd times: over midnight, a year's end, on leap days, when clocks change, and one of three days."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.model.incident import IncidentRecord
from responder.model.moment import iso, seconds
from responder.model.service import Freeze
from responder.plan.guardrails import within
from responder.plan.replay import replay, service_of
from responder.plan.review import review
from responder.plan.review.live import live
from responder.plan.usual_traffic import WEEKS, same_times
from responder.records.record import unpack
from responder.records.report import render
from tests.conftest import ROOT

ISO = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
EPOCH = re.compile(r"(?<![\w.:#-])1[78]\d{8}(?:\.\d+)?(?![\w.])")
DAY = 86_400.0


@cache
def text_of(name: str) -> str:
    return json.dumps(unpack((ROOT / "tests" / "records" / f"{name}.json.gz").read_bytes()))


def moved(name: str, to: Callable[[float], float]) -> Any:
    """Return a recorded incident with every moment in it moved."""
    text = ISO.sub(lambda found: iso(to(seconds(found[0]))), text_of(name))
    return json.loads(EPOCH.sub(lambda found: repr(to(float(found[0]))), text))


def opened(name: str) -> float:
    item = next(item for item in json.loads(text_of(name))["items"] if item["sk"] == "INCIDENT")
    return seconds(item["opened_at"])


def reported(record: Any) -> dict[str, str]:
    return render(review(IncidentRecord.of(record["items"]), service=service_of(record)))


NIGHTS = ["2026-11-27T00:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", "2028-02-29T00:00:00Z",
          "2028-03-01T00:00:00Z", "2027-03-28T01:00:00Z", "2026-10-25T01:00:00Z", "2027-03-14T07:00:00Z"]
"""Midnights, ends of a month and a year, both ends of a leap day, and changes of the clocks in Berlin and New York."""


@pytest.mark.parametrize("night", NIGHTS)
def test_an_incident_over_midnight_is_decided_as_any_other_and_its_report_says_the_day(night: str) -> None:
    name = "bad-release"
    # It is opened on one day and recovers on the next; periods of ten seconds stay periods.
    by = (seconds(night) - opened(name) - 10) // 10 * 10
    record, as_it_was = moved(name, lambda at: at + by), unpack((ROOT / f"tests/records/{name}.json.gz").read_bytes())
    assert [one.again for one in replay(record) if one.same] and all(one.same for one in replay(record))
    items = [item["sk"] for item in record["items"]]
    assert [re.sub(ISO, "", key) for key in sorted(items)] == [
        re.sub(ISO, "", key) for key in sorted(item["sk"] for item in as_it_was["items"])]
    page, first = reported(record)["md"], datetime.fromtimestamp(opened(name) + by, UTC)
    assert f"{first.day} {first:%B %Y}" in page.split("\n", 4)[2]
    after = datetime.fromtimestamp(seconds(night), UTC)
    if after.date() != first.date():
        assert f"- {after.day} {after:%b} {f'{after.year} ' if after.year != first.year else ''}00:00:" in page
    plain = reported(as_it_was)["md"]
    # Nothing but times differs.
    assert _without_times(page) == _without_times(plain)


def _without_times(text: str) -> str:
    text = re.sub(r"\d{1,2} [A-Z][a-z]{2,8} (?:\d{4}(?! 0\d{2}) ?)?(?=\d\d:\d\d|,| )|\d\d:\d\d(?::\d\d)?", "", text)
    text = re.sub(r"\d{1,2} [A-Z][a-z]+ \d{4}|\(\s*(?:[A-Z][a-z]{2})?\s*(?:CES?T|E[SD]T)\)", "", text)
    return re.sub(r"\s+", " ", text)


def test_a_report_of_three_days_says_which_day_each_time_is_of_and_keeps_its_length() -> None:
    name = "release-relapses"
    begun = opened(name)
    relapse = next(seconds(item["at"]) for item in json.loads(text_of(name))["items"]
                   if item["sk"].startswith("TIMELINE#") and "again" in str(item.get("what")))
    assert begun < relapse
    record = moved(name, lambda at: at + 3 * DAY if at >= relapse - 60 else at)
    found, plain = reported(record), reported(json.loads(text_of(name)))
    later = datetime.fromtimestamp(relapse + 3 * DAY, UTC)
    assert f"{later.day} {later:%b} " in found["md"]
    # What was measured is in the file for programs; people's formats grow by little.
    assert all(len(found[ending]) < 2 * len(plain[ending]) for ending in ("html", "md"))
    assert len(found["json"]) < 5_000_000
    page = live(service_of(record), IncidentRecord.of(record["items"]), relapse + 3 * DAY + 60)
    assert page.title


# --- the team's clock -----------------------------------------------------------------------------------------------

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "UTC"]


@settings(max_examples=200, derandomize=True)
@given(st.sampled_from(ZONES), st.integers(0, 4 * 365 * 144))
def test_the_same_time_of_other_weeks_is_a_week_apart_but_for_the_clocks(zone: str, step: int) -> None:
    start = seconds("2025-01-01T00:00:00Z") + step * 600
    for week, (first, last) in enumerate(same_times(start, start + 7200, ZoneInfo(zone)), 1):
        # Half an hour on Lord Howe Island, an hour elsewhere.
        assert abs(start - first - week * 7 * DAY) in (0.0, 1800.0, 3600.0)
        assert first < last and abs(last - first - 7200) <= 3600
        assert week <= WEEKS


@settings(max_examples=200, derandomize=True)
@given(st.integers(0, 4 * 365 * 24 * 60), st.integers(0, 7 * 24 * 60 - 1), st.integers(1, 6 * 24 * 60))
def test_a_weekly_freeze_is_as_long_each_week_of_the_year(minute: int, begin: int, length: int) -> None:
    """Its times are UTC, so that no change of the clocks makes it shorter."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

    def said(at: int) -> str:
        at %= 7 * 24 * 60
        return f"{days[at // 1440]} {at % 1440 // 60:02d}:{at % 60:02d}"

    freeze, now = Freeze(said(begin), said(begin + length)), seconds("2025-01-06T00:00:00Z") + minute * 60
    assert within(freeze, now) == ((minute - begin) % (7 * 24 * 60) < length)
    assert within(freeze, now) == within(freeze, now + 7 * DAY)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("night", NIGHTS)
def test_both_times_of_a_report_are_told_apart_when_the_clocks_change(zone: str, night: str) -> None:
    """The hour that comes twice has two names: CEST and CET."""
    from responder.plan.wording import moment

    told = [moment(seconds(night) + minute * 60, ZoneInfo(zone)) for minute in range(-120, 120, 10)]
    assert len(set(told)) == len(told)
