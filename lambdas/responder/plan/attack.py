"""Signs that somebody attacks: hostile traffic that a release may have begun to refuse, and for good reason.

They name no cause and weigh nothing in the diagnosis. A remedy that takes a change back may take back the fix that
refuses the attacker, so with such a sign it is for people to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from responder.model.evidence.clients import Clients
from responder.model.finding import Finding, latest, typed
from responder.model.service import Service
from responder.plan.kinds import rejected_caller
from responder.plan.rates import count_lower_bound, count_upper_bound, lower_bound, upper_bound
from responder.plan.signals.load import flood

_TIMES = 10.0
"""Clients try a failed request two to five times (the AWS SDKs: three), and the load of one hour is seldom more than
twice that of the hour before: together they make less than tenfold of what is usual."""
_LEAST = 10.0
"""Fewer refusals than ten in a look are a client with an old key, whatever was usual."""
_SHARE = 0.2
"""A client with less than a fifth of what fails does not explain it; see ``segments.py``."""


def signs(service: Service, findings: Sequence[Finding], onset: float | None) -> tuple[str, ...]:
    """Return a sentence for each sign of an attack, in a fixed order; empty where there is none.

    ``onset`` is when the symptom began (seconds since 1970, UTC): what was seen before it says nothing of it.
    """
    known = {component.name for component in service.components}
    seen = [finding for finding in sorted(latest(findings), key=lambda f: (f.name, f.component, f.source))
            if finding.usable and (onset is None or finding.window is None or finding.window.end >= onset)]
    told: list[str] = []
    for finding in seen:
        match finding.name:
            case "auth_failures" if finding.component in known:
                told += _more(finding, f"failed authentications of {finding.component}'s callers")
            case "rejected_signatures" if finding.component in known:
                told += _more(finding, f"requests of {finding.component} with a missing or wrong signature")
            case "failing_clients" if finding.component in known:
                told += _one_client(finding)
            case "clients":
                told += _floods(finding)
    if not any(finding.name == "rejected_signatures" for finding in seen):
        told += [line for finding in seen if finding.name == "error_signatures" for line in _logged(finding, known)]
    return tuple(dict.fromkeys(told))


def _more(finding: Finding, what: str) -> Iterator[str]:
    """Whether there are far more refusals than the baseline has."""
    if finding.window is None:
        return
    lines, before = float(finding.detail.get("lines", 0)), float(finding.detail.get("baseline_lines", 0))
    usual = (finding.baseline or 0.0) / 60 * finding.window.seconds
    # The baseline is counted as well: what is usual may be as much as its count is compatible with.
    if _far_above(lines, usual * count_upper_bound(before) / before if before else 0.0):
        yield _times(what, lines, usual, finding.window.seconds)


def _far_above(count: float, usual: float) -> bool:
    return count_lower_bound(count) > max(_LEAST, _TIMES * usual)


def _times(what: str, count: float, usual: float, seconds: float) -> str:
    how = f"{count / usual:.0f} times as many as usual" if usual > 0 else "normally none"
    return f"{what}: {count:.0f} in {seconds / 60:.0f} min, {how}"


def _logged(finding: Finding, known: set[str]) -> Iterator[str]:
    """The same by the error lines alone, where nobody searched for it."""
    counts: dict[str, tuple[float, float]] = {}
    for group in finding.detail.get("signatures", []):
        component = str(group.get("component", ""))
        if component in known and rejected_caller(str(group.get("text", ""))):
            count, usual = counts.get(component, (0.0, 0.0))
            counts[component] = count + float(group.get("count", 0)), usual + float(group.get("usual", 0))
    for component, (count, usual) in sorted(counts.items()):
        if finding.window and _far_above(count, count_upper_bound(usual) if usual else 0.0):
            yield _times(f"requests of {component} with a missing or wrong signature", count, usual,
                         finding.window.seconds)


def _one_client(finding: Finding) -> Iterator[str]:
    """Whether one client, who is hardly there usually, has a good part of what fails."""
    failed, before = float(finding.detail.get("all_failed", 0)), float(finding.detail.get("all_before", 0))
    if not before:
        return  # no line named its client before: who is usual nobody knows
    for client in finding.detail.get("clients", [])[:1]:
        share = lower_bound(client["failed"], failed)
        most_usual = upper_bound(client["before"], before)
        if (count_lower_bound(client["failed"]) > _LEAST and share >= _SHARE and share > _TIMES * most_usual):
            yield (f"{client['failed'] / failed:.0%} of {finding.component}'s failing requests come from one client "
                   f"({client['client']}), which usually sends {client['before'] / before:.1%} of its requests")


def _floods(finding: Finding) -> Iterator[str]:
    for clients in typed([finding]).of(Clients):
        found = flood(clients)
        if found is not None:
            yield (f"one client ({found.client}) sends {found.share:.0%} of {finding.component}'s requests; usual is "
                   f"{found.usual:.1%}")
