"""What the drills' runner may ask of the world: begin anew, bring events about and heal them, say how it fares.

``sandbox/remote.py`` is the other end, with the types of what goes over the wire.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sandbox import events, worlds
from sandbox.account import trail, writers
from sandbox.alarms import Evaluator
from sandbox.clock import Clock
from sandbox.control_plane.rollouts import Rollouts
from sandbox.events.calling import CallingFields
from sandbox.eyes import Eyes
from sandbox.metrics import Metrics
from sandbox.parts import Sandbox
from sandbox.places import NAMESPACE
from sandbox.platform.clean import Clean, restore_nodes
from sandbox.platform.cluster import Object
from sandbox.platform.dependencies import made
from sandbox.platform.flow import ENTRY
from sandbox.platform.objects import FIRST_VERSION, KINDS, nodes, platform
from sandbox.platform.reach import addresses
from sandbox.platform.state import World
from sandbox.platform.untidy import leave
from sandbox.platform.versions import PROXY, Behaviour
from sandbox.remote import Beginning, Status, Told
from sandbox.truth import Happened, Truth, truth
from sandbox.vendors import logs, newrelic_events, splunk_events
from sandbox.vendors.people import Vendors

_EVALUATED_SECONDS = 1.3
"""An alarm looks at a period this long after its end, besides the source's own delay."""


class Control:
    """The control of one sandbox."""

    def __init__(self, sandbox: Sandbox, clock: Clock, metrics: Metrics, people: Vendors, rollouts: Rollouts,
                 mesh: Sequence[Object] = (), eyes: Eyes | None = None) -> None:
        """``mesh``: what makes the API server ask for the mesh's proxy in each pod."""
        self._sandbox, self._clock, self._metrics, self._people = sandbox, clock, metrics, people
        self._rollouts, self._clean, self._mesh, self._eyes = rollouts, Clean(sandbox.cluster), mesh, eyes
        self._heals: dict[str, Callable[[], None]] = {}
        """Events that go on, by name, to what heals them."""
        self._happened: dict[str, Happened] = {}
        self._beginning, self._begun = Beginning(), 0.0
        """How the platform began, and when."""
        self._since = 0.0
        """Since when what is there would be laid away, seconds since 1970 (UTC); 0: it is not kept."""

    def answer(self, what: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Do what is asked and return the answer, as JSON; None where nobody can ask that."""
        match what:
            case "reset":
                self.reset(Beginning(**body))
            case "template":
                self.deployed(Path(body["path"]))
            case "settled":
                self._clean.take_up()
            case "others":
                self.let_others_write()
            case "status":
                return asdict(self.status())
            case "begin":
                self.begin(body["event"], body["kind"], body["fields"])
            case "heal":
                self.heal(body["event"])
            case "told":
                return dict(self.told())
            case "received":
                return {"requests": [asdict(one) for one in self._people.received]}
            case "truth":
                return asdict(self.truth())
            case _:
                return None
        return {}

    def reset(self, beginning: Beginning) -> None:
        """Begin anew: the same healthy objects, two healthy hours of history, no fault anywhere."""
        self._sandbox.running = False
        ended = time.time()
        if beginning.keeps_past and self._since:
            self._sandbox.worlds.lay_away(self._since, ended, self._sandbox.world)
            self._sandbox.telemetry.lay_away(self._since, ended)
        began, self._since = self._since, ended if beginning.keeps_past else 0.0
        self._forget(beginning)
        self._make_objects(beginning.replicas)
        now = time.time()
        if began and self._since:
            self._sandbox.engine.lay_away_metrics(began, ended)
        else:
            self._sandbox.engine.clear_metrics()
        with self._sandbox.lock:
            self._sandbox.telemetry.reset(now, beginning.requests_per_second,
                                          random.Random(f"history {beginning.seed}"))
            self._sandbox.targets = (beginning.replicas.get(ENTRY, KINDS[ENTRY].pods), 0)
            self._metrics.begin(now)
            self._beginning, self._begun = beginning, float(int(now))
        if self._eyes:
            self._eyes.begin(beginning.eyes)
        with self._sandbox.lock:
            self._sandbox.telemetry.go_on(float(int(time.time())))
            if self._sandbox.evaluator:
                self._sandbox.evaluator.reset()
            self._sandbox.running = True

    def let_others_write(self) -> None:
        """Let the controllers of a busy account write to the platform's objects, as they did before this."""
        if self._sandbox.world.account.busy:
            writers.write(self._sandbox.cluster, self._beginning.replicas.get(
                writers.SCALED, KINDS[writers.SCALED].pods))

    def deployed(self, template: Path) -> None:
        """Take up the alarms of a deployed template."""
        delays = self._sandbox.delays
        self._sandbox.evaluator = Evaluator(template, self._sandbox.cloudwatch, {
            10: delays.cloudwatch + _EVALUATED_SECONDS, 60: delays.load_balancer + _EVALUATED_SECONDS})

    def status(self) -> Status:
        """The error rate of the last seconds, and which alarms went off when."""
        evaluator = self._sandbox.evaluator
        return Status(self._clock.recent(), self._sandbox.running, dict(evaluator.went_off) if evaluator else {})

    def begin(self, event: str, kind: str, fields: Mapping[str, object]) -> None:
        """Bring an event about; raises KeyError for a kind that is not there, ValidationError for wrong fields."""
        began = time.time()
        self._heals[event] = events.every()[kind].begin(self._sandbox, fields)
        self._happened[event] = Happened(event, kind, began, time.time())

    def heal(self, event: str) -> None:
        """Take away what an event did; raises KeyError where it does not go on."""
        self._heals.pop(event)()
        self._happened[event] = replace(self._happened[event], healed=time.time())

    def told(self) -> Told:
        """What the vendors were told, word for word."""
        return self._people.told()

    def truth(self) -> Truth:
        """What really happened since the platform began anew."""
        with self._sandbox.lock:
            return truth(self._sandbox.telemetry, self._beginning.seed, self._beginning.requests_per_second,
                         self._begun, time.time(), list(self._happened.values()))

    def _forget(self, beginning: Beginning) -> None:
        sandbox = self._sandbox
        with sandbox.lock:
            self._heals.clear()
            self._happened.clear()
            sandbox.gates.reset()
            sandbox.versions.reset()
            for component, calling in beginning.behaviour.items():
                sandbox.versions.add(component, FIRST_VERSION, Behaviour(calling=CallingFields.model_validate(
                    calling).made))
            sandbox.changes.reset()
            sandbox.newrelic.reset()
            sandbox.lines.clear()
            for one in (logs, newrelic_events, splunk_events, trail):
                one.forget()
            self._people.reset()
            self._clock.reset()
            sandbox.world = sandbox.kubelet.world = World(requests_per_second=beginning.requests_per_second)
            sandbox.world.dependencies = made(beginning.dependencies)
            sandbox.telemetry.dependencies = tuple(sandbox.world.dependencies.values())
            worlds.apply(sandbox.world, beginning.world, beginning.seed)
            sandbox.world.shape = replace(sandbox.world.shape, untidy=beginning.seed)
            sandbox.newrelic.spoken = sandbox.world.newrelic
            sandbox.rng.seed(beginning.seed)

    def _make_objects(self, replicas: Mapping[str, int]) -> None:
        """Make the platform's objects, and none but these; returns when all pods serve."""
        sandbox = self._sandbox
        rolls = sandbox.world.shape.workloads == "rollout"
        self._clean.restore(keep=lambda plural, name: rolls and plural == "customresourcedefinitions"
                            and name.endswith(".argoproj.io"))
        if rolls:
            self._rollouts.run()
        else:
            self._rollouts.end()
        sandbox.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        if sandbox.world.shape.mesh != "none":
            for manifest in self._mesh:
                sandbox.cluster.apply(manifest)
            _await(self._injects, 20, "the mesh to be asked for its proxy")
        restore_nodes(sandbox.cluster, nodes())
        sandbox.kubelet.beat_now()
        busy = sandbox.world.account.busy
        # The autoscaler takes the surplus away, when the drill is about to begin.
        first = {**replicas, writers.SCALED: replicas.get(writers.SCALED, KINDS[writers.SCALED].pods) + busy}
        for manifest in [*platform(first, sandbox.world.shape), *self._scalers()]:
            if busy:
                sandbox.cluster.apply(writers.installed(manifest), writers.HELM)
            else:
                sandbox.cluster.apply(manifest)
        _await(lambda: self._ready(first), 60, "all pods to be ready")
        leave(sandbox.cluster, sandbox.world.shape, time.time())
        sandbox.world.settled = True

    def _scalers(self) -> list[Object]:
        """Others' autoscalers of the platform; an old Kubernetes has none that rests."""
        busy = self._sandbox.world.account.busy and self._sandbox.cluster.serves("autoscaling/v2")
        return [writers.scaler()] if busy else []

    def _injects(self) -> bool:
        """Whether a pod would get the mesh's proxy now; the API server takes up a new webhook within a second."""
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "try"},
               "spec": {"containers": [{"name": "try", "image": "registry.example/tools:1.0.0"}]}}
        return PROXY in str(self._sandbox.cluster.request(
            "POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", pod))

    def _ready(self, wanted: Mapping[str, int]) -> bool:
        """Whether all workloads are as they are wanted: component to its pods, where they are not the usual number."""
        cluster, path = self._sandbox.cluster, f"/apis/apps/v1/namespaces/{NAMESPACE}"
        workloads = cluster.items(f"{path}/deployments") + cluster.items(f"{path}/statefulsets")
        if self._sandbox.world.shape.workloads == "rollout":
            workloads += cluster.items(f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts")
        # Until the Services know the pods, the first requests would be refused and set an alarm off.
        known = {name: sum(len(subset["addresses"]) for subset in item["subsets"])
                 for name, item in addresses(cluster.slices()).items()}
        return len(workloads) >= len(KINDS) and all(known.get(name, 0) == wanted.get(name, kind.pods)
                                                    for name, kind in KINDS.items()) and all(
            item.get("status", {}).get("readyReplicas", 0) == item["spec"]["replicas"]
            # Argo Rollouts writes the generation as a text.
            and str(item.get("status", {}).get("observedGeneration")) == str(item["metadata"]["generation"])
            for item in workloads)


def _await(holds: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)
