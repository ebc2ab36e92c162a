"""The sandbox reads metrics in a function's log as CloudWatch does, and takes a line that does not fit for text."""

from __future__ import annotations

import json

from sandbox.emf import metric_data

LINE = {"_aws": {"Timestamp": 1_795_694_400_000, "CloudWatchMetrics": [{
    "Namespace": "stage", "Dimensions": [["Service"], ["Service", "Source"], []],
    "Metrics": [{"Name": "Latency", "Unit": "Milliseconds"}]}]}, "Service": "shop", "Source": "splunk",
    "Latency": [20, 30]}


def test_each_dimension_set_and_each_value_is_a_datum() -> None:
    [(namespace, data)] = metric_data("START\n" + json.dumps(LINE) + "\nEND\n")
    assert namespace == "stage"
    assert [([item["Value"] for item in one["Dimensions"]], one["Value"]) for one in data] == [
        (["shop"], 20.0), (["shop"], 30.0), (["shop", "splunk"], 20.0), (["shop", "splunk"], 30.0), ([], 20.0),
        ([], 30.0)]
    assert {(one["MetricName"], one["Unit"], one["Timestamp"]) for one in data} == {
        ("Latency", "Milliseconds", 1_795_694_400.0)}


def test_a_single_number_is_a_value_as_well() -> None:
    [(_, data)] = metric_data(json.dumps(LINE | {"Latency": 7}))
    assert {one["Value"] for one in data} == {7.0}


def test_a_line_without_its_dimension_or_value_or_that_is_cut_has_no_metrics() -> None:
    broken = [{name: value for name, value in LINE.items() if name != left} for left in ("Source", "Latency")]
    text = "\n".join([*map(json.dumps, broken), json.dumps(LINE)[:-5], '"_aws" in a sentence'])
    assert list(metric_data(text)) == []
