"""A liveness or startup probe ends pods that may be well, and no change is known that brought it.

Where a change brought it, it is an unfit workload or a bad release, and that change is taken back. Without one the live
state alone tells it, and nothing is known that could be put back: its developers are told what the probe asks and what
it gets.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CODE_BUG
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, killed, load, nodes, pods, versions


def improvements(case: Case) -> Iterator[Advice]:
    """A probe that ends pods asks the process itself, gives it time, and is tried before it goes out."""
    seen = case.seen("pods")
    yield Advice(
        "fit-probe", "prevention", "A probe ended pods that may have been well", seen, f"{case.workload}, probes",
        "let the liveness probe ask the process itself and none of what it calls, with a startup probe for its start, "
        "and a time-out and threshold that its slowest minute of last week meets", case.developers, Effort.SETTING,
        f"`{case.kubectl} get events --field-selector reason=Killing` shows no probe's kill in a week, nor in a test "
        "with the database stopped", case.trouble.whole)
    yield Advice(
        "watch-kills", "detection", "Nothing told of the kubelet's kills", seen, f"{case.workload}, alarms",
        "alarm on restarts of its containers (Container Insights: pod_number_of_container_restarts)", "SRE",
        Effort.SETTING, "a container that is killed by hand three times raises the alarm")


MECHANISM = Mechanism(
    id="probe_kills",
    cause=CODE_BUG,
    title="probe that ends its pods",
    subject="probe that ends pods of {component}",
    remedies=("escalate",),
    needs=killed.killed_by_probe,
    weights={
        killed.killed_by_probe: 2.5,
        killed.probe_asks_in_vain: 1.5,
        changes.nothing_changed: 1.0,
        killed.probe_is_denied: 0.7,
        pods.pods_crash: 0.7,
        pods.pods_not_ready: 0.7,
        calls.not_reached_by_callers: 0.5,
        calls.kind_refused: 0.5,
        calls.kind_queue: 0.3,
        killed.probe_waits_in_vain: 0.3,
        # A process that is ended makes no call of others fail: a probe that asks those as well fails with them.
        calls.database_calls_fail: -3.5,
        calls.provider_calls_fail: -3.5,
        # Where a change explains it, that change is what is to be taken back.
        changes.workload_changed: -2.0,
        versions.rollout_just_before: -2.0,
        load.load_above_baseline: -1.5,
        nodes.its_pods_are_on_them: -1.5,
        pods.its_nodes_are_gone: -1.5,
        load.cpu_at_limit: -1.0,
        pods.pods_oom_killed: -1.0,
        pods.others_not_ready: -0.5,
    },
    improvements=improvements,
)
