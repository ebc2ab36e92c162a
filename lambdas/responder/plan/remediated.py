"""Whether the kind of failure that a remedy is for is gone, whatever else fails in the same calls.

Two faults may be in the very same calls: a database that was made read-only, and whose storage is full. The sum of the
failures stays where it was when the first is remediated. What tells the remedy's effect is what the failed calls say of
themselves (``plan/kinds.py``), before the remedy and since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from responder.model.evidence import Evidence, Finding
from responder.model.evidence.calls import Callee, Calls
from responder.model.fault_location import OWN, Database, Dependency, FaultLocation, Provider, location_of
from responder.model.frozen import dataclass
from responder.model.service import Service
from responder.plan import mechanisms
from responder.plan.error_kind import ErrorKind
from responder.plan.failure_modes import own_failures
from responder.plan.kinds import kind_of
from responder.plan.rates import lower_bound, upper_bound
from responder.plan.signals.calls import OF_KIND
from responder.plan.signals.changes import GOVERNED_BY

Effect = Literal["gone", "goes_on", "unknown"]

SPANS_SECONDS = 5.0
"""A flag is read, and a connection made, within seconds of the change."""
_FAILS = 0.01
_Z = 2.0
"""Two standard deviations: both sides of a comparison are uncertain, and it is made once a remedy."""
_ARISES: Mapping[ErrorKind, int] = {
    ErrorKind.DNS: 0, ErrorKind.REFUSED: 1, ErrorKind.CONNECT_TIMEOUT: 1, ErrorKind.TLS: 2, ErrorKind.CONNECTIONS: 3,
    ErrorKind.CREDENTIALS: 4, ErrorKind.RATE_LIMIT: 5, ErrorKind.LOCK: 5, ErrorKind.READ_ONLY: 6, ErrorKind.SPACE: 7,
    ErrorKind.READ_TIMEOUT: 8, ErrorKind.HTTP_5XX: 8, ErrorKind.CALLEE_5XX: 8, ErrorKind.DECLINED: 9}
"""The step of a call at which each kind arises: the name, the connection, TLS, a place (PostgreSQL counts connections
before it asks for the password), the login, the statement, what it writes. Other kinds may arise anywhere."""
_PASSED: Mapping[ErrorKind, int] = {
    **_ARISES, ErrorKind.RATE_LIMIT: 3, ErrorKind.READ_TIMEOUT: 3, ErrorKind.HTTP_5XX: 3, ErrorKind.CALLEE_5XX: 3}
"""How far a call has come for sure that fails so. A server may answer 5xx, or nothing, before it looks at who asks."""


@dataclass(frozen=True)
class Aim:
    """What a remedy is for."""

    component: str
    mechanism: str
    location: FaultLocation | None
    """Where the failures arise."""
    changed_at: float
    """When it was applied, seconds since 1970 (UTC)."""
    settings: str = ""
    """What it restores, as text: the names of the settings are in it."""


@dataclass(frozen=True)
class _Share:
    """How many of the calls fail in a way, of those that could."""

    errors: float
    calls: float

    def at_least(self) -> float:
        return lower_bound(self.errors, self.calls, _Z)

    def at_most(self) -> float:
        return upper_bound(self.errors, self.calls, _Z)


def kinds_of(mechanism: str, settings: str = "") -> frozenset[ErrorKind]:
    """Return the kinds of failed calls that a mechanism brings; none where that is not known.

    ``settings`` is what its remedy restores, as text: of some mechanisms it depends on the setting.
    """
    if mechanism not in mechanisms.names():
        return frozenset()
    found = mechanisms.find(mechanism)
    governed = {kind for kind in found.kinds if any(part in settings for part in GOVERNED_BY.get(kind, ()))}
    return frozenset(kind for kind, signal in OF_KIND.items() if found.weights.get(signal, 0.0) > 0) | governed


def effect(service: Service, before: Evidence, since: Evidence, aim: Aim, well_since: float | None = None) -> Effect:
    """Say whether the kinds of failure that a remedy is for are gone from the calls that had them.

    ``before`` holds the looks of the incident, those before the remedy among them, and ``since`` the newest look.
    ``well_since`` is since when the whole symptom is gone (seconds since 1970, UTC): calls from before that show how it
    went, and are not held against the remedy.

    Of failures in the component itself, the requests are compared that failed in none of its calls. Of others, only
    calls of the same host are compared. A call that fails at an earlier step does not show whether a later one
    would fail, and does not count. It is ``unknown`` where the remedy's kinds were not seen before it (there are no
    client spans, or they do not say what failed), where the host is no longer called, or where too few calls tell.
    """
    if aim.location == OWN:
        return _of_itself(service, before, since, aim, well_since)
    if not isinstance(aim.location, Database | Provider | Dependency):
        return "unknown"
    start = max(aim.changed_at - SPANS_SECONDS, well_since or 0.0)
    found = [_of_host(service, was, finding.detail.callees.get(host, Callee()), kind)
             for source, host, was, kind in _failing_before(service, before, aim)
             for finding in since.of(Calls, aim.component, source)
             if finding.window and finding.window.start >= start]
    if "goes_on" in found:
        return "goes_on"
    return "gone" if found and all(one == "gone" for one in found) else "unknown"


def hidden(service: Service, looks: Evidence, aim: Aim) -> bool:
    """Whether calls fail so early since a remedy that too few come to where the remedy's kinds of failure arise.

    A database that refuses connections does not say whether it would take the password. So the remedy is no failure,
    unless those few calls that come so far still fail as before.
    """
    found = []
    for source, host, was, kind in _failing_before(service, looks, aim):
        # A look that does not say how calls failed tells nothing of it.
        since = [finding for finding in looks.looks(Calls, aim.component) if finding.source == source
                 and finding.window and finding.window.start >= aim.changed_at - SPANS_SECONDS
                 and finding.detail.callees.get(host, Callee()).kinds]
        found.append(bool(since) and _is_hidden(service, was, max(since, key=_end).detail.callees[host], kind))
    return bool(found) and all(found)


def _is_hidden(service: Service, was: Callee, callee: Callee, kind: ErrorKind) -> bool:
    came = _share(callee, kind)
    early = sum(count for text, count in callee.kinds.items() if _ARISES.get(kind_of(text), 99) < _ARISES.get(kind, 0))
    return (_of_host(service, was, callee, kind) == "unknown" and came.at_least() <= _too_many(was)
            and early >= service.confirm.minimum_requests and early > came.calls)


def _of_itself(service: Service, before: Evidence, since: Evidence, aim: Aim, well_since: float | None) -> Effect:
    """Say whether a component fails by itself no more; by the requests that failed in none of its calls."""
    start = max(aim.changed_at - SPANS_SECONDS, well_since or 0.0)
    newest = list(since.of(Calls, aim.component))
    had = own_failures(service, aim.component, Evidence(
        finding for finding in before.every if finding.window and finding.window.end <= aim.changed_at))
    has = own_failures(service, aim.component, since)
    if not newest or had is None or has is None or not all(
            finding.window and finding.window.start >= start for finding in newest):
        return "unknown"
    was, now = _Share(*had), _Share(*has)
    if was.at_least() <= _FAILS or now.calls < service.confirm.minimum_requests:
        return "unknown"
    if now.at_most() < was.at_least() and now.at_least() <= service.confirm.error_rate:
        return "gone"
    return "goes_on" if now.at_least() > _FAILS else "unknown"


def new_kinds(service: Service, before: Evidence, since: Evidence, aim: Aim) -> frozenset[ErrorKind]:
    """Return the kinds in which calls of the same place fail since a remedy and did not before: its doing, maybe."""
    return _failing(service, since.of(Calls, aim.component), aim) - _failing(service, _last_before(before, aim), aim)


def _failing(service: Service, looks: Iterable[Finding[Calls]], aim: Aim) -> frozenset[ErrorKind]:
    return frozenset(kind for finding in looks for host, callee in finding.detail.callees.items()
                     if location_of(service.called(host)) == aim.location
                     for kind in {kind_of(text) for text in callee.kinds} if _seen(callee, kind))


def _failing_before(service: Service, before: Evidence, aim: Aim) -> Iterator[tuple[str, str, Callee, ErrorKind]]:
    """Yield source, host, its calls before the remedy, and each of the remedy's kinds in which they failed."""
    kinds = sorted(kinds_of(aim.mechanism, aim.settings))
    for had in _last_before(before, aim):
        for host, was in had.detail.callees.items():
            if location_of(service.called(host)) == aim.location:
                yield from ((had.source, host, was, kind) for kind in kinds if _seen(was, kind))


def _last_before(before: Evidence, aim: Aim) -> Iterator[Finding[Calls]]:
    """Yield, of each source, the last look at the component's calls that ended before the remedy."""
    last: dict[str, Finding[Calls]] = {}
    for finding in before.looks(Calls, aim.component):
        if finding.window and finding.window.end <= aim.changed_at and (
                finding.source not in last or finding.window.end >= _end(last[finding.source])):
            last[finding.source] = finding
    yield from last.values()


def _end(finding: Finding[Calls]) -> float:
    return finding.window.end if finding.window else 0.0


def _seen(callee: Callee, kind: ErrorKind) -> bool:
    """Whether calls failed in that way beyond doubt, and beyond what is usual."""
    share = _share(callee, kind)
    return share.at_least() > _too_many(callee)


def _too_many(callee: Callee) -> float:
    usual = callee.baseline_errors / callee.baseline_requests if callee.baseline_requests else 0.0
    return max(_FAILS, 2 * usual)


def _of_host(service: Service, was: Callee, callee: Callee, kind: ErrorKind) -> Effect:
    had, has = _share(was, kind), _share(callee, kind)
    if has.calls < service.confirm.minimum_requests:
        return "unknown"
    fell = has.at_most() < had.at_least()
    if fell and has.at_least() <= service.confirm.error_rate:
        return "gone"
    return "goes_on" if has.at_least() > _too_many(was) else "unknown"


def _share(callee: Callee, kind: ErrorKind) -> _Share:
    """Return how many calls failed in a way, of those that came as far as that."""
    counts: dict[ErrorKind, float] = {}
    for text, count in callee.kinds.items():
        counts[kind_of(text)] = counts.get(kind_of(text), 0.0) + count
    answered = max(0.0, callee.requests - max(callee.errors, sum(counts.values())))
    further = sum(count for other, count in counts.items()
                  if other is not kind and _PASSED.get(other, -1) > _ARISES.get(kind, 99))
    return _Share(counts.get(kind, 0.0), answered + further + counts.get(kind, 0.0))
