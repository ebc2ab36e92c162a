"""Roll a workload back to the last healthy revision: which versions are known to have served well."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Evidence
from responder.model.evidence.error_rate import ErrorRate
from responder.model.evidence.error_rate_by_version import ErrorRateByVersion
from responder.model.frozen import dataclass
from responder.model.images import version_of
from responder.model.service import Service
from responder.plan import remedies
from responder.plan.deeds import Deed, Site
from responder.plan.rates import upper_bound
from responder.plan.remedies import Considered, Field, OnRecord, Remedy

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
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parameters:
    """The revision that takes its place, and the Deployment as it was seen."""

    revision: int
    replica_set: str
    uid: str
    generation: int = 0
    images: tuple[str, ...] = ()


def facts(considered: Considered) -> Facts:
    """Collect what is known of the component before the symptom."""
    service, evidence, component = considered.service, considered.evidence, considered.component
    return Facts(healthy_versions(service, evidence, component), healthy_before(service, evidence, component))


def healthy_versions(service: Service, evidence: Evidence, component: str) -> tuple[str, ...]:
    """Return the versions that served enough requests before the symptom, and served them well."""
    return tuple(sorted({
        version for finding in evidence.of(ErrorRateByVersion, component)
        for version, served in finding.detail.baseline.items()
        if _served_well(service, served.requests, served.errors)}))


def healthy_before(service: Service, evidence: Evidence, component: str) -> bool:
    """Whether a component served well before the symptom, by any source of requests."""
    return any(_served_well(service, finding.detail.baseline_requests, finding.detail.baseline_errors)
               for finding in evidence.of(ErrorRate, component))


def _served_well(service: Service, requests: float, errors: float) -> bool:
    return (requests >= _PROVEN_REQUESTS * service.confirm.minimum_requests
            and upper_bound(errors, requests) < service.confirm.error_rate)


def against_contested(considered: Considered, facts: Facts) -> str:
    """Where it is not known whether the mechanism is the one, a change must have been seen that it takes back."""
    if considered.signals & set(considered.brought_by):
        return ""
    return "no change of the workload was seen that it would take back"


def versions(images: tuple[str, ...]) -> str:
    """Return the versions of a revision's images, as people name a release; empty where the images have none."""
    return ", ".join(dict.fromkeys(version for image in images for version in [version_of(image)] if version))


def deed(site: Site, record: OnRecord[Before, Parameters]) -> Deed:
    """The revision that it goes back to, and kubectl's command for it; the bad one keeps its number."""
    def undo(revision: int) -> str:
        return site.kubectl("rollout", "undo", record.target, f"--to-revision={revision}")

    wanted = record.parameters
    named = versions(wanted.images)
    return Deed(f"Roll {record.target} back to " + (
        f"{named} (revision {wanted.revision})" if named else f"revision {wanted.revision}"),
        (undo(wanted.revision),), (undo(record.before.revision),))


def writes(record: OnRecord[Before, Parameters]) -> Iterator[Field]:
    """A rollback writes the pod template."""
    place, _, name = record.target.partition("/")
    if place == "deployment":
        yield Field("Deployment", name, ("template",))


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
    against_contested=against_contested,
    deed=deed,
    writes=writes,
    undoes_change=True,
)
