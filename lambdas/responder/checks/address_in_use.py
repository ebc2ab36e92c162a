"""A process cannot listen, because another holds its port: two containers of one pod, or two processes of one host.

Kubernetes' page "Pods": the containers of a pod share one network. The wordings are those of Linux (``EADDRINUSE``) and
of the languages' runtimes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.sayings import by_owner, sayings, serves_nobody

_SAID = re.compile(r"[Aa]ddress (?:is )?already in use|EADDRINUSE|[Pp]ort \d+ (?:is|was) already in use|BindException|"
                   r"[Ff]ailed to bind (?:to )?(?:port|address)|bind\(\) to \S+ failed \(98|"
                   r"No address added out of total|errno: 98\b|Errno 98\b|only one usage of each socket address")
_PORT = re.compile(r"(?:[Pp]ort |:)(\d{2,5})\b")


def find(state: State) -> Iterator[Found]:
    """Yield workloads that say that their port is taken, with the pod's containers that could hold it."""
    for owner, one in by_owner(sayings(state, _SAID)).items():
        pods = [pod for pod in state.pods if state.owner(pod) == owner and not pod.over]
        if pods and all(pod.ready for pod in pods):
            continue  # It listens by now.
        match = _PORT.search(one.text)
        port = f" {match[1]}" if match else ""
        containers = _containers(state, owner)
        beside = f" (containers {', '.join(containers)} share it)" if len(containers) > 1 else ""
        yield Found(str(owner), f"a process of {owner} cannot listen: port{port} is taken{beside}",
                    "stops" if serves_nobody(state, owner) else "lessens", "said", (owner.name,), one.text,
                    f"give the containers of {owner} different ports")


def _containers(state: State, owner: Ref) -> list[str]:
    workload = state.workload(owner)
    specs = [workload.template] if workload else [pod.spec for pod in state.pods if state.owner(pod) == owner]
    return sorted({container.name for spec in specs for container in spec.containers})


CHECK = Check(id="address_in_use", family="runtime", sign="definition", find=find,
              follows=("port_conflict_in_pod", "host_port_conflict"))
