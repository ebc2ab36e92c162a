"""One node is ready and does its pods harm: it loses packets, resolves no names, or its disk or memory is ill."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan import places as where
from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CLUSTER_FAILURE
from responder.plan.kinds import ErrorKind
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, nodes, places, probes, versions


def improvements(case: Case) -> Iterator[Advice]:
    """What is wrong with the node is found on the node, before it is thrown away; and a node says so by itself."""
    names = sorted({odd.place.name for odd in where.nodes(case.evidence, case.component)})
    node = names[0] if names else "the node"
    looks = ("its resolver and the drops of UDP port 53 (`conntrack -S`, insert_failed)" if case.mostly(ErrorKind.DNS)
             else "`dmesg`, nf_conntrack_count against nf_conntrack_max, and ethtool's *_allowance_exceeded")
    yield Advice(
        "examine-node", "prevention", "Why one node did its pods harm is not known", case.seen("by_pod", "pods"), node,
        f"look at {looks}; then replace the node, for nothing opens it again by itself", "SRE", Effort.CHECK,
        "the reason is on record, and the node group has none of its kind left", case.trouble.whole)
    yield Advice(
        "watch-nodes", "detection", "A node that harms its pods stayed ready", case.seen("by_pod"),
        f"node groups of cluster {case.service.cluster.name}", "run EKS' node monitoring agent with auto repair: it "
        "reports conntrack, network and kernel faults as conditions of the node", "SRE", Effort.SETTING,
        "a node whose connection table is filled in a test gets a condition within a minute")


MECHANISM = Mechanism(
    id="sick_node",
    cause=CLUSTER_FAILURE,
    lies_in="node",
    title="node that harms its pods",
    subject="harmful node under {component}",
    remedies=("cordon_node",),
    needs=places.failures_on_one_node,
    weights={
        places.failures_on_one_node: 4.0,
        places.restarts_on_one_node: 1.5,
        changes.nothing_changed: 0.7,
        calls.kind_connect_timeout: 0.7,
        calls.kind_dns: 0.7,
        calls.kind_reset: 0.7,
        calls.kind_read_timeout: 0.5,
        nodes.instances_impaired: 0.5,
        # A node that loses packets makes its pods fail at whatever they call.
        calls.database_calls_fail: 0.0,
        calls.provider_calls_fail: 0.0,
        versions.only_new_version_fails: -2.0,
        calls.kind_credentials: -2.0,
        probes.probe_does_not_get_through: -1.0,
        nodes.nodes_not_ready: -1.0,
    },
    improvements=improvements,
)
