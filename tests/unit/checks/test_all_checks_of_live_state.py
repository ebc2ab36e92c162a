"""What holds of all checks: order changes nothing, nothing is raised, and what is gone or differs is told."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from responder import checks
from responder.state import State, state_of
from responder.state.basics import Ref
from responder.state.nodes import NodeService
from responder.state.state import Connection, Lines, Measure
from tests.live_objects import (
    BACK_OFF,
    NOW,
    at,
    container,
    deployment,
    ended,
    env,
    event,
    found,
    listed,
    names,
    node,
    pod,
    service,
    status,
)

HTTP: dict[str, Any] = {"httpGet": {"path": "/healthz", "port": 9999}}
SILENT = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}


def broken() -> list[dict[str, Any]]:
    """Return objects with many things wrong at once."""
    down = pod("pay", container(livenessProbe=HTTP), ready=False, statuses=[
        status(ready=False, restarts=4, state=BACK_OFF, last=ended(137, reason="OOMKilled"))])
    unready = pod("cart", container(readinessProbe=HTTP), ready=False)
    return [
        deployment("web", container(env=env(CART_SERVICE_ADDR="kart:7070", PAY_ADDR="pay:1"))), deployment("pay"),
        deployment("cart"), deployment("store-db", container("mysql", 3306, image="mysql:8", args=["--read-only=1"])),
        service("pay"), service("cart", app="basket"), service("store-db", 3306, 3307), node("n1", SILENT), node("n2"),
        down, unready, event(down, "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 404"),
        event(unready, "Unhealthy", "Readiness probe failed: dial tcp 10.0.0.1:9999: connect: connection refused")]


KNOWN = listed("Service", "Pod", "Secret", lines=(
    Lines("web", "dial tcp: lookup cart: no such host"), Lines("pay", "Access denied for user 'x'@'10.0.0.1'"),
    Lines("nobody", "Too many connections")), node_services=(NodeService("n2", "containerd", False, "failed"),),
    connections=(Connection("cart", 8080, False, "refused"),), gone=(Ref("Service", "shop", "mail"),))


def test_the_order_of_objects_changes_nothing() -> None:
    items = broken()
    expected = checks.run(state_of(items, KNOWN))
    assert len({one.check for one in expected}) > 8
    for seed in range(10):
        random.Random(seed).shuffle(items)
        shuffled = KNOWN._replace(lines=tuple(random.Random(seed).sample(KNOWN.lines, len(KNOWN.lines))))
        assert checks.run(state_of(items, shuffled)) == expected


def thinned(item: Any, chance: random.Random) -> Any:
    """Return an object of which some fields are missing, empty or null."""
    if isinstance(item, dict):
        return {key: (None if chance.random() < 0.08 else thinned(value, chance))
                for key, value in item.items() if key in ("kind", "name") or chance.random() > 0.15}
    if isinstance(item, list):
        return [thinned(one, chance) for one in item if chance.random() > 0.1 and one is not None]
    return item


@settings(max_examples=30, deadline=None)
@given(st.integers(min_value=0))
def test_no_check_raises_where_fields_are_missing(seed: int) -> None:
    chance = random.Random(seed)
    items = [one for item in broken() if (one := thinned(item, chance)) and one.get("metadata")]
    checks.run(state_of(items, KNOWN._replace(now=chance.choice([0.0, NOW]))))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["web", "pay", "n1", "x"]), st.text(max_size=40)), max_size=6),
       st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=0, max_value=1e9), max_size=12))
def test_no_check_raises_whatever_is_logged_and_measured(said: list[tuple[str, str]], values: list[float]) -> None:
    points = tuple((NOW + at, value) for at, value in enumerate(values))
    measured = tuple(Measure(Ref(kind, space, name), measure, points)
                     for kind, space, name in (("Deployment", "shop", "pay"), ("Node", "", "n1"), ("Node", "", "n2"))
                     for measure in ("cpu", "throttled", "p50", "memory", "retransmits", "requests"))
    base = KNOWN._replace(lines=tuple(Lines(name, text) for name, text in said), measures=measured)
    checks.run(state_of(broken(), base))


def test_an_empty_state_has_no_problems() -> None:
    assert checks.run(State()) == ()


def test_every_check_says_what_it_may_follow_by_names_of_checks() -> None:
    known = {check.id for check in checks.every()}
    for check in checks.every():
        assert check.id not in check.follows
        assert set(check.follows) <= known, check.id


def test_a_service_without_endpoints_follows_all_that_keeps_pods_from_serving() -> None:
    known = {check.id: check for check in checks.every()}
    keeping = {check.id for check in checks.every() if check.family in ("admission", "scheduling", "startup")}
    assert keeping - {"namespace_service_quota_exceeded"} <= set(known["no_endpoints"].follows)


def test_a_rollout_that_gets_on_has_no_problems() -> None:
    new = pod("pay", container(readinessProbe=HTTP, ports=[]), number=2, ready=False)
    new["metadata"]["creationTimestamp"] = at(40)
    early = event(new, "Unhealthy", "Readiness probe failed: dial tcp 10.0.0.1:9999: connect: connection refused")
    scaled = event(deployment("pay"), "ScalingReplicaSet", "Scaled up replica set pay-6f9c to 1", kind="Normal")
    # The first pod ever, and one beside others that serve.
    assert names(deployment("pay"), service("pay", 9999), new, early, scaled, node()) == set()
    assert names(deployment("pay"), service("pay", 9999), pod("pay"), new, early, scaled, node()) == set()
    created = new | {"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}],
                                "containerStatuses": [status(ready=False, state={"waiting": {
                                    "reason": "ContainerCreating"}})]}}
    assert names(deployment("pay"), service("pay", 9999), created, node(), base=listed("Pod", "Service")) == set()


def test_what_the_configuration_names_and_is_gone_is_told() -> None:
    gone = listed(gone=(Ref("Deployment", "shop", "pay"), Ref("Deployment", "shop", "pay")))
    assert found("configured_object_gone", base=gone) == [("deployment/pay", "stops", "seen")]


def images(*digests: tuple[str, bool], image: str = "registry.example/app:1") -> list[dict[str, Any]]:
    made = []
    for number, (digest, ready) in enumerate(digests):
        its = pod("pay", container() | {"image": image}, number=number, ready=ready,
                  statuses=[status(ready=ready) | {"imageID": f"registry.example/app@sha256:{digest * 64}"}])
        made.append(its)
    return made


def test_pods_of_one_template_that_run_other_images_are_told() -> None:
    assert found("image_ids_differ", *images(("a", True), ("b", False))) == [("deployment/pay", "lessens", "seen")]
    assert found("image_ids_differ", *images(("a", True), ("b", True))) == [("deployment/pay", "risks", "seen")]
    assert names(*images(("a", True), ("a", True))) == set()
    pinned = f"registry.example/app@sha256:{'a' * 64}"
    assert names(*images(("a", True), ("b", True), image=pinned)) == set()
