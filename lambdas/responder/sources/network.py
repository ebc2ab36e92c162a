"""The ways out of the service's network: whether name, TCP and TLS get through, from the function's own place.

Where the service's ``network`` is configured the function runs in it, so that its packets take the routes that the
pods' packets take, with a security group of its own and none of the cluster's DNS and NetworkPolicies. It asks nothing
of AWS, for a subnet may have no way there. No application data is sent: a connection is closed as soon as it stands.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import certifi

from responder.clients import wire
from responder.clients.background import Task
from responder.model.evidence import Finding
from responder.model.evidence.probe import ProbeOutcome, Stage
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.service import Probe
from responder.sources import Budget, Query, Source

Kind = Literal["dns", "refused", "timeout", "reset", "unreachable", "tls"]

_EACH_SECONDS = 4.0
"""Packets that open a connection and are lost are sent again after one and after three seconds (RFC 6298)."""
_ADDRESSES = 4
"""How many of a name's addresses are tried, as clients do."""
_MARGIN_SECONDS = 0.3


@dataclass(frozen=True)
class Outcome:
    """How far one probe got, and what ended it."""

    stage: Stage
    kind: Kind | None = None
    """None where it got through."""
    reason: str = ""
    addresses: int = 0
    milliseconds: int = 0


def collect(query: Query, context: ssl.SSLContext | None = None) -> list[Finding[ProbeOutcome]]:
    """Return per probe ``probe``, with ``component`` a component's name, ``database`` or ``provider:NAME``.

    There is no baseline, for nothing is probed while all is well.
    """
    probes = query.service.probes
    limit = min(query.deadline - _MARGIN_SECONDS, time.monotonic() + _EACH_SECONDS)
    trusted = context or ssl.create_default_context(cafile=certifi.where())
    started = [Task(partial(attempt, probe, limit, trusted)) for probe in probes]
    # An attempt ends by itself at the limit: the margin is for those that are just about to say so.
    return [_finding(query, probe, task.result(limit + _MARGIN_SECONDS / 2))
            for probe, task in zip(probes, started, strict=True)]


def attempt(probe: Probe, limit: float, context: ssl.SSLContext) -> Outcome:
    """Try one way out until ``limit`` (``time.monotonic`` seconds): look the name up, connect, shake hands."""
    began = time.monotonic()
    addresses: Sequence[tuple[Any, ...]] = []

    def outcome(stage: Stage, kind: Kind | None = None, reason: str = "") -> Outcome:
        return Outcome(stage, kind, mask(reason)[:200], len(addresses), round((time.monotonic() - began) * 1000))

    try:
        addresses = wire.addresses(probe.host, probe.port, limit)
    except TimeoutError as error:
        return outcome("dns", "timeout", str(error))
    except OSError as error:
        return outcome("dns", "dns", f"{probe.host}: {error.strerror or 'the name cannot be resolved'}")
    try:
        connection = wire.connect(addresses[:_ADDRESSES], limit)
    except OSError as error:
        return outcome("tcp", _kind(error), error.strerror or str(error))
    try:
        if probe.tls:
            connection.settimeout(max(0.05, limit - time.monotonic()))
            connection = context.wrap_socket(connection, server_hostname=probe.host)
    except ssl.SSLCertVerificationError as error:
        return outcome("tls", "tls", f"the certificate is not accepted: {error.verify_message}")
    except OSError as error:
        return outcome("tls", _kind(error), error.strerror or str(error))
    finally:
        connection.close()
    return outcome("ok")


def _kind(error: OSError) -> Kind:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionError | ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "reset"
    return "tls" if isinstance(error, ssl.SSLError) else "unreachable"


def _finding(query: Query, probe: Probe, outcome: Outcome | None) -> Finding[ProbeOutcome]:
    service = query.service
    component = service.target(probe.target)
    command = (f"openssl s_client -connect {probe.host}:{probe.port} -servername {probe.host} < /dev/null" if probe.tls
               else f"nc -vz {probe.host} {probe.port}")
    if outcome is None:
        return Finding(source=SOURCE.name, detail=ProbeOutcome(), status="timeout", component=component,
                       window=query.window, query=command,
                       note=f"the probe of {probe.host}:{probe.port} did not end in time")
    note = "" if outcome.kind is None else f"{_FAILED[outcome.stage]}: {outcome.reason}"
    if service.network is None:
        place = ("it was tried from outside the service's network, another way than the service's own"
                 if component.startswith("provider:") else
                 "it was tried from outside the service's network, from where only providers can be judged")
        note = f"{note}; {place}" if note else place
    return Finding(
        source=SOURCE.name, component=component, window=query.window, unit="1 gets through",
        value=float(outcome.kind is None), query=command, note=note,
        detail=ProbeOutcome(
            stage=outcome.stage, kind=outcome.kind or "", reason=outcome.reason if outcome.kind else "",
            milliseconds=outcome.milliseconds, addresses=outcome.addresses, inside=service.network is not None))


_FAILED = {"dns": "the name was not resolved", "tcp": "no connection", "tls": "TLS failed"}


SOURCE = Source(
    name="network",
    phases=frozenset({"diagnose"}),
    collect=collect,
    configured=lambda service: bool(service.probes),
    inside=True,
    deadline_seconds=8.0,
    past=False,
    budget=Budget(
        "connections to the service's own targets", 20.0, 1.0, "none: the targets are the service's own, and one "
        "connection each is made", a_look=lambda query: len(query.service.probes)),
)
