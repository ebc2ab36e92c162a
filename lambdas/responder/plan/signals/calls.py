"""Where the failures arise, and what the failed calls say of themselves."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence.calls import Callee, Calls
from responder.plan import wording
from responder.plan.kinds import REACH, ErrorKind, kind_of
from responder.plan.signals import Context, Seen, Signal, signal

_LONG_MS = 500.0
"""A statement that waits is waited for longer than that, as people choose time-outs."""


def _of_sample(share: float, least: float | None) -> str:
    """Say a share; of a sample also what it is at least."""
    return wording.share(share) if least is None else (
        f"{wording.share(share)} (by a sample, at least {wording.share(least)})")


@signal("Where: a fault in a callee or on the way to it shows in the calls; what does not is the component's own, its"
        " pods' or its load's.")
def fails_in_itself(component: str, share: float, least: float | None = None) -> str:
    return f"{_of_sample(share, least)} of {component}'s failures arise in itself, not in what it calls"


@signal("Where: the time is spent in the component; what it waits for, or the way there, would show in its calls, but"
        " for a name that takes long to resolve, which not every span counts.")
def slow_in_itself(component: str) -> str:
    return f"{component} is slow, and none of its calls is"


@signal("Where: the time is spent in the database or on the way.")
def slow_database_calls(component: str, callee: str) -> str:
    return f"{component}'s calls of {callee} take much longer than usual"


@signal("Where: the time is spent at the provider or on the way.")
def slow_provider_calls(component: str, callee: str) -> str:
    return f"{component}'s calls of {callee} take much longer than usual"


@signal("Where: database, the way to it, or what the caller brings along (credentials, host).")
def database_calls_fail(component: str, callee: str, share: float, least: float | None = None) -> str:
    return f"{_of_sample(share, least)} of {component}'s failures are calls of {callee}"


@signal("Where: the provider or the way to it; our own code reaches both only through a change of settings.")
def provider_calls_fail(component: str, callee: str, share: float, least: float | None = None) -> str:
    return f"{_of_sample(share, least)} of {component}'s failures are calls of {callee}"


@signal("Where: what is called by that name (a cache, a queue, a check) or the way to it; neither our own code, nor "
        "the database, nor the provider is called there.")
def dependency_calls_fail(component: str, callee: str, share: float, least: float | None = None) -> str:
    return f"{_of_sample(share, least)} of {component}'s failures are calls of {callee}"


@signal("Where: the time is spent in what is called by that name, or on the way.")
def slow_dependency_calls(component: str, callee: str) -> str:
    return f"{component}'s calls of {callee} take much longer than usual"


@signal("Where: on the way to it, or nobody is there to answer.")
def not_reached_by_callers(component: str) -> str:
    return f"callers do not get through to {component}"


@signal("Where: on the way between two components.")
def does_not_reach_callee(component: str, callee: str) -> str:
    return f"{component} does not get through to {callee}"


@signal("What: somebody answers that nobody listens: a process that is down or deaf, not a dropped packet.")
def kind_refused(share: float) -> str:
    return f"the errors are refused connections ({wording.share(share)})"


@signal("What: packets are dropped on the way: a policy, a security group, a route, or a node that is gone.")
def kind_connect_timeout(share: float) -> str:
    return f"the errors are connections that time out ({wording.share(share)})"


@signal("What: the resolver, or the name itself.")
def kind_dns(share: float) -> str:
    return f"the errors are names that cannot be resolved ({wording.share(share)})"


@signal("What: packets are lost, or the other side dies under load.")
def kind_reset(share: float) -> str:
    return f"the errors are connections that break off ({wording.share(share)})"


@signal("What: the other side is reached and well, and refuses who asks.")
def kind_credentials(share: float) -> str:
    return f"the errors are rejected credentials ({wording.share(share)})"


@signal("What: the database says itself that all connections are taken.")
def kind_connections(share: float) -> str:
    return f"the errors are refusals for want of connections ({wording.share(share)})"


@signal("What: the database says itself that its storage is full.")
def kind_space(share: float) -> str:
    return f"the errors are writes for which there is no space ({wording.share(share)})"


@signal("What: the database is reached and does not get on.")
def kind_lock(share: float) -> str:
    return f"the errors are statements that time out or wait for locks ({wording.share(share)})"


@signal("What: the database is reached and reads; it was set so, or the callers are still on what is a standby by "
        "now, or were sent to one.")
def kind_read_only(share: float) -> str:
    return f"the errors are writes that the database takes for read-only ({wording.share(share)})"


@signal("What: the other side took the request and is slow.")
def kind_read_timeout(share: float) -> str:
    return f"the errors are answers that do not come in time ({wording.share(share)})"


@signal("What: the other side is reached and says that it fails.")
def kind_http_5xx(share: float) -> str:
    return f"the errors are HTTP answers 5xx of the other side ({wording.share(share)})"


@signal("What: more comes than is done: load, or capacity that is gone.")
def kind_queue(share: float) -> str:
    return f"the errors are requests that waited too long for their turn ({wording.share(share)})"


@signal("Where: the host is the one that has worked, so no setting of it is wrong.")
def usual_host_called(component: str, host: str) -> str:
    return f"{host}, which {component} has called all along, is what it does not get through to"


@signal("Where: the calls go to another host than those that worked; that comes from a setting.")
def other_host_called(component: str, host: str) -> str:
    return f"{component} calls {host}, which it did not call before"


@signal("What: calls to a slow or locked database take long; calls that end at once were cut off by a setting.")
def database_calls_end_quickly(milliseconds: float) -> str:
    return f"the calls that fail lasted {wording.count(milliseconds)} ms at most"


OF_KIND = {
    ErrorKind.CONNECTIONS: kind_connections, ErrorKind.CREDENTIALS: kind_credentials, ErrorKind.SPACE: kind_space,
    ErrorKind.READ_ONLY: kind_read_only, ErrorKind.LOCK: kind_lock, ErrorKind.DNS: kind_dns,
    ErrorKind.REFUSED: kind_refused, ErrorKind.RESET: kind_reset, ErrorKind.READ_TIMEOUT: kind_read_timeout,
    ErrorKind.QUEUE: kind_queue, ErrorKind.CONNECT_TIMEOUT: kind_connect_timeout, ErrorKind.HTTP_5XX: kind_http_5xx}
"""A kind of error to its signal. What a callee answered tells of the callee, and a declined payment is no error."""


def read(context: Context) -> Iterator[Signal]:
    """Yield where the failures arise, of which kind they are, and which host is called."""
    yield from _where(context)
    yield from _host(context)
    if context.in_database and context.mostly(ErrorKind.LOCK):
        # Whether statements that are said to have timed out, or to have waited for locks, ended at once.
        for finding in context.evidence.of(Calls, context.component):
            lasted = longest_ms(context, finding.detail)
            if lasted is not None and lasted < _LONG_MS:
                yield database_calls_end_quickly.emit(finding, milliseconds=lasted)


def longest_ms(context: Context, *details: Calls) -> float | None:
    """Return how many milliseconds the failing calls of the database lasted on average at most; None: not known.

    Had they lasted longer, the mean over all calls would be higher than it is.
    """
    return max((callee.mean_ms * callee.requests / callee.errors for detail in details
                for host, callee in detail.callees.items()
                if context.service.called(host) == "database" and callee.errors and callee.mean_ms is not None),
               default=None)


def _where(context: Context) -> Iterator[Signal]:
    mode, component, callee = context.mode, context.component, context.place
    if not mode.sources:
        return  # Nobody saw where.
    seen = Seen(mode.sources[0], Calls.name)
    if mode.slow:
        yield _slow(context, seen)
    elif context.in_itself:
        yield fails_in_itself.emit(seen, component, mode.share, mode.least_share)
    elif context.in_database:
        yield database_calls_fail.emit(seen, component, callee, mode.share, mode.least_share)
    elif context.provider:
        yield provider_calls_fail.emit(seen, component, callee, mode.share, mode.least_share)
    elif context.dependency:
        yield dependency_calls_fail.emit(seen, component, callee, mode.share, mode.least_share)
    elif context.unreached:
        yield not_reached_by_callers.emit(seen, component)
    elif context.callee:
        yield does_not_reach_callee.emit(seen, component, callee)
    for kind in context.main_kinds:
        if kind in OF_KIND:
            for source in mode.sources:
                yield OF_KIND[kind].emit(Seen(source, Calls.name), mode.kinds[kind])


def _slow(context: Context, seen: Seen) -> Signal:
    if context.in_database:
        return slow_database_calls.emit(seen, context.component, context.place)
    if context.provider:
        return slow_provider_calls.emit(seen, context.component, context.place)
    if context.dependency:
        return slow_dependency_calls.emit(seen, context.component, context.place)
    return slow_in_itself.emit(seen, context.component)


def _host(context: Context) -> Iterator[Signal]:
    """Whether the host that is not reached is the one that was called all along, by the client spans.

    A host of a provider tells something only where nobody knows it: another known one was chosen by the switch.
    """
    if not (context.in_database or context.provider or context.dependency) or not context.mostly_unreached:
        return
    called = context.service.called
    for finding in context.evidence.of(Calls, context.component):
        failing = {host: callee for host, callee in finding.detail.callees.items() if callee.errors and (
            called(host) == context.mode.where or (not called(host) and _unreached(callee)))}
        host = max(failing, key=lambda name: (failing[name].errors, name), default="")
        if host and (context.in_database or not called(host)):
            kind = usual_host_called if failing[host].baseline_requests else other_host_called
            yield kind.emit(finding, context.component, host)


def _unreached(callee: Callee) -> bool:
    return any(kind_of(text) in REACH for text in callee.kinds)
