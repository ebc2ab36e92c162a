"""What ends containers or makes them useless: memory, crashes, databases, disks, variables."""

from __future__ import annotations

from typing import Any

import pytest

from responder.state.state import Lines
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
    problems,
    service,
    status,
)

LIMITED = container(resources={"limits": {"memory": "64Mi", "cpu": "200m"}})


def killed(ago: float, state: dict[str, Any] | None = None) -> dict[str, Any]:
    last = ended(137, ago=ago, reason="OOMKilled")
    return pod("pay", LIMITED, ready=state is None, statuses=[status(ready=state is None, restarts=3, last=last,
                                                                     state=state)])


def test_a_container_that_the_kernel_ended_of_late_is_told_with_its_limit() -> None:
    assert found("oom_killed", killed(60, BACK_OFF)) == [("deployment/pay", "stops", "said")]
    assert "64 MiB" in next(one.sentence for one in problems(killed(60, BACK_OFF)))
    assert names(killed(60, BACK_OFF)) == {"oom_killed"}
    assert found("oom_killed", killed(60)) == [("deployment/pay", "lessens", "said")]
    assert names(killed(2 * 86400)) == set()


def test_a_limit_in_which_nothing_can_start_is_told() -> None:
    message = ("failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
               "failed: unable to start container process: container init was OOM-killed (memory limit too low?)")
    its = pod("pay", LIMITED, ready=False, statuses=[status(ready=False, restarts=2, state={"waiting": {
        "reason": "RunContainerError", "message": message}})])
    assert found("oom_killed", its) == [("deployment/pay", "stops", "said")]


def test_a_container_that_does_not_stay_up_is_told_by_its_last_words() -> None:
    last = ended(1, message="panic: cannot parse config")
    its = pod("pay", ready=False, statuses=[status(ready=False, restarts=5, state=BACK_OFF, last=last)])
    assert found("container_crashes", its) == [("deployment/pay", "stops", "said")]
    assert problems(its)[0].said == "panic: cannot parse config"


def test_done_jobs_and_restarts_of_long_ago_are_no_crashes() -> None:
    done = pod("report", phase="Succeeded", ready=False, statuses=[status(ready=False, state={"terminated": ended(
        0, reason="Completed")})])
    failed = pod("report", phase="Failed", ready=False, number=2, statuses=[status(
        ready=False, state={"terminated": ended(1)})])
    old = pod("pay", statuses=[status(restarts=12, last=ended(1, ago=5 * 86400))])
    assert names(done, failed, old) == set()


def shop(*clients: str, **more: Any) -> list[dict[str, Any]]:
    items = [deployment(name, container(env=env(DB_HOST="store-db", DB_PORT="3306"))) for name in clients]
    return [*items, *map(pod, clients), service("store-db", 3306),
            deployment("store-db", container("mysql", 3306, image="mysql:8.0", **more))]


REFUSED = [
    "Error 1045: Access denied for user 'pay'@'10.0.0.7' (using password: YES)",
    "java.sql.SQLException: Access denied for user 'pay'@'10.0.0.7' (using password: YES)",
    'FATAL: password authentication failed for user "pay"', "WRONGPASS invalid username-password pair",
    "ER_ACCESS_DENIED_ERROR: Access denied for user", "pymongo.errors.OperationFailure: Authentication failed.",
    "MongoServerError: Authentication failed.", "ORA-01017: invalid username/password; logon denied",
    "ReplyError: NOAUTH Authentication required.", "Login failed for user 'pay'."]


@pytest.mark.parametrize("line", REFUSED)
def test_refused_credentials_are_the_one_clients_or_of_all_the_databases(line: str) -> None:
    one = listed(lines=(Lines("pay", line),))
    assert found("database_credentials_wrong", *shop("pay", "desk"), base=one) == [("deployment/pay", "stops", "said")]
    every = listed(lines=(Lines("pay", line), Lines("desk", line)))
    assert found("database_credentials_wrong", *shop("pay", "desk"), base=every) == [
        ("deployment/store-db", "stops", "said")]


def test_a_refusal_that_the_server_logs_is_of_the_client_whose_address_it_names() -> None:
    base = listed(lines=(Lines("store-db", "Access denied for user 'pay'@'10.0.0.1' (using password: YES)"),))
    assert found("database_credentials_wrong", *shop("pay"), base=base) == [("deployment/pay", "stops", "said")]


@pytest.mark.parametrize("line", [
    "The MySQL server is running with the --read-only option so it cannot execute this statement",
    "ERROR: cannot execute INSERT in a read-only transaction", "READONLY You can't write against a read only replica.",
    "NotWritablePrimary: not primary", "The MySQL server is running with the --super-read-only option"])
def test_a_database_that_takes_no_writes_is_told_by_what_its_clients_say(line: str) -> None:
    base = listed(lines=(Lines("pay", line),))
    assert found("database_read_only", *shop("pay"), base=base) == [("deployment/store-db", "stops", "said")]


def test_a_database_that_is_set_to_take_no_writes_is_seen_unless_it_is_a_replica() -> None:
    assert found("database_read_only", *shop("pay", args=["--read-only=1"])) == [
        ("deployment/store-db", "lessens", "seen")]
    replica = deployment("store-db-replica", container("mysql", 3306, image="mysql:8.0", args=["--read-only=1"]))
    assert names(*shop("pay"), replica) == set()


@pytest.mark.parametrize("line", [
    "ERROR 1040 (HY000): Too many connections", "FATAL: sorry, too many clients already",
    "ERR max number of clients reached",
    "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute"])
def test_a_database_without_connections_left_is_told(line: str) -> None:
    base = listed(lines=(Lines("pay", line),))
    assert found("database_connections_exhausted", *shop("pay"), base=base) == [
        ("deployment/store-db", "stops", "said")]


def test_an_exhausted_pool_is_the_clients_and_a_small_limit_is_seen() -> None:
    line = "HikariPool-1 - Connection is not available, request timed out after 30000ms."
    base = listed(lines=(Lines("pay", line),))
    assert found("database_connections_exhausted", *shop("pay"), base=base) == [("deployment/pay", "lessens", "said")]
    assert found("database_connections_exhausted", *shop("pay", "desk", args=["--max-connections=1"])) == [
        ("deployment/store-db", "stops", "seen")]
    assert names(*shop("pay", "desk", args=["--max-connections=100"])) == set()


@pytest.mark.parametrize(("line", "name"), [
    ("panic: environment variable \"CART_SERVICE_ADDR\" not set", "CART_SERVICE_ADDR"),
    ("Error: STRIPE_KEY is required", "STRIPE_KEY"), ("KeyError: 'DB_HOST'", "DB_HOST"),
    ("Could not resolve placeholder 'DB_HOST' in value \"${DB_HOST}\"", "DB_HOST"),
    ("/entrypoint.sh: line 3: DB_HOST: parameter not set, fatal: DB_HOST must be set", "DB_HOST")])
def test_a_variable_that_is_needed_and_not_given_is_told(line: str, name: str) -> None:
    base = listed(lines=(Lines("pay", line),))
    down = pod("pay", ready=False)
    assert found("missing_environment", deployment("pay", ready=0), down, base=base) == [
        ("deployment/pay", "stops", "said")]
    given = container(env=env(**{name: "x"}))
    assert "missing_environment" not in names(deployment("pay", given), pod("pay", given), base=base)


def bound(app: str, *, secret: bool = True) -> dict[str, Any]:
    source = [{"secretRef": {"name": f"{app}-db"}}] if secret else []
    return container(image=f"registry.example/{app}:1", envFrom=source)


def test_a_secret_that_peers_have_and_one_lacks_is_told_where_that_one_is_down() -> None:
    apps = ["cart", "ship", "mail", "pay"]
    made = [deployment(app, bound(app, secret=app != "pay"), ready=int(app != "pay")) for app in apps]
    down = pod("pay", bound("pay", secret=False), ready=False)
    assert found("missing_secret_binding", *made, down) == [("deployment/pay", "stops", "seen")]
    well = bound("pay", secret=False)
    assert names(*made[:3], deployment("pay", well), pod("pay", well)) == set()
    base = listed(lines=(Lines("pay", "Access denied for user 'root'@'10.0.0.7' (using password: NO)"),))
    assert ("deployment/pay", "stops", "said") in found("missing_secret_binding", *made, down, base=base)


def test_full_and_read_only_disks_and_taken_ports_are_told_by_what_is_said() -> None:
    for line, check in (("write /data/x: no space left on device", "disk_full"),
                        ("OSError: [Errno 30] Read-only file system: '/tmp/x'", "read_only_volume"),
                        ("listen tcp :8080: bind: address already in use", "address_in_use"),
                        ("Error: listen EADDRINUSE: address already in use :::8080", "address_in_use")):
        assert names(deployment("pay"), pod("pay", ready=False), base=listed(lines=(Lines("pay", line),))) == {check}


def test_evicted_pods_count_for_an_hour() -> None:
    its = pod("pay", phase="Failed", ready=False)
    its["status"] |= {
        "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage.", "conditions": [
            {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": at(120)}]}
    assert found("pod_evicted", its) == [("deployment/pay", "stops", "said")]
    its["status"]["conditions"][0]["lastTransitionTime"] = at(90000)
    assert names(its) == set()


def test_a_healthy_cluster_with_a_past_has_no_problems() -> None:
    items = [*shop("pay", "desk"), node(), node("n2"), pod("pay", number=2),
             pod("desk", number=2, statuses=[status(restarts=4, last=ended(137, ago=4 * 86400, reason="OOMKilled"))])]
    past = [event(items[0], "ScalingReplicaSet", "Scaled up replica set pay-6f9c to 2", kind="Normal"),
            event(items[2], "Unhealthy", "Readiness probe failed: connection refused", ago=7200),
            event(items[2], "BackOff", "Back-off restarting failed container", ago=86400)]
    assert names(*items, *past, base=listed("Service", "Deployment", "Secret", "Pod")) == set()
    assert NOW > 0
