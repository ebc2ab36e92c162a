"""Whether clocks agree: this machine's, AWS', the API server's and the nodes'. Evidence is put in order by them.

A node's clock is known by its lease, which its kubelet renews every 10 s with its own time (Kubernetes: "Leases").
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from cli.doctor.cluster import Cluster
from cli.doctor.model import Check, NotKnown, Probe, broken, well
from cli.doctor.surroundings import Surroundings
from responder.model.moment import epoch
from responder.model.service import Service

_OWN_SECONDS = 60.0
"""AWS refuses signatures that are five minutes off; evidence is confusing long before that."""
_CLUSTER_SECONDS = 10.0
_AHEAD_SECONDS, _BEHIND_SECONDS = 5.0, 60.0
"""Of a node's lease: ahead of the API server it can never be, and 40 s without a renewal make a node not ready."""


def _look(here: Surroundings) -> Iterable[Check]:
    aws, asked = _aws(here)
    yield own(asked - aws)
    yield from here.of_each(lambda service: _of(here, service, aws, asked))


def _aws(here: Surroundings) -> tuple[float, float]:
    """Return the time as AWS says it, and as this machine says it, at the same moment."""
    with here.account.asking("sts"):
        before = time.time()
        answer = here.account.client("sts").get_caller_identity()
        after = time.time()
    moment = _date(answer["ResponseMetadata"]["HTTPHeaders"])
    if moment is None:
        raise NotKnown("AWS' answer does not say when it was sent")
    return moment, (before + after) / 2


def _date(headers: Mapping[str, str]) -> float | None:
    value = next((value for name, value in headers.items() if name.lower() == "date"), "")
    try:
        # A date has whole seconds: on average it is half a second late.
        return parsedate_to_datetime(value).timestamp() + 0.5
    except (TypeError, ValueError):
        return None


def _of(here: Surroundings, service: Service, aws: float, asked: float) -> Iterator[Check]:
    cluster = here.cluster(service)
    before = time.time()
    server = _date(cluster.request("GET", "/version").headers)
    now = (before + time.time()) / 2
    if server is None:
        raise NotKnown(f"the API server of {cluster.name} does not say when it answers")
    yield api_server(cluster.name, (server - now) - (aws - asked))
    yield from nodes(_leases(cluster), server)


def _leases(cluster: Cluster) -> dict[str, float]:
    found: dict[str, float] = {}
    for lease in cluster.items("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"):
        spec: Mapping[str, Any] = lease.get("spec") or {}
        renewed = epoch(spec.get("renewTime"))
        if renewed is not None:
            found[str(lease["metadata"]["name"])] = renewed
    return found


def own(ahead_seconds: float) -> Check:
    """Judge this machine's clock by AWS'."""
    if abs(ahead_seconds) > _OWN_SECONDS:
        return broken("clock of this machine", f"it is {_said(ahead_seconds)} AWS' clock, and so are the times here",
                      "synchronize it (NTP); AWS refuses requests that are five minutes off")
    return well("clock of this machine", "it agrees with AWS' within a minute")


def api_server(cluster: str, ahead_seconds: float) -> Check:
    """Judge the API server's clock by AWS'."""
    subject = f"clock of {cluster}'s API server"
    if abs(ahead_seconds) > _CLUSTER_SECONDS:
        return broken(subject, f"it is {_said(ahead_seconds)} AWS' clock: changes of the cluster and failures in "
                      "CloudWatch come in the wrong order", "synchronize the control plane's clock (NTP)")
    return well(subject, "it agrees with AWS'")


def nodes(renewed: Mapping[str, float], now: float) -> Iterator[Check]:
    """Judge the nodes' clocks by when they say that they renewed their leases; ``now`` is the API server's time."""
    wrong = {name: at - now for name, at in renewed.items()
             if at - now > _AHEAD_SECONDS or now - at > _BEHIND_SECONDS}
    for name, ahead in sorted(wrong.items()):
        if ahead > 0:
            yield broken(f"clock of node {name}", f"it is at least {ahead:.0f} s ahead of the API server's",
                         "synchronize the node's clock (chrony with 169.254.169.123), or replace the node")
        else:
            yield broken(f"clock of node {name}", f"its lease was renewed {-ahead:.0f} s ago by its own clock: the "
                         "clock is behind, or its kubelet is gone",
                         f"kubectl describe node {name}; synchronize its clock, or replace it")
    if renewed and not wrong:
        yield well(f"clocks of {len(renewed)} nodes", "they agree with the API server's")


def _said(ahead_seconds: float) -> str:
    return f"{abs(ahead_seconds):.0f} s {'ahead of' if ahead_seconds > 0 else 'behind'}"


PROBE = Probe("clocks", "clocks of this machine, the cluster and its nodes", _look, (
    "sts:GetCallerIdentity", "kubernetes: list leases in kube-node-lease"))
