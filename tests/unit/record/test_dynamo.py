"""The table in memory, by which tests and benches of thousands of calls go, answers as moto's does."""

from __future__ import annotations

import re
import time
from typing import Any

import boto3
import pytest
from moto import mock_aws

from responder.model.incident import Signal
from responder.model.moment import iso
from responder.records.table import Records
from tests.conftest import timeline_in_aws
from tests.dynamo import Dynamo


def told(records: Records) -> list[Any]:
    """What the records answer to calls of each kind, and what is left in the table."""
    now = time.time()
    signal = Signal(iso(now), "alarm", "a", "k", "s")
    found: list[Any] = []
    opened = [records.open("s", f"i-{n}", f"e{n}", iso(now), signal, 600.0, lease) for n, lease in (
        (1, 100.0), (2, 100.0))]
    found += [(one.incident, one.new, one.reopened) for one in opened]
    records.update("i-1", outcome="resolved", status="closed", closed_at=iso(now), evidence_cutoff=iso(now - 5))
    records.close("s", "i-1", "somebody else")
    found.append(records.lock("s") is not None)
    records.close("s", "i-1", "e1")
    again = records.open("s", "i-3", "e3", iso(now), signal, 600.0, 100.0)
    found += [again.incident, again.reopened, records.require("i-1").reopenings]
    found += [bool(records.hold("t", name, seconds)) for name, seconds in (("i-1", 60.0), ("i-2", 60.0), ("i-1", 1.0))]
    found += [records.hold("t", "i-1", -60.0), records.hold("t", "i-2", 60.0), records.holds("t", "i-1", 1)]
    found += [records.take_channel("i-1", "sns"), records.take_channel("i-1", "sns")]
    found += [records.put_once({"pk": "A#1", "sk": "x", "n": 0.5}), records.put_once({"pk": "A#1", "sk": "x"})]
    records.put_all_once([{"pk": "A#2", "sk": str(number % 12)} for number in range(12)])
    records.put_all_once([{"pk": "A#2", "sk": str(number), "n": 1} for number in range(11, 14)])
    found += [(item["sk"], item.get("n")) for item in records.partition("A#2")]
    found += [records.partition("A#1"), records.first("A#1", "y", "z"), records.item("A#1", "x")]
    records.delete("A#1", "x")
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        records._set("A#1", "x", {"n": 1})
    return [re.sub(r"'expires': \d+|" + str(int(now)), "…", str(one)) for one in found]


def test_it_answers_as_moto_does() -> None:
    with mock_aws():
        timeline_in_aws()
        real = told(Records("timeline", boto3.client("dynamodb")))
    assert told(Records("timeline", Dynamo())) == real
