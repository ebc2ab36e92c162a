"""The kubelet's kills for a probe: read from its Events, told from crashes and hanging pods, and taken back or told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.evidence import Finding, Window
from responder.model.evidence.instances import Instances
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.pods import Probed
from responder.model.service import Service
from responder.sources.kubernetes.events import Event, ProbeCounts, event_of, probe_of
from responder.sources.kubernetes.objects import Containers
from tests.diagnosis import (
    NOW,
    QUEUE,
    REFUSED,
    WINDOW,
    Found,
    both,
    callee,
    calls,
    chain,
    change,
    changes,
    error_lines,
    field,
    judged,
    of_gateway,
    pods,
    proposed,
)

GATEWAY = "payment-gateway"
PROBE = ["template", "spec", "containers", GATEWAY, "livenessProbe"]
FITS = {"httpGet": {"path": "/live", "port": 8080}}


def outage(how: str, *others: Found, probe: str = "liveness", kills: int = 9) -> list[Found]:
    """The gateway is not reached most of the time, for the kubelet ends its pods; two of four run."""
    backend = calls("backend", {GATEWAY: callee({"connect to payment-gateway:80: connection refused": 900.0})})
    return [*both("frontend", 0.6), *both("backend", 0.6), backend, *others, pods(
        GATEWAY, 1, waiting={"CrashLoopBackOff": 3}, terminated={"Error": 4}, signalled=4,
        probes={probe: Probed(3 * kills, kills, how)})]


@pytest.mark.parametrize(("reason", "message", "expected"), [
    ("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 404", ("liveness", "status 404")),
    ("Unhealthy", 'Startup probe failed: Get "http://10.0.1.7:8080/": dial tcp 10.0.1.7:8080: connect: connection '
                  "refused", ("startup", "refused")),
    ("Unhealthy", 'Readiness probe failed: Get "http://10.0.1.7/": context deadline exceeded (Client.Timeout exceeded '
                  "while awaiting headers)", ("readiness", "timeout")),
    ("Unhealthy", 'Liveness probe errored and resulted in unknown state: rpc error: code = DeadlineExceeded desc = '
                  '"timeout 1s exceeded"', ("liveness", "timeout")),
    ("Unhealthy", "Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory\n",
     ("liveness", "other")),
    ("Killing", "Container app failed liveness probe, will be restarted", ("liveness", "")),
    ("Killing", "Container app failed startup probe, will be restarted", ("startup", "")),
    ("Killing", "Stopping container app", ("", "")), ("BackOff", "liveness probe failed: x", ("", ""))])
def test_the_kubelets_words_tell_the_probe_and_how_it_failed(reason: str, message: str,
                                                             expected: tuple[str, str]) -> None:
    assert probe_of(reason, message) == expected


@given(text=st.text(max_size=200), reason=st.sampled_from(["Unhealthy", "Killing", "Pulled", ""]))
def test_whatever_an_event_says_it_is_about_a_known_probe_or_none(text: str, reason: str) -> None:
    probe, how = probe_of(reason, text)
    assert probe in ("", "liveness", "startup", "readiness") and (not how or probe)


def test_kills_and_failures_are_counted_apart() -> None:
    counts, item = ProbeCounts(), {"metadata": {}, "involvedObject": {"kind": "Pod", "name": "p"}, "count": 3,
                                   "reason": "Killing",
                                   "message": "Container a failed liveness probe, will be restarted",
                                   "firstTimestamp": "2027-01-15T07:59:30Z", "lastTimestamp": "2027-01-15T07:59:50Z"}
    event = event_of(item, Window(NOW - 90, NOW))
    assert event is not None
    for one in (event, Event("Pod", "p", "Unhealthy", 5, "liveness", "refused"),
                Event("Pod", "p", "Unhealthy", 2, "liveness", "timeout"), Event("Pod", "p", "BackOff", 9)):
        counts.add(one)
    assert counts.told == {"liveness": Probed(7, 3, "refused")}


@pytest.mark.parametrize(("code", "reason", "signalled"), [
    (137, "Error", 1), (143, "Error", 1), (137, "OOMKilled", 0), (1, "Error", 0), (139, "Error", 0)])
def test_what_a_signal_ended_is_told_from_a_crash_and_from_the_kernels_kill(code: int, reason: str,
                                                                            signalled: int) -> None:
    ended: dict[str, Any] = {"exitCode": code, "reason": reason, "finishedAt": "2027-01-15T07:59:30Z"}
    assert Containers.of([{"lastState": {"terminated": ended}, "restartCount": 1}], NOW - 90).signalled == signalled


@pytest.mark.parametrize("how", ["status 404", "refused", "other", "timeout"])
def test_a_probe_that_was_changed_just_before_is_taken_back(service: Service, how: str) -> None:
    found = outage(how, changes(change("Deployment", GATEWAY, field(PROBE, after=FITS))))
    told = judged(service, found)
    assert (told.cause, told.mechanism) == ("code_bug", "unfit_workload")
    assert [one.action for one in proposed(service, found)] == ["rollback"]


def test_without_a_change_the_live_state_tells_it_and_nothing_is_restarted(service: Service) -> None:
    found = outage("status 404", changes())
    told = judged(service, found)
    assert (told.cause, told.mechanism) == ("code_bug", "probe_kills")
    assert "for their liveness probe, which failed by status 404" in told.summary
    assert not {"restart_pods", "cycle_deployment", "scale_up"} & {one.action for one in proposed(service, found)}


def test_a_deep_probe_does_not_hide_the_database_behind_it(service: Service) -> None:
    found = [pods(GATEWAY, 2, waiting={"CrashLoopBackOff": 2}, signalled=2,
                  probes={"liveness": Probed(20, 6, "status 503")}), *REFUSED]
    assert judged(service, found).cause == "database_connection"


def test_pods_that_crash_by_themselves_are_no_probes_matter(service: Service) -> None:
    found = [*chain(of_gateway(), 0.6), changes(), pods(
        GATEWAY, 1, waiting={"CrashLoopBackOff": 3}, terminated={"Error": 3},
        probes={"readiness": Probed(9, 0, "refused")})]
    assert judged(service, found).mechanism != "probe_kills"


def silent(impaired: float) -> list[Found]:
    """Two of three nodes are silent at a load that the rest does not carry."""
    return [*chain(of_gateway(), 0.4), error_lines(QUEUE), changes(), pods(
        GATEWAY, 1, probing=3, unready_on={"node-a": 2, "node-b": 1}), Finding(
            source="kubernetes", window=WINDOW, value=0.33, detail=Nodes(
                ("node-c", "node-a", "node-b"), ("node-a", "node-b"))), Finding(
            source="eks", window=WINDOW, value=impaired, detail=Instances(("i-1",) * int(impaired), 3))]


def test_a_silent_kubelet_on_a_machine_that_is_well_evicts_nothing(service: Service) -> None:
    told = judged(service, silent(0.0))
    assert (told.cause, told.mechanism) == ("cluster_failure", "kubelet_down")
    assert {one.action for one in proposed(service, silent(0.0))} == {"scale_up"}
    elsewhere = [finding for finding in silent(0.0) if finding.name != "pods"]
    assert not proposed(service, elsewhere), "no pod of it is known to be there"
    dead = judged(service, silent(2.0))
    assert dead.mechanism == "nodes_down"
    assert "restart_pods" in {one.action for one in proposed(service, silent(2.0))}
