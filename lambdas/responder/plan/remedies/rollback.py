"""Roll a workload back to the last healthy revision: which versions are known to have served well."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from responder.model.evidence import Evidence
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.error_rate_by_version import UNKNOWN, ErrorRateByVersion
from responder.model.frozen import dataclass
from responder.model.images import version_of
from responder.model.service import Service
from responder.plan import remedies
from responder.plan.deeds import Choice, Deed, Option, Site
from responder.plan.rates import upper_bound
from responder.plan.remedies import Considered, Field, OnRecord, Remedy
from responder.plan.signals import calls
from responder.plan.uncounted import uncounted
from responder.plan.workload_kinds import kind_and_name

_PROVEN_REQUESTS = 10
"""A version has proven itself with so many times the requests that decide about an error rate."""


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """What is known of the component before the symptom."""

    healthy_versions: tuple[str, ...] = ()
    """Versions that served enough requests, and served them well."""
    healthy_before: bool = False
    """Whether the component as a whole did, by any source of requests."""


@dataclass(frozen=True)
class Before:
    """The revision that was in place."""

    revision: int
    replica_set: str
    """The object that holds it: a ReplicaSet or a ControllerRevision."""
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Healthy:
    """A revision that is known to have been healthy."""

    revision: int
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parameters:
    """The revision that takes its place, and the workload as it was seen."""

    revision: int
    replica_set: str
    """The object that holds it: a ReplicaSet or a ControllerRevision."""
    uid: str
    generation: int = 0
    images: tuple[str, ...] = ()
    healthy: tuple[Healthy, ...] = ()
    """All revisions that are known to have been healthy, the chosen one among them, newest first."""
    abort: bool = False
    """Whether a Rollout's update is aborted, so that its controller goes back to the revision that served before."""
    template_of: str = ""
    """The Deployment that has a Rollout's template; empty: the target has it."""


def facts(considered: Considered) -> Facts:
    """Collect what is known of the component before the symptom."""
    service, evidence, component = considered.service, considered.evidence, considered.component
    return Facts(healthy_versions(service, evidence, component), healthy_before(service, evidence, component))


def healthy_versions(service: Service, evidence: Evidence, component: str) -> tuple[str, ...]:
    """Return the versions that served enough requests before the symptom, and served them well."""
    return tuple(sorted({
        version for finding in evidence.of(ErrorRateByVersion, component)
        for version, served in finding.detail.baseline.items()
        if version != UNKNOWN and _served_well(service, served.requests, served.errors)}))


def healthy_before(service: Service, evidence: Evidence, component: str) -> bool:
    """Whether a component served well before the symptom, by any source of requests."""
    return any(_served_well(service, finding.detail.baseline_requests, finding.detail.baseline_errors)
               for finding in evidence.of(ErrorRate, component))


def _served_well(service: Service, requests: float, errors: float) -> bool:
    return (requests >= _PROVEN_REQUESTS * service.confirm.minimum_requests
            and upper_bound(errors, requests) < service.confirm.error_rate)


def known_as(images: tuple[str, ...]) -> set[str]:
    """Return what a revision of these images may be called: by their tags, by their digests, or by both."""
    found: set[str] = set()
    for image in images:
        tagged, _, digest = image.rpartition("/")[2].partition("@")
        found |= {version_of(image), tagged.partition(":")[2], digest}
    return found - {""}


def against(considered: Considered, facts: Facts) -> str:
    """Where requests are refused for want of room, it must be known whether more came: then a release is innocent."""
    unseen = uncounted(considered.service, considered.evidence, considered.onset) if (
        considered.mechanism == "bad_release" and calls.kind_queue.id in considered.signals) else ""
    return f"requests waited for room in vain, and {unseen}: whether more came is not known" if unseen else ""


def against_contested(considered: Considered, facts: Facts) -> str:
    """Where it is not known whether the mechanism is the one, a change must have been seen that it takes back."""
    if considered.signals & set(considered.brought_by):
        return ""
    return "no change of the workload was seen that it would take back"


def versions(images: tuple[str, ...]) -> str:
    """Return the versions of a revision's images, as people name a release; empty where the images have none."""
    return ", ".join(dict.fromkeys(version for image in images for version in [version_of(image)] if version))


def named(revision: int, images: tuple[str, ...]) -> str:
    """Return a revision as people name it: its version and its number."""
    told = versions(images)
    return f"{told} (revision {revision})" if told else f"revision {revision}"


def choice(record: OnRecord[Before, Parameters]) -> Choice | None:
    """Any other revision that is known to have been healthy."""
    healthy, wanted = record.parameters.healthy, record.parameters.revision
    if len(healthy) < 2 or wanted not in {one.revision for one in healthy}:
        return None
    return Choice("Revision", wanted, tuple(Option(one.revision, named(one.revision, one.images)) for one in healthy))


def deed(site: Site, record: OnRecord[Before, Parameters]) -> Deed:
    """The revision that it goes back to, and kubectl's command for it; the bad one keeps its number."""
    wanted, (kind, name) = record.parameters, kind_and_name(record.target)

    def argo(*words: str) -> str:
        # A plugin of kubectl takes no option before its name.
        return shlex.join(["kubectl", "argo", "rollouts", *words, "-n", site.service.cluster.namespace])

    def undo(revision: int) -> str:
        if kind == "Rollout":
            return argo("undo", name, f"--to-revision={revision}")
        return site.kubectl("rollout", "undo", record.target, f"--to-revision={revision}")

    title = f"Roll {record.target} back to {named(wanted.revision, wanted.images)}"
    if wanted.abort:
        return Deed(f"{title}: abort its update", (argo("abort", name),), (argo("retry", "rollout", name),))
    return Deed(title, (undo(wanted.revision),), (undo(record.before.revision),))


def writes(record: OnRecord[Before, Parameters]) -> Iterator[Field]:
    """A rollback writes the pod template; so does an abort that came too late for the update."""
    kind, name = kind_and_name(record.target)
    holder = record.parameters.template_of
    if kind:
        yield Field("Deployment", holder, ("template",)) if holder else Field(kind, name, ("template",))


REMEDY = Remedy(
    name="rollback",
    phrase="roll back",
    facts=facts,
    kinds=(Facts, Before, Parameters),
    risk="medium",
    default_policy="auto",
    reversible=True,
    # What would be put back is the version that was found to be bad.
    keep_when_not_helped=True,
    stays="the bad version is not put back",
    hazard="what the newer version brought is gone until it is released again",
    against=against,
    against_contested=against_contested,
    deed=deed,
    choice=choice,
    writes=writes,
    undoes_change=True,
)
