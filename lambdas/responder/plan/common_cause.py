"""Where a cause lies that several services may share: a database, a provider, what they call, a node, a cluster, an
availability zone, or an event of AWS Health that names resources of theirs.

Incidents of several services whose causes lie at the same place are linked, and one of them leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from responder.model.evidence import Evidence
from responder.model.evidence.database_cluster import DatabaseCluster
from responder.model.evidence.nodes import Nodes
from responder.model.evidence.service_events import ServiceEvents
from responder.model.incident import Hypothesis
from responder.model.service import Service
from responder.plan.neighbours import object_of

LiesIn: TypeAlias = Literal["", "database", "provider", "dependency", "node", "cluster"]
"""What a mechanism is a fault of, where other services may depend on it; empty: the service's own."""
_PROVIDER, _DEPENDENCY = "provider:", "dependency:"
_AWS_SERVICES = {"database_connection": ("RDS",), "cluster_failure": ("EC2", "EKS")}
"""A cause to the AWS services whose events may be behind it."""


def places(service: Service, named: Iterable[tuple[Hypothesis, LiesIn]], at_fault: str,
           evidence: Evidence) -> tuple[str, ...]:
    """Return where the named causes lie, each place by the one name that it has for all services.

    ``named`` are the hypotheses that are sure enough, with what their mechanisms are faults of; ``at_fault`` is the
    object that live state shows (``node/n1``), empty where it shows none.
    """
    named = list(named)
    found = [place for hypothesis, lies_in in named if (place := _place(service, hypothesis, lies_in, at_fault,
                                                                        evidence))]
    if any(lies_in in ("node", "cluster") for _, lies_in in named):
        found += [f"zone/{service.aws.account}/{service.aws.region}/{zone}" for finding in evidence.of(Nodes)
                  for zone in finding.detail.zones_down]
    return tuple(dict.fromkeys([*found, *_events(service, {hypothesis.cause for hypothesis, _ in named}, evidence)]))


def in_words(place: str) -> str:
    """Return a place as people call it."""
    kind, _, rest = place.partition("/")
    match kind:
        case "aws":
            return f"the database {rest.rpartition('/')[2]}"
        case "provider":
            return f"the provider {rest}"
        case "dependency":
            return rest.rpartition("/")[2]
        case "cluster":
            return f"the cluster {rest.partition('/')[0]}"
        case "zone":
            return f"the availability zone {rest.rpartition('/')[2]}"
        case "aws-health":
            return f"what AWS reports as {rest}"
        case "node":
            return "node {1} of cluster {0}".format(*rest.split("/", 1))
        case _:
            return place


def _place(service: Service, hypothesis: Hypothesis, lies_in: LiesIn, at_fault: str, evidence: Evidence) -> str:
    match lies_in:
        case "database":
            return _database(service, evidence)
        case "provider":
            return next((f"provider/{provider.address.lower()}" for provider in service.providers
                         if f"{_PROVIDER}{provider.name}" == hypothesis.where), "")
        case "dependency":
            return next((_dependency(service, one.address.lower()) for one in service.dependencies
                         if f"{_DEPENDENCY}{one.name}" == hypothesis.where), "")
        case "node":
            return f"node/{service.cluster.name}/{at_fault.removeprefix('node/')}" if (
                at_fault.startswith("node/")) else ""
        case "cluster":
            return f"cluster/{service.cluster.name}"
        case "":
            return ""


def _database(service: Service, evidence: Evidence) -> str:
    """Return the database: its cluster where it has one, for services may name it by different instances."""
    if service.database is None:
        return ""
    found = evidence.one(DatabaseCluster)
    name = service.database.cluster or (found.detail.cluster if found and found.usable else "") or (
        service.database.instance)
    return object_of(service, f"rds/{name}") if name else ""


def _dependency(service: Service, host: str) -> str:
    """Return what is called by its host; a name without a dot is one of the namespace alone."""
    if "." in host.removesuffix(".svc.cluster.local"):
        return f"dependency/{host}"
    return f"dependency/{service.cluster.name}/{service.cluster.namespace}/{host}"


def _events(service: Service, causes: set[str], evidence: Evidence) -> Iterator[str]:
    """Yield the open events of AWS Health that name resources of the service, and that may be behind a named cause."""
    wanted = {name for cause in causes for name in _AWS_SERVICES.get(cause, ())}
    for finding in evidence.of(ServiceEvents):
        for event in finding.detail.events:
            if event.status == "open" and event.whose == "service" and event.entities and event.service in wanted:
                yield f"aws-health/{event.arn}"
