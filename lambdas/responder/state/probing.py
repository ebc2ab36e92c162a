"""Probes that fail because of how they are set, told from those that fail because the container is not well.

What the kubelet says (kubernetes' ``pkg/kubelet/prober`` and ``pkg/probe``) is read together with what the pod's other
parts say of its port. A probe that passes is well whatever it asks, so nothing is said of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from typing import Literal, NamedTuple

from responder.model.evidence.problems import Basis
from responder.state.addresses import given
from responder.state.basics import Event, Ref
from responder.state.found import Found
from responder.state.listening import number, probe_port, speaks_for
from responder.state.once import once
from responder.state.pods import Container, Pod, Probe, Status
from responder.state.recent import is_recent, last_end
from responder.state.state import State, selecting

Kind = Literal["liveness", "readiness", "startup"]
Fault = Literal["port", "protocol", "path", "command", "timing", ""]
"""What about the probe is wrong; empty: nothing that can be told, the container itself may be unwell."""

KINDS: tuple[Kind, ...] = ("liveness", "readiness", "startup")
_FAILED = re.compile(r"\b(?P<kind>Liveness|Readiness|Startup) probe (?:failed|errored|warning)\b[^:]*: ?(?P<said>.*)",
                     re.DOTALL)
_KILLED = re.compile(r"Container (?P<container>\S+) failed (?P<kind>liveness|startup) probe, will be restarted")
_STATUS = re.compile(r"statuscode: (\d{3})")
_PROTOCOL = re.compile(
    r"server gave HTTP response to HTTPS client|malformed HTTP (?:response|status|version)|does not look like a TLS"
    r"|tls: |HTTP/1\.x transport connection broken|does not implement the grpc health|unknown service grpc\.health"
    r"|error reading server preface|http2: (?:frame too large|failed reading the frame)|unexpected HTTP status code"
    r"|code = Unimplemented|content-type \\?\"?text/html|first record does not look|wrong version number"
    r"|HTTP request to an HTTPS server|stopped after \d+ redirects", re.IGNORECASE)
"""Who is asked answers, in another protocol (Go's ``net/http``, ``crypto/tls`` and gRPC's transport)."""
_HUNG_UP = re.compile(r"\bEOF\b|connection reset by peer|server closed (?:idle )?connection", re.IGNORECASE)
_REFUSED = re.compile(r"connection refused|failed to connect (?:to )?service|ECONNREFUSED|couldn't connect to server|"
                      r"failed to connect to \S+ port|Could not connect to|no route to host", re.IGNORECASE)
_SLOW = re.compile(r"deadline exceeded|DeadlineExceeded|Client\.Timeout exceeded|i/o timeout|timed? ?out|did not "
                   r"complete within", re.IGNORECASE)
_NO_COMMAND = re.compile(r"executable file not found|no such file or directory|command not found|exec format error|"
                         r"permission denied: unknown|: not found\b", re.IGNORECASE)
_WRONG_PATH = frozenset((401, 403, 404, 405, 410))
"""The server is there and knows no such page, or not for this asker or method; 5xx is its own opinion of itself."""
_OTHER_PROTOCOL = frozenset((400, 415, 421, 426, 505))
"""It answers that it was not understood: so do servers of TLS and gRPC when they are asked in plain HTTP."""
_MENDS: dict[Fault, str] = {
    "port": "set the {kind} probe's port of {owner} to the one it listens on",
    "protocol": "let the {kind} probe of {owner} ask in the protocol that its container speaks",
    "path": "set the {kind} probe's path of {owner} to a page that answers",
    "command": "name a command in the {kind} probe of {owner} that the image has",
    "timing": "give {owner} a startup probe, or a longer delay, timeout and failure threshold"}
_KILLS = frozenset((137, 143))
"""128 and the number of the signal by which the kubelet ends a container: SIGKILL, SIGTERM."""
_GRACE_SECONDS = 30.0
"""The kubelet waits so long between the two (a pod's ``terminationGracePeriodSeconds``, as it is where not said)."""


class Failing(NamedTuple):
    """A probe that fails now."""

    kind: Kind
    pod: Pod
    container: Container
    probe: Probe
    fault: Fault
    said: str
    """What the kubelet says; empty: it is seen by the objects alone."""
    why: str
    """What speaks for the fault, in words."""
    since: float
    sure: bool = True
    """Whether the probe's own settings show it; else the container may have become slow."""


@once
def failing(state: State) -> tuple[Failing, ...]:
    """Return the probes that fail now, by what the kubelet says of them, else by what is seen."""
    said: dict[Ref, list[Event]] = defaultdict(list)
    for event in state.events:
        if event.about.kind == "Pod" and is_recent(state, event.last):
            said[event.about].append(event)
    return tuple(one for pod in state.pods if not pod.over and not pod.meta.deleting
                 for one in _of_pod(state, pod, said[pod.ref]))


def _of_pod(state: State, pod: Pod, events: list[Event]) -> Iterator[Failing]:
    statuses = {status.name: status for status in pod.statuses}
    for container in pod.spec.containers:
        for kind, probe in probes(container):
            status = statuses.get(container.name)
            if status is None or not _hurts(state, pod, status, kind, events):
                continue
            said = max((one for one in _sayings(pod, container, kind, events)),
                       key=lambda one: (one[1].times, one[1].last, one[0]), default=None)
            yield _judged(state, Failing(kind, pod, container, probe, "", said[0] if said else "", "",
                                         said[1].last if said else 0.0), status, events)


def misfits(state: State, kind: Kind, fault: Fault) -> Iterator[Found]:
    """Yield what is wrong about probes of a kind, once a container of a workload."""
    told: dict[tuple[Ref, str], list[Failing]] = {}
    for one in failing(state):
        if (one.kind, one.fault) == (kind, fault):
            told.setdefault((state.owner(one.pod), one.container.name), []).append(one)
    for (owner, container), found in sorted(told.items(), key=lambda one: one[0]):
        hit = {one.pod.ref for one in found}
        spared = [pod for pod in state.pods if pod.ready and pod.ref not in hit and state.owner(pod) == owner]
        workload = state.workload(owner)
        well = workload.ready if workload else 0
        some = bool(spared) or well > sum(one.pod.ready for one in found)
        best = max(found, key=lambda one: (bool(one.said), one.since, one.said, one.pod.ref))
        yield Found(
            str(owner), f"the {kind} probe of container {container} of {owner} fails: {best.why}",
            "lessens" if some else "stops", _basis(fault, bool(best.said), any(one.sure for one in found)),
            (owner.name,), best.said or _written(best.probe), _MENDS[fault].format(kind=kind, owner=owner), best.since)


def _basis(fault: Fault, by_kubelet: bool, sure: bool) -> Basis:
    """A container that is slow by now fails its probe as one does that never had time enough."""
    if fault == "timing":
        return "said" if by_kubelet and sure else "guessed"
    return "said" if by_kubelet else "seen"


def _written(probe: Probe) -> str:
    return (f"{probe.how} port={probe.port} path={probe.path} scheme={probe.scheme} delay={probe.delay_seconds:g}s "
            f"timeout={probe.timeout_seconds:g}s period={probe.period_seconds:g}s failure={probe.failures}")


def probes(container: Container) -> Iterator[tuple[Kind, Probe]]:
    """Yield the probes of a container, each with its kind."""
    for kind, probe in zip(KINDS, (container.liveness, container.readiness, container.startup), strict=True):
        if probe is not None:
            yield kind, probe


def _hurts(state: State, pod: Pod, status: Status, kind: Kind, events: list[Event]) -> bool:
    """Whether a probe's failing has a consequence now: the pod serves nobody, or its container is ended for it."""
    if kind == "readiness":
        return status.running and not status.ready
    if _killed(status.name, kind, events) is not None:
        return True
    end = last_end(status)
    ended = end is not None and status.restarts > 0 and bool(end.finished) and is_recent(state, end.finished)
    return (ended and end is not None and end.reason != "OOMKilled") or (not status.ready and not pod.ready)


def _killed(container: str, kind: Kind, events: list[Event]) -> Event | None:
    return next((event for event in events for match in [_KILLED.search(event.message)]
                 if match and match["kind"] == kind and match["container"] == container), None)


def _sayings(pod: Pod, container: Container, kind: Kind, events: list[Event]) -> Iterator[tuple[str, Event]]:
    """Yield what the kubelet says of a container's probe; where it does not say of which, that of the only one."""
    having = [one.name for one in pod.spec.containers if any(kind == its for its, _ in probes(one))]
    for event in events:
        match = _FAILED.search(event.message)
        if match and match["kind"].lower() == kind and (
                event.container == container.name or (not event.container and having == [container.name])):
            yield match["said"].strip(), event


def _judged(state: State, one: Failing, status: Status, events: list[Event]) -> Failing:
    killed = _killed(status.name, one.kind, events) is not None
    fault, why = _wrong_port(state, one, status)
    if not fault:
        fault, why = _by_words(one)
    if not fault:
        fault, why = _by_others(state, one, status, events)
    if fault and _passes_elsewhere(state, one):
        fault, why = "", ""
    if not fault:
        fault, why = _too_tight(one, status, killed)
    return one._replace(fault=fault, why=why, sure=fault != "timing" or _is_hasty(state, one, status))


def _wrong_port(state: State, one: Failing, status: Status) -> tuple[Fault, str]:
    """Return whether a probe asks a port that nothing else speaks of; who answers has the port."""
    if _STATUS.search(one.said) or _PROTOCOL.search(one.said):
        return "", ""
    asked = probe_port(one.probe, one.pod.spec)
    if one.probe.port and not one.probe.port.isdecimal() and not asked:
        return "port", f"it asks port {one.probe.port}, and no container declares one of that name"
    end = last_end(status)
    seen = one.kind == "readiness" or (end is not None and end.exit_code in _KILLS)
    others = speaks_for(state, one.pod, one.container, one.probe)
    if asked and others and asked not in others and (one.said or seen):
        return "port", f"it asks port {asked}, and the pod's port is {', '.join(map(str, sorted(others)))}"
    return "", ""


def _by_words(one: Failing) -> tuple[Fault, str]:
    """Return what the kubelet's words mean."""
    if _PROTOCOL.search(one.said):
        return "protocol", "who is asked answers in another protocol"
    status = _STATUS.search(one.said)
    if status and int(status[1]) in _OTHER_PROTOCOL:
        return "protocol", f"it is answered with status {status[1]}: it is not understood"
    if status and int(status[1]) in _WRONG_PATH:
        return "path", f"it asks for {one.probe.path}, and the answer is status {status[1]}"
    if one.probe.how == "exec" and _NO_COMMAND.search(one.said):
        return "command", "its command cannot be run in the container"
    if one.probe.how in ("httpGet", "grpc") and _HUNG_UP.search(one.said) and not _SLOW.search(one.said):
        return "protocol", "who is asked hangs up at what it is sent"
    return "", ""


def _by_others(state: State, one: Failing, status: Status, events: list[Event]) -> tuple[Fault, str]:
    """Return whether the port is asked in another protocol than others speak with it."""
    if _STATUS.search(one.said) or one.probe.how not in ("httpGet", "grpc"):
        return "", ""
    port = probe_port(one.probe, one.pod.spec)
    for kind, other in probes(one.container):
        if kind == one.kind or other.how not in ("httpGet", "grpc") or probe_port(other, one.pod.spec) != port:
            continue
        passes = (status.ready if kind == "readiness" else not _killed(status.name, kind, events)) or not any(
            True for _ in _sayings(one.pod, one.container, kind, events))
        if _manner(other) == _manner(one.probe):
            return "", ""
        if passes:
            return "protocol", f"it asks port {port} by {_manner(one.probe)}, and the {kind} probe by {_manner(other)}"
    spoken = _spoken(state, one, port)
    if spoken and spoken != one.probe.how:
        return "protocol", f"it asks port {port} by {_manner(one.probe)}, and others call it by {spoken}"
    if not spoken and one.probe.how == "grpc" and _REFUSED.search(one.said) and _reached(state, one.pod):
        return "protocol", f"port {port} takes connections, and nobody answers there by gRPC"
    return "", ""


_SPEAKS = {"grpc": "grpc", "http2": "grpc", "h2c": "grpc", "http": "httpGet", "https": "httpGet", "web": "httpGet"}


def _spoken(state: State, one: Failing, port: int) -> str:
    """Return by which kind of probe a port is to be asked, by its names and by the URLs at which it is called; empty:
    nobody says so, or they differ.
    """
    said = {its.name for its in one.container.ports if its.number == port}
    services = selecting(state).get(one.pod.ref, ())
    selected = {service.ref for service in services}
    for service in services:
        for its in service.ports:
            if number(its.target, one.pod.spec) == port:
                said |= {its.name, its.app_protocol.rpartition("/")[2]}
    said |= {its.address.scheme for its in given(state) if its.target.ref in selected}
    ways = {_SPEAKS[word] for name in said if (word := name.lower().partition("-")[0]) in _SPEAKS}
    return ways.pop() if len(ways) == 1 else ""


def _manner(probe: Probe) -> str:
    return {"httpGet": probe.scheme, "grpc": "gRPC", "tcpSocket": "TCP"}.get(probe.how, "a command")


def _reached(state: State, pod: Pod) -> bool:
    selected = {service.ref.name for service in selecting(state).get(pod.ref, ())}
    return any(connection.reached for connection in state.connections if connection.service in selected)


def _passes_elsewhere(state: State, one: Failing) -> bool:
    """Whether the same probe passes in another pod of the same app, for longer than it takes to fail."""
    app = state.app(one.pod)
    for pod in state.pods:
        if pod.ref == one.pod.ref or pod.over or not pod.ready or state.app(pod) != app:
            continue
        same = next((its for its in pod.spec.containers if its.name == one.container.name), None)
        status = next((its for its in pod.statuses if its.name == one.container.name), None)
        if same and status and status.ready and status.restarts == 0 and dict(probes(same)).get(one.kind) == one.probe:
            return True
    return False


def _is_hasty(state: State, one: Failing, status: Status) -> bool:
    """Whether a container was ended before it can have started, or its probe has less than half of the usual patience:
    that of the other probes of its kind here, or the API's own (``periodSeconds`` 10, ``failureThreshold`` 3).
    """
    end, probe = last_end(status), one.probe
    patience = probe.period_seconds * probe.failures
    others = [its.period_seconds * its.failures for pod in state.pods for container in pod.spec.containers
              for kind, its in probes(container) if kind == one.kind and state.owner(pod) != state.owner(one.pod)]
    usual = median(others) if len(others) > 2 else 30.0
    lived = end.finished - end.started if end and end.started else None
    at_start = lived is not None and lived <= probe.delay_seconds + 2 * patience + _GRACE_SECONDS
    return at_start or 2 * patience < usual


def _too_tight(one: Failing, status: Status, killed: bool) -> tuple[Fault, str]:
    """Return whether a probe ends a container before it can have started, or waits too short for an answer."""
    if one.kind == "readiness" or _STATUS.search(one.said):
        return "", ""
    end, probe = last_end(status), one.probe
    window = probe.delay_seconds + probe.period_seconds * probe.failures
    soon = (end is not None and end.started > 0 and end.reason != "OOMKilled" and end.exit_code in _KILLS
            and end.finished - end.started <= window + probe.period_seconds + _GRACE_SECONDS)
    if not (killed or (soon and status.restarts > 1)) or (end is not None and end.reason == "OOMKilled"):
        return "", ""
    if _SLOW.search(one.said) and not _REFUSED.search(one.said):
        return "timing", (f"it waits {probe.timeout_seconds:g} s for an answer and ends the container after "
                          f"{probe.failures} in {window:g} s")
    if _REFUSED.search(one.said) or (soon and not one.said):
        return "timing", f"it ends the container {window:g} s after its start, before it listens"
    return "", ""
