"""Two containers of a pod want the same port: the second cannot start.

Kubernetes' page "Pods": the containers of a pod share its IP address and its ports.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.pods import Pod
from responder.state.starting import code, sayings
from responder.state.trouble import hurt, waiting_pods

_SAID = re.compile(r"address already in use|EADDRINUSE|[Pp]ort \d+ (?:is|was) already (?:in use|allocated)|"
                   r"only one usage of each socket address", re.IGNORECASE)
_MEND = "give the sidecar or the workload another port"


def find(state: State) -> Iterator[Found]:
    """Yield workloads that say that a port is taken; else those that declare one twice and of which a container fails.
    """
    told: set[Ref] = set()
    for said in sayings(state):
        if said.pod.ready or said.app in told or not _SAID.search(said.text) or len(said.pod.spec.containers) < 2:
            continue
        told.add(said.app)
        yield Found(str(said.app), f"two containers of {said.app} want the same port{_ports(said.pod)}",
                    hurt(state, said.app), "said", (said.app.name,), said.text, _MEND, said.since)
    for pod in waiting_pods(state):
        app = state.owner(pod)
        failing = any(code(one) not in (None, 0) or one.waiting == "CrashLoopBackOff" for one in pod.statuses)
        if app not in told and failing and _ports(pod):
            told.add(app)
            yield Found(str(app), f"two containers of {app} want the same port{_ports(pod)}, and one of them fails",
                        hurt(state, app), "seen", (app.name,), f"containerPort{_ports(pod)} twice", _MEND,
                        pod.meta.created)


def _ports(pod: Pod) -> str:
    """Say the ports that more than one container of a pod declares; empty: none."""
    users: dict[tuple[int, str], set[str]] = defaultdict(set)
    for container in (*pod.spec.containers, *(one for one in pod.spec.init_containers if one.restarts_always)):
        for port in container.ports:
            users[port.number, port.protocol].add(container.name)
    twice = sorted(str(number) for (number, _), names in users.items() if number and len(names) > 1)
    return f" {', '.join(twice)}" if twice else ""


CHECK = Check(id="port_conflict_in_pod", family="startup", sign="definition", find=find)
