"""Changes made elsewhere (commits, flags, infrastructure as code), weighed by what they could do."""

from __future__ import annotations

from collections.abc import Iterator

from responder.model.evidence import Finding
from responder.model.evidence.foreign_changes import ForeignChanges
from responder.plan import wording
from responder.plan.change_evidence import NAMED, POSSIBLE, Explained, explained
from responder.plan.signals import Context, Signal, signal


@signal("When, where and what: it came into effect before the symptom, on the way of the requests that fail, and it is "
        "of a kind that brings such a symptom. That it was in time says little alone, for most changes are innocent.")
def foreign_change_in_time(change: str, probability: int) -> str:
    return f"{change}; of all changes known and none of them it explains the symptom with {probability} %"


@signal("When, where and what meet in one flag: its switch is a change of every request at once.")
def flag_explains(change: str, why: str) -> str:
    return f"{change}: {why}"


@signal("When, where and what meet in one commit that was deployed.")
def commit_explains(change: str, why: str) -> str:
    return f"{change}: {why}"


@signal("When, where and what meet in one change of what several components share.")
def infrastructure_explains(change: str, why: str) -> str:
    return f"{change}: {why}"


@signal("The feeds know each deployment and each switch; where none of them explains the symptom, something else does.")
def no_foreign_change_explains(count: int) -> str:
    return f"none of the {count} changes that GitHub and LaunchDarkly know of explains the symptom"


def read(context: Context) -> Iterator[Signal]:
    """Yield the change that explains the symptom, or that none does."""
    for finding in context.evidence.of(ForeignChanges):
        found = explained(context, finding.detail)
        if found is None:
            continue
        if found.change is None:
            if found.probability >= NAMED and finding.status == "ok":
                yield no_foreign_change_explains.emit(finding, len(finding.detail.changes))
        elif found.probability >= POSSIBLE:
            yield from _named(context, finding, found)


def _named(context: Context, finding: Finding[ForeignChanges], found: Explained) -> Iterator[Signal]:
    change = found.change
    if change is None:
        return
    said = _said(context, found)
    yield foreign_change_in_time.emit(finding, said, round(100 * found.probability))
    if found.probability < NAMED:
        return
    why = "; ".join(found.why[:3])
    if change.kind == "flag":
        yield flag_explains.emit(finding, said, why)
    elif change.kind == "commit":
        yield commit_explains.emit(finding, said, why)
    else:
        yield infrastructure_explains.emit(finding, said, why)


def _said(context: Context, found: Explained) -> str:
    change = found.change
    if change is None:
        return ""
    seconds = max(0.0, (context.onset or 0.0) - found.in_effect)
    whom = f" by {change.by}" if change.by else ""
    turned = f" ({change.before} became {change.after})" if change.before else ""
    named = f"{change.title}{turned}" if change.kind == "flag" else f"{change.id} ({change.title})"
    return f"{named}{whom}, in effect {wording.duration(seconds)} before the symptom began"
