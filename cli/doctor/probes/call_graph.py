"""Where the configured call graph differs from what the traces show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cli.doctor.model import Check, Probe, broken, note, well
from cli.doctor.surroundings import Surroundings
from responder.model.evidence import Detail, Finding
from responder.model.evidence.calls import Calls
from responder.model.service import Service

_RARE_SHARE = 0.005
"""Of a caller's calls: what is rarer may be a health check, or an update of an agent."""
_SHOWN = 5


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: judged(
        service, traced(here.answers(service).findings()), here.file(service)))


def traced(findings: Iterable[Finding[Detail]]) -> dict[str, dict[str, float]]:
    """Return each caller with the hosts that it called and how often; a caller without any is not there."""
    found: dict[str, dict[str, float]] = {}
    for finding in findings:
        if isinstance(finding.detail, Calls) and finding.usable:
            hosts = found.setdefault(finding.component, {})
            for host, callee in finding.detail.callees.items():
                hosts[host] = max(hosts.get(host, 0.0), callee.requests + callee.baseline_requests)
    return found


def judged(service: Service, calls: Mapping[str, Mapping[str, float]], file: str) -> Iterator[Check]:
    """Hold the configured graph against the traced one."""
    if not calls:
        yield note("call graph", "no source has client spans of any component, so the configured graph cannot be "
                                 "compared; isolation takes it as it is")
        return
    differ = False
    for caller, callees in service.graph.items():
        if caller not in calls:
            if callees:
                yield note(f"calls of {caller}", "none are traced: isolation takes those of the configuration")
            continue
        for check in _caller(service, caller, calls[caller], file):
            differ = True
            yield check
    if not differ:
        yield well("call graph", f"the traces of {', '.join(sorted(calls))} show the configured calls, and no others")


def _caller(service: Service, caller: str, hosts: Mapping[str, float], file: str) -> Iterator[Check]:
    wanted = {service.target(name) or name: name for name in service.graph[caller]}
    every = sum(hosts.values()) or 1.0
    seen: dict[str, list[str]] = {}
    for host, count in sorted(hosts.items(), key=lambda item: -item[1]):
        if count / every >= _RARE_SHARE or service.called(host) in wanted:
            seen.setdefault(service.called(host), []).append(host)
    for party, by in seen.items():
        if party and party not in wanted and party != caller:
            yield broken(f"call {caller} → {_named(party)}",
                         f"it is traced ({', '.join(by[:_SHOWN])}) and not configured: isolation would not follow it",
                         f"add {_in_calls(service, party)} to components ({caller}).calls in {file}")
    if unknown := seen.get(""):
        yield note(f"calls of {caller}", f"it calls hosts that are nobody's: {', '.join(unknown[:_SHOWN])}",
                   f"name them in hosts of a component, provider or dependency in {file}, or add a dependency")
    for party, name in wanted.items():
        if party not in seen:
            say = broken if party in service.graph else note
            yield say(f"call {caller} → {name}", "it is configured, and no trace of the last hours shows it",
                      f"take {name} out of components ({caller}).calls in {file}, or name the host by which it is "
                      f"called in its hosts")


def _named(party: str) -> str:
    return party.rpartition(":")[2]


def _in_calls(service: Service, party: str) -> str:
    return service.database.name if party == "database" and service.database else _named(party)


PROBE = Probe("call-graph", "configured and traced calls", _look, ("lambda:InvokeFunction",), seconds=75.0)
