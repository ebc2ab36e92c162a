"""Signs that somebody attacks: hostile traffic that a release may have begun to refuse, and for good reason.

They name no cause and weigh nothing in the diagnosis. A remedy that rolls a change back may remove the fix that
refuses the attacker, so with such a sign people decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from responder.model.evidence import Detail, Evidence, Finding
from responder.model.evidence.auth_failures import AuthFailures
from responder.model.evidence.clients import Clients
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.evidence.failing_clients import FailingClients
from responder.model.evidence.rejected_signatures import RejectedSignatures
from responder.model.service import Service
from responder.plan import wording
from responder.plan.kinds import rejected_caller
from responder.plan.rates import count_lower_bound, count_upper_bound, lower_bound, upper_bound
from responder.plan.signals.load import flood

_TIMES = 10.0
"""Clients try a failed request two to five times (the AWS SDKs: three), and the load of one hour is seldom more than
twice that of the hour before: together they make less than tenfold of what is usual."""
_LEAST = 10.0
"""Fewer than ten refusals in a window are a client with an old key, whatever was usual."""
_SHARE = 0.2
"""A client with less than a fifth of what fails does not explain it; see ``failure_modes.py``."""
D = TypeVar("D", bound=Detail)


def signs(service: Service, evidence: Evidence, onset: float | None) -> tuple[str, ...]:
    """Return a sentence for each sign of an attack, in a fixed order; empty where there is none.

    ``onset`` is when the symptom began (seconds since 1970, UTC): what was seen before it says nothing of it.
    """
    known = {component.name for component in service.components}

    def seen(kind: type[D]) -> Iterator[Finding[D]]:
        return (finding for finding in sorted(evidence.of(kind), key=lambda finding: finding.component)
                if onset is None or finding.window is None or finding.window.end >= onset)

    rejected = list(seen(RejectedSignatures))
    found = [
        *_each(known, seen(AuthFailures), lambda refusals: _more(
            refusals, f"failed authentications of {refusals.component}'s callers")),
        *(said for finding in seen(Clients) for said in _floods(finding)),
        *_each(known, seen(FailingClients), _one_client),
        *_each(known, rejected, lambda refusals: _more(refusals, _unsigned(refusals.component)))]
    if not rejected:
        found += [said for finding in seen(ErrorSignatures) for said in _logged(finding, known)]
    return tuple(dict.fromkeys(found))


def _each(known: set[str], findings: Iterable[Finding[D]], sign: Callable[[Finding[D]], Iterable[str]]) -> list[str]:
    """Return the signs of each finding about a component of the service."""
    return [said for finding in findings if finding.component in known for said in sign(finding)]


def _unsigned(component: str) -> str:
    return f"requests of {component} with a missing or wrong signature"


def _more(finding: Finding[AuthFailures] | Finding[RejectedSignatures], what: str) -> Iterator[str]:
    """Say that there are far more refusals than the baseline has."""
    if finding.window is None:
        return
    lines, before = finding.detail.lines, finding.detail.baseline_lines
    usual = (finding.baseline or 0.0) / 60 * finding.window.seconds
    # The baseline is counted as well: what is usual may be as much as its count is compatible with.
    if _far_above(lines, usual * count_upper_bound(before) / before if before else 0.0):
        yield _times(what, lines, usual, finding.window.seconds)


def _far_above(count: float, usual: float) -> bool:
    return count_lower_bound(count) > max(_LEAST, _TIMES * usual)


def _times(what: str, count: float, usual: float, seconds: float) -> str:
    how = f"{wording.count(count / usual)} times as many as usual" if usual > 0 else "normally none"
    return f"{what}: {wording.count(count)} in {wording.duration(seconds / 60 * 60)}, {how}"


def _logged(finding: Finding[ErrorSignatures], known: set[str]) -> Iterator[str]:
    """Say the same by the error lines alone, where nobody searched for it."""
    counts: dict[str, float] = defaultdict(float)
    usual: dict[str, float] = defaultdict(float)
    for signature in finding.detail.signatures:
        if signature.component in known and rejected_caller(signature.whole):
            counts[signature.component] += signature.count
            usual[signature.component] += signature.usual
    for component, count in sorted(counts.items()):
        most_usual = count_upper_bound(usual[component]) if usual[component] else 0.0
        if finding.window and _far_above(count, most_usual):
            yield _times(_unsigned(component), count, usual[component], finding.window.seconds)


def _one_client(finding: Finding[FailingClients]) -> Iterator[str]:
    """Say that one client, who is hardly there usually, has a good part of what fails."""
    detail = finding.detail
    if not detail.all_before:
        return  # no line named its client before: who is usual nobody knows
    for client in detail.clients[:1]:
        share = lower_bound(client.failed, detail.all_failed)
        most_usual = upper_bound(client.before, detail.all_before)
        if count_lower_bound(client.failed) > _LEAST and share >= _SHARE and share > _TIMES * most_usual:
            failing = wording.share(client.failed / detail.all_failed)
            usually = wording.share(client.before / detail.all_before)
            yield (f"{failing} of {finding.component}'s failing requests come from one client ({client.client}), which "
                   f"usually sends {usually} of its requests")


def _floods(finding: Finding[Clients]) -> Iterator[str]:
    found = flood(finding)
    if found is not None:
        yield (f"one client ({found.client}) sends {wording.share(found.share)} of {finding.component}'s requests; "
               f"usual is {wording.share(found.usual)}")
