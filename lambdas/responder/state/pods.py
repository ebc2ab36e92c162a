"""Pods and what they are made of. Formats: the Kubernetes API reference (Pod v1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from responder.model.quantity import quantity
from responder.state.basics import Condition, Json, Meta, Ref, Requirement, Selector, conditions, requirements, texts
from responder.state.basics import seconds as moment


class Variable(NamedTuple):
    """An environment variable."""

    name: str
    value: str
    """Empty where it is taken from somewhere."""
    source: str
    """``ConfigMap``, ``Secret``; empty: written out, or a field of the pod."""
    object: str
    """The ConfigMap or Secret it is taken from."""
    key: str
    """Empty: all keys of the object (``envFrom``)."""
    optional: bool


class Port(NamedTuple):
    """A port that a container declares."""

    name: str
    number: int
    protocol: str
    host_port: int
    """0: none."""


class Probe(NamedTuple):
    """A probe of a container."""

    how: str
    """``httpGet``, ``tcpSocket``, ``exec`` or ``grpc``."""
    port: str
    """A number, or the name of a port of the container; empty: none."""
    path: str
    scheme: str
    """``HTTP`` or ``HTTPS``; empty where it is no httpGet."""
    command: tuple[str, ...]
    delay_seconds: float
    period_seconds: float
    timeout_seconds: float
    failures: int
    """So many in a row count."""


class Mount(NamedTuple):
    """Where a container sees a volume."""

    volume: str
    path: str
    read_only: bool


class Container(NamedTuple):
    """A container, as it is asked for."""

    name: str
    image: str
    pull_policy: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    environment: tuple[Variable, ...]
    ports: tuple[Port, ...]
    requests: Mapping[str, float]
    """Resource to its amount: ``cpu`` in cores, ``memory`` in bytes."""
    limits: Mapping[str, float]
    liveness: Probe | None
    readiness: Probe | None
    startup: Probe | None
    mounts: tuple[Mount, ...]
    runs_as: int | None
    """The user; None: the image's."""
    non_root: bool
    read_only_root: bool
    restarts_always: bool
    """Whether it is an init container that goes on (a sidecar)."""


class Volume(NamedTuple):
    """A volume of a pod."""

    name: str
    kind: str
    """``persistentVolumeClaim``, ``configMap``, ``secret``, ``emptyDir``, ``hostPath``, …"""
    object: str
    """What it refers to: the claim, the ConfigMap, the Secret, the host's path; empty: nothing."""
    keys: tuple[str, ...]
    """Keys of a ConfigMap or Secret that are named one by one."""
    optional: bool


class Toleration(NamedTuple):
    """A toleration."""

    key: str
    """Empty: any."""
    operator: str
    value: str
    effect: str
    """Empty: any."""


class PodTerm(NamedTuple):
    """Pods that a pod wants beside it, or not, in one zone of a topology."""

    selector: Selector
    topology: str


class PodSpec(NamedTuple):
    """What a pod is to be; also a template's."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    service_account: str = "default"
    node_selector: Mapping[str, str] = {}
    node: str = ""
    """The node it is bound to, or that it names itself."""
    node_terms: tuple[tuple[Requirement, ...], ...] = ()
    """Required node affinity: one of these, of which all must hold."""
    beside: tuple[PodTerm, ...] = ()
    """Required pod affinity."""
    apart: tuple[PodTerm, ...] = ()
    """Required pod anti-affinity."""
    tolerations: tuple[Toleration, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    dns_policy: str = "ClusterFirst"
    name_servers: tuple[str, ...] = ()
    host_network: bool = False
    scheduler: str = "default-scheduler"
    priority_class: str = ""
    runs_as: int | None = None
    non_root: bool = False
    group: int | None = None
    """``fsGroup``; None: none."""
    runtime_class: str = ""
    spread: tuple[PodTerm, ...] = ()
    """What must be spread over a topology (``DoNotSchedule``)."""
    gated: bool = False
    """Whether somebody holds it back from the scheduler (``schedulingGates``)."""

    @classmethod
    def of(cls, spec: Json | None) -> PodSpec:
        """Read a PodSpec."""
        spec = spec or {}
        affinity, security = spec.get("affinity") or {}, spec.get("securityContext") or {}
        required = (affinity.get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
        return cls(
            tuple(map(_container, spec.get("containers") or ())),
            tuple(map(_container, spec.get("initContainers") or ())),
            tuple(map(_volume, spec.get("volumes") or ())),
            str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"),
            texts(spec.get("nodeSelector")), str(spec.get("nodeName") or ""),
            tuple(requirements([*(term.get("matchExpressions") or ()), *(term.get("matchFields") or ())])
                  for term in required.get("nodeSelectorTerms") or ()),
            _terms(affinity.get("podAffinity")), _terms(affinity.get("podAntiAffinity")),
            tuple(Toleration(str(one.get("key") or ""), str(one.get("operator") or "Equal"),
                             str(one.get("value") or ""), str(one.get("effect") or ""))
                  for one in spec.get("tolerations") or ()),
            tuple(str(one.get("name", "")) for one in spec.get("imagePullSecrets") or ()),
            str(spec.get("dnsPolicy") or "ClusterFirst"),
            tuple(map(str, (spec.get("dnsConfig") or {}).get("nameservers") or ())), bool(spec.get("hostNetwork")),
            str(spec.get("schedulerName") or "default-scheduler"), str(spec.get("priorityClassName") or ""),
            security.get("runAsUser"), bool(security.get("runAsNonRoot")), security.get("fsGroup"),
            str(spec.get("runtimeClassName") or ""),
            tuple(PodTerm(Selector.of(one.get("labelSelector")), str(one.get("topologyKey", "")))
                  for one in spec.get("topologySpreadConstraints") or ()
                  if one.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"),
            bool(spec.get("schedulingGates")))


class Ended(NamedTuple):
    """How a container ended."""

    reason: str
    """``OOMKilled``, ``Error``, ``Completed``, …"""
    exit_code: int
    message: str
    finished: float
    """Seconds since 1970 (UTC); 0: not known."""
    started: float = 0.0


class Status(NamedTuple):
    """A container, as it is."""

    name: str
    ready: bool
    restarts: int
    """Since it was created."""
    image: str
    image_id: str
    """What really runs: the image's digest; empty: not known."""
    running_since: float
    """Seconds since 1970 (UTC); 0: it does not run, or since when is not known."""
    running: bool
    waiting: str
    """The reason for which it waits; empty: it does not."""
    message: str
    """What is said of its waiting."""
    ended: Ended | None
    """How it ended, where it is over."""
    last: Ended | None
    """How it ended before it was started anew."""


class Pod(NamedTuple):
    """A pod."""

    meta: Meta
    spec: PodSpec
    phase: str
    """``Pending``, ``Running``, ``Succeeded``, ``Failed``, ``Unknown``."""
    reason: str
    """Why it is over: ``Evicted``, ``NodeLost``, …"""
    message: str
    conditions: tuple[Condition, ...]
    statuses: tuple[Status, ...]
    init_statuses: tuple[Status, ...]
    address: str = ""
    """Its IP address; empty: none yet."""

    @classmethod
    def of(cls, item: Json) -> Pod:
        """Read a Pod."""
        status = item.get("status") or {}
        return cls(Meta.of(item, "Pod"), PodSpec.of(item.get("spec")), str(status.get("phase") or ""),
                   str(status.get("reason") or ""), str(status.get("message") or ""), conditions(item),
                   tuple(map(_status, status.get("containerStatuses") or ())),
                   tuple(map(_status, status.get("initContainerStatuses") or ())), str(status.get("podIP") or ""))

    @property
    def ref(self) -> Ref:
        """The pod, by name."""
        return self.meta.ref

    @property
    def node(self) -> str:
        """The node it is bound to; empty: none."""
        return self.spec.node

    @property
    def over(self) -> bool:
        """Whether it has ended and does not come back."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def ready(self) -> bool:
        """Whether it serves, by its own conditions."""
        return self.condition("Ready") == "True"

    def condition(self, kind: str) -> str:
        """Return the status of a condition; empty where it has none such."""
        return next((one.status for one in self.conditions if one.kind == kind), "")


def _container(item: Json) -> Container:
    resources, security = item.get("resources") or {}, item.get("securityContext") or {}
    return Container(
        str(item.get("name", "")), str(item.get("image", "")), str(item.get("imagePullPolicy") or ""),
        tuple(map(str, item.get("command") or ())), tuple(map(str, item.get("args") or ())),
        (*map(_variable, item.get("env") or ()), *(variable for one in item.get("envFrom") or ()
                                                   for variable in _all_of(one))),
        tuple(Port(str(port.get("name") or ""), int(port.get("containerPort") or 0), str(port.get("protocol") or "TCP"),
                   int(port.get("hostPort") or 0)) for port in item.get("ports") or ()),
        amounts(resources.get("requests")), amounts(resources.get("limits")), _probe(item.get("livenessProbe")),
        _probe(item.get("readinessProbe")), _probe(item.get("startupProbe")),
        tuple(Mount(str(mount.get("name", "")), str(mount.get("mountPath", "")), bool(mount.get("readOnly")))
              for mount in item.get("volumeMounts") or ()), security.get("runAsUser"),
        bool(security.get("runAsNonRoot")), bool(security.get("readOnlyRootFilesystem")),
        item.get("restartPolicy") == "Always")


def amounts(item: Json | None) -> dict[str, float]:
    """Read a map of resources; an amount that cannot be read is 0."""
    return {str(name): quantity(amount) for name, amount in (item or {}).items()}


def _variable(item: Json) -> Variable:
    source = item.get("valueFrom") or {}
    for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if key in source:
            ref = source[key]
            return Variable(str(item.get("name", "")), "", kind, str(ref.get("name", "")), str(ref.get("key", "")),
                            bool(ref.get("optional")))
    value = item.get("value")
    return Variable(str(item.get("name", "")), "" if value is None else str(value), "", "", "", False)


def _all_of(item: Json) -> list[Variable]:
    return [Variable("", "", kind, str(item[key].get("name", "")), "", bool(item[key].get("optional")))
            for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")) if key in item]


def _probe(item: Json | None) -> Probe | None:
    how = next((how for how in ("httpGet", "tcpSocket", "exec", "grpc") if item and how in item), "")
    if not item or not how:
        return None
    said = item[how] or {}
    return Probe(how, str(said.get("port") or ""), str(said.get("path") or ("/" if how == "httpGet" else "")),
                 str(said.get("scheme") or "HTTP") if how == "httpGet" else "",
                 tuple(map(str, said.get("command") or ())), float(item.get("initialDelaySeconds") or 0),
                 float(item.get("periodSeconds") or 10), float(item.get("timeoutSeconds") or 1),
                 int(item.get("failureThreshold") or 3))


_NAMES = {"persistentVolumeClaim": "claimName", "configMap": "name", "secret": "secretName", "hostPath": "path",
          "nfs": "server", "csi": "driver"}
"""What a volume of a kind refers to."""


def _volume(item: Json) -> Volume:
    kind = next((key for key in item if key != "name"), "emptyDir")
    said = item.get(kind) or {}
    return Volume(str(item.get("name", "")), kind, str(said.get(_NAMES.get(kind, ""), "") or ""),
                  tuple(str(one.get("key", "")) for one in said.get("items") or ()), bool(said.get("optional")))


def _terms(item: Json | None) -> tuple[PodTerm, ...]:
    return tuple(PodTerm(Selector.of(term.get("labelSelector")), str(term.get("topologyKey", "")))
                 for term in (item or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or ())


def _status(item: Json) -> Status:
    state = item.get("state") or {}
    running, waiting = state.get("running"), state.get("waiting") or {}
    return Status(
        str(item.get("name", "")), bool(item.get("ready")), int(item.get("restartCount") or 0),
        str(item.get("image") or ""), str(item.get("imageID") or ""), moment((running or {}).get("startedAt")),
        running is not None, str(waiting.get("reason") or ""), str(waiting.get("message") or ""),
        _ended(state.get("terminated")), _ended((item.get("lastState") or {}).get("terminated")))


def _ended(item: Json | None) -> Ended | None:
    if not item:
        return None
    return Ended(str(item.get("reason") or ""), int(item.get("exitCode") or 0), str(item.get("message") or ""),
                 moment(item.get("finishedAt")), moment(item.get("startedAt")))
