"""What the readers found, as plain facts; ``decide`` draws conclusions from them.

Each reader gives one kind of part. A part that was not read is its own empty value, so that decisions need not know
which readers ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

Part = TypeVar("Part")


@dataclass(frozen=True)
class Address:
    """A host that a workload's environment or configuration names. Never more of a value than host and port."""

    host: str
    """In lower case, without scheme, user, port and path."""
    port: int
    """0: not said."""
    name: str
    """The variable or key that holds it: ``DB_HOST``."""
    where: str
    """Where it stands, for people: ``DB_HOST of deployment/pay``."""
    scheme: str = ""
    path: str = ""
    """Of a queue's address alone: its path, which names the queue."""


@dataclass(frozen=True)
class Workload:
    """A Deployment, StatefulSet, DaemonSet or Rollout."""

    kind: str
    """In lower case, as the configuration writes it."""
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    containers: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    users: tuple[str, ...] = ()
    """Database users that its environment names."""
    config_maps: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """Return it as people and the configuration name it: ``statefulset/pay``."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Front:
    """A Kubernetes Service, as far as it leads to workloads."""

    name: str
    selector: Mapping[str, str] = field(default_factory=dict)
    kind: str = "ClusterIP"
    external_name: str = ""

    def selects(self, workload: Workload) -> bool:
        """Whether its selector selects the workload's pods."""
        return bool(self.selector) and self.selector.items() <= dict(workload.pod_labels).items()


@dataclass(frozen=True)
class Route:
    """A way from outside to a Service: an Ingress, an HTTPRoute, or a TargetGroupBinding."""

    service: str
    by: str
    """The object, for people: ``ingress/shop``."""
    target_group: str = ""
    """The target group's ARN, where the object names one."""


@dataclass(frozen=True)
class Setting:
    """A key of a ConfigMap with a short plain value, such as a switch has."""

    config_map: str
    key: str
    value: str


@dataclass(frozen=True)
class Cluster:
    """What the cluster says of one namespace."""

    server: str = ""
    """Which API server was asked, for people."""
    workloads: tuple[Workload, ...] = ()
    services: tuple[Front, ...] = ()
    routes: tuple[Route, ...] = ()
    settings: tuple[Setting, ...] = ()
    autoscaled: tuple[str, ...] = ()
    """Targets of autoscalers: ``deployment/pay``."""
    budgets: tuple[str, ...] = ()
    """Names of PodDisruptionBudgets."""
    outside_hosts: tuple[str, ...] = ()
    """Hosts outside the mesh that ServiceEntries name."""
    mesh: str = ""
    """``istio`` or ``linkerd``; empty: none was seen."""
    remote_secrets: tuple[str, ...] = ()
    """Names in Secrets Manager that ExternalSecrets of the namespace take."""
    adds_nodes: str = ""
    """What adds nodes, for people; empty: nothing was seen."""


@dataclass(frozen=True)
class ControlPlane:
    """What EKS says of the cluster."""

    auto_mode: bool = False
    security_groups: tuple[str, ...] = ()
    node_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetGroup:
    """A target group of a load balancer."""

    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def dimension(self) -> str:
        """The dimension TargetGroup in CloudWatch: ``targetgroup/name/id``."""
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True)
class Balancer:
    """A load balancer of ELBv2."""

    arn: str
    kind: str
    """``application``, ``network`` or ``gateway``."""
    scheme: str
    """``internet-facing`` or ``internal``."""
    host: str
    tags: Mapping[str, str] = field(default_factory=dict)
    target_groups: tuple[TargetGroup, ...] = ()

    @property
    def dimension(self) -> str:
        """The dimension LoadBalancer in CloudWatch: ``app/name/id``."""
        return self.arn.partition(":loadbalancer/")[2]


@dataclass(frozen=True)
class Balancers:
    """The load balancers that target groups of the account have."""

    found: tuple[Balancer, ...] = ()


@dataclass(frozen=True)
class Alarm:
    """An alarm in CloudWatch."""

    name: str
    namespace: str = ""
    metric: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    """Names and values; of an alarm on metric math those of all its metrics."""


@dataclass(frozen=True)
class Alarms:
    """The alarms of the account and Region."""

    found: tuple[Alarm, ...] = ()


@dataclass(frozen=True)
class MetricSet:
    """Metrics of one namespace that differ by one dimension alone."""

    namespace: str
    dimension: str
    names: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Metrics:
    """The account's own metrics, which are in no namespace of AWS."""

    sets: tuple[MetricSet, ...] = ()
    fine: tuple[str, ...] = ()
    """Namespaces with data for periods of 10 s."""
    canaries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Instance:
    """An RDS instance."""

    identifier: str
    host: str = ""
    engine: str = ""
    cluster: str = ""
    parameter_group: str = ""
    performance_insights: bool = False
    security_groups: tuple[str, ...] = ()
    secret: str = ""
    """The name of the secret that RDS itself manages."""
    port: int = 0


@dataclass(frozen=True)
class DatabaseCluster:
    """A DB cluster: Aurora, or Multi-AZ."""

    identifier: str
    hosts: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    """The writer first."""
    parameter_group: str = ""
    security_groups: tuple[str, ...] = ()
    secret: str = ""
    engine: str = ""
    port: int = 0


@dataclass(frozen=True)
class DatabaseProxy:
    """An RDS Proxy."""

    name: str
    host: str
    targets: tuple[str, ...] = ()
    """Identifiers of the instances or clusters behind it."""


@dataclass(frozen=True)
class Databases:
    """What RDS has in the account and Region."""

    instances: tuple[Instance, ...] = ()
    clusters: tuple[DatabaseCluster, ...] = ()
    proxies: tuple[DatabaseProxy, ...] = ()


@dataclass(frozen=True)
class CacheNode:
    """A cache cluster of ElastiCache."""

    identifier: str
    group: str = ""
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Caches:
    """What ElastiCache has in the account and Region."""

    nodes: tuple[CacheNode, ...] = ()


@dataclass(frozen=True)
class Secrets:
    """Names of secrets in Secrets Manager; no value of one is read for them."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """That one application calls a host, as traces or a mesh have seen it."""

    caller: str
    host: str
    count: int
    by: str
    """Who saw it, for people: ``New Relic's spans of the last day``."""


@dataclass(frozen=True)
class Application:
    """An application as New Relic names it."""

    name: str
    requests: int = 0
    spans: int = 0
    entity: bool = False
    """Whether there is an entity of that name."""


@dataclass(frozen=True)
class NewRelic:
    """What New Relic knows of the service."""

    applications: tuple[Application, ...] = ()
    attributes: Mapping[str, int] = field(default_factory=dict)
    """Candidates for fields: how many of ``measured`` events have each."""
    measured: Mapping[str, int] = field(default_factory=dict)
    """``Transaction`` and ``Span``: how many events were looked at."""
    known_keys: tuple[str, ...] = ()
    """All attribute names of ``Transaction``."""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True)
class LogField:
    """A field of log events in Splunk."""

    name: str
    count: int
    values: tuple[str, ...] = ()
    """Its most frequent values, the most frequent first."""


@dataclass(frozen=True)
class LogSource:
    """An index and sourcetype in Splunk with lines that name the service's workloads."""

    index: str
    sourcetype: str
    count: int


@dataclass(frozen=True)
class Splunk:
    """What Splunk has of the service."""

    sources: tuple[LogSource, ...] = ()
    """The one with most lines first."""
    sampled: int = 0
    """How many events the fields were counted in."""
    fields: tuple[LogField, ...] = ()


@dataclass(frozen=True)
class MeshCalls:
    """What a mesh counted of the calls between workloads."""

    calls: tuple[Call, ...] = ()
    metrics: str = ""
    """The convention that the request metrics follow; empty: none was found."""


class Facts:
    """All parts, by their kind."""

    def __init__(self, parts: Iterable[object] = ()) -> None:
        self._parts = {type(part): part for part in parts}

    def of(self, kind: type[Part]) -> Part:
        """Return the part of a kind; an empty one where it was not read."""
        found = self._parts.get(kind)
        return found if isinstance(found, kind) else kind()

    def read(self, kind: type[object]) -> bool:
        """Whether a part of this kind was read at all."""
        return kind in self._parts
