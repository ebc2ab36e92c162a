"""Nodes do not get images: the registry's name does not resolve, or the registry is not reached or refuses for now.

What runs goes on; new pods do not start. A rollback needs images too.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import live_state, pods


def improvements(case: Case) -> Iterator[Advice]:
    """Images come from nearby, and a start needs nobody outside."""
    seen = case.seen("problems", most=1) or case.seen()
    yield Advice(
        "images-nearby", "prevention", "A start of pods needs a registry that was not reached", seen,
        f"images of {case.workload}", "take images from ECR in the same Region through a VPC endpoint (a pull-through "
        "cache for those of others), and keep those of the last two versions on the nodes", "SRE", Effort.DESIGN,
        "pods start in a test while the internet is shut off", case.trouble.whole)


MECHANISM = Mechanism(
    id="registry_unreachable",
    cause=CLUSTER_FAILURE,
    title="image registry out of reach",
    subject="image registry out of reach for {component}",
    remedies=("escalate",),
    needs=live_state.live_registry,
    worsened_by=("restart_pods", "cycle_deployment", "scale_up", "rollback"),
    weights={
        live_state.live_registry: 4.0,
        pods.pods_image: 1.0,
        pods.pods_are_ready: -3.0,
        pods.pods_fell: -1.0,
    },
    improvements=improvements,
)
