"""The pods' own definition changed, without a new image, so that they cannot run or serve."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, keep_old_pods, paths, said, thing
from responder.plan.causes import CODE_BUG
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, entrance, killed, live_state, nodes, pods, versions

_CHECKS = (
    (("env", "envFrom", "volumes", "volumeMounts"), "refuse in the pipeline a manifest whose references (ConfigMaps, "
     "Secrets, their keys) the cluster does not have"),
    (("readinessProbe", "livenessProbe", "startupProbe", "ports"), "try the probe in the pipeline against a pod that "
     "is started from the manifest"),
    (("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "nodeName", "schedulerName"),
     "refuse in the pipeline a manifest for whose pods the cluster has no fitting node"),
    (("resources",), "compare a new limit in the pipeline with what the pods used at their height in the last weeks"),
    (("initContainers",), "start a pod from the manifest in the pipeline, and give each init container a time limit"),
    (("command", "args"), "start a pod from the manifest in the pipeline, and wait until it is ready"))
"""A part of the pod's template to how a bad change of it is found before it goes out."""


def improvements(case: Case) -> Iterator[Advice]:
    """The manifest is tried before it goes out, and old pods stay until new ones are ready."""
    change = case.change
    if change is None:
        return
    touched = {part for path in paths(change) for part in path}
    check = next((check for parts, check in _CHECKS if touched & set(parts)), _CHECKS[-1][1])
    yield Advice(
        "try-manifest", "prevention", "A workload definition went out that its pods cannot live with",
        said(case.told(change), case.seen('pods')), thing(change), check, f"developers of {change.name}",
        Effort.CHECK, "the pipeline refuses the manifest of this incident", case.trouble.whole)
    yield from keep_old_pods(case)


MECHANISM = Mechanism(
    id="unfit_workload",
    cause=CODE_BUG,
    title="unfit workload definition",
    subject="unfit workload definition of {component}",
    remedies=("rollback",),
    brought_by=(changes.workload_changed,),
    weights={
        live_state.live_definition: 6.0,
        live_state.live_placement: 6.0,
        live_state.live_image: 2.0,
        changes.workload_changed: 3.0,
        pods.pods_configuration: 2.5,
        killed.killed_by_probe: 2.0,
        pods.pods_held_by_init: 2.0,
        changes.cpu_limit_reduced: 1.5,
        changes.change_explains_pods: 1.5,
        pods.pods_crash: 1.5,
        pods.pods_oom_killed: 1.5,
        pods.pods_fail_probe: 1.5,
        changes.database_settings_changed: 1.0,
        killed.probe_asks_in_vain: 1.0,
        pods.pods_image: 1.0,
        pods.pods_unscheduled: 1.0,
        pods.pods_not_ready: 0.7,
        calls.slow_in_itself: 0.5,
        killed.ended_from_outside: 0.5,
        killed.probe_is_denied: 0.3,
        killed.probe_waits_in_vain: 0.3,
        calls.not_reached_by_callers: 0.5,
        changes.priority_changed: 0.5,
        entrance.healthy_hosts_gone: 0.5,
        entrance.targets_refuse_connections: 0.5,
        calls.kind_queue: 0.0,
        changes.nothing_changed: -2.5,
        changes.configuration_unchanged: -2.0,
        pods.pods_fell: -2.0,
        calls.provider_calls_fail: -1.5,
        calls.dependency_calls_fail: -1.5,
        calls.database_calls_fail: -1.0,
        versions.old_version_slow_too: -1.0,
        pods.others_not_ready: -1.0,
        pods.pods_are_ready: -1.0,
        pods.its_nodes_are_gone: -1.0,
        nodes.its_pods_are_on_them: -1.0,
    },
    improvements=improvements,
)
