"""Probes that are set wrong: by what the kubelet says, and by what the pod's other parts say of its port."""

from __future__ import annotations

from typing import Any

import pytest

from tests.live_objects import BACK_OFF, container, deployment, ended, env, event, found, names, pod, service, status

HTTP: dict[str, Any] = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
GRPC: dict[str, Any] = {"grpc": {"port": 8080}, "periodSeconds": 10}
WRONG: dict[str, Any] = {"httpGet": {"path": "/healthz", "port": 9999}, "periodSeconds": 10}
KILLED = "Container server failed liveness probe, will be restarted"
REFUSED = ('Liveness probe failed: Get "http://10.0.0.1:{port}/healthz": dial tcp 10.0.0.1:{port}: connect: '
           "connection refused")
MALFORMED = ('{kind} probe failed: Get "http://10.0.0.1:8080/": net/http: HTTP/1.x transport connection broken: '
             'malformed HTTP response "\\x00\\x00\\x06\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x05\\x00\\x00@\\x00"')


def killed(probe: dict[str, Any], said: str, *, last: Any = None, **more: Any) -> list[dict[str, Any]]:
    """Return a pod whose container is ended by its liveness probe, and what the kubelet says."""
    its = pod("pay", container(livenessProbe=probe, **more), ready=False, statuses=[
        status(ready=False, restarts=4, state=BACK_OFF, last=last or ended(137))])
    return [its, service("pay"), event(its, "Unhealthy", said), event(its, "Killing", KILLED, kind="Normal")]


def unready(probe: dict[str, Any], said: str = "", **more: Any) -> list[dict[str, Any]]:
    its = pod("pay", container(readinessProbe=probe, **more), ready=False)
    return [its, service("pay"), *([event(its, "Unhealthy", said)] if said else [])]


STOPS = [("deployment/pay", "stops", "said")]


@pytest.mark.parametrize(("check", "items"), [
    ("liveness_probe_incorrect_port", killed(WRONG, REFUSED.format(port=9999))),
    ("liveness_probe_incorrect_protocol", killed(HTTP, MALFORMED.format(kind="Liveness"))),
    ("liveness_probe_incorrect_protocol", killed(
        {"httpGet": {"port": 8080, "scheme": "HTTPS"}},
        'Liveness probe failed: Get "https://10.0.0.1:8080/": http: server gave HTTP response to HTTPS client')),
    ("liveness_probe_incorrect_protocol", killed(
        GRPC, "Liveness probe failed: error: this server does not implement the grpc health protocol "
              "(grpc.health.v1.Health): unknown service grpc.health.v1.Health")),
    ("liveness_probe_incorrect_path", killed(HTTP, "Liveness probe failed: HTTP probe failed with statuscode: 404")),
    ("liveness_probe_incorrect_command", killed(
        {"exec": {"command": ["/bin/health"]}},
        'Liveness probe errored: rpc error: code = Unknown desc = failed to exec in container: failed to start exec '
        '"ab": OCI runtime exec failed: exec failed: unable to start container process: exec: "/bin/health": stat '
        "/bin/health: no such file or directory: unknown")),
    ("liveness_probe_incorrect_timing", killed(HTTP, REFUSED.format(port=8080))),
    ("liveness_probe_incorrect_timing", killed(
        HTTP, 'Liveness probe failed: Get "http://10.0.0.1:8080/healthz": context deadline exceeded (Client.Timeout '
              "exceeded while awaiting headers)")),
    ("readiness_probe_incorrect_port", unready(
        WRONG, REFUSED.format(port=9999).replace("Liveness", "Readiness"))),
    ("readiness_probe_incorrect_port", unready(
        {"exec": {"command": ["/bin/grpc_health_probe", "-addr=:9999"]}},
        'Readiness probe failed: timeout: failed to connect service ":9999" within 1s')),
    ("readiness_probe_incorrect_protocol", unready(HTTP, MALFORMED.format(kind="Readiness"))),
    ("readiness_probe_incorrect_path", unready(HTTP, "Readiness probe failed: HTTP probe failed with statuscode: 404")),
])
def test_a_probe_that_is_set_wrong_is_told_by_what_the_kubelet_says(check: str, items: list[dict[str, Any]]) -> None:
    assert found(check, *items) == STOPS
    others = {name for name in names(*items) if "_probe_incorrect_" in name}
    assert others == {check}


@pytest.mark.parametrize(("check", "items"), [
    ("readiness_probe_incorrect_port", unready(WRONG)),
    ("readiness_probe_incorrect_port", unready({"tcpSocket": {"port": 9999}}, ports=[], env=env(PORT="8080"))),
    ("readiness_probe_incorrect_port", unready({"httpGet": {"port": "web"}})),
    ("liveness_probe_incorrect_port", killed(WRONG, "")[:2]),
    ("readiness_probe_incorrect_protocol", unready(HTTP, ports=[{"containerPort": 8080, "name": "grpc"}])),
    ("readiness_probe_incorrect_protocol", unready(HTTP, livenessProbe=GRPC)),
])
def test_a_probe_that_contradicts_its_pod_is_seen_without_an_event(check: str, items: list[dict[str, Any]]) -> None:
    assert found(check, *items) == [("deployment/pay", "stops", "seen")]


def test_the_protocol_is_known_by_names_of_ports_and_by_the_urls_of_callers() -> None:
    said = ('Liveness probe failed: timeout: failed to connect service "10.0.0.1:8080" within 1s: context deadline '
            "exceeded")
    caller = deployment("web", container(env=env(PAY_URL="http://pay:8080")))
    assert found("liveness_probe_incorrect_protocol", *killed(GRPC, said), caller) == STOPS
    assert found("liveness_probe_incorrect_timing", *killed(GRPC, said)) == STOPS
    both = killed(GRPC, said, readinessProbe=GRPC)
    assert found("liveness_probe_incorrect_timing", *both) == STOPS
    other = killed(GRPC, said, readinessProbe=HTTP)
    assert found("liveness_probe_incorrect_protocol", *other) == STOPS


def test_a_probe_that_passes_is_well_whatever_it_asks() -> None:
    its = pod("pay", container(livenessProbe=WRONG, readinessProbe=WRONG))
    assert names(its, service("pay"), deployment("pay")) == set()


def test_a_container_that_is_unwell_by_its_own_word_has_no_wrong_probe() -> None:
    said = "Liveness probe failed: HTTP probe failed with statuscode: 503"
    assert not any("incorrect" in name for name in names(*killed(HTTP, said)))
    starting = unready(HTTP, REFUSED.format(port=8080).replace("Liveness", "Readiness"))
    assert not any("incorrect" in name for name in names(*starting))


def test_what_passes_in_another_pod_of_the_app_is_set_right() -> None:
    items = unready(WRONG, REFUSED.format(port=9999).replace("Liveness", "Readiness"))
    other = pod("pay", container(readinessProbe=WRONG), number=2)
    assert not any("incorrect" in name for name in names(*items, other))


def test_restarts_and_events_of_long_ago_are_none() -> None:
    last = ended(137, ago=3 * 86400)
    its = pod("pay", container(livenessProbe=WRONG), statuses=[status(restarts=7, last=last)])
    old = event(its, "Unhealthy", REFUSED.format(port=9999), ago=3 * 86400)
    assert names(its, service("pay"), old, event(its, "Killing", KILLED, ago=3 * 86400)) == set()


def test_a_container_that_served_for_long_may_have_become_slow_unless_its_probe_is_hasty() -> None:
    said = ('Liveness probe failed: Get "http://10.0.0.1:8080/healthz": context deadline exceeded (Client.Timeout '
            "exceeded while awaiting headers)")
    served = killed(HTTP, said, last=ended(137, lived=4000))
    assert found("liveness_probe_incorrect_timing", *served) == [("deployment/pay", "stops", "guessed")]
    hasty = killed(HTTP | {"periodSeconds": 1, "failureThreshold": 1}, said, last=ended(137, lived=4000))
    assert found("liveness_probe_incorrect_timing", *hasty) == STOPS


def test_a_probe_of_a_pod_that_is_spared_lessens_only() -> None:
    items = killed(HTTP, REFUSED.format(port=8080))
    spared = pod("pay", container(livenessProbe=HTTP), number=2)
    assert found("liveness_probe_incorrect_timing", *items, spared) == [("deployment/pay", "lessens", "said")]


def test_the_container_of_an_event_is_the_one_that_it_names() -> None:
    side = container("side", 9000, readinessProbe={"httpGet": {"port": 9000}})
    its = pod("pay", container(readinessProbe=HTTP), side,
              ready=False, statuses=[status(), status("side", ready=False)])
    said = event(its, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404",
                 field="spec.containers{side}")
    assert found("readiness_probe_incorrect_path", its, said) == STOPS
    unsaid = event(its, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404",
                   field="spec.containers{server}")
    assert found("readiness_probe_incorrect_path", its, unsaid) == []
