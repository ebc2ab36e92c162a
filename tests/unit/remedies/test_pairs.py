"""Two faults in the same calls, played on the sandbox's platform: what becomes of the first one's remedy."""

from __future__ import annotations

from bench.bed.pairs import FAULTS, pairs, play


def test_a_remedy_is_verified_by_its_own_failures() -> None:
    helped = play("read-only", "full", 20, "first")
    assert (helped.visible, helped.seen, helped.verified) == (True, "gone", True)
    idle = play("read-only", "full", 20, "second")
    assert not idle.verified


def test_each_pair_has_two_mechanisms() -> None:
    every = list(pairs())
    assert len(every) > 100
    assert {name for pair in every for name in pair} == set(FAULTS)
    assert all(FAULTS[first] != FAULTS[second] for first, second in every)
