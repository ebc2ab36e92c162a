"""Addresses that a container is given: in environment variables and in flags of its command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from responder.model.plain_json import whole_number
from responder.state.basics import Ref
from responder.state.once import once
from responder.state.pods import Container, PodSpec
from responder.state.routing import Service
from responder.state.state import State

_HOST = r"(?P<host>[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*)\.?"
_ADDRESS = re.compile(
    rf"^(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.:-]*?)://)?(?:[^@/\s]*@)?{_HOST}(?::(?P<port>\d{{1,5}}))?(?:[/?;].*)?$")
"""``host``, ``host:port``, ``http://host:port/path``, ``jdbc:mysql://host:3306/db``, ``redis://:secret@host``."""
_NAMES_HOST = re.compile(r"(?:^|[_.-])(?:HOSTS?|HOSTNAME|ADDRS?|ADDRESS|SERVERS?|ENDPOINT|URL|URI|SERVICE)$",
                         re.IGNORECASE)
"""Variables whose value is a host even where it says no port."""
_NAMES_PORT = re.compile(r"^(?P<stem>.*?)_?PORT$", re.IGNORECASE)
_FLAG = re.compile(r"^--?(?P<name>[A-Za-z][\w.-]*)=(?P<value>.+)$")
_EXPANSION = re.compile(r"\$\((\w+)\)")
_NO_HOST = frozenset(("true", "false", "yes", "no", "none", "null", "localhost", "default"))


class Address(NamedTuple):
    """An address that a container is given."""

    variable: str
    """The environment variable, or the flag's name."""
    value: str
    """As it is written, with what it is put together of."""
    host: str
    port: int
    """0: not said."""
    scheme: str
    """``http``, ``jdbc:mysql``; empty: not said."""
    port_variable: str = ""
    """The variable that has the port, where it is another one."""


def addresses(container: Container) -> tuple[Address, ...]:
    """Return the addresses that a container is given, those without a host's name left out."""
    known = {variable.name: variable.value for variable in container.environment if variable.value}
    given = dict(known)
    for argument in (*container.command, *container.args):
        flag = _FLAG.match(argument)
        if flag:
            given.setdefault(flag["name"], flag["value"])
    found = []
    for name, raw in given.items():
        value = _EXPANSION.sub(lambda match: known.get(match[1], match[0]), raw)
        found += [_with_port(one, known) for one in _read(name, value)]
    return tuple(found)


def _read(name: str, value: str) -> Iterator[Address]:
    head, mark, rest = value.partition("://")
    for part in (rest if mark else value).split(","):
        match = _ADDRESS.match(f"{head}://{part}" if mark else part.strip())
        if match is None or match["host"].lower() in _NO_HOST:
            continue
        port = int(match["port"] or 0)
        if port or match["scheme"] or _NAMES_HOST.search(name):
            yield Address(name, value, match["host"], port, (match["scheme"] or "").lower())


def _with_port(address: Address, known: dict[str, str]) -> Address:
    """Add the port that a variable beside it has: ``DB_HOST`` and ``DB_PORT``."""
    if address.port:
        return address
    stem = _NAMES_HOST.sub("", address.variable).upper()
    for name, value in known.items():
        match = _NAMES_PORT.match(name)
        port = whole_number(value)
        if port is not None and stem and match and match["stem"].upper() in (stem, address.variable.upper()):
            return address._replace(port=port, port_variable=name)
    return address


class Target(NamedTuple):
    """What a host's name stands for in a cluster."""

    ref: Ref
    """The Service that it would be."""
    service: Service | None
    """None: there is no such Service."""
    sure: bool
    """Whether the name can be nothing else: it ends in ``.svc``, or is a single word."""


def target(state: State, namespace: str, host: str) -> Target | None:
    """Return the Service that a host's name stands for, seen from a namespace (Kubernetes: "DNS for Services and
    Pods"); None where it is no name of the cluster's own.
    """
    parts = host.rstrip(".").split(".")
    tail = next((at for at, part in enumerate(parts) if part == "svc" and at >= 2), None)
    if tail is not None:
        return _target(state, parts[tail - 1], parts[tail - 2], True)
    if len(parts) == 1:
        return _target(state, namespace, parts[0], True)
    if len(parts) == 2:
        if any(service.ref.namespace == parts[1] for service in state.services):
            return _target(state, parts[1], parts[0], False)
        headless = _target(state, namespace, parts[1], False)
        return headless if headless.service else None
    return None


def _target(state: State, namespace: str, name: str, sure: bool) -> Target:
    ref = Ref("Service", namespace, name)
    return Target(ref, next((one for one in state.services if one.ref == ref), None), sure)


class Given(NamedTuple):
    """An address that a workload's containers are given, and what it stands for."""

    owner: Ref
    """The workload, or a bare pod."""
    container: str
    address: Address
    target: Target


@once
def given(state: State) -> tuple[Given, ...]:
    """Return all addresses of the cluster's own that workloads (and bare pods) are given."""
    owners: list[tuple[Ref, PodSpec]] = [(one.ref, one.template) for one in state.apps if one.wanted != 0]
    owners += [(pod.ref, pod.spec) for pod in state.pods if pod.meta.owner is None and not pod.over]
    known = {ref for ref, _ in owners}
    owners += sorted({top: pod.spec for pod in state.pods if not pod.over and (top := state.top(pod.meta.owner))
                      and top not in known and state.workload(top) is None}.items())
    found = []
    for ref, spec in owners:
        for container in (*spec.containers, *spec.init_containers):
            for address in addresses(container):
                to = target(state, ref.namespace, address.host)
                if to is not None:
                    found.append(Given(ref, container.name, address, to))
    return tuple(found)
