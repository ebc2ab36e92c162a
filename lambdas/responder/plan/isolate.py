"""The plan's "Isolate the issue": which components are faulty, and which are only impacted by those that they call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.calls import Calls
from responder.model.evidence.latency_p95_ms import LatencyP95
from responder.model.evidence.pods import Pods
from responder.model.fault_location import Callee
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan import wording
from responder.plan.callers_views import callers_views
from responder.plan.failure_modes import failure_modes, spans_believed
from responder.plan.kinds import REACH, kind_of
from responder.plan.origin import Points, Settings, Suspect, Symptom, rank
from responder.plan.rates import lower_bound
from responder.plan.sampling import ALIKE, sample_of
from responder.plan.starved import starved
from responder.plan.sure import SURE
from responder.plan.symptom import State, Verdict

_MOST = 0.5
"""More than half of what fails in a caller must be of one callee before that is called faulty."""
_UNREADY_SHARE = 0.5
"""Half the pods gone is more than a rolling update takes away (25 % by default)."""


@dataclass(frozen=True)
class Isolation:
    """Where the fault is."""

    faulty: tuple[str, ...]
    """Components that fail, or have no pods to serve, while what they call does not."""
    impacted: tuple[str, ...]
    """Components that fail because of a faulty one."""
    pods: dict[str, str]
    """Component to a sentence about its pods, where they are not well."""
    reasons: dict[str, str]
    """Faulty component to the sentence behind it."""


def isolate(service: Service, verdicts: Sequence[Verdict], evidence: Evidence) -> Isolation:
    """Find the faulty components in the graph of calls.

    A component fails where most of the sources that can tell say so. Errors go from the called to the caller, silence
    from the caller to the called: a component that is silent because nobody gets to its caller is not faulty, and one
    that its caller cannot reach is. A component whose failures arise in itself is faulty though what it calls fails as
    well. ``evidence`` is that of all sources so far.
    """
    failing, silent = _failing(verdicts)
    pods = {finding.component: said for finding in evidence.of(Pods) if (said := _unwell(finding.detail))}
    dead = {finding.component for finding in evidence.of(Pods)
            if finding.value is not None and finding.value < _UNREADY_SHARE}
    graph = service.graph
    unreached = _unreached(service, evidence)
    unreached |= _unreached_by_little(service, evidence, set(failing) - set(unreached))
    suspects = set(failing) | dead | _cut_off(service, set(silent)) | set(unreached)
    own = _failing_by_themselves(service, evidence, set(failing))
    impacted = {name for name in suspects - dead - own for other in suspects - {name}
                if _reaches(graph, name, other) and not _reaches(graph, other, name)}
    begun = {name: _slow_because_of(service, evidence, name)
             for name in (suspects - impacted) & _only_slow(verdicts) - dead}
    impacted |= {name for name, other in begun.items() if other and other.component != name}
    suspects |= {other.component for other in begun.values() if other}
    waited = {other.component: other.reason for other in begun.values() if other}
    faulty = tuple(sorted(suspects - impacted))
    reasons = {name: " ".join(part for part in (failing.get(name, "") or silent.get(name, "") or waited.get(name, ""),
                                                unreached.get(name, ""), pods.get(name, "")) if part)
               for name in faulty}
    return Isolation(faulty, tuple(sorted(suspects - set(faulty))), pods, reasons)


def _failing(verdicts: Sequence[Verdict]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the components that err or are slow, and those that are silent, each with the sentence behind it."""
    by_component: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_component[verdict.component].append(verdict)
    failing = {component: said for component, given in by_component.items()
               if (said := _majority(given, "failing", "slow"))}
    silent = {component: said for component, given in by_component.items()
              if component not in failing and (said := _majority(given, "silent"))}
    return failing, silent


def _majority(given: Sequence[Verdict], *states: State) -> str:
    """Return what the sources say that see a component in one of these states; empty where more call it healthy."""
    sources = {verdict.source for verdict in given if verdict.state in states}
    bad = {verdict.source for verdict in given if verdict.state in ("failing", "slow")}
    healthy = {verdict.source for verdict in given if verdict.state == "healthy"} - bad
    if not sources or len(sources) < len(healthy):
        return ""
    return f"{next(verdict.reason for verdict in given if verdict.state in states)} ({', '.join(sorted(sources))})."


def _only_slow(verdicts: Sequence[Verdict]) -> set[str]:
    return {verdict.component for verdict in verdicts if verdict.state == "slow"} - {
        verdict.component for verdict in verdicts if verdict.state == "failing"}


def _cut_off(service: Service, silent: set[str]) -> set[str]:
    """Return the silent components whose callers are not all silent themselves: the entry, and what is not reached."""
    callers: dict[str, set[str]] = defaultdict(set)
    for caller, called in service.graph.items():
        for name in called:
            callers[name].add(caller)
    return {name for name in silent if name == service.entry or (callers[name] and not callers[name] <= silent)}


def _failing_by_themselves(service: Service, evidence: Evidence, failing: set[str]) -> set[str]:
    """Return failing components more of whose requests fail in themselves than the limit allows, by client spans."""
    found = set()
    for spans in evidence.of(Calls):
        sample = sample_of(service, evidence, spans) if spans.component in failing else None
        of_calls = sum(callee.errors for callee in spans.detail.callees.values())
        if sample and sample.least_own(ALIKE * of_calls) > service.confirm.error_rate and spans_believed(
                service, spans.component, evidence) and not starved(service, evidence, spans.component):
            found.add(spans.component)
    return found


def _unreached(service: Service, evidence: Evidence) -> dict[str, str]:
    """Return components that their callers do not get through to, by the kind of the callers' errors."""
    found = {}
    for spans in evidence.of(Calls):
        for host, callee in spans.detail.callees.items():
            name = service.called(host)
            lost = sum(count for text, count in callee.kinds.items() if kind_of(text) in REACH)
            if name in service.graph and callee.requests and (
                    lower_bound(lost, callee.requests) > service.confirm.error_rate):
                share = wording.share(lost / callee.requests)
                found[name] = f"{spans.component} does not get through to it in {share} of calls."
    return found


def _unreached_by_little(service: Service, evidence: Evidence, callers: set[str]) -> dict[str, str]:
    """Return components that failing callers do not get through to, where a sample of the spans, or the log lines, tell
    it: most of what fails in the caller does so. Of a caller that is not reached itself, too few requests tell.
    """
    found: dict[str, str] = {}
    graph = service.graph
    for caller in sorted(callers, key=lambda name: (sum(_reaches(graph, other, name) for other in callers), name)):
        if caller in found:
            continue
        spans = {finding.source for finding in evidence.of(Calls, caller)}
        for mode in failure_modes(service, caller, evidence)[:1]:
            if mode.least_share is None and spans & set(mode.sources):
                continue  # All spans are there: they have told it.
            name = mode.location.name if isinstance(mode.location, Callee) else ""
            if name in service.graph and mode.share >= _MOST and not mode.slow:
                share = wording.share(mode.share)
                found[name] = f"{share} of {caller}'s failures are calls that do not get through to it."
    return found


def _slow_because_of(service: Service, evidence: Evidence, name: str) -> Suspect | None:
    """Return the component that a slow one waits for, by how much slower each became (``origin.py``); or itself.

    A callee may be far from slow by any limit and yet be what its caller waits for; or be well by its own clock, while
    those that call it wait. None: it cannot be told.
    """
    measured: dict[str, Finding[LatencyP95]] = {}
    for finding in _with_minutes(evidence):
        measured.setdefault(finding.component, finding)
    series: dict[str, dict[str, Points]] = {
        component: {"latency": [(minute.start, minute.p95_ms or None) for minute in finding.detail.minutes],
                    "requests": [(minute.start, minute.requests) for minute in finding.detail.minutes]}
        for component, finding in measured.items()}
    seen = callers_views(service, evidence)
    if name not in series and not seen.now:
        return None
    last = [*measured.values()][-1] if measured else None
    began = (last.window.start if last.window else last.detail.minutes[-1].start) if last else 0.0
    # Whether it is a component itself or a database or provider that it calls, the diagnosis tells.
    names = {component.name for component in service.components}
    graph = {caller: tuple(each for each in called if each in names) for caller, called in service.graph.items()}
    # The baseline is the hour before the window: there is no other time before it that would tell the level.
    ranked = rank(graph, series if name in series else {}, Symptom(name, "latency", began + 60),
                  settings=Settings(recent=0.0), certain=True, requests=seen)
    first = ranked[0] if ranked else None
    return first if first and first.confidence >= SURE and (
        first.component == name or _reaches(service.graph, name, first.component)) else None


def _with_minutes(evidence: Evidence) -> Iterator[Finding[LatencyP95]]:
    return (finding for finding in evidence.of(LatencyP95) if finding.detail.minutes)


def _unwell(pods: Pods) -> str:
    if pods.ready >= pods.wanted:
        return ""
    parts = [("", pods.waiting), ("", pods.terminated), *(
        (f"{name} ", part) for name, beside in sorted(pods.sidecars.items()) if beside.blocks
        for part in (beside.waiting, beside.terminated))]
    why = ", ".join(f"{count} {whose}{reason}" for whose, part in parts for reason, count in sorted(part.items()))
    return f"{pods.ready} of {pods.wanted} pods are ready{f' ({why})' if why else ''}."


def _reaches(graph: Mapping[str, Sequence[str]], start: str, goal: str) -> bool:
    """Whether a request to ``start`` can lead to a call of ``goal``."""
    seen, waiting = {start}, list(graph.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, ())
    return False
