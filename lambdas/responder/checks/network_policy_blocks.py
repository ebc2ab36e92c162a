"""A NetworkPolicy lets no more through what its pods are called for, or what they call.

Kubernetes' page "Network Policies": a pod that any policy selects for a direction takes only what one of them lets
through. Who calls whom is known of traces, or of the addresses that workloads are given. A rule that names namespaces
or addresses may mean anybody, so it counts as letting through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from responder.checks import Check, Found
from responder.state import State
from responder.state.addresses import given
from responder.state.basics import Ref
from responder.state.listening import number
from responder.state.routing import Policy, Rule
from responder.state.workloads import Workload


class _Call(NamedTuple):
    caller: Ref
    callee: Ref
    port: int
    """At the callee's pods; 0: not known."""


def find(state: State) -> Iterator[Found]:
    """Yield policies that stop a call that is made, and those that keep pods from the resolver."""
    stopped: dict[tuple[str, str], set[str]] = defaultdict(set)
    apps = {one.ref: one for one in state.apps}
    for call in sorted(_calls(state)):
        caller, callee = apps[call.caller], apps[call.callee]
        into = [one for one in state.policies if one.ingress is not None and _selects(one, callee)]
        out = [one for one in state.policies if one.egress is not None and _selects(one, caller)]
        if into and not any(_lets(rule, caller, call.port, callee) for one in into for rule in one.ingress or ()):
            for policy in into:
                stopped[str(policy.meta.ref), callee.ref.name].add(f"{callee.ref.name} from {caller.ref.name}")
        if out and not any(_lets(rule, callee, call.port, callee) for one in out for rule in one.egress or ()):
            for policy in out:
                stopped[str(policy.meta.ref), caller.ref.name].add(f"{callee.ref.name} from {caller.ref.name}")
    for (name, app), calls in sorted(stopped.items()):
        said = ", ".join(sorted(calls))
        yield Found(name, f"{name} lets no call to {said} through", "stops", "seen", (app,), said,
                    f"let {name} allow calls to {said}")
    yield from _without_names(state)


def _calls(state: State) -> set[_Call]:
    """Return who calls whom: both are workloads that are here, of one namespace."""
    found: set[_Call] = set()
    by_name: dict[str, Ref] = {one.ref.name: one.ref for one in state.apps}
    for service in state.services:
        behind = state.behind(service)
        if len(behind) == 1:
            by_name.setdefault(service.ref.name, behind[0].ref)
    for caller, called in state.calls.items():
        found |= {_Call(by_name[caller], by_name[name], 0) for name in called if caller in by_name and name in by_name}
    known = {one.ref for one in state.apps}
    for one in given(state):
        reached = one.target.service
        if reached is None or one.owner not in known:
            continue
        for workload in state.behind(reached):
            target = next((its.target for its in reached.ports if its.number == one.address.port), "")
            found.add(_Call(one.owner, workload.ref, number(target, workload.template) if target else 0))
    return {call for call in found if call.caller.namespace == call.callee.namespace and call.caller != call.callee}


def _without_names(state: State) -> Iterator[Found]:
    """Yield policies that let calls out to some, and to no resolver: port 53 of whomever."""
    for workload in state.apps:
        out = [one for one in state.policies if one.egress is not None and _selects(one, workload)]
        rules = [rule for one in out for rule in one.egress or ()]
        asks = any(one.owner == workload.ref for one in given(state)) if rules else False
        if asks and not any((rule.anyone or rule.elsewhere) and (not rule.ports or {"53", "dns"} & set(rule.ports))
                            for rule in rules):
            names = sorted({str(one.meta.ref) for one in out})
            yield Found(names[0], f"{', '.join(names)} keeps {workload.ref} from the resolver (port 53)", "stops",
                        "seen", (workload.ref.name,), "no egress to port 53",
                        f"let {names[0]} allow port 53 (UDP and TCP) to kube-system")


def _selects(policy: Policy, workload: Workload) -> bool:
    return policy.meta.ref.namespace == workload.ref.namespace and policy.pods.selects(workload.labels)


def _lets(rule: Rule, peer: Workload, port: int, callee: Workload) -> bool:
    """Whether a rule lets a call through, as far as it can be told."""
    known = rule.anyone or rule.elsewhere or any(its.selects(peer.labels) for its in rule.peers)
    ports = {number(name, callee.template) for name in rule.ports if name}
    return known and (not ports or not port or port in ports or 0 in ports)


CHECK = Check(id="network_policy_blocks", family="routing", sign="policy", find=find)
