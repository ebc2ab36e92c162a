"""The world that the responder meets: the platform, the vendors, the clock that moves them, in one process.

    python -m sandbox.world

One port carries the vendors' stand-ins, the cluster's authentication webhook, and the sandbox's own control, which
the responder does not know. Two more are the ways to CloudWatch and to Kubernetes. ``clock`` moves it, ``metrics``
publishes, ``control`` is asked by the drills' runner, and each module of ``events`` is something that can happen.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from sandbox.account.alarms import alarm
from sandbox.admin import Engine
from sandbox.authentication import Authentication
from sandbox.clock import Clock
from sandbox.control import Control
from sandbox.control_plane.rollouts import Rollouts
from sandbox.eyes import SCRAPED, Eyes
from sandbox.metrics import Metrics
from sandbox.parts import Sandbox
from sandbox.places import STATE, Ports
from sandbox.platform.listeners import Listeners
from sandbox.server import Route, serve
from sandbox.vendors import istiod
from sandbox.vendors.aws import Aws
from sandbox.vendors.dependency_health import DependencyHealth
from sandbox.vendors.deployments import Deployments
from sandbox.vendors.gate import Answer
from sandbox.vendors.launchdarkly import LaunchDarkly
from sandbox.vendors.logs import Logs
from sandbox.vendors.people import Vendors
from sandbox.vendors.proxy import CloudWatch
from sandbox.vendors.proxy import Kubernetes as KubernetesProxy
from sandbox.vendors.splunk import CONTEXT, Splunk
from sandbox.vendors.statuspage import StatusPages


def router(sandbox: Sandbox, aws: Aws, people: Vendors, control: Control, authentication: Authentication,
           eyes: Eyes) -> Route:
    """The function that answers on the world's own port."""
    splunk = Splunk(sandbox.telemetry, sandbox.gates, sandbox.delays, lambda: sandbox.world.splunk)
    health = DependencyHealth(lambda: sandbox.world)
    pages = StatusPages(lambda: sandbox.world, sandbox.gates)
    elsewhere = _elsewhere(sandbox)

    def route(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path == "/newrelic/graphql" and method == "POST":
            return sandbox.newrelic.answer(headers, body)
        if path.startswith("/splunk/services/") and (method == "POST" or path.startswith(f"/splunk{CONTEXT}")):
            return splunk.answer(headers, body, path.removeprefix("/splunk"))
        if path.startswith("/aws/"):
            return aws.answer(method, path, headers, body)
        if people.knows(path):
            return people.answer(method, path, headers, body)
        if path.startswith("/dependency/"):
            return health.answer(method, path)
        if path.startswith(("/status/", "/provider/")):
            return pages.answer(method, path, headers)
        if path.startswith(("/launchdarkly/", "/code/")):
            return elsewhere(method, path, headers, body)
        if path == SCRAPED:
            return eyes.scraped()
        if method != "POST":
            return Answer(404, b"{}")
        what, given = path.strip("/").split("?")[0], json.loads(body or b"{}")
        if what == "authenticate":
            return Answer(200, json.dumps(authentication.review(given)).encode())
        return _asked(control, what.removeprefix("control/"), given)

    return route


def _elsewhere(sandbox: Sandbox) -> Route:
    """The function that answers for the systems in which changes are made."""
    flags = LaunchDarkly(lambda: sandbox.world.foreign, sandbox.gates)
    code = Deployments(lambda: sandbox.world.foreign, sandbox.gates)

    def route(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path.startswith("/code/"):
            return code.answer(method, path, headers)
        return flags.answer(method, path, headers, body)

    return route


def _asked(control: Control, what: str, given: Mapping[str, Any]) -> Answer:
    """The control's answer, or why there is none, for the person who runs the drill."""
    try:
        found = control.answer(what, given)
    except Exception as error:
        traceback.print_exc()
        return Answer(500, json.dumps({"message": f"{type(error).__name__}: {error}"}).encode())
    return Answer(404, b"{}") if found is None else Answer(200, json.dumps(found).encode())


def main() -> None:
    """Start the servers and the clock, and stay."""
    ports, pki = Ports.planned(), STATE / "control-plane"
    sandbox, engine = Sandbox.of(ports, pki), f"http://127.0.0.1:{ports.aws}"
    permits = Engine(ports.engine_admin).refusal
    aws = Aws(engine, lambda: sandbox.world, sandbox.cluster, sandbox.gates, sandbox.delays.cloudtrail, permits,
              Logs(sandbox.telemetry, sandbox.gates, sandbox.delays), sandbox.world_at)
    people, metrics = Vendors(sandbox.gates), Metrics(sandbox)
    clock = Clock(sandbox, Listeners({"database": ports.database, "primary": ports.primary,
                                      "fallback": ports.fallback}), metrics.step, aws.second)
    eyes = Eyes(sandbox, ports)
    control = Control(sandbox, clock, metrics, people, Rollouts(sandbox.cluster, ports, pki),
                      (istiod.namespace(), istiod.webhook(ports.injector, pki / "ca.crt")), eyes)
    cloudwatch = CloudWatch(engine, sandbox.gates, permits)
    kubernetes = KubernetesProxy(f"https://127.0.0.1:{ports.apiserver}", str(pki / "ca.crt"), sandbox.gates,
                                 lambda: sandbox.world.control_plane_down)
    serve(ports.world, router(sandbox, aws, people, control, Authentication(engine), eyes))
    serve(ports.cloudwatch, cloudwatch.answer)
    serve(ports.kubernetes, kubernetes.answer, pki)
    serve(ports.injector, lambda method, path, headers, body: istiod.review(sandbox.world.shape, body), pki)
    clock.start()
    while True:
        # Others' alarms change state on the same bus.
        name = alarm(sandbox.world.account, int(time.time())) if sandbox.running else ""
        if name:
            with suppress(httpx.HTTPError):
                sandbox.engine.alarm_events(name, 1, "Threshold Crossed: 1 datapoint was greater than the threshold.")
        time.sleep(1 - time.time() % 1)


if __name__ == "__main__":
    main()
