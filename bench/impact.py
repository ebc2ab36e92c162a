"""How true the report's impact is: counts and times of each drill's record, beside what the sandbox knows of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import Benchmark, Outcome, baselines
from bench.bed.made_up import made_up
from responder.model.incident import IncidentRecord
from responder.model.moment import epoch, seconds
from responder.plan.review import review
from responder.plan.review.contents import Impact
from responder.records.record import unpack
from sandbox.platform.flow import ENTRY
from sandbox.truth import Symptom, Truth, read

RECORDS = Path(__file__).resolve().parent.parent / "tests" / "records"
NEAR = 0.05
"""A count is right within this share of the true one, or within the error that is said beside it."""
FEW = 20
"""Of fewer requests than this no share is taken: a count is right within so many."""
_OLD_PERIOD = 10.0
_BEFORE_SECONDS = 60.0
_SET_UP_SECONDS = 180.0
_PAUSE_SECONDS = 8.0
"""Fewer may be chance."""


@dataclass(frozen=True)
class Said:
    """What a report says; moments in seconds since 1970 (UTC), None where it says nothing."""

    failed: float | None
    failed_error: float
    missing: float
    missing_error: float
    onset: float | None
    end: float | None
    until: float | None
    """Counts are of the time until then; None: until the end."""
    accuracy: float
    """Of the moments."""
    share: float | None = None


@dataclass(frozen=True)
class Happened:
    """What is true of the same stretch of time."""

    failed: float
    missing: float
    share: float
    onset: float
    end: float | None


@dataclass(frozen=True)
class Error:
    """One measure of one drill."""

    measure: str
    drill: str
    said: float
    true: float
    off: float
    """Of counts a share of the true one (of 20 at least), of shares a difference, of times seconds."""
    held: bool
    """Whether it is as near as it must be, or as the report itself says that it is."""


@dataclass(frozen=True)
class Case:
    """A drill's record with its truth."""

    drill: str
    record: IncidentRecord
    truth: Truth


def paused(truth: Truth) -> bool:
    """Whether nobody asked anything while the drill was set up, as in older ones: to the sources that is an outage."""
    first = truth.seconds.at[0]
    before = [(at, made) for at, made in zip(truth.healthy.at, truth.healthy.components[ENTRY].made, strict=True)
              if at > first - _SET_UP_SECONDS]
    fewer = truth.usual_per_second * (first - before[0][0]) - sum(made for _, made in before)
    return fewer > _PAUSE_SECONDS * truth.usual_per_second


def cases(folder: Path = RECORDS) -> list[Case]:
    """Return every drill of which there are both, by name; none whose platform paused."""
    return [Case(drill, IncidentRecord.of(unpack((folder / f"{drill}.json.gz").read_bytes())["items"]), truth)
            for drill, truth in read(folder) if (folder / f"{drill}.json.gz").exists() and not paused(truth)]


def said(impact: Impact) -> Said:
    """Return what today's report says."""
    return Said(impact.failed_requests, impact.failed_error, impact.missing_requests, impact.missing_error,
                epoch(impact.onset), epoch(impact.ended), epoch(impact.measured_until), impact.accuracy_seconds or 0.0,
                impact.affected_share)


def happened(truth: Truth, record: IncidentRecord, report: Said) -> Happened | None:
    """Return what is true of what a report is about; None where customers had no symptom in that time.

    A symptom that began after the last look is none of the report's.
    """
    first = min([seconds(record.incident.opened_at), *(seconds(signal.at) for signal in record.signals)])
    last = max((finding.window.end for look in record.looked for finding in look.findings if finding.window),
               default=first)
    mine = [symptom for symptom in truth.symptoms if symptom.began < min(last, report.until or last)
            and (symptom.ended is None or symptom.ended > first - _BEFORE_SECONDS)]
    return _counted(truth, mine, report.until) if mine else None


def _counted(truth: Truth, symptoms: Sequence[Symptom], until: float | None) -> Happened:
    onset, ended = symptoms[0].began, symptoms[-1].ended
    last = min(ended or math.inf, until or math.inf)
    entry = truth.seconds.components[ENTRY]
    during = [number for number, at in enumerate(truth.seconds.at) if onset <= at < last]
    made, reached, failed = (sum(column[number] for number in during)
                             for column in (entry.made, entry.reached, entry.failed))
    # It may have gone and come back: what came in between counts to nobody's share.
    asked = sum(entry.made[number] for number in during if any(
        symptom.began <= truth.seconds.at[number] < (symptom.ended or math.inf) for symptom in symptoms))
    # What reached no pod, and where fewer were made than chance explains, what usually comes and did not.
    usual = truth.usual_per_second * len(during)
    fewer = usual - made if usual - made > 3 * math.sqrt(usual) else 0.0
    # Of a rush it is not missed what usually does not come.
    missing = max(0.0, min(made, usual) + fewer - reached)
    share = min(1.0, (failed + made + fewer - reached) / (asked + fewer)) if asked else 0.0
    return Happened(failed, missing, share, onset, ended)


def errors(case: Case, report: Said) -> Iterable[Error]:
    """Yield how far off each measure of a drill's report is; nothing of a drill without a symptom at the entry."""
    true = happened(case.truth, case.record, report)
    if true is None:
        return
    for measure, count, of, error in (("failed", report.failed, true.failed, report.failed_error),
                                      ("missing", report.missing, true.missing, report.missing_error)):
        if count is None:
            continue
        off = abs(count - of)
        yield Error(measure, case.drill, count, of, off / max(of, FEW), off <= max(NEAR * of, error, FEW / 2))
    if report.share is not None:
        yield Error("share", case.drill, report.share, true.share, abs(report.share - true.share),
                    abs(report.share - true.share) <= NEAR)
    applied = min((moment for remedy in case.record.remedies if (moment := epoch(remedy.applied_at))), default=None)
    opened = seconds(case.record.incident.opened_at)
    for measure, begin, end, of_begin, of_end in (
            ("onset", 0.0, report.onset, 0.0, true.onset), ("end", 0.0, report.end, 0.0, true.end),
            ("detect", report.onset, opened, true.onset, opened),
            ("mitigate", report.onset, applied, true.onset, applied),
            ("recover", report.onset, report.end, true.onset, true.end)):
        if begin is not None and end is not None and of_begin is not None and of_end is not None:
            off = abs((end - begin) - (of_end - of_begin))
            # Each end is known within a period; the time between two, within one of each.
            ends = 2 if measure == "recover" else 1
            yield Error(measure, case.drill, end - begin, of_end - of_begin, off, off <= ends * report.accuracy)


def table(found: Sequence[Error], old: Sequence[Error]) -> str:
    """Return the errors of today's rule and of the old one, as a table in Markdown."""
    lines = ["| measure | drills | held | median | 90 % | worst three | old: held | median | 90 % |",
             "|---|---|---|---|---|---|---|---|---|"]
    for measure, write in _WRITTEN.items():
        mine, before = ([error for error in every if error.measure == measure] for every in (found, old))
        if mine:
            worst = sorted(mine, key=lambda error: -error.off)[:3]
            lines.append(f"| {measure} | {len(mine)} | {_held(mine)} | {write(_middle(mine))} | {write(_most(mine))} | "
                         + ", ".join(f"{error.drill} {write(error.off)}" for error in worst)
                         + (f" | {_held(before)} | {write(_middle(before))} | {write(_most(before))} |" if before
                            else " | - | - | - |"))
    return "\n".join(lines)


def _held(found: Sequence[Error]) -> str:
    return f"{sum(error.held for error in found) / len(found):.0%}"


def _middle(found: Sequence[Error]) -> float:
    return median(error.off for error in found)


def _most(found: Sequence[Error]) -> float:
    return sorted(error.off for error in found)[math.ceil(0.9 * len(found)) - 1]


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _time(value: float) -> str:
    return f"{value:.1f} s"


_WRITTEN: Mapping[str, Callable[[float], str]] = {
    "failed": _percent, "missing": _percent, "share": _percent, "onset": _time, "end": _time, "detect": _time,
    "mitigate": _time, "recover": _time}


def measure(every: Iterable[Case]) -> tuple[list[Error], list[Error]]:
    """Return the errors of today's rule over cases, and of the old rule."""
    found: list[Error] = []
    old: list[Error] = []
    for case in every:
        found += errors(case, said(review(case.record, entry=ENTRY).impact))
        before = baselines.impact(case.record, ENTRY)
        old += errors(case, Said(before.failed, 0.0, before.missing, 0.0, epoch(case.record.incident.onset),
                                 epoch(case.record.incident.recovered_at), before.until, _OLD_PERIOD))
    return found, old


def _run(repeats: int) -> Outcome:
    drills = measure(cases())
    outages = measure(Case(one.name, one.record, one.truth) for one in made_up())
    return Outcome(text=f"Drills, as recorded:\n{table(*drills)}\n\nOutages made up on the platform alone:\n"
                        f"{table(*outages)}",
                   more={"drills": [vars(error) for error in drills[0]],
                         "made_up": [vars(error) for error in outages[0]]})


BENCHMARK = Benchmark("how true the report's counts and times are, beside what the sandbox knows", _run, 1)
