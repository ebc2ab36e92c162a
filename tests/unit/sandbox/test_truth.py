"""The sandbox's ground truth: every request that the platform served, and when the symptom was there."""

from __future__ import annotations

import gzip
import random
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.platform.flow import BALANCER, Calls, Served
from sandbox.platform.telemetry import Telemetry
from sandbox.platform.versions import Versions
from sandbox.truth import Column, Happened, Stretch, decode, encode, symptoms, truth

BEGUN = 1_800_000_000.0


def platform(*, bad: range, gone: range, seconds: int = 120) -> Telemetry:
    """Forty requests a second; the gateway fails half of them in ``bad``, the entry has no pod in ``gone``."""
    telemetry, rng = Telemetry(Versions()), random.Random(1)
    telemetry.reset(BEGUN, 40.0, random.Random(2))
    for second in range(seconds):
        failed = 20 if second in bad else 0
        served = [Served("payment-gateway", "p", "1.0.0", 40, failed, (9.0,), {}),
                  Served("backend", "b", "1.0.0", 40, failed, (9.0,), {}, {"payment-gateway": Calls(40, failed)}),
                  Served("frontend", "f", "1.0.0", 40, failed, (9.0,), {}, {"backend": Calls(40, failed)})]
        lost = [Served(BALANCER, "", "", 40, 40, (), {"no target": 40})]
        telemetry.second(BEGUN + second, lost if second in gone else served, rng)
    return telemetry


def test_every_request_is_counted_where_it_was_made_and_where_it_arrived() -> None:
    found = truth(platform(bad=range(30, 60), gone=range(80, 90)), "some", 40.0, BEGUN, BEGUN + 120,
                  [Happened("0", "release", BEGUN + 30, BEGUN + 30.2)]).seconds
    entry, gateway = found.components["frontend"], found.components["payment-gateway"]
    assert found.at == [int(BEGUN) + second for second in range(120)]
    assert (sum(entry.made), sum(entry.reached), sum(entry.failed)) == (4800, 4400, 600)
    assert sum(found.customers_failed) == 600 + 400
    assert (sum(gateway.made), sum(gateway.reached), sum(gateway.failed)) == (4400, 4400, 600)


def test_a_symptom_is_there_from_its_first_second_to_its_last() -> None:
    found = truth(platform(bad=range(30, 60), gone=range(80, 90)), "some", 40.0, BEGUN, BEGUN + 120, [])
    assert [(item.began - BEGUN, item.ended and item.ended - BEGUN) for item in found.symptoms] == [(30, 60), (80, 90)]
    lasting = truth(platform(bad=range(100, 120), gone=range(0)), "some", 40.0, BEGUN, BEGUN + 120, [])
    assert [item.ended for item in lasting.symptoms] == [None]
    assert not truth(platform(bad=range(0), gone=range(0)), "some", 40.0, BEGUN, BEGUN + 120, []).symptoms


def test_the_healthy_time_before_is_kept_and_counted_once() -> None:
    telemetry = platform(bad=range(0), gone=range(0))
    found = truth(telemetry, "some", 40.0, BEGUN, BEGUN + 120, [])
    assert found.healthy.at[0] < BEGUN - 7000 and found.healthy.at[-1] < BEGUN
    for stretch, rows in ((found.healthy, [row for row in telemetry.transactions if row.at < BEGUN]),
                          (found.seconds, [row for row in telemetry.transactions if row.at >= BEGUN])):
        assert sum(stretch.components["backend"].reached) == sum(
            row.requests for row in rows if row.component == "backend")
        assert sum(stretch.components["backend"].made) == sum(stretch.components["backend"].reached)


def test_the_same_truth_is_the_same_bytes_and_is_read_as_it_was() -> None:
    telemetry = platform(bad=range(30, 60), gone=range(0))
    first = truth(telemetry, "some", 40.0, BEGUN, BEGUN + 120, [Happened("0", "pods", BEGUN, BEGUN, BEGUN + 9)])
    assert encode(first) == encode(first) and decode(encode(first)) == first
    assert len(encode(first)) < 20_000
    other = gzip.compress(gzip.decompress(encode(first)).replace(b'"schema":1', b'"schema":0'))
    with pytest.raises(ValueError, match="schema 1, not 0"):
        decode(other)
    assert asdict(first)["events"][0]["healed"] == BEGUN + 9


@given(st.integers(0, 2**32))
def test_background_alone_is_no_symptom(seed: int) -> None:
    rng = random.Random(seed)
    failed = [sum(rng.random() < 0.004 for _ in range(40)) for _ in range(300)]
    quiet = Stretch(1, list(range(300)), {"frontend": Column([40] * 300, [40] * 300, failed)}, failed, [9.0] * 300)
    assert not symptoms(quiet)
