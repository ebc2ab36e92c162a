"""The processes run and answer no more, though nothing was changed."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import changes, killed, pods

_RESTARTED_SECONDS = 60.0
"""Within which a liveness probe as Kubernetes makes it by default (every 10 s, three in a row) restarts a container."""


def improvements(case: Case) -> Iterator[Advice]:
    """What hangs is restarted by the kubelet, and leaves what its developers need to find out why."""
    target = case.helped or next(iter(case.remedies), None)
    seen = case.seen("pods") or case.seen()
    if target and target.action == "cycle_deployment":
        yield Advice(
            "start-alone", "prevention", f"Pods of {case.component} wait for each other",
            f"one after the other did not help; what did: {target.summary}", f"{case.workload}, start",
            "let a pod start and get ready without the others, and find the others later", case.developers,
            Effort.DESIGN, f"`{case.kubectl} rollout restart {case.target(case.component)}` ends by "
            "itself", case.trouble.whole)
    else:
        yield Advice(
            "restart-what-hangs", "recovery", "Pods hung, and nothing restarted them", seen,
            f"{case.workload}, liveness probe", "add a liveness probe that asks the process itself and none of what it "
            "calls", case.developers, Effort.SETTING, "a pod whose process is stopped (kill -STOP) is restarted within "
            "a minute", case.beyond(_RESTARTED_SECONDS))
    yield Advice(
        "keep-dump", "prevention", "Why the pods hung is not known", seen, f"{case.workload}, diagnosis of a hang",
        "write a thread dump to the log on SIGTERM (and keep a termination grace period for it), so that a restart "
        "leaves the reason behind", case.developers, Effort.CHECK, "a restarted pod's last log lines hold the dump")


MECHANISM = Mechanism(
    id="stuck_pods",
    cause=CLUSTER_FAILURE,
    title="hanging pods",
    subject="hanging pods of {component}",
    remedies=("restart_pods", "cycle_deployment"),
    weights={
        pods.pods_fell: 2.5,
        pods.pods_blocked_by_sidecar: 1.5,
        pods.pods_crash: 1.0,
        changes.nothing_changed: 0.7,
        pods.pods_are_ready: -3.0,
        # The kubelet restarts them all the time: to restart them once more helps nobody.
        killed.killed_by_probe: -2.0,
        changes.change_explains_pods: -1.0,
    },
    improvements=improvements,
)
