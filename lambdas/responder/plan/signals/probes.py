"""What became of our own connection to what the failures are about."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Finding
from responder.model.evidence.probe import ProbeOutcome
from responder.plan.kinds import ErrorKind
from responder.plan.signals import Context, Signal, signal

_RESENT_MS = 1000
"""The first packet of a connection is sent again after a second (RFC 6298): what takes longer may have lost one."""


@signal("State: what listens there listens, and the routes below Kubernetes carry us; so what keeps the pods out lies"
        " where we are not bound: NetworkPolicies, their DNS policy, their settings. Mild, for we have a security "
        "group and perhaps a subnet of our own, and a provider that takes connections may still fail.")
def probe_gets_through(target: str) -> str:
    return f"our own connection to {target} gets through from within its network"


@signal("State: two callers of one address in one network, and only one is kept out: what differs is what it asks for"
        " (its settings, or its code) or what binds its pods.")
def only_its_connections_fail(component: str, target: str) -> str:
    return f"connections of {component} to {target} fail, and our own from the same network gets through"


@signal("State: the name is there, and the network's resolver knows it. What the pods cannot resolve fails in what "
        "they ask first, the cluster's DNS or the resolver of their nodes, in their DNS policy, or is another name "
        "than ours.")
def probe_resolves(target: str) -> str:
    return f"we can resolve the name of {target}, without the cluster's own DNS between, and get through"


@signal("State: what takes over a second has lost a packet or waited for the resolver or the other side; rules and "
        "definitions do nothing by halves. One packet may be lost by chance.")
def probe_is_slow(target: str, milliseconds: int) -> str:
    return f"our own connection to {target} stands only after {milliseconds} ms"


@signal("State: silence meets us as well, whom no NetworkPolicy, DNS policy or setting of the pods binds: the way "
        "below Kubernetes, or the other side is gone. No more, for whether it got through before is not known: our "
        "security group may never have been let in.")
def probe_does_not_get_through(target: str, reason: str) -> str:
    return f"our own connection to {target} does not get through either: {reason}"


@signal("State: we ask the network's resolver without the cluster's DNS between, so it, or the name's zone, fails; "
        "whether it did before is not known.")
def probe_does_not_resolve(target: str, reason: str) -> str:
    return f"we cannot resolve the name of {target} either: {reason}"


@signal("State: the way there carries our packets and somebody answers that nobody listens, to us as to the pods: the"
        " other side itself. What takes connections and fails later (credentials, space, locks) would not refuse "
        "them.")
def probe_is_refused(target: str, reason: str) -> str:
    return f"our own connection to {target} is refused as well: {reason}"


@signal("State: the other side is reached, and what it shows (an expired or wrong certificate) is for every client "
        "the same: its own fault, and one that begins at a moment of its own. No more, for a probe that never fitted "
        "(a private authority) shows the same. For a database or a component no mechanism of the plan fits.")
def probe_finds_bad_tls(target: str, reason: str) -> str:
    return f"our own connection to {target} fails in its TLS handshake: {reason}"


@signal("State: the other side, or what stands before it, took the connection and fell silent or hung up: it is not "
        "well, or something on the way drops larger packets.")
def probe_ends_in_tls(target: str, reason: str) -> str:
    return f"our own connection to {target} ends in its TLS handshake: {reason}"


@signal("State: reached from another place, so the service's own way is the likelier; yet a provider that takes "
        "connections may still fail.")
def outside_probe_gets_through(target: str) -> str:
    return f"{target} takes our connection from outside the service's network"


@signal("State: two ways that share little both end at the provider; it may also let in nobody but its clients' "
        "addresses, so less than its health URL.")
def outside_probe_does_not_get_through(target: str, reason: str) -> str:
    return f"{target} does not take our connection from outside the service's network either: {reason}"


def read(context: Context) -> Iterator[Signal]:
    """Yield how our own connection ended, to the component that is not reached or else to what it calls."""
    target, named = (context.component, context.component) if context.unreached else (
        context.mode.where, context.place)
    for finding in context.evidence.of(ProbeOutcome, target):
        if finding.detail.inside:
            told = _inside(context, finding, named)
            yield told
            if told.id == probe_gets_through.id and not context.unreached and context.mostly_unreached:
                yield only_its_connections_fail.emit(finding, context.component, named)
        elif context.provider:
            # Another way than the service's own: it tells of the provider and, by that, of the way.
            yield from _outside(finding, context.provider)


def _inside(context: Context, finding: Finding[ProbeOutcome], target: str) -> Signal:
    probe = finding.detail
    if probe.stage == "ok" and probe.milliseconds >= _RESENT_MS:
        return probe_is_slow.emit(finding, target, probe.milliseconds)
    if probe.stage == "ok":
        kind = probe_resolves if context.mostly(ErrorKind.DNS) else probe_gets_through
        return kind.emit(finding, target)
    if probe.stage == "dns":
        return probe_does_not_resolve.emit(finding, target, probe.reason)
    if probe.stage == "tls":
        return (probe_finds_bad_tls if probe.kind == "tls" else probe_ends_in_tls).emit(finding, target, probe.reason)
    return (probe_is_refused if probe.kind == "refused" else probe_does_not_get_through).emit(
        finding, target, probe.reason)


def _outside(finding: Finding[ProbeOutcome], target: str) -> Iterator[Signal]:
    probe = finding.detail
    if probe.stage == "tls" and probe.kind == "tls":
        yield probe_finds_bad_tls.emit(finding, target, probe.reason)
    elif probe.stage != "ok":
        yield outside_probe_does_not_get_through.emit(finding, target, probe.reason)
    elif probe.milliseconds < _RESENT_MS:
        yield outside_probe_gets_through.emit(finding, target)
