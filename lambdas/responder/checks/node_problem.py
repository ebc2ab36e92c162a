"""A node's kernel, clock, network, disk or accelerator is not well, by what watches the machine.

AWS' page "Detect node health issues with the EKS node monitoring agent" (``KernelReady``, ``NetworkingReady``,
``StorageReady``, ``AcceleratedHardwareReady``: bad where False) and node-problem-detector's README (``KernelDeadlock``,
``ReadonlyFilesystem``, ``FrequentKubeletRestart`` and their like: bad where True).
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.machines import apps_on

_BAD = {
    **dict.fromkeys(("KernelReady", "NetworkingReady", "StorageReady", "AcceleratedHardwareReady"), "False"),
    **dict.fromkeys((
        "KernelDeadlock", "ReadonlyFilesystem", "FrequentKubeletRestart", "FrequentDockerRestart", "KubeletUnhealthy",
        "FrequentUnregisterNetDevice", "CorruptDockerOverlay2", "NTPProblem", "KubeletProblem", "XfsShutdown",
        "CperHardwareErrorFatal", "OutOfDisk"), "True")}


def find(state: State) -> Iterator[Found]:
    """Yield nodes of which a watcher says that they are not well."""
    for node in state.nodes:
        for one in node.conditions:
            if _BAD.get(one.kind) == one.status:
                yield Found(str(node.ref), f"node {node.name} is not well: {one.kind} is {one.status} ({one.reason})",
                            "lessens", "said", apps_on(state, node.name), one.message or one.reason,
                            f"cordon node {node.name}, and replace it", one.since)


CHECK = Check(id="node_problem", family="infrastructure", sign="node", find=find)
