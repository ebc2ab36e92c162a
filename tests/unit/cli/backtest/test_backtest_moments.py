"""Past incidents are found by the history of the alarms as the responder would have opened them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.backtest import alarm_history
from cli.backtest.moments import Turn, moments, turn_of
from responder.model.moment import seconds

DATA = ('{"version":"1.0","oldState":{"stateValue":"OK","stateReason":"fine"},"newState":{"stateValue":"ALARM",'
        '"stateReason":"testing purposes"}}')
"""AWS CLI's page "describe-alarm-history" has such an item."""


def test_an_item_of_the_history_is_read() -> None:
    assert turn_of("a", 5.0, DATA) == Turn("a", 5.0, "ALARM", "testing purposes")


@pytest.mark.parametrize("data", ["", "{", "[]", '{"newState": "ALARM"}', "null"])
def test_an_item_that_cannot_be_read_is_left_out(data: str) -> None:
    assert turn_of("a", 5.0, data) is None


def test_a_further_alarm_while_one_is_on_or_soon_after_is_the_same_incident() -> None:
    turns = [Turn("outage", 100, "ALARM"), Turn("burn", 150, "ALARM"), Turn("outage", 200, "OK"),
             Turn("outage", 1500, "ALARM"), Turn("outage", 1600, "OK"), Turn("burn", 1700, "OK"),
             Turn("outage", 1700 + 1800, "ALARM"), Turn("outage", 3600, "OK"), Turn("outage", 3600 + 1801, "ALARM")]
    found = moments("shop", turns, 1800)
    assert [seconds(one.at) for one in found] == [100, 5401]
    assert [one.alarm for one in found] == ["outage", "outage"]


TURNS = st.lists(st.builds(Turn, st.sampled_from(["a", "b"]), st.integers(0, 20_000).map(float),
                           st.sampled_from(["ALARM", "OK", "INSUFFICIENT_DATA"])), max_size=30)


@settings(max_examples=40)
@given(TURNS, st.randoms())
def test_the_order_of_the_items_changes_nothing_and_incidents_lie_apart(turns: list[Turn], chance: Any) -> None:
    turns = list({(turn.alarm, turn.at): turn for turn in turns}.values())
    shuffled = list(turns)
    chance.shuffle(shuffled)
    found = moments("shop", turns, 600)
    assert found == moments("shop", shuffled, 600)
    times = [seconds(one.at) for one in found]
    assert all(after - before > 600 for before, after in pairwise(times))
    assert set(times) <= {turn.at for turn in turns if turn.state == "ALARM"}
    assert bool(times) == any(turn.state == "ALARM" for turn in turns)


class History:
    """DescribeAlarmHistory, two items a page; keeps what it was asked."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.items, self.asked = items, list[dict[str, Any]]()

    def describe_alarm_history(self, **given: Any) -> dict[str, Any]:
        self.asked.append(given)
        first = int(given.get("NextToken", 0))
        following = {"NextToken": str(first + 2)} if first + 2 < len(self.items) else {}
        return {"AlarmHistoryItems": self.items[first:first + 2], **following}


def test_all_pages_are_read_and_composite_alarms_are_asked_for_by_their_type(monkeypatch: pytest.MonkeyPatch) -> None:
    history = History([{"Timestamp": datetime.fromtimestamp(at, UTC), "HistoryData": json.dumps(
        {"newState": {"stateValue": "ALARM", "stateReason": "r"}})} for at in (10, 20, 30, 40, 50)])
    monkeypatch.setattr(alarm_history.aws, "client", lambda *_: history)
    found = alarm_history.turns(["outage"], 0.0, 100.0)
    assert [turn.at for turn in found] == [10, 20, 30, 40, 50]
    assert len(history.asked) == 3
    assert all("CompositeAlarm" in asked["AlarmTypes"] and asked["HistoryItemType"] == "StateUpdate"
               for asked in history.asked)
