"""What moves by itself: the platform's second hand, the kubelet, the listeners, and what is measured and published."""

from __future__ import annotations

import base64
import threading
import time
import traceback
from collections.abc import Callable

from sandbox.parts import Sandbox
from sandbox.places import NAMESPACE
from sandbox.platform.cluster import Object
from sandbox.platform.flow import BALANCER, ENTRY, Flow, Served, environment_of, targets
from sandbox.platform.listeners import Listeners
from sandbox.platform.payments import HIDDEN
from sandbox.platform.reach import Snapshot, addresses
from sandbox.platform.versions import PROXY

_CONFIG_READ_SECONDS = 2.0
"""A change of a mounted ConfigMap reaches its readers this much later."""
_RECENT_SECONDS = 600
_LATE_SECONDS = 5
"""So many seconds are made up for; a machine that stood still for longer had its customers turn away."""
Step = Callable[[], None]


class Clock:
    """Moves the platform; ``publish`` and ``note`` (given the second) are called along with it."""

    def __init__(self, sandbox: Sandbox, listeners: Listeners, publish: Step, note: Callable[[float], None]) -> None:
        self._sandbox, self._listeners, self._publish, self._note = sandbox, listeners, publish, note
        self._flow = Flow(sandbox.versions, sandbox.rng)
        self._environments: dict[str, dict[str, str]] = {}
        """Uid of a pod to its variables, which keep the values that they had when it started."""
        self._config: list[tuple[float, dict[str, str]]] = []
        """The gateway's ConfigMap in the last seconds, by when it was read."""
        self._served = 0.0
        """The last second that was served."""
        self._first = True
        """Whether the platform has begun anew, and served no second since."""
        self._recent: list[tuple[float, int, int]] = []

    def start(self) -> None:
        """Start each part that moves in a thread of its own."""
        for step, pause_seconds in ((self._second, 0.3), (self._sandbox.kubelet.step, 0.7), (self._publish, 0.25),
                                    (self._measure, 10.0), (self._listen, 0.5)):
            threading.Thread(target=_forever, args=(step, pause_seconds), daemon=True).start()

    def reset(self) -> None:
        """Forget what was there; to be called with the lock held, while the platform does not run."""
        self._environments, self._config, self._recent, self._first = {}, [], [], True

    def recent(self) -> list[tuple[float, int, int]]:
        """The entry's last seconds: (second, requests, errors)."""
        with self._sandbox.lock:
            return self._recent[-120:]

    def _second(self) -> None:
        # Customers do not wait for a machine that is late: it makes up for the last seconds, and serves none twice.
        sandbox = self._sandbox
        if not sandbox.running or int(time.time()) <= self._served:
            return
        snapshot = self._snapshot()
        with sandbox.lock:
            now = int(time.time())
            if not sandbox.running or now <= self._served:
                return
            first = now if self._first else max(int(self._served) + 1, now - _LATE_SECONDS)
            self._first = False
            for at in range(first, now + 1):
                self._serve(float(at), snapshot)

    def _serve(self, at: float, snapshot: Snapshot) -> None:
        """Let one second pass; to be called with the lock held."""
        self._served, sandbox = at, self._sandbox
        world = sandbox.world
        world.database.step(at, {pod["metadata"]["uid"]: pod["metadata"].get("labels", {}).get("app", "")
                                 for pod in snapshot.pods
                                 if pod["spec"].get("nodeName") not in world.silent_nodes})
        self._note(at)
        served = self._flow.second(world, snapshot)
        sandbox.targets = targets(world, snapshot)
        sandbox.usage.count(served)
        sandbox.telemetry.second(at, served, sandbox.rng, {
            client: part / world.factor for client, part in world.floods.items() if world.factor})
        sandbox.telemetry.pay(at, served, world.payments, snapshot.config.get(HIDDEN, ""))
        sandbox.telemetry.repeat(at, sandbox.lines)
        self._count(at, served)

    def _count(self, at: float, served: list[Served]) -> None:
        entry = [item for item in served if item.component in (ENTRY, BALANCER)]
        requests, errors = sum(item.requests for item in entry), sum(item.errors for item in entry)
        self._recent = [*self._recent[-_RECENT_SECONDS:], (at, requests, errors)]

    def _snapshot(self) -> Snapshot:
        cluster, path = self._sandbox.cluster, f"/api/v1/namespaces/{NAMESPACE}"
        pods = [pod for pod in cluster.items(f"{path}/pods") if _runs(pod)]
        config = {item["metadata"]["name"]: item.get("data") or {} for item in cluster.items(f"{path}/configmaps")}
        secrets = {item["metadata"]["name"]: {key: base64.b64decode(value).decode(errors="replace")
                                              for key, value in (item.get("data") or {}).items()}
                   for item in cluster.items(f"{path}/secrets")}
        self._sandbox.running_pods = pods
        snapshot = Snapshot(pods, addresses(cluster.slices()),
                            {item["metadata"]["name"]: item for item in cluster.items(f"{path}/services")},
                            cluster.items(f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies"),
                            self._mounted(config.get("payment-gateway-config", {})),
                            secrets.get("payment-gateway-db", {}), self._environments)
        for pod in pods:
            self._environments.setdefault(pod["metadata"]["uid"], environment_of(pod, snapshot))
        return snapshot

    def _mounted(self, config: dict[str, str]) -> dict[str, str]:
        """The gateway's ConfigMap as its pods see it now."""
        now = time.time()
        self._config = [*self._config[-5:], (now, config)]
        return next((value for moment, value in reversed(self._config) if moment <= now - _CONFIG_READ_SECONDS),
                    self._config[0][1])

    def _measure(self) -> None:
        """Write what metrics.k8s.io shows."""
        if self._sandbox.running:
            self._sandbox.usage.write(self._sandbox.running_pods, self._sandbox.world.memory)

    def _listen(self) -> None:
        """Open and close the ports of database and providers, as the world is."""
        self._listeners.step(self._sandbox.world, time.time())


def _runs(pod: Object) -> bool:
    """Whether a container of the pod runs that is no proxy of the mesh."""
    return any(status.get("state", {}).get("running") and status["name"] != PROXY
               for status in pod.get("status", {}).get("containerStatuses") or [])


def _forever(step: Step, pause_seconds: float) -> None:
    following = time.monotonic()
    while True:
        following = max(following + pause_seconds, time.monotonic())
        try:
            step()
        except Exception:
            # A control plane that is just starting, or a fault that a drill brought about.
            traceback.print_exc()
        time.sleep(max(0.05, following - time.monotonic()))
