"""The ledger's reads: a process reads all objects once, and again when another one wrote or an hour has passed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto import mock_aws

from responder.model.change import Change
from responder.model.watched import Watched, snapshot_of
from responder.plan.changes import difference
from responder.records import ledger as module
from responder.records.ledger import REREAD_SECONDS, Ledger
from responder.records.store import Store
from tests.conftest import timeline_in_aws

Memory = dict[str, Any]


@contextmanager
def process(memory: Memory) -> Iterator[None]:
    """Be another process: what it remembers is in ``memory``."""
    module._REMEMBERED.clear()
    module._REMEMBERED.update(memory)
    try:
        yield
    finally:
        memory.clear()
        memory.update(module._REMEMBERED)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first sort keys of the queries so far."""
    asked: list[str] = []
    whole = Store.partition

    def partition(self: Store, pk: str, first: str = " ", last: str = "~") -> Any:
        asked.append(first)
        return whole(self, pk, first, last)

    monkeypatch.setattr(Store, "partition", partition)
    return asked


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    module._REMEMBERED.clear()
    yield
    module._REMEMBERED.clear()


def cluster(**values: int) -> dict[str, Watched]:
    return snapshot_of(*(Watched("ConfigMap", name, {"data": {"A": str(value)}}, "payments", 1.0, float(value))
                         for name, value in values.items()))


def minute(kept: Ledger, now: float, seen: dict[str, Watched]) -> list[Change]:
    last, before = kept.last_snapshot()
    changes = [] if last is None else difference(before, seen, last, now)
    kept.keep(now, before, seen, changes)
    return changes


@mock_aws
def test_minutes_without_a_change_read_no_object(read: list[str]) -> None:
    table = timeline_in_aws()
    for now in range(60, 660, 60):
        minute(Ledger(table, "shop"), now, cluster(a=1, b=2))
    assert read.count("OBJECT#") == 1
    assert [change.name for change in minute(Ledger(table, "shop"), 720, cluster(a=1, b=700))] == ["b"]
    assert minute(Ledger(table, "shop"), 780, cluster(a=1, b=700)) == []
    assert read.count("OBJECT#") == 1


@mock_aws
def test_all_objects_are_read_again_after_an_hour(read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    table, now = timeline_in_aws(), [0.0]
    monkeypatch.setattr("responder.records.ledger.time.monotonic", lambda: now[0])
    for now[0] in (60.0, 120.0, REREAD_SECONDS, REREAD_SECONDS + 120.0, REREAD_SECONDS + 180.0):
        minute(Ledger(table, "shop"), now[0], cluster(a=1))
    assert read.count("OBJECT#") == 2


@mock_aws
def test_a_snapshot_that_was_interrupted_elsewhere_is_read_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    table, one, other = timeline_in_aws(), Memory(), Memory()
    with process(one):
        minute(Ledger(table, "shop"), 60, cluster(a=1, b=1))
    whole: Callable[..., None] = Ledger._put

    def cut(self: Ledger, sk: str, *rest: Any) -> None:
        if sk == "OBJECT#ConfigMap/b":
            raise TimeoutError
        whole(self, sk, *rest)

    with process(other), monkeypatch.context() as patch:
        patch.setattr(Ledger, "_put", cut)
        with pytest.raises(TimeoutError):
            minute(Ledger(table, "shop"), 120, cluster(a=110, b=110))
    with process(one):
        assert [change.name for change in minute(Ledger(table, "shop"), 180, cluster(a=110, b=110))] == ["b"]
    assert {change.name for change in Ledger(table, "shop").changes(0.0)} == {"a", "b"}


@mock_aws
@pytest.mark.parametrize("seed", range(4))
def test_two_processes_record_what_one_without_memory_records(seed: int) -> None:
    """Whichever process has a minute, and however often one is cold, the same changes are found."""
    chance, memories, plain = random.Random(seed), (Memory(), Memory()), timeline_in_aws()
    seen = {"a": 1, "b": 1}
    for now in range(60, 1200, 60):
        if chance.random() < 0.5:
            seen[chance.choice("abc")] = now - 30
        if chance.random() < 0.2:
            seen.pop(chance.choice("abc"), None)
        memory = chance.choice(memories)
        if chance.random() < 0.2:
            memory.clear()
        with process(memory):
            with_memory = minute(Ledger(plain, "shop"), now, cluster(**seen))
        with process(Memory()):
            without = minute(Ledger(plain, "plain"), now, cluster(**seen))
        assert with_memory == without
    assert Ledger(plain, "shop").last_snapshot()[1] == Ledger(plain, "plain").last_snapshot()[1]
