"""Give a workload as many pods as its load needs: what comes, and what one pod serves, as it was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from responder.model.evidence import Evidence
from responder.model.evidence.connections import Connections
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.pods import Pods
from responder.model.fault_location import OWN
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan import remedies
from responder.plan.deeds import Choice, Deed, Option, Site, text
from responder.plan.remedies import Considered, Field, OnRecord, Remedy
from responder.plan.remedies.restore_configuration import suspects
from responder.plan.remedies.shed_load import TRIGGER_GONE
from responder.plan.starved import starved_by
from responder.plan.switches import fitting
from responder.plan.times import shortest_step
from responder.plan.wording import count, plural
from responder.plan.workload_kinds import kind_and_name

RESERVE = 1.25
"""A fifth of the capacity stays free: random arrivals queue without end at full load."""
_BOUNDS = {"HorizontalPodAutoscaler": ("minReplicas", "maxReplicas"),
           "ScaledObject": ("minReplicaCount", "maxReplicaCount")}
_LATE_SECONDS = 50.0
"""The newest periods reach back so far, and three periods at least."""


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """The load, the capacity, and what the database takes."""

    requests_per_second: float = 0.0
    """What comes to the component now."""
    served_per_pod: float = 0.0
    """Requests a second that one ready pod serves well; 0: it could not be measured."""
    connections_used: float = 0.0
    connections_maximum: float = 0.0
    """Connections that the database takes; 0: not known."""
    lost: int = 0
    """Pods that count as pods and serve nothing: they are on nodes that are silent, until these are back or given up.
    """


@dataclass(frozen=True)
class Before:
    """How many pods there were, and the autoscaler's bounds where one is in charge."""

    replicas: int
    scaler: str = ""
    """The autoscaler's name; empty: none is in charge."""
    minimum: int = 1
    maximum: int = 0
    scaler_kind: str = "HorizontalPodAutoscaler"
    """Of what the bounds are: ``ScaledObject`` where KEDA writes the autoscaler from one."""


@dataclass(frozen=True)
class Parameters:
    """How many pods there are to be."""

    replicas: int
    uid: str = ""
    each: float = 0.0
    """Requests a second that one pod serves, as it was measured."""
    now: int = 0
    """How many pods there were when it was planned; 0: as many as ``Before`` has."""
    most: int = 0
    """The most pods that the limits, the nodes and the database allow; 0: not known, and nobody may choose."""


class Throughput(NamedTuple):
    """Requests a second."""

    comes: float
    """What comes to a component now."""
    each: float
    """What one ready pod serves well; 0: not known."""


def facts(considered: Considered) -> Facts:
    """Measure the load and the capacity."""
    measured = throughput(considered.evidence, considered.component) or Throughput(0.0, 0.0)
    used = maximum = 0.0
    for finding in considered.evidence.of(Connections, source="rds"):
        used, maximum = finding.value or 0.0, float(finding.detail.maximum)
    return Facts(measured.comes, measured.each, used, maximum, _on_silent_nodes(considered))


def _on_silent_nodes(considered: Considered) -> int:
    silent = {name for finding in considered.evidence.of(Nodes) for name in finding.detail.not_ready}
    return sum(number for finding in considered.evidence.of(Pods, considered.component)
               for node, number in finding.detail.unready_on.items() if node in silent)


def throughput(evidence: Evidence, component: str) -> Throughput | None:
    """Return the requests a second that come now, and those that one ready pod serves well; None: not known.

    Both are the most of the newest whole periods, of which two at least: a load that has just risen is hidden by the
    mean, and what a pod can do shows only while it has more to do than that.
    """
    pods = next((finding.detail.ready for finding in evidence.of(Pods, component)), 0)
    found: Throughput | None = None
    each = 0.0
    for finding in sorted((f for f in evidence.of(ErrorRate, component) if f.window),
                          key=lambda f: (f.window.end if f.window else 0.0, f.source)):
        end = finding.window.end if finding.window else 0.0
        series = sorted(finding.detail.series)
        period = shortest_step((bucket.start for bucket in series), 60.0)
        late = [b for b in series if end - max(_LATE_SECONDS, 3 * period) <= b.start <= end - period]
        if len(late) < 2:
            continue
        each = max(b.requests - b.errors for b in late) / period / pods if pods else each
        # A component that is given less than it asks for asks for as much as its callers let through to it.
        found = Throughput(max(b.requests for b in late) / period, each)
    return found


def against(considered: Considered, facts: Facts) -> str:
    """Where a change took the capacity away, that is restored instead; retries that are the load are ended first.

    More pods send more to what they call: where that is what retries drown, or what all threads wait for, they make it
    worse.
    """
    if considered.mechanism == "retry_storm":
        if considered.where != OWN.text:
            return f"what is overloaded is {considered.where}, and more pods would send more to it"
        # Nothing is shed while customers may ask for too much: then more pods are what is left.
        ends_them = ("cap_retries", *(["shed_load"] if TRIGGER_GONE & considered.signals else []))
        if any(fitting(considered, purpose) and (purpose, considered.component) not in considered.tried
               for purpose in ends_them):
            return "the retries are what comes, and a switch ends them"
    if considered.mechanism == "more_traffic" and (
            slow := starved_by(considered.service, considered.evidence, considered.component)):
        return f"its threads wait for {slow}, which has become slow, and those of more pods would wait as well"
    if considered.mechanism == "kubelet_down" and not facts.lost:
        return "no pod of it is known to be on a node that is silent"
    if considered.together[0] == "restore_configuration" and suspects(considered):
        return "what took the capacity away is put back instead"
    return ""


def no_longer_needed(service: Service, record: OnRecord[Before, Parameters], evidence: Evidence) -> str:
    """Say that as many pods as before serve what comes now, with the same reserve."""
    before, each = record.before.replicas, record.parameters.each
    measured = throughput(evidence, record.component)
    if measured is None or measured.comes * RESERVE > before * each:
        return ""
    return (f"{count(measured.comes)} requests/s come, which {before} pods serve by what was measured "
            f"({count(each)} each)")


def deed(site: Site, record: OnRecord[Before, Parameters]) -> Deed:
    """The numbers of pods; where an autoscaler is in charge its bounds, for it would undo anything else."""
    before, wanted = record.before, record.parameters.replicas

    def bounds(least: int, most: int) -> str:
        return site.kubectl("patch", before.scaler_kind.lower(), before.scaler, "--type", "merge", "-p",
                            text({"spec": dict(zip(_BOUNDS[before.scaler_kind], (least, most), strict=True))}))

    def scale(replicas: int) -> str:
        return site.kubectl("scale", record.target, f"--replicas={replicas}")

    title = f"Scale {record.target} from {record.parameters.now or before.replicas} to {plural(wanted, 'pod')}"
    if before.scaler:
        return Deed(title, (bounds(wanted, max(wanted, before.maximum)),), (bounds(before.minimum, before.maximum),))
    return Deed(title, (scale(wanted),), (scale(before.replicas),))


def choice(record: OnRecord[Before, Parameters]) -> Choice | None:
    """Any number of pods above what is there, up to what the guardrails and the nodes allow."""
    wanted, now = record.parameters, record.parameters.now or record.before.replicas
    numbers = range(now + 1, wanted.most + 1)
    if len(numbers) < 2 or wanted.replicas not in numbers:
        return None
    return Choice("Pods", wanted.replicas, tuple(Option(number, plural(number, "pod")) for number in numbers), "pods")


def writes(record: OnRecord[Before, Parameters]) -> Iterator[Field]:
    """It writes the number of pods, or the autoscaler's bounds."""
    kind, name = kind_and_name(record.target)
    if not kind:
        return
    before, wanted = record.before, record.parameters.replicas
    yield Field(kind, name, ("replicas",), (wanted, before.replicas))
    for bound in _BOUNDS[before.scaler_kind] if before.scaler else ():
        yield Field(before.scaler_kind, before.scaler, (bound,), (wanted, before.minimum, before.maximum))


REMEDY = Remedy(
    name="scale_up",
    phrase="scale up",
    facts=facts,
    kinds=(Facts, Before, Parameters),
    risk="low",
    default_policy="auto",
    reversible=True,
    keep_when_not_helped=False,
    hazard="more pods take more of the nodes, of the quota and of the database's connections",
    against=against,
    no_longer_needed=no_longer_needed,
    deed=deed,
    choice=choice,
    incremental=True,
    writes=writes,
)
