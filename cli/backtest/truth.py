"""A report beside what really happened, and beside another report.

What really happened is a YAML file with a list; ``cause`` is one of the plan's causes or mechanisms, or ``none`` for a
false alarm. Times without a zone are UTC:

    - {at: 2026-11-03T14:20Z, cause: bad_release, ended_at: 2026-11-03T14:55Z}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

from cli.backtest.outcome import Case, Compared, Report
from cli.output import Refused
from responder.model.moment import iso, seconds
from responder.plan import mechanisms
from responder.plan.wording import duration, share
from stacks.reading.loading import read_value

NEAR_SECONDS = 1800.0
"""An incident of the file is the alarm's within this time."""
_SAME_SECONDS = 120.0
"""A case of another report is of the same incident within this time."""
_KEYS = {"at", "cause", "ended_at"}


@dataclass(frozen=True)
class Happened:
    """What really happened, by the people who know; seconds since 1970 (UTC)."""

    at: float
    cause: str
    """A cause or a mechanism; ``none``: a false alarm."""
    ended_at: float | None = None


def read(file: Path) -> list[Happened]:
    """Return what a file says really happened; raises Refused naming the entry and what was expected."""
    try:
        value = read_value(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Refused(f"{file}: expected a YAML file that can be read ({error})") from error
    if not isinstance(value, list):
        raise Refused(f"{file}: expected a list of incidents: [{{at: …, cause: …, ended_at: …}}]")
    return [_happened(file, place, one) for place, one in enumerate(value, 1)]


def _happened(file: Path, place: int, one: object) -> Happened:
    where = f"{file}: incident {place}"
    if not isinstance(one, dict) or not {"at", "cause"} <= one.keys() or one.keys() - _KEYS:
        raise Refused(f"{where}: expected at and cause, and ended_at where it is known")
    cause = str(one["cause"]).strip()
    known: set[str] = {"none", "unknown", *(mechanism.id for mechanism in mechanisms.every()),
             *(mechanism.cause.id for mechanism in mechanisms.every())}
    if cause not in known:
        raise Refused(f"{where}: cause: expected one of {', '.join(sorted(known))}; found {cause!r}")
    ended = one.get("ended_at")
    return Happened(moment(one["at"], f"{where}: at"), cause,
                    None if ended is None else moment(ended, f"{where}: ended_at"))


def moment(value: object, place: str) -> float:
    """Return a time as seconds since 1970; without a zone it is UTC. Raises Refused."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Refused(f"{place}: expected a time such as 2026-11-03T14:20Z; found {str(value)[:40]!r}") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def with_truth(cases: Sequence[Case], happened: Sequence[Happened]) -> list[Compared]:
    """Compare each case with what really happened; an incident of the file without a case is ``no case``."""
    left, found = list(happened), []
    for case in cases:
        at = seconds(case.moment.at)
        nearest = min(left, key=lambda one: abs(one.at - at), default=None)
        if nearest is None or abs(nearest.at - at) > NEAR_SECONDS:
            continue
        left.remove(nearest)
        found.append(_judged(case, nearest))
    return sorted([*found, *(Compared(iso(one.at), "no case", "no alarm went off near that time") for one in left)],
                  key=lambda one: one.at)


def _judged(case: Case, truth: Happened) -> Compared:
    if truth.cause == "none":
        right = case.answer == "false_alarm"
        return Compared(case.moment.at, "right" if right else "wrong", "it was a false alarm" + (
            "" if right else f", and the answer is {case.answer.replace('_', ' ')}"))
    if truth.cause in (case.cause, case.mechanism):
        before = (truth.ended_at - seconds(case.moment.at) - case.cause_after_seconds
                  if truth.ended_at is not None and case.cause_after_seconds is not None else None)
        return Compared(case.moment.at, "right", f"it was {truth.cause}" + (
            f", named {duration(before)} before it ended" if before and before > 0 else ""))
    if case.named:
        return Compared(case.moment.at, "wrong", f"it was {truth.cause}, and {case.named} would have been named")
    close = case.likeliest.startswith(truth.cause) or f"({truth.cause.replace('_', ' ')})" in case.likeliest
    guess = f": the likeliest was {case.likeliest}, with {share(case.confidence)}" if case.likeliest else ""
    return Compared(case.moment.at, "less sure" if close else "missed",
                    f"it was {truth.cause}, and no cause would have been named{guess}")


def beside(here: Report, there: Report) -> list[Compared]:
    """Compare the decisions of two reports, incident by incident."""
    left, found = list(there.cases), []
    for case in here.cases:
        at = seconds(case.moment.at)
        other = min((one for one in left if one.moment.service == case.moment.service),
                    key=lambda one: abs(seconds(one.moment.at) - at), default=None)
        if other is None or abs(seconds(other.moment.at) - at) > _SAME_SECONDS:
            found.append(Compared(case.moment.at, "only here", "the other report has no incident at that time"))
            continue
        left.remove(other)
        found.append(_beside(case, other))
    return found + [Compared(one.moment.at, "only there", "this report has no incident at that time") for one in left]


def _beside(case: Case, other: Case) -> Compared:
    differ = list(differences(case, other))
    surer, less = (case, other) if case.named else (other, case)
    if differ and case.answer == other.answer and surer.named and surer.named == less.likeliest:
        one, two = ("there", "here") if surer is other else ("here", "there")
        return Compared(case.moment.at, "less sure", f"{surer.named} is named {one} with {share(surer.confidence)}, "
                        f"and is the likeliest {two}, with {share(less.confidence)}")
    return Compared(case.moment.at, "differs" if differ else "same", "; ".join(differ))


def differences(case: Case, other: Case) -> Iterator[str]:
    """Yield each decision in which two cases differ, in a sentence without a full stop."""
    pairs: list[tuple[str, object, object]] = [
        ("confirmed", case.answer, other.answer), ("symptom", case.symptom, other.symptom),
        ("cause", case.cause or "not looked for", other.cause or "not looked for"),
        ("mechanism", case.mechanism, other.mechanism), ("component", case.component, other.component),
        ("remedies", _remedies(case, other), _remedies(other, case))]
    for name, mine, theirs in pairs:
        if mine != theirs:
            yield f"{name}: {mine or 'none'} here, {theirs or 'none'} there"


def _remedies(case: Case, other: Case) -> str:
    """Return the remedies of a case as they are compared.

    What a remedy's own check of the live state refused on one side cannot be compared: of the past it is not known.
    """
    checked = {(one.action, one.component) for one in (*case.remedies, *other.remedies)
               if one.guardrail == "precondition"}
    return ", ".join(f"{one.action} of {one.component}" + (
        "" if (one.action, one.component) in checked else f" ({one.ruling})") for one in case.remedies)
