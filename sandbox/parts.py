"""The parts of the sandbox's world, made once, which clock, metrics, events and control share."""

from __future__ import annotations

import os
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from sandbox.admin import Engine
from sandbox.alarms import Evaluator
from sandbox.control_plane.run import ADMIN_TOKEN
from sandbox.places import SERVICE, Ports
from sandbox.platform.changes import Changes
from sandbox.platform.clean import create_node
from sandbox.platform.cluster import Cluster, Object
from sandbox.platform.kubelet import Kubelet
from sandbox.platform.past import Past
from sandbox.platform.state import World
from sandbox.platform.telemetry import Delays, Repeated, Telemetry
from sandbox.platform.usage import Usage
from sandbox.platform.versions import Versions
from sandbox.vendors.gate import Gates
from sandbox.vendors.newrelic import NewRelic


@dataclass
class Sandbox:
    """Everything that moves; a thread that reads or writes ``world`` or the stores holds ``lock``."""

    engine: Engine
    cluster: Cluster
    changes: Changes
    kubelet: Kubelet
    usage: Usage
    newrelic: NewRelic
    telemetry: Telemetry
    delays: Delays
    versions: Versions
    gates: Gates
    cloudwatch: Any
    """boto3's client; its types are not known to the checker."""
    parameters: Any
    """boto3's client of SSM."""
    evaluator: Evaluator | None = None
    """The deployed alarms; None until something is deployed."""
    world: World = field(default_factory=World)
    """Begun anew with each drill: to be read from here each time."""
    worlds: Past[World] = field(default_factory=Past)
    """The worlds of before, where they are kept."""
    running: bool = False
    """Whether the platform serves; False while it begins anew."""
    running_pods: list[Object] = field(default_factory=list)
    """Pods with a container that runs, as the last second found them."""
    targets: tuple[int, int] = (0, 0)
    """Healthy and unhealthy hosts behind the load balancer."""
    lines: list[Repeated] = field(default_factory=list)
    """What events write to the logs again and again."""
    rng: random.Random = field(default_factory=lambda: random.Random("steady"))
    lock: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def of(cls, ports: Ports, pki: Path) -> Sandbox:
        """Make all parts; nothing is asked of any server yet."""
        versions, gates = Versions(), Gates()
        delays = Delays.read(os.environ.get("SANDBOX_DELAYS", "sandbox"))
        telemetry = Telemetry(versions)
        cluster = Cluster(f"https://127.0.0.1:{ports.apiserver}", str(pki / "ca.crt"), ADMIN_TOKEN)
        return cls(Engine(ports.engine_admin), cluster, Changes(cluster), Kubelet(cluster, versions), Usage(cluster),
                   NewRelic(telemetry, gates, delays), telemetry, delays, versions, gates, boto3.client("cloudwatch"),
                   boto3.client("ssm"))

    def world_at(self, moment: float) -> World:
        """Return the world that a question about a stretch of time belongs to, by its end."""
        return self.worlds.at(moment, self.world)

    def create_node(self, node: Object) -> None:
        """Create a node with its capacity; one that is there stays."""
        create_node(self.cluster, node)

    def set_kill_switch(self, value: str) -> None:
        """Set the parameter that stops all remedies, as a person does."""
        self.parameters.put_parameter(Name=f"/incident-response/{SERVICE}/kill-switch", Value=value, Type="String",
                                      Overwrite=True)
