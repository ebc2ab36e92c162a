"""A security group, route, ACL or resolver below Kubernetes keeps packets from their destination."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from responder.model.evidence.trail import Trail
from responder.model.moment import epoch
from responder.plan.advice import Advice, Case, Effort, said
from responder.plan.causes import NETWORK
from responder.plan.kinds import ErrorKind
from responder.plan.mechanisms import Mechanism
from responder.plan.security_rules import rules_changed
from responder.plan.signals import calls, changes, database, entrance, nodes, pods, probes, provider, trail
from responder.plan.times import may_have_caused
from responder.plan.wording import listed


def improvements(case: Case) -> Iterator[Advice]:
    """A rule in use is not taken away unseen and may be put back; else the way is watched, so that it is found."""
    changes = rules_changed(epoch(case.record.incident.onset), case.evidence)
    events = {event.name: event for finding in case.evidence.of(Trail) for event in finding.detail.events
              if event.topic == "network" and may_have_caused(case.trouble.start, event.at)}
    groups = dict.fromkeys(change.group for change in changes)
    for group in groups:
        name, direction = next((change.name, change.direction) for change in changes if change.group == group)
        yield Advice(
            "guard-security-group", "prevention", "A rule in use was taken from a security group",
            f"CloudTrail tells of {name} on {group} as it began; {case.seen('calls')}", f"security group {group}",
            "change it by code with a review alone: deny ec2:RevokeSecurityGroup* on it to people's roles",
            "network team", Effort.ACCESS,
            f"`aws ec2 revoke-security-group-{direction} --dry-run --group-id {shlex.quote(group)} …` is denied for "
            "people's roles",
            case.trouble.whole)
        if group not in case.service.aws.security_groups:
            yield Advice(
                "let-rules-be-restored", "recovery", "The responder may not put the rule back",
                f"{group} is not among the security groups of its configuration", f"configuration, aws.security_groups "
                f"({group})", "add the group, so that the responder can propose to restore what was just taken away",
                "SRE", Effort.SETTING, f"the configuration names {group} in aws.security_groups",
                case.trouble.after(epoch(case.record.incident.diagnosed_at)))
    if groups:
        return
    way = f"way from {case.component} to {case.callee}"
    if case.mostly(ErrorKind.DNS):
        yield Advice(
            "cache-names", "prevention", "A failing resolver was felt at once", case.seen(), f"{way}, name resolution",
            "run NodeLocal DNSCache, and let it serve what it knows while the resolver is away (CoreDNS: cache with "
            "serve_stale)", "network team", Effort.CHECK, "names in use resolve for five minutes while CoreDNS is "
            "scaled to nothing in a test", case.trouble.whole)
    seen = said(f"CloudTrail tells of {listed(sorted(events))}" if events else "", case.seen())
    yield Advice(
        "watch-path", "detection", "Where on the way packets are lost is not known", seen, way,
        "keep VPC flow logs of its subnets, and try it every ten seconds from a node by a canary", "network team",
        Effort.CHECK, "the notes (review.md) of the next such report name the hop",
        case.trouble.after(epoch(case.record.incident.diagnosed_at)))


MECHANISM = Mechanism(
    id="path_below",
    cause=NETWORK,
    title="broken network below Kubernetes",
    subject="broken network path of {component}",
    remedies=("engage_network_team", "restore_security_group"),
    weights={
        calls.kind_dns: 2.5,
        calls.kind_reset: 2.5,
        trail.aws_network_changed: 2.5,
        calls.kind_connect_timeout: 1.5,
        changes.nothing_changed: 1.5,
        probes.probe_does_not_get_through: 1.5,
        probes.probe_does_not_resolve: 1.5,
        calls.slow_database_calls: 1.0,
        database.database_connections_usual: 1.0,
        pods.pods_wait_for_gate: 1.0,
        probes.probe_is_slow: 1.0,
        provider.provider_answers: 0.7,
        calls.slow_provider_calls: 0.5,
        pods.pods_are_ready: 0.5,
        database.database_available: 0.5,
        probes.probe_ends_in_tls: 0.5,
        probes.outside_probe_gets_through: 0.5,
        calls.kind_read_timeout: 0.3,
        entrance.healthy_hosts_gone: 0.3,
        database.database_connections_gone: 0.3,
        calls.kind_refused: -2.0,
        database.database_connections_at_maximum: -2.0,
        nodes.instances_impaired: -1.5,
        calls.other_host_called: -1.0,
        # That a cache, queue or check fails itself is much more frequent than that the way to it alone breaks.
        calls.dependency_calls_fail: -1.0,
        probes.probe_gets_through: -1.0,
        probes.probe_is_refused: -1.0,
        probes.probe_finds_bad_tls: -1.0,
        pods.pods_not_ready: -0.5,
        provider.provider_does_not_answer: -0.5,
        probes.outside_probe_does_not_get_through: -0.5,
        probes.probe_resolves: -0.3,
    },
    improvements=improvements,
)
