"""The kubelet put pods off their node: they used more than they may, or the node ran short.

Kubernetes' page "Node-pressure Eviction". Evicted pods stay listed for long, so those of the last hour alone count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.recent import is_recent
from responder.state.sayings import serves_nobody

_SAID = re.compile(r"[Tt]he node (?:was low on resource|had condition)|exceeds the (?:total )?limit|"
                   r"exceeded its local ephemeral storage limit|exceeds its limit|"
                   r"Pod was rejected: The node had condition|Container \S+ was using \S+, request is")
_OWN = re.compile(r"exceeds the (?:total )?limit|exceeded its local|exceeds its limit")
"""It used more than it may: its own matter, not the node's."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads whose pods were put off within the last hour."""
    said: dict[Ref, tuple[str, float]] = {}
    for pod in state.pods:
        since = max((one.since for one in pod.conditions), default=0.0)
        if pod.reason == "Evicted" and is_recent(state, since or pod.meta.created):
            owner = state.owner(pod)
            said[owner] = max(said.get(owner, ("", 0.0)), (pod.message or "Evicted", since))
    for event in state.events:
        if event.about.kind == "Pod" and event.reason == "Evicted" and _SAID.search(event.message) and (
                is_recent(state, event.last)):
            owner = next((state.owner(pod) for pod in state.pods if pod.ref == event.about), event.about)
            said[owner] = max(said.get(owner, ("", 0.0)), (event.message, event.last))
    for owner, (text, since) in sorted(said.items()):
        own = bool(_OWN.search(text))
        why = "they used more than they may" if own else "their node ran short"
        yield Found(
            str(owner), f"pods of {owner} were evicted: {why}",
            "stops" if serves_nobody(state, owner) else "lessens", "said", (owner.name,), text,
            f"raise the limit of {owner}, or find what it writes" if own else "free the node, or add one", since)


CHECK = Check(id="pod_evicted", family="runtime", find=find,
              follows=("node_disk_pressure", "node_memory_pressure", "node_pid_pressure"))
