"""The pods of the component that fails: how many are ready, and what keeps the others."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Finding
from responder.model.evidence.changes import Changes
from responder.model.evidence.pods import Pods, Sidecar
from responder.model.evidence.problems import Problems
from responder.plan.signals import Context, Seen, Signal, signal
from responder.plan.workload_kinds import WORKLOAD_KINDS

_MOST_NODES = 5
"""So many names of nodes are told at most."""


@signal("State: nobody is there, by intention.")
def scaled_to_nothing(component: str) -> str:
    return f"{component} is scaled to no pod at all"


@signal("State: nobody is there, and it was there before: a workload that was never seen may just have another name.")
def workload_gone(component: str) -> str:
    return f"the workload of {component} is gone"


@signal("State: a quota or a limit range forbids them, by what the API server says.")
def quota_refuses_pods(component: str) -> str:
    return f"the API server refuses new pods of {component}"


@signal("State: pods of a higher priority took their place.")
def pods_preempted(component: str) -> str:
    return f"pods of {component} were preempted"


@signal("State: the pods themselves are well; a node that has just died is known to Kubernetes only after 40 s.")
def pods_are_ready(component: str, wanted: int) -> str:
    return f"all {wanted} pods of {component} are ready"


@signal("State: capacity is missing; what makes it so is told by the reasons.")
def pods_not_ready(component: str, ready: int, wanted: int) -> str:
    return f"{ready} of {wanted} pods of {component} are ready"


@signal("Where: what several workloads show at once comes from what they share, the nodes and the control plane, "
        "rather than from the definition or version of one.")
def others_not_ready(others: str) -> str:
    return f"pods of {others} are not ready either"


@signal("Where: Kubernetes binds a pod to a node that exists, and takes it away a minute or so after the node is "
        "gone; in between it is listed as it last was and serves nobody. A node that is taken out in an orderly way "
        "was drained first.")
def its_nodes_are_gone(component: str, nodes: str) -> str:
    return f"pods of {component} are bound to nodes that are no more ({nodes})"


@signal("State: more memory than the limit: a leak, or a limit that was lowered.")
def pods_oom_killed(component: str) -> str:
    return f"pods of {component} were killed for their memory"


@signal("State: the process ends after it starts: code, command or settings; on a sick node it would be other "
        "workloads too.")
def pods_crash(component: str, count: int, reason: str) -> str:
    return f"{count} pods of {component} are in {reason}"


@signal("State: the image is not there or may not be read.")
def pods_image(component: str, count: int) -> str:
    return f"{count} pods of {component} cannot pull their image"


@signal("State: the definition names what is not there.")
def pods_configuration(component: str, count: int) -> str:
    return f"{count} pods of {component} lack a ConfigMap, Secret or key that they refer to"


@signal("State: no node takes them: room, cordons, or what they ask for.")
def pods_unscheduled(component: str, count: int) -> str:
    return f"{count} pods of {component} find no node"


@signal("State: the definition's own preparation does not end.")
def pods_held_by_init(component: str, count: int) -> str:
    return f"{count} pods of {component} are held by an init container"


@signal("State: the readiness probe fails: a probe at the wrong place, or a process that is not well.")
def pods_fail_probe(component: str, count: int) -> str:
    return f"{count} pods of {component} run and are not ready"


@signal("State: the application is ready, and a container beside it (a mesh's proxy, an agent) is not: its code is not "
        "at fault, and new pods may help.")
def pods_blocked_by_sidecar(component: str, sidecar: str, count: int, reasons: str) -> str:
    return f"{count} pods of {component} are not ready because of their container {sidecar} alone{reasons}"


@signal("State: the pods are well by their own probes, and a load balancer that asks them itself does not get there, "
        "or its controller does not say so.")
def pods_wait_for_gate(component: str, count: int, gates: str) -> str:
    return f"the containers of {count} pods of {component} are ready, and a readiness gate keeps them out ({gates})"


@signal("State: they have served under the same template, so neither its probe nor its command is unfit; what runs "
        "and answers no more hangs. A new version may do so after a while, by a leak.")
def pods_fell(component: str, count: int) -> str:
    return f"{count} pods of {component} were ready, still run, and are ready no more"


@signal("State: what is selected is closed but for what is allowed.")
def policies_select_it(component: str, policies: str) -> str:
    return f"NetworkPolicies select {component}: {policies}"


CRASHING = frozenset({"CrashLoopBackOff", "CreateContainerError", "RunContainerError"})
WITHOUT_IMAGE = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName"})
_WITHOUT_CONFIGURATION = frozenset({"CreateContainerConfigError"})
"""Reasons for which a container waits, as the kubelet names them."""


def read(context: Context) -> Iterator[Signal]:
    """Yield the state of the component's pods, and which NetworkPolicies select them."""
    gone = _gone(context)
    if gone is not None:
        yield workload_gone.emit(gone, context.component)
        return
    policies: set[str] = set()
    for finding in context.evidence.of(Pods, context.component):
        yield from _state(context, finding)
        policies.update(finding.detail.policies or ())
    if policies and not context.in_itself:
        yield policies_select_it.emit(Seen("kubernetes", Pods.name), context.component, ", ".join(sorted(policies)))


def _gone(context: Context) -> Finding[Pods] | None:
    """Return the newest answer if by it there is no workload, and there was one: by an earlier look, or the ledger."""
    answers = [finding for finding in context.evidence.every if isinstance(finding.detail, Pods)
               and finding.component == context.component and (finding.usable or finding.status == "empty")]
    newest = max(answers, key=lambda finding: finding.window.end if finding.window else 0.0, default=None)
    if newest is None or newest.usable:
        return None
    was = any(finding.usable for finding in answers) or any(
        change.what == "deleted" and change.name in context.workloads and change.kind in WORKLOAD_KINDS
        for finding in context.evidence.of(Changes) for change in finding.detail.changes)
    return newest if was else None


def _state(context: Context, finding: Finding[Pods]) -> Iterator[Signal]:
    component, pods = context.component, finding.detail
    if pods.wanted == 0:
        yield scaled_to_nothing.emit(finding, component)
        return
    if ("ReplicaFailure" in pods.conditions or "FailedCreate" in pods.events) and _by_quota(context):
        yield quota_refuses_pods.emit(finding, component)
    if "Preempted" in pods.events:
        yield pods_preempted.emit(finding, component)
    if pods.ready >= pods.wanted:
        yield pods_are_ready.emit(finding, component, pods.wanted)
        return
    yield pods_not_ready.emit(finding, component, pods.ready, pods.wanted)
    others = sorted(other.component for other in context.evidence.of(Pods, source=finding.source)
                    if other.component != component and other.detail.ready < other.detail.wanted)
    if others:
        yield others_not_ready.emit(finding, ", ".join(others))
    if pods.gone_nodes:
        yield its_nodes_are_gone.emit(finding, component, ", ".join(pods.gone_nodes[:_MOST_NODES]))
    yield from _unready(component, finding)


def _by_quota(context: Context) -> bool:
    """Whether pods that are refused are refused by a quota: the checks of live state read what the API server says.

    Where they did not run, as in older records, nothing tells it from a webhook or a missing ServiceAccount.
    """
    looked = list(context.evidence.of(Problems))
    return not looked or any(problem.sign == "quota" and context.component in problem.apps
                             for finding in looked for problem in finding.detail.problems)


def _unready(component: str, finding: Finding[Pods]) -> Iterator[Signal]:
    """Yield what keeps pods from being ready."""
    pods = finding.detail
    if "OOMKilled" in pods.terminated:
        yield pods_oom_killed.emit(finding, component)
    for reason, count in pods.waiting.items():
        if reason in CRASHING:
            yield pods_crash.emit(finding, component, count, reason)
        elif reason in WITHOUT_IMAGE:
            yield pods_image.emit(finding, component, count)
        elif reason in _WITHOUT_CONFIGURATION:
            yield pods_configuration.emit(finding, component, count)
    if pods.unscheduled:
        yield pods_unscheduled.emit(finding, component, pods.unscheduled)
    if pods.preparing:
        yield pods_held_by_init.emit(finding, component, pods.preparing)
    elif pods.probing:
        yield pods_fail_probe.emit(finding, component, pods.probing)
    if pods.fell:
        yield pods_fell.emit(finding, component, pods.fell)
    yield from _kept_out(component, finding)


def _kept_out(component: str, finding: Finding[Pods]) -> Iterator[Signal]:
    """Yield what keeps pods from being ready whose application is."""
    pods = finding.detail
    if pods.gated:
        yield pods_wait_for_gate.emit(finding, component, pods.gated, ", ".join(pods.gates))
    for name, sidecar in pods.sidecars.items():
        if sidecar.blocks:
            yield pods_blocked_by_sidecar.emit(finding, component, name, sidecar.blocks, _reasons(sidecar))


def _reasons(sidecar: Sidecar) -> str:
    reasons = sorted({*sidecar.waiting, *sidecar.terminated})
    return f" ({', '.join(reasons)})" if reasons else ""
