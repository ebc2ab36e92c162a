"""A Service's port takes no connections, though its pods are ready: something between them is wrong.

It is tried by whoever can (a probe, a synthetic client); what exactly is wrong has checks of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.checks.no_endpoints import ENDED, REFUSED, UNPLACED, UNREADY, UNSERVED, UNSTARTED
from responder.state import State


def find(state: State) -> Iterator[Found]:
    """Yield Services that are not reached while pods of theirs are ready."""
    tried: dict[str, set[bool]] = {}
    for one in state.connections:
        if one.reached is not None:
            tried.setdefault(one.service, set()).add(one.reached)
    for service in sorted(state.services, key=lambda one: one.ref):
        pods = [pod for workload in state.behind(service) for pod in state.pods_of(workload)]
        said = next((one.said for one in state.connections if one.service == service.ref.name and not one.reached), "")
        if tried.get(service.ref.name) == {False} and any(pod.ready for pod in pods):
            names = tuple(sorted({state.app(pod) for pod in pods}))
            yield Found(str(service.ref), f"Service {service.ref.name} is not reached, though pods of it are ready",
                        "stops", "said", names, said, f"find what is between Service {service.ref.name} and its pods")


CHECK = Check(id="service_not_reached", family="routing", find=find, follows=(
    *REFUSED, *UNPLACED, *UNSTARTED, *UNSERVED, *ENDED, *UNREADY, "no_endpoints", "service_port_mapping_mismatch",
    "service_protocol_mismatch", "kube_proxy_unavailable", "external_name_unresolvable", "node_network_packet_loss",
    "node_network_delay", "pod_network_delay", "pod_cpu_overload"))
