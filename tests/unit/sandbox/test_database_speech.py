"""The sandbox's database as its callers meet it, in each of its worlds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sandbox.platform.database import FAILOVER_SECONDS, Database
from sandbox.platform.engines import ENGINES
from sandbox.platform.reach import Snapshot
from sandbox.platform.state import World
from sandbox.worlds.database import KEY
from tests.unit.state_machine.test_flow import after, share, snapshot

__all__ = ["snapshot"]  # a fixture
AURORA = tuple(name for name, engine in ENGINES.items() if engine.aurora)
FAULTS = {"refuses_connections": "refused", "storage_full": "space", "slow": "locked",
          "rejects_credentials": "credentials"}
PARAMETERS = (("default_transaction_read_only", "1", "read_only"), ("statement_timeout", "2", "statement"))


def said(world: World, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, at: float) -> tuple[float, set[str]]:
    """The share of customers' requests that fail at a moment, and what is logged of them."""
    monkeypatch.setattr("sandbox.platform.flow.time", SimpleNamespace(time=lambda: at))
    served = after(world, snapshot, 6)
    return share(served), {kind for item in served for kind in item.kinds}


@pytest.mark.parametrize(("value", "fault"), [
    (value, fault) for value in KEY.values for fault in FAULTS if not KEY.lacks(value, "database", {"fault": fault})])
def test_a_fault_is_told_in_the_engines_own_words(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, value: str,
                                                  fault: str) -> None:
    world = World()
    KEY.apply(world, value, "seed")
    world.database.set_fault(fault, 100.0)
    if fault == "rejects_credentials":
        world.database.password = "another"
    failed, kinds = said(world, snapshot, monkeypatch, 120.0)
    words = world.database.speech.says(FAULTS[fault], "payments-db", "payments")
    assert failed > 0.5 and any(words in kind for kind in kinds)


@pytest.mark.parametrize("engine", AURORA)
def test_a_failover_of_aurora_ends_with_clients_on_what_is_a_reader_by_now(
        snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    world = World(database=Database.of(engine))
    world.database.set_fault("failing_over", 100.0)
    assert (world.database.status(110.0), world.database.cluster_status(110.0)) == ("available", "failing-over")
    for at, what in ((110.0, "refused"), (100.0 + FAILOVER_SECONDS - 5, "read_only")):
        failed, kinds = said(world, snapshot, monkeypatch, at)
        assert failed > 0.5 and any(world.database.speech.says(what) in kind for kind in kinds)
    world.database.step(100.0 + FAILOVER_SECONDS + 1, {})
    assert said(world, snapshot, monkeypatch, 150.0)[0] < 0.05
    assert (world.database.writer, world.database.readers) == ("payments-db-2", ("payments-db",))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_parameter_of_the_same_effect_is_set_in_each_engine(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch,
                                                              engine: str) -> None:
    database = Database.of(engine)
    for name, value, what in PARAMETERS:
        own = database.speech.called.get(name, name)
        assert own in database.speech.names
        world = World(database=Database.of(engine))
        world.database.set_parameters(100.0, {own: value})
        world.database.step(105.0, {})
        failed, kinds = said(world, snapshot, monkeypatch, 110.0)
        assert failed > 0.4 and any(database.speech.says(what) in kind for kind in kinds)
