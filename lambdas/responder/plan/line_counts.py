"""Log lines that were counted by component, level and time, as a finding; whatever system counted them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from responder.model.evidence import Bucket, Finding, Window
from responder.model.evidence.error_lines import ErrorLines
from responder.plan import wording
from responder.plan.wording import source_name

_SEVERE = frozenset({"err", "error", "critical", "crit", "severe", "fatal", "alert", "emerg", "emergency", "panic",
                     "50", "60"})
"""Levels that are errors by the names that loggers and syslog (RFC 5424) give, or by pino's numbers."""


class Counted(NamedTuple):
    """Lines of one component and level, in one period or in all of a stretch of time."""

    component: str
    level: str
    """As the lines write it; empty: they do not tell."""
    lines: float
    start: float = 0.0
    """Of the period, seconds since 1970 (UTC)."""


class Counting(NamedTuple):
    """How lines were counted."""

    window: Window
    """The query's, from the start of its first period, so that no period is cut."""
    period_seconds: int
    baseline_seconds: float
    level_field: str
    error_levels: tuple[str, ...]


def judged(common: Finding[ErrorLines], counts: Sequence[Counted], before: Sequence[Counted], how: Counting,
           note: str = "") -> Finding[ErrorLines]:
    """Return ``error_lines`` of the component that ``common`` is about; ``note``: why lines may be missing."""
    counts, before = ([row for row in rows if row.component == common.component] for rows in (counts, before))
    if not counts and not before:
        return replace(common, status="empty", note=f"{source_name(common.source)} has no line of it at all")
    if not any(row.level for row in (*counts, *before)):
        return replace(common, status="empty", note=(
            f"no line of it has the field {how.level_field}: which are errors, nobody can tell"))
    levels = {level.lower() for level in how.error_levels}
    errors, errors_before = ([row for row in rows if row.level.lower() in levels] for rows in (counts, before))
    note = note or _doubt(errors, {row.level.lower() for row in (*counts, *before)} - levels, how, common.source)
    series: dict[float, float] = defaultdict(int)
    for row in errors:
        series[row.start] += row.lines
    return replace(
        common, status="partial" if note else "ok", unit="lines/min", note=note,
        value=round(_sum(errors) / how.window.seconds * 60, 2),
        baseline=round(_sum(errors_before) / how.baseline_seconds * 60, 2),
        detail=ErrorLines(
            series=tuple(Bucket(start, count, count) for start, count in sorted(series.items())),
            lines=_sum(errors), baseline_lines=_sum(errors_before), all_lines=_sum(counts),
            baseline_all_lines=_sum(before), newest=max((row.start for row in counts), default=None),
            period_seconds=how.period_seconds))


def _doubt(errors: Iterable[Counted], others: set[str], how: Counting, source: str) -> str:
    """Return why there may be more errors; empty where nothing says so."""
    astray = _sum(row for row in errors if not (
        how.window.start - how.period_seconds <= row.start <= how.window.end + how.period_seconds))
    if astray:
        return f"{wording.count(astray)} error lines bear times outside the window that was asked for"
    severe = sorted(others & _SEVERE)
    if not severe:
        return ""
    return f"lines of level {', '.join(severe)} are not counted: {source}.error_levels does not name it"


def _sum(counts: Iterable[Counted]) -> float:
    return sum(row.lines for row in counts)
