"""What a few minutes of measures tell of CPU, memory and network, and what they do not tell."""

from __future__ import annotations

import random
from collections.abc import Callable

from responder.state import State
from responder.state.basics import Ref
from responder.state.state import Measure
from tests.live_objects import NOW, container, deployment, found, listed, names, pod

APPS = ("web", "cart", "ship", "pay", "mail", "rates", "stock", "ads")
USUAL = {"web": 0.03, "cart": 0.004, "ship": 0.003, "pay": 0.006, "mail": 0.003, "rates": 0.002, "stock": 0.005,
         "ads": 0.003}
CALLS = {"web": APPS[1:]}
ON = {name: f"n{number % 3 + 1}" for number, name in enumerate(APPS)}
LIMITED = container(resources={"limits": {"cpu": "200m", "memory": "128Mi"}})
ITEMS = [item for name in APPS for item in (deployment(name, LIMITED), pod(name, LIMITED, node=ON[name]))]
Shape = Callable[[int], float]


def measures(seed: int = 7, **shapes: Shape) -> State:
    """Return five minutes of a shop, a value each 5 seconds, with a little noise; a shape is named ``app__measure``."""
    chance = random.Random(seed)
    known: dict[tuple[str, str], Shape] = {}
    for name in APPS:
        known |= {(name, "p50"): lambda _, usual=USUAL[name]: usual, (name, "cpu"): lambda _: 0.05,
                  (name, "throttled"): lambda _: 0.01, (name, "memory"): lambda _: 60 * 2**20,
                  (name, "requests"): lambda _: 10.0}
    known |= {(node, "retransmits"): lambda _: 0.4 for node in ("n1", "n2", "n3")}
    known |= {(name, measure): shape for key, shape in shapes.items() for name, _, measure in [key.partition("__")]}
    return listed(calls=CALLS, measures=tuple(
        Measure(Ref("Node", "", name) if name[1:].isdigit() else Ref("Deployment", "shop", name), measure,
                tuple((NOW - 300 + 5 * at, shape(at) * chance.uniform(0.9, 1.1)) for at in range(60)))
        for (name, measure), shape in sorted(known.items())))


def from_half(before: float, after: float) -> Shape:
    return lambda at: before if at < 30 else after


def test_a_calm_shop_has_no_problems_whatever_the_noise() -> None:
    for seed in range(8):
        assert names(*ITEMS, base=measures(seed)) == set()


def test_throttling_that_stands_out_is_the_one_that_computes_and_not_who_waits_for_it() -> None:
    busy = {"pay__throttled": lambda _: 0.9, "pay__cpu": lambda _: 0.2, "pay__p50": lambda _: 0.4,
            "web__p50": lambda _: 0.5}
    assert found("pod_cpu_overload", *ITEMS, base=measures(**busy)) == [("deployment/pay", "lessens", "seen")]
    assert "pod_network_delay" not in names(*ITEMS, base=measures(**busy))
    begins = {"pay__throttled": from_half(0.01, 0.8), "pay__cpu": from_half(0.05, 0.2)}
    assert found("pod_cpu_overload", *ITEMS, base=measures(**begins)) == [("deployment/pay", "lessens", "seen")]


def test_a_counter_that_only_rises_is_read_as_a_rate() -> None:
    points = tuple((NOW - 300 + 5 * at, 100.0 + 4.5 * at) for at in range(60))
    base = measures(pay__cpu=lambda _: 0.2)
    counted = tuple(one._replace(points=points) if (one.ref.name, one.name) == ("pay", "throttled") else one
                    for one in base.measures)
    told = found("pod_cpu_overload", *ITEMS, base=base._replace(measures=counted))
    assert told == [("deployment/pay", "lessens", "seen")]


def test_short_bursts_far_below_the_limit_are_no_overload() -> None:
    assert "pod_cpu_overload" not in names(*ITEMS, base=measures(pay__throttled=lambda _: 0.2))


def test_one_app_that_is_slow_and_does_not_compute_has_a_slow_network() -> None:
    late = {"pay__p50": from_half(0.006, 0.2), "web__p50": from_half(0.03, 0.23)}
    assert found("pod_network_delay", *ITEMS, base=measures(**late)) == [("deployment/pay", "lessens", "seen")]
    always = {"pay__p50": lambda _: 0.4, "web__p50": lambda _: 0.43}
    assert found("pod_network_delay", *ITEMS, base=measures(**always)) == [("deployment/pay", "lessens", "seen")]
    # Nobody who calls it waits for it.
    alone = measures(pay__p50=lambda _: 0.4)
    assert found("pod_network_delay", *ITEMS, base=alone) == [("deployment/pay", "lessens", "guessed")]


def test_a_caller_to_whom_all_its_callees_are_slow_is_slow_itself() -> None:
    late = {f"{name}__p50": from_half(USUAL[name], USUAL[name] + 0.2) for name in APPS}
    assert found("pod_network_delay", *ITEMS, base=measures(**late)) == [("deployment/web", "lessens", "seen")]


def test_apps_of_one_node_that_are_slow_together_have_a_slow_node() -> None:
    on_node = [name for name in APPS if ON[name] == "n2"]
    late = {f"{name}__p50": from_half(USUAL[name], USUAL[name] + 0.2) for name in (*on_node, "web")}
    base = measures(**late)
    assert found("node_network_delay", *ITEMS, base=base) == [("node/n2", "lessens", "seen")]
    assert found("pod_network_delay", *ITEMS, base=base) == []
    # Of apps on several nodes it cannot be told.
    others = {f"{name}__p50": from_half(USUAL[name], USUAL[name] + 0.2) for name in ("cart", "ship", "web")}
    assert names(*ITEMS, base=measures(**others)) == set()


def test_a_node_that_sends_much_twice_loses_packets() -> None:
    lossy = measures(n2__retransmits=lambda _: 30.0)
    assert found("node_network_packet_loss", *ITEMS, base=lossy) == [("node/n2", "lessens", "seen")]
    assert names(*ITEMS, base=measures(n2__retransmits=lambda _: 0.9)) == set()
    every = measures(**{f"{node}__retransmits": from_half(0.4, 30.0) for node in ("n1", "n2", "n3")})
    assert "node_network_packet_loss" not in names(*ITEMS, base=every)


def test_memory_that_grows_to_its_limit_is_a_risk() -> None:
    grows = measures(pay__memory=lambda at: (60 + at / 10) * 2**20)
    assert found("pod_memory_pressure", *ITEMS, base=grows) == []
    near = listed(measures=(Measure(Ref("Deployment", "shop", "pay"), "memory", tuple(
        (NOW - 300 + 5 * at, (60 + at) * 2.0**20) for at in range(60))),))
    assert found("pod_memory_pressure", *ITEMS, base=near) == [("deployment/pay", "risks", "seen")]
    flat = near._replace(measures=(near.measures[0]._replace(points=tuple(
        (when, 126 * 2.0**20) for when, _ in near.measures[0].points)),))
    assert names(*ITEMS, base=flat) == set()
