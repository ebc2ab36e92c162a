"""Where a component's requests fail: in itself, before it, or in which of its calls. Each is explained on its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from responder.model.codec import Json, decode, encode
from responder.model.evidence import D, Evidence, Finding
from responder.model.evidence.calls import Callee as CalledHost
from responder.model.evidence.calls import Calls
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.fault_location import (
    DATABASE,
    DECLINED,
    OWN,
    UNREACHED,
    Callee,
    FaultLocation,
    Provider,
    location_of,
)
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan.approval_rate import rates
from responder.plan.kinds import REACH, ErrorKind, kind_of, of_database
from responder.plan.rates import count_lower_bound, count_upper_bound, lower_bound
from responder.plan.sampling import ALIKE, Sample, never_marked, sample_of
from responder.plan.slow_calls import slow_in
from responder.plan.symptom import declining

_SIGNIFICANT_SHARE = 0.2
"""A fifth of the failures: with less, what is measured at slightly different moments could make a mode of its own."""
_FAILS = 0.01
"""At least this share of the window's requests fails (lower bound): the window is a minute, the fault may be new."""
_FEWEST = 10.0
"""Lines, or lost calls, that are no coincidence."""
_LOST = 0.02
"""At least this share of the callers' calls does not arrive (lower bound)."""
_LEAST_SHARE = 0.25
"""Lost calls are seen by the callers and not among the component's own failures: the mode always counts."""


@dataclass(frozen=True)
class FailureMode:
    """One part of a component's failures, by where they arise."""

    component: str
    location: FaultLocation
    share: float
    """Share of the component's failures."""
    kinds: Mapping[ErrorKind, float] = field(default_factory=dict)
    """Kind of error to its share within the mode."""
    sources: tuple[str, ...] = ()
    slow: bool = False
    """Whether it is slow rather than failing."""
    least_share: float | None = None
    """The least that the share may be, where it is known from a sample of the requests; None: from all of them."""

    @property
    def sure_share(self) -> float:
        """The share, or the least that it may be."""
        return self.share if self.least_share is None else self.least_share

    @property
    def where(self) -> str:
        """The location's text."""
        return self.location.text

    @classmethod
    def from_wire(cls, value: Json, place: str) -> FailureMode:
        """Return what ``to_wire`` wrote; raises Malformed."""
        kept = decode(_Kept, value, place)
        return cls(kept.component, kept.where, kept.share,
                   {ErrorKind(kind): share for kind, share in kept.kinds.items()}, kept.sources, kept.slow,
                   kept.least_share)

    def to_wire(self) -> Json:
        """Return it as plain JSON, with the location's text as ``where``."""
        kinds = {kind.value: share for kind, share in self.kinds.items()}
        return encode(_Kept(self.component, self.location, self.share, kinds, self.sources, self.slow,
                            self.least_share))


@dataclass(frozen=True)
class _Kept:
    """A failure mode as records have it."""

    component: str
    where: FaultLocation
    share: float
    kinds: Mapping[str, float]
    sources: tuple[str, ...] = ()
    slow: bool = False
    least_share: float | None = None


def failure_modes(service: Service, component: str, evidence: Evidence) -> list[FailureMode]:
    """Split a component's failures by where they arise, largest first.

    Client spans tell it best; without them the error lines do, by the hosts that they name. Without either, all is
    one mode in the component itself.
    """
    by_lines = _from_lines(service, component, evidence)
    by_spans = _from_spans(service, component, evidence) if spans_believed(service, component, evidence) else []
    found = [_seen_by_both(mode, by_lines) for mode in by_spans] or by_lines
    unreached = _unreached(service, component, evidence)
    if unreached:
        found.append(unreached)
    declined = tuple(rate.source for rate in rates(evidence) if rate.component == component and declining(
        rate, service.confirm))
    if declined:
        found.append(FailureMode(component, DECLINED, 1.0, {}, declined))
    kept = [mode for mode in found if mode.sure_share >= _SIGNIFICANT_SHARE]
    if not any(not mode.slow for mode in kept):
        slow = slow_in(service, component, evidence, _newest(evidence, Calls, component))
        # A callee that is a component has modes of its own.
        if slow and not _is_component(service, slow.location):
            kept.append(FailureMode(component, slow.location, 1.0, {}, (slow.source,), True))
    return sorted(kept, key=lambda mode: (-mode.share, mode.where)) or [FailureMode(component, OWN, 1.0)]


def spans_believed(service: Service, component: str, evidence: Evidence) -> bool:
    """Whether spans tell where a component's requests fail, as far as they do.

    They do not where they find the fault in the component only for want of calls that failed, its log lines tell of
    such calls, and no span ever told of one: it is not marked there.
    """
    seen = {mode.location for mode in _from_spans(service, component, evidence)}
    return OWN not in seen or not any(
        mode.location not in seen and mode.share >= _SIGNIFICANT_SHARE and _mostly(mode) is not ErrorKind.OTHER
        and never_marked(service, evidence, component, mode.location)
        for mode in _from_lines(service, component, evidence))


def _seen_by_both(mode: FailureMode, by_lines: Sequence[FailureMode]) -> FailureMode:
    """Add the source of log lines where they show the same place and, mostly, the same kind of error."""
    for other in by_lines:
        if other.location == mode.location and other.share >= _SIGNIFICANT_SHARE and _mostly(other) == _mostly(mode):
            return replace(mode, sources=(*mode.sources, *other.sources))
    return mode


def _mostly(mode: FailureMode) -> ErrorKind | None:
    return max(mode.kinds, key=lambda kind: mode.kinds[kind], default=None)


def _from_spans(service: Service, component: str, evidence: Evidence) -> list[FailureMode]:
    spans = _newest(evidence, Calls, component)
    sample = sample_of(service, evidence, spans) if spans else None
    if spans is None or sample is None:
        return []
    failed, kinds, elsewhere = _failed_calls(service, spans.detail.callees)
    # Too few of a callee's failures to blame it are its own all the same, and not the component's.
    of_calls = sum(failed.values())
    own = max(0.0, sample.errors - of_calls - elsewhere)
    whole = own + of_calls
    if whole <= 0:
        return []
    found = {location: _shares(kinds[location]) for location, count in failed.items() if count}
    counts = {**failed}
    in_calls = of_calls + elsewhere
    if sample.least_own(in_calls) > _FAILS and (
            _is_left(sample, in_calls) or _logs_its_own(service, component, evidence)):
        found[OWN], counts[OWN] = _own_kinds(component, evidence), own
    least = {location: None if sample.whole else lower_bound(counts[location], whole) for location in found}
    return [FailureMode(component, location, counts[location] / whole, told, (spans.source,),
                        least_share=least[location]) for location, told in found.items()]


def _is_left(sample: Sample, in_calls: float) -> bool:
    """Whether more requests fail than those that fail ``in_calls``, by more than two counts may differ.

    Requests and calls are counted apart, and what is left of the one is as uncertain as both.
    """
    return not sample.whole or sample.errors - ALIKE * in_calls >= _SIGNIFICANT_SHARE * sample.errors


def _logs_its_own(service: Service, component: str, evidence: Evidence) -> bool:
    """Whether error lines tell as well that the component fails by itself."""
    return any(mode.location == OWN and mode.share >= _SIGNIFICANT_SHARE
               for mode in _from_lines(service, component, evidence))


def own_failures(service: Service, component: str, evidence: Evidence) -> tuple[float, float] | None:
    """Return how many requests failed in the component itself, of how many that failed in none of its calls.

    By client spans; None where there are none that tell. A request that fails in a call does not show whether the
    component would have failed it.
    """
    spans = _newest(evidence, Calls, component)
    sample = sample_of(service, evidence, spans) if spans else None
    if spans is None or sample is None:
        return None
    failed, _, elsewhere = _failed_calls(service, spans.detail.callees)
    in_calls = sum(failed.values()) + elsewhere
    return max(0.0, sample.errors - in_calls), max(0.0, sample.requests - in_calls)


_Kinds = dict[FaultLocation, dict[ErrorKind, float]]


def _failed_calls(service: Service, callees: Mapping[str, CalledHost]) -> tuple[
        dict[FaultLocation, float], _Kinds, float]:
    """Return the failures by where they arise, their kinds, and how many more arise in no call.

    The last are what callees answered, which is their own trouble, and what is too little to blame anybody for.
    """
    failed: dict[FaultLocation, float] = defaultdict(float)
    kinds: _Kinds = defaultdict(lambda: defaultdict(float))
    few = answered = 0.0
    for host, callee in callees.items():
        location = _called(service, host, callees)
        if service.called(host) in service.graph:
            answered += callee.errors
        usual = callee.baseline_errors / callee.baseline_requests if callee.baseline_requests else 0.0
        if not callee.requests or lower_bound(callee.errors, callee.requests, z=2.0) <= max(2 * usual, _FAILS):
            few += 0.0 if _is_component(service, location) else callee.errors
            continue
        texts, count = callee.kinds, callee.errors
        # What the callee answered is its own trouble; only what did not get there belongs to the way.
        if _is_component(service, location):
            texts = {text: number for text, number in texts.items() if kind_of(text) in REACH}
            count = sum(texts.values())
        failed[location] += count
        for text, number in texts.items():
            kinds[location][kind_of(text)] += number
    answered -= sum(count for location, count in failed.items() if _is_component(service, location))
    return failed, kinds, answered + few


def _called(service: Service, host: str, callees: Mapping[str, CalledHost]) -> FaultLocation:
    """Return what a host is, or what it is called in place of."""
    known = location_of(service.called(host))
    if known is None and not callees[host].baseline_requests and ErrorKind.DNS in map(kind_of, callees[host].kinds):
        known = _in_place_of(service, callees, host)
    return known or Callee(host)


def _in_place_of(service: Service, callees: Mapping[str, CalledHost], host: str) -> FaultLocation | None:
    """Return which callee a host that nobody called before, and that no resolver knows, is called in place of.

    Each request asks the database first and then a provider. If the host stands for the database, both are called as
    seldom as each other, and more seldom than the host; if it stands for a provider, the database is called as often as
    the provider and the host together. None: the calls, of which there may be a sample, do not tell one from the other.
    """
    known = {location: callee for name, callee in callees.items()
             if (location := location_of(service.called(name))) and callee.baseline_requests}
    database, wrong = known.get(DATABASE), callees[host].requests
    if database is None or not service.database:
        return DATABASE if service.database else None
    providers = [(location, callee) for location, callee in sorted(known.items(), key=lambda item: item[0].text)
                 if isinstance(location, Provider)]
    for location, callee in providers:
        if (count_upper_bound(callee.requests) / callee.baseline_requests
                < count_lower_bound(database.requests) / database.baseline_requests):
            return location
    if count_upper_bound(database.requests) < count_lower_bound(wrong) or not providers:
        return DATABASE
    called = sum(callee.requests for _, callee in providers)
    return DATABASE if count_lower_bound(called) > count_upper_bound(max(0.0, database.requests - wrong)) else None


def _is_component(service: Service, location: FaultLocation) -> bool:
    return isinstance(location, Callee) and location.name in service.graph


def _from_lines(service: Service, component: str, evidence: Evidence) -> list[FailureMode]:
    lines = _newest(evidence, ErrorSignatures)
    if lines is None:
        return []
    counts: dict[FaultLocation, float] = defaultdict(float)
    kinds: _Kinds = defaultdict(lambda: defaultdict(float))
    for signature in lines.detail.signatures:
        kind, count = kind_of(signature.whole), signature.count - signature.usual
        location = location_of_line(service, component, signature.whole)
        answered = _is_component(service, location) and kind not in REACH
        if signature.component == component and kind != ErrorKind.DECLINED and count > 0 and not answered:
            counts[location] += count
            kinds[location][kind] += count
    whole = sum(counts.values())
    return [FailureMode(component, location, count / whole, _shares(kinds[location]), (lines.source,))
            for location, count in counts.items() if whole >= _FEWEST]


def location_of_line(service: Service, component: str, text: str) -> FaultLocation:
    """Return where the failure arose that a component's error line tells of."""
    return _named(service, component, text) or (DATABASE if of_database(text) and service.database else OWN)


def _unreached(service: Service, component: str, evidence: Evidence) -> FailureMode | None:
    """Return how those that call the component do not get through to it, by client spans or else by error lines."""
    spans = list(_calls_by_spans(service, component, evidence))[-1:]
    lines: list[_Reached] = []
    if not any(part.calls and part.each == 1.0 for part in spans):
        lines = list(_calls_by_lines(service, component, evidence))[-1:]
    for part in (*spans, *lines):
        lost = sum(part.lost.values())
        if part.calls and lower_bound(lost, part.calls) > _LOST and lost * part.each >= _FEWEST:
            return FailureMode(component, UNREACHED, max(_LEAST_SHARE, lost / part.calls), _shares(part.lost),
                               (part.source,))
    return None


@dataclass(frozen=True)
class _Reached:
    """The calls of a component, as its callers see them."""

    source: str
    calls: float
    lost: Mapping[ErrorKind, float]
    """Kind of error to the number of calls that did not get there."""
    each: float = 1.0
    """How many calls each of these stands for."""


def _calls_by_spans(service: Service, component: str, evidence: Evidence) -> Iterator[_Reached]:
    for finding in evidence.of(Calls):
        if component in service.graph.get(finding.component, ()):
            # One component may be called by several of its names.
            called = [callee for host, callee in finding.detail.callees.items() if service.called(host) == component]
            sample = sample_of(service, evidence, finding) if called else None
            # Of a sample, each call stands for as many as were not sampled.
            each = 1.0 if sample is None or sample.whole else 1 / (sample.share or 1 / _FEWEST)
            if called:
                yield _Reached(finding.source, sum(callee.requests for callee in called),
                               _lost(item for callee in called for item in callee.kinds.items()), each)


def _calls_by_lines(service: Service, component: str, evidence: Evidence) -> Iterator[_Reached]:
    for finding in evidence.of(ErrorSignatures):
        named = [signature for signature in finding.detail.signatures
                 if component in service.graph.get(signature.component, ())
                 and _named(service, signature.component, signature.whole) == Callee(component)]
        yield _Reached(finding.source, sum(signature.count for signature in named),
                       _lost((signature.whole, signature.count) for signature in named))


def _lost(texts: Iterable[tuple[str, float]]) -> dict[ErrorKind, float]:
    """Return how many of the errors say that the other side was not reached, by kind."""
    found: dict[ErrorKind, float] = defaultdict(float)
    for text, count in texts:
        if kind_of(text) in REACH:
            found[kind_of(text)] += count
    return found


def _own_kinds(component: str, evidence: Evidence) -> dict[ErrorKind, float]:
    lines = _newest(evidence, ErrorSignatures)
    counts: dict[ErrorKind, float] = defaultdict(float)
    for signature in lines.detail.signatures if lines else ():
        if signature.component == component and "call to" not in signature.whole:
            counts[kind_of(signature.whole)] += max(0.0, signature.count - signature.usual)
    return _shares(counts)


def _named(service: Service, component: str, text: str) -> FaultLocation | None:
    """Return which of the component's callees a text names by its host; the longest name counts."""
    return location_of(service.parties.named(component, text))


def _newest(evidence: Evidence, kind: type[D], component: str | None = None,
            source: str | None = None) -> Finding[D] | None:
    """Return the finding whose window ends last: a later window has seen more of the fault."""
    return max(evidence.of(kind, component, source),
               key=lambda finding: (finding.window.end if finding.window else 0.0, finding.source), default=None)


def _shares(counts: Mapping[ErrorKind, float]) -> dict[ErrorKind, float]:
    whole = sum(counts.values())
    return {kind: round(count / whole, 3) for kind, count in sorted(counts.items())} if whole else {}
