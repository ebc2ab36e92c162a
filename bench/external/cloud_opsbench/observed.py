"""What a case says besides objects: logs, connections, services of nodes, metrics, alerts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.external.cloud_opsbench.ages import moment
from responder.state.basics import Ref
from responder.state.nodes import NodeService
from responder.state.state import Connection, Lines, Measure

_MOST_LINES = 400
"""Of one component: more say nothing new."""
_COUNTS = ("count", "total", "occurrences", "times", "num", "frequency")
_WORDS = ("pattern", "template", "message", "log", "text", "line", "sample", "example", "content", "error")
_ERROR = re.compile(r"(?i)\berr(or)?\b|\bfatal\b|\bpanic\b|exception|\bcritical\b|\bfail(ed|ure)?\b|refused|denied|"
                    r"timed? ?out|unavailable|no such host")


def lines(case: Mapping[str, Any]) -> Iterator[Lines]:
    """Yield patterns of error logs, and recent log lines."""
    for service, content in _items(case.get("error_logs")):
        for text, times in _patterns(content.get("patterns") if isinstance(content, Mapping) else content):
            yield Lines(service, text, times, True)
    for service, content in _items(case.get("recent_logs")):
        recent = content.splitlines() if isinstance(content, str) else content if isinstance(content, list) else []
        for line in recent[-_MOST_LINES:]:
            text = line if isinstance(line, str) else str(line.get("message", line)) if isinstance(line, dict) else ""
            if text.strip():
                yield Lines(service, text.strip(), 1, bool(_ERROR.search(text)))


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(key), inner) for key, inner in value.items() if inner)


def _patterns(value: Any) -> Iterator[tuple[str, int]]:
    """Yield texts with how often they came: of a list of texts or of maps, or of a map from texts to numbers."""
    if isinstance(value, str):
        yield from ((line.strip(), 1) for line in value.splitlines() if line.strip())
    elif isinstance(value, Mapping):
        for text, times in value.items():
            if isinstance(times, (int, float)):
                yield str(text), int(times)
            else:
                yield from _patterns(times)
    elif isinstance(value, list):
        for one in value:
            if not isinstance(one, Mapping):
                yield from _patterns(one)
                continue
            times = next((one[key] for key in _COUNTS if isinstance(one.get(key), (int, float))), 1)
            found = [str(one[key]) for key in _WORDS if isinstance(one.get(key), str)]
            yield from ((text, int(times)) for text in found[:2])


_NOT_REACHED = re.compile(
    r"(?i)refused|timed? ?out|no route|unreachable|not resolve|could not resolve|unknown host|no such host|"
    r"name or service not known|bad address|nxdomain|\bfail(ed|ure|s)?\b|\bcannot\b|\bunable\b|\bclosed\b|"
    r"not (?:connected|reachable|accessible|ok|open)|\berror\b|\breset\b|\bfalse\b|✗|❌")
_FIELD = re.compile(r"(?i)\b(?:is_)?(?:reach(?:able|ed)|connect(?:ed|ivity)|success(?:ful)?|open|accessible)\b\W{1,4}"
                    r"(true|false|yes|no)\b")
_NO_ERROR = re.compile(r"(?i)\b(?:errors?|failed|failures?|stderr)\b\W{1,4}(?:none|null|0|no|false)(?!\w)|"
                       r"\bno errors?\b")
_REACHED = re.compile(r"(?i)succe(ss|eded)|\bopen\b|\bconnected\b|\breachable\b|\baccessible\b|\bok\b|\b200\b|\btrue\b|"
                      r"✓|✅|\bpass(ed)?\b|established")


def connections(case: Mapping[str, Any]) -> Iterator[Connection]:
    """Yield what came of connecting to Services' ports."""
    for name, said in _items(case.get("connectivity")):
        service, _, port = name.rpartition(":")
        text = said if isinstance(said, str) else str(said)
        plain = _FIELD.search(text)
        reached = (plain[1].lower() in ("true", "yes")) if plain else (
            False if _NOT_REACHED.search(_NO_ERROR.sub("", text)) else True if _REACHED.search(text) else None)
        yield Connection((service or name).partition(".")[0], int(port) if port.isdecimal() else 0, reached,
                         " ".join(text.split()))


_ACTIVE = re.compile(r"(?m)^\s*Active:\s*(?P<state>[a-z-]+(?: \([^)]*\))?)(?:.*?since (?P<since>[^;\n]+))?")


def node_services(case: Mapping[str, Any]) -> Iterator[NodeService]:
    """Yield the services of the machines: ``systemctl status`` and the journal behind it."""
    for node, services in _items(case.get("node_services")):
        for name, content in _items(services):
            text = "\n".join(part for part in content.values() if isinstance(part, str)) if isinstance(
                content, Mapping) else str(content)
            said = _ACTIVE.search(text)
            state = said["state"] if said else _plain_state(text)
            known = state.split()[0] if state else ""
            active = {"active": True, "running": True, "reloading": True}.get(known, False if known else None)
            yield NodeService(node, name.removesuffix(".service"), active, state,
                              max(0.0, moment(said["since"])) if said and said["since"] else 0.0,
                              tuple(line.strip() for line in text.splitlines() if line.strip())[-_MOST_LINES:])


def _plain_state(text: str) -> str:
    found = re.search(r"(?i)\b(inactive|failed|active|dead|stopped|running|not running|not-found)\b", text)
    if re.search(r"(?i)could not be found|not-found", text) or not found:
        return ""
    word = found[1].lower()
    return {"dead": "inactive (dead)", "stopped": "inactive (dead)", "not running": "inactive (dead)"}.get(word, word)


def calls(case: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return who calls whom."""
    return {caller: tuple(str(name) for name in called) for caller, called in _items(case.get("calls"))
            if isinstance(called, (list, tuple, dict))}


_MEASURES: tuple[tuple[str, str, Callable[[float, bool], float]], ...] = (
    (r"cpu_cfs\w*|cpu_throttl\w*|throttl\w*", "throttled", lambda value, node: value),
    (r"cpu\w*", "cpu", lambda value, node: value / 100 if node else value),
    (r"mem\w*", "memory", lambda value, node: value / 100 if node else value),
    (r"rps|qps|requests?\w*|workload", "requests", lambda value, node: value),
    (r"success_rate|success", "success", lambda value, node: value / 100 if value > 1 else value),
    (r"p50\w*|latency[-_]?p?50", "p50", lambda value, node: value / 1000),
    (r"p90\w*|latency[-_]?p?90", "p90", lambda value, node: value / 1000),
    (r"p95\w*|latency[-_]?p?95", "p95", lambda value, node: value / 1000),
    (r"p99\w*|latency[-_]?p?99", "p99", lambda value, node: value / 1000),
    (r"network\w*?(?:in|receive\w*|rx\w*|ingress\w*)", "packets_in", lambda value, node: value),
    (r"network\w*?(?:out|transmit\w*|tx\w*|egress\w*|send\w*|sent\w*)", "packets_out", lambda value, node: value),
    (r"tcp_retrans\w*|tcp_retans\w*|retrans\w*", "retransmits", lambda value, node: value))
"""What a column is called behind the object's name, the measure, and how its unit is made the measure's."""


def measures(case: Mapping[str, Any], namespace: str, nodes: set[str]) -> Iterator[Measure]:
    """Yield what was measured; a column is an object's name, a hyphen or an underscore and a measure's."""
    text = case.get("metrics")
    table = list(csv.reader(io.StringIO(text, newline=""))) if isinstance(text, str) else []
    if len(table) < 2:
        return
    times = [moment(row[0]) if row else 0.0 for row in table[1:]]
    for column, title in enumerate(table[0][1:], start=1):
        found = _column(title, nodes)
        if found is None:
            continue
        name, measure, convert = found
        points = []
        for when, row in zip(times, table[1:], strict=True):
            try:
                points.append((when, convert(float(row[column]), name in nodes)))
            except (ValueError, IndexError):
                continue
        points = [(when, value) for when, value in points if value == value]
        if points:
            ref = Ref("Node", "", name) if name in nodes else Ref("Deployment", namespace, name)
            yield Measure(ref, measure, tuple(points))


def _column(title: str, nodes: set[str]) -> tuple[str, str, Callable[[float, bool], float]] | None:
    for pattern, measure, convert in _MEASURES:
        found = re.fullmatch(rf"(?P<name>.+?)[-_/:]+(?:{pattern})", title.strip())
        if found:
            return found["name"], measure, convert
    return None


@dataclass(frozen=True)
class Alert:
    """What was noticed."""

    kind: str
    name: str
    """Of the component or node; empty: none is named."""
    text: str


def alerts(case: Mapping[str, Any]) -> list[Alert]:
    """Return the alerts, in their order."""
    section = case.get("alerts")
    content = section.get("alerts") if isinstance(section, Mapping) else section
    found = []
    for one in content if isinstance(content, list) else ():
        if isinstance(one, Mapping):
            evidence = one.get("evidence") or one.get("description") or one.get("message") or ""
            found.append(Alert(str(one.get("type") or ""), str(one.get("name") or one.get("service") or ""),
                               evidence if isinstance(evidence, str) else " ".join(map(str, _flat(evidence)))))
    return found


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _flat(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner)
    else:
        yield value
