"""What a soak makes of its samples: what grows is named, what only swings, warms up or steps once is not."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.soak.__main__ import alike, told
from sandbox.soak.judging import FEWEST, Sample, after_warm_up, grown, growth, reasons, slopes
from sandbox.soak.measuring import held
from tests.unit.sandbox.test_drill_result import DRILL


def course(value: Callable[[float], float], name: str = "engine: MB", drills: int = 45,
           seconds: float = 3600) -> list[Sample]:
    """One sample after each drill; ``value`` of the hours since the beginning."""
    return [Sample(at, "bad-release", {name: value(at / 3600)}) for at in (
        seconds * (number + 1) / drills for number in range(drills))]


@pytest.mark.parametrize(("name", "value"), [
    ("engine: MB", lambda hours: 200 + 60 * hours), ("world: handles", lambda hours: 40 + 12 * hours),
    ("engine's workers: processes", lambda hours: 44 + 5 * hours),
    ("table: items without an end", lambda hours: 30 + 8 * hours)])
def test_what_grows_is_named_with_its_slope(name: str, value: Callable[[float], float]) -> None:
    chance = random.Random(1)
    found, = reasons(course(lambda hours: value(hours) * chance.uniform(0.99, 1.01), name))
    assert found.startswith(f"{name} grows by ") and "is allowed" in found
    assert told(course(value, name)) == 1


@pytest.mark.parametrize("value", [
    lambda hours: 200.0, lambda hours: 260 - 100 * hours, lambda hours: 200 + 8 * hours,
    # Loaded in the first minutes; a single peak; a step that stays.
    lambda hours: 200 - 120 * max(0.0, 0.2 - hours), lambda hours: 900 if 0.6 < hours < 0.63 else 200,
    lambda hours: 200 + (25 if hours > 0.9 else 0)])
def test_what_does_not_grow_passes(value: Callable[[float], float]) -> None:
    assert reasons(course(value)) == []
    assert told(course(value)) == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(10, 2000))
def test_noise_alone_never_fails_a_soak(seed: int, level: float) -> None:
    chance = random.Random(seed)
    assert reasons(course(lambda hours: level * chance.uniform(0.97, 1.03))) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1000, 1000), min_size=FEWEST, max_size=30), st.floats(0, 5000))
def test_more_growth_is_never_judged_milder(noise: list[float], added: float) -> None:
    points = [(60.0 * n, 2000.0 + value) for n, value in enumerate(noise)]
    steeper = [(at, value + added * at / 3600) for at, value in points]
    assert growth("engine: MB", points).an_hour <= growth("engine: MB", steeper).an_hour + 1e-6


def test_one_point_that_is_far_off_hardly_moves_the_slope() -> None:
    points = [(60.0 * n, 100.0 + n) for n in range(20)]
    assert growth("a: handles", points).an_hour == pytest.approx(60)
    points[-1] = (points[-1][0], 5000.0)
    assert growth("a: handles", points).an_hour == pytest.approx(60)
    assert slopes([(1.0, 1.0), (1.0, 9.0)]) == []


def test_too_few_drills_are_no_pass() -> None:
    assert any("let it run longer" in reason for reason in reasons(course(lambda hours: 200.0, drills=5)))
    assert reasons([]) and grown([]) == [] and told([]) == 1


def test_executions_that_did_not_end_and_drills_that_were_not_met_fail_it() -> None:
    samples = course(lambda hours: 200.0)
    samples[3] = Sample(samples[3].at_seconds, "false-alarm", samples[3].values, ("e-17",), ("outcome: none",))
    first, second = reasons(samples)
    assert "1 executions had not ended: e-17" in first and second.endswith("outcome: none")


def test_a_process_that_was_not_there_all_the_time_is_not_compared() -> None:
    samples = course(lambda hours: 200.0)
    samples[-1] = Sample(3600, "bad-release", {"world: MB": 5.0})
    assert grown(after_warm_up(samples)) == []


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no /proc")
def test_processes_are_measured_with_their_workers() -> None:
    # The worker speaks once it has begun: before that it is a copy of the one that starts it, or nothing yet.
    code = ("import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'print(flush=True); input()'], "
            "stdin=0); child.wait()")
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        found = held({"engine": process.pid, "gone": 2 ** 22 + 1})
    finally:
        process.communicate(b"\n", timeout=20)
    assert found["engine: MB"] > 1 and found["engine: handles"] >= 2
    assert found["engine's workers: processes"] == 1 and found["engine's workers: MB"] > 1
    assert not any(name.startswith("gone") for name in found)


def test_drills_of_another_deployment_are_left_out() -> None:
    other = DRILL.model_copy(update={"start": DRILL.start.model_copy(update={"mode": "observe"})})
    assert alike([DRILL, other, DRILL]) == [DRILL, DRILL]
