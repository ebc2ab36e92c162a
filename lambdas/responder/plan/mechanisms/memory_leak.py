"""The processes keep memory that they should give back, until they reach their limit and the kernel ends them.

A restart gives it all back and mends nothing: it is a stop-gap, and is said to be one.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan import wear
from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import CODE_BUG
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, load, pods, versions
from responder.plan.signals import wear as worn


def improvements(case: Case) -> Iterator[Advice]:
    """The leak is found while it can be seen, and is told hours before it is felt."""
    seen = said(case.seen("wear", "memory", "pods"))
    tends = [worn.said(found) for found in wear.running_out(case.evidence, case.component)
             if found.resource == wear.MEMORY]
    yield Advice(
        "mend-leak", "prevention", "Its processes do not give memory back", said(seen, *tends[-1:]),
        f"{case.workload}, memory", "take a heap dump of a pod at half of its limit and one an hour later, and mend "
        "what has grown between them: restarts only put it off", case.developers, Effort.DESIGN,
        "its memory is level for a day under the usual load", case.trouble.whole)
    yield Advice(
        "watch-memory", "detection", "Memory rose for hours and nothing told of it", seen, f"{case.workload}, alarms",
        "alarm on Container Insights' pod_memory_utilization_over_pod_limit above 80% for ten minutes", "SRE",
        Effort.SETTING, "the alarm goes off an hour before the limit is reached at this pace", case.earlier)


MECHANISM = Mechanism(
    id="memory_leak",
    cause=CODE_BUG,
    title="memory leak",
    subject="memory leak of {component}",
    remedies=("restart_pods",),
    needs=worn.memory_runs_out,
    weights={
        worn.memory_runs_out: 3.5,
        worn.ended_for_memory: 2.0,
        worn.memory_at_limit: 1.0,
        changes.nothing_changed: 1.0,
        pods.pods_oom_killed: 0.7,
        pods.pods_crash: 0.5,
        calls.not_reached_by_callers: 0.5,
        calls.kind_refused: 0.3,
        calls.kind_reset: 0.3,
        calls.kind_queue: 0.3,
        calls.database_calls_fail: -3.0,
        calls.provider_calls_fail: -3.0,
        # Less memory allowed, or another version that needs more: that change is what is to be taken back.
        changes.workload_changed: -1.5,
        versions.rollout_just_before: -1.5,
        load.load_above_baseline: -1.5,
    },
    stop_gap="its memory rises again from the restart on, so the leak is still to be found and mended by the "
             "developers of {component}, before the limit is reached once more",
    improvements=improvements,
)
