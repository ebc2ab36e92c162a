"""What becomes of the recorded diagnoses in accounts that are less kind: spans sampled, without errors, or missing.

Each mutation takes a record as ``records/record.py`` packs it and gives the evidence as such an account would give it;
the outage behind it stays the same. No mutation may lead to another cause, or to a changing remedy that the whole
record does not propose: less evidence may only leave more unknown.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.account_mutations import ACCOUNTS
from bench.diagnosis import HARMLESS, kept
from responder.model.incident import IncidentRecord
from responder.plan.confirm import confirm
from responder.plan.decide import DiagnosisInput, judge_cause
from responder.plan.kinds import ErrorKind, kind_of
from responder.plan.replay import service_of
from responder.plan.weights import shipped
from responder.records.table import seconds

Record = dict[str, Any]
Finding = dict[str, Any]
Mutation = Callable[[Record, Random], None]
_RECENT_SECONDS = 60.0
_EXACT = 3000
"""Above so many, a binomial count is drawn as a normal one."""


@dataclass(frozen=True)
class Decision:
    """What would be done on a record."""

    cause: str
    """The cause that is named, ``unknown``, or ``none`` for a false alarm."""
    remedies: frozenset[tuple[str, str]]
    """Action and component of the proposed remedies that change something, of every look."""


@dataclass(frozen=True)
class Changed:
    """A record, before and after a mutation."""

    drill: str
    mutation: str
    before: Decision
    after: Decision

    @property
    def unknown(self) -> bool:
        """Whether nothing is known any more."""
        return self.after.cause == "unknown" != self.before.cause

    @property
    def other_cause(self) -> bool:
        """Whether another cause is named than before."""
        return self.after.cause not in (self.before.cause, "unknown")

    @property
    def added(self) -> frozenset[tuple[str, str]]:
        """Remedies that are proposed and were not before."""
        return self.after.remedies - self.before.remedies


def decided(record: Mapping[str, Any], every_look: bool = False) -> Decision:
    """Decide once more from what was on record before anything was done, until a cause is known; or at every look."""
    service, weights = service_of(record), shipped()
    items = sorted(record["items"], key=lambda item: str(item["sk"]))
    opened_at = seconds(next(item for item in items if item["sk"] == "INCIDENT")["opened_at"])
    applied = min((item["applied_at"] for item in items if item["sk"].startswith("ACTION#") and item.get("applied_at")),
                  default="~")
    evidence, cause, first = IncidentRecord.of(items), "unknown", ""
    remedies: set[tuple[str, str]] = set()
    onset, open_now, confirmed, looks = None, True, True, 0
    for item in items:
        entered, detail = item["sk"].split("#")[1] if "#" in item["sk"] else "", item.get("detail") or {}
        if not item["sk"].startswith("TIMELINE#") or item.get("kind") != "decision" or entered > applied:
            continue
        if item["step"] == "Confirm the incident":
            found = confirm(service, detail.get("asked", ()), evidence.at(entered),
                            detail.get("signal_at", opened_at), detail.get("well_since"))
            onset, open_now, confirmed = found.onset, found.answer != "false_alarm", found.answer == "confirmed"
            cause = cause if open_now else "none"
        elif item["step"] == "Diagnose the root cause" and open_now:
            judgement = judge_cause(service, evidence.evidence(last=entered),
                                    DiagnosisInput(opened_at, onset, looks=looks), weights)
            looks += 1
            cause = judgement.diagnosis.cause
            remedies |= {(remedy.action, remedy.component) for remedy in judgement.proposed
                         if confirmed and remedy.action not in HARMLESS}
            if cause != "unknown" and not judgement.fading and (judgement.proposed or not judgement.diagnosis.close):
                first = first or cause
                if not every_look:
                    break
    return Decision(first or cause, frozenset(remedies))


def binomial(count: float, share: float, random: Random) -> int:
    """Draw how many of ``count`` are kept."""
    whole = round(count)
    if whole > _EXACT:
        mean = whole * share
        return min(whole, max(0, round(random.gauss(mean, math.sqrt(mean * (1 - share))))))
    return sum(random.random() < share for _ in range(whole))


def looks(record: Mapping[str, Any]) -> Iterator[tuple[Finding, Finding | None]]:
    """Yield each finding of client spans, with the rates of the same component at the same look."""
    for item in record["items"]:
        if not str(item.get("sk", "")).startswith("EVIDENCE#"):
            continue
        rates = {finding.get("component", ""): finding for finding in item["findings"]
                 if finding["name"] == "error_rate" and finding["source"] == item["source"]}
        for finding in item["findings"]:
            if finding["name"] == "calls":
                yield finding, rates.get(finding.get("component", ""))


def recent(rate: Finding | None) -> tuple[float, float]:
    """Return requests and errors of the newest minute."""
    if rate is None or not rate.get("window"):
        return 0.0, 0.0
    rows = [row for row in (rate.get("detail") or {}).get("series") or ()
            if row[0] >= rate["window"]["end"] - _RECENT_SECONDS]
    return sum(row[1] for row in rows), sum(row[2] for row in rows)


def sampled(share: float, told: bool = True) -> Mutation:
    """Keep the spans of so many requests, each with all its calls; ``told``: entry spans say how many they are."""

    def mutate(record: Record, random: Random) -> None:
        for finding, rate in looks(record):
            requests, errors = recent(rate)
            callees = (finding.get("detail") or {}).get("callees") or {}
            of_calls = sum(callee.get("errors", 0) for callee in callees.values())
            kept_errors = binomial(max(0.0, errors - of_calls), share, random)
            for callee in callees.values():
                well = callee.get("requests", 0) - callee.get("errors", 0)
                before = {name: callee.get(name, 0) for name in ("baseline_requests", "baseline_errors")}
                kinds = callee.get("kinds") or {}
                unsaid = callee.get("errors", 0) - sum(kinds.values())
                callee["kinds"] = {text: kept_kind for text, count in kinds.items()
                                   if (kept_kind := binomial(count, share, random))}
                callee["errors"] = sum(callee["kinds"].values()) + binomial(max(0, unsaid), share, random)
                callee["requests"] = callee["errors"] + binomial(max(0, well), share, random)
                callee |= {name: binomial(count, share, random) for name, count in before.items()}
                kept_errors += callee["errors"]
                for name, count in (("mean_ms", "requests"), ("baseline_ms", "baseline_requests")):
                    if not callee[count]:
                        callee[name] = None
            if told and callees:
                failed = min(kept_errors, round(errors))
                finding["detail"] |= {"errors": failed, "requests": failed + binomial(
                    max(0.0, requests - errors), share, random)}

    return mutate


def spans_alone(share: float) -> Mutation:
    """Keep the spans of so many requests, and no Transaction: the rates are those of entry spans."""

    def mutate(record: Record, random: Random) -> None:
        sampled(share)(record, random)
        entries = {id(rate): finding for finding, rate in looks(record)}
        for finding in (finding for item in record["items"] if str(item.get("sk", "")).startswith("EVIDENCE#")
                        for finding in item["findings"] if finding["source"] == "newrelic"):
            detail = finding.get("detail") or {}
            if finding["name"] == "error_rate" and detail.get("series"):
                _thin_rate(finding, entries.get(id(finding)), share, random)
            elif finding["name"] == "error_rate_by_version":
                for rows in (detail.get("series") or {}).values():
                    rows[:] = [_thin_row(row, share, random) for row in rows]
                for part in ("window", "baseline"):
                    detail[part] = {version: _thin_row([0, *counts], share, random)[1:]
                                    for version, counts in (detail.get(part) or {}).items()}

    return mutate


def _thin_row(row: Sequence[float], share: float, random: Random) -> list[float]:
    """Thin a start, its requests and its errors."""
    errors = binomial(row[2], share, random)
    return [row[0], errors + binomial(row[1] - row[2], share, random), errors]


def _thin_rate(finding: Finding, calls: Finding | None, share: float, random: Random) -> None:
    detail, window = finding["detail"], finding["window"]
    old, (requests, errors) = detail["series"], recent(finding)
    detail["series"] = [_thin_row(row, share, random) for row in old]
    if calls and calls["detail"].get("requests") is not None and requests:
        # The requests among whose calls these are: the same spans.
        newest = [number for number, row in enumerate(old) if row[0] >= window["end"] - _RECENT_SECONDS]
        for place, whole in ((2, errors), (1, requests)):
            left = calls["detail"]["errors" if place == 2 else "requests"]
            for number in newest:
                part = left if number == newest[-1] else min(left, round(
                    calls["detail"]["errors" if place == 2 else "requests"] * old[number][place] / (whole or 1)))
                detail["series"][number][place] = part
                left -= part
        for number in newest:
            row = detail["series"][number]
            row[2] = min(row[1], row[2])
    before = _thin_row([0, detail.get("baseline_requests", 0), detail.get("baseline_errors", 0)], share, random)
    detail |= {"requests": sum(row[1] for row in detail["series"]), "errors": sum(row[2] for row in detail["series"]),
               "baseline_requests": before[1], "baseline_errors": before[2], "sampled": True, "day_before": None}
    finding["value"] = detail["errors"] / detail["requests"] if detail["requests"] else None


def no_spans(record: Record, random: Random) -> None:
    """There is no client span at all."""
    for finding, _ in looks(record):
        finding |= {"status": "empty", "detail": {"callees": {}}, "note": "New Relic has no client span of it"}


def status_alone(record: Record, random: Random) -> None:
    """Answers of callees are told by their HTTP status, without ``error.class`` and without a text."""
    for finding, _ in looks(record):
        for callee in ((finding.get("detail") or {}).get("callees") or {}).values():
            kinds: dict[str, float] = {}
            for text, count in (callee.get("kinds") or {}).items():
                said = _status(text)
                if said == "HTTP 402":
                    callee["errors"] -= count
                else:
                    kinds[said] = kinds.get(said, 0) + count
            callee["kinds"] = kinds


def sampled_status_alone(record: Record, random: Random) -> None:
    """Both: few spans, and a status alone."""
    status_alone(record, random)
    sampled(0.05)(record, random)


def _status(text: str) -> str:
    kind = kind_of(text)
    if kind is ErrorKind.DECLINED:
        return "HTTP 402"
    return "HTTP 500" if "answered" in text else " ".join(text.split()[:2]) if text.startswith("HTTP ") else text


def unmarked(record: Record, random: Random) -> None:
    """Answers of callees are marked by nothing: an instrumentation that has neither ``error.class`` nor a status."""
    for finding, _ in looks(record):
        for callee in ((finding.get("detail") or {}).get("callees") or {}).values():
            left = {text: count for text, count in (callee.get("kinds") or {}).items() if _status(text)[:5] != "HTTP "}
            if len(left) < len(callee.get("kinds") or {}) or callee.get("baseline_errors"):
                callee["baseline_errors"] = 0
            callee["errors"] = sum(left.values())
            callee["kinds"] = left


def unmarked_at_all(record: Record, random: Random) -> None:
    """No call is marked as failed, whatever became of it."""
    for finding, _ in looks(record):
        for callee in ((finding.get("detail") or {}).get("callees") or {}).values():
            callee |= {"errors": 0, "kinds": {}, "baseline_errors": 0}


MUTATIONS: dict[str, Mutation] = {
    "5 % of the spans": sampled(0.05),
    "12 % of the spans": sampled(0.12),
    "5 %, how many is not told": sampled(0.05, told=False),
    "12 %, how many is not told": sampled(0.12, told=False),
    "50 %, how many is not told": sampled(0.5, told=False),
    "spans alone, 10 % of them": spans_alone(0.1),
    "no error.class, but a status": status_alone,
    "5 %, and no error.class": sampled_status_alone,
    "no error.class and no status": unmarked,
    "no call marked as failed": unmarked_at_all,
    "no spans": no_spans,
    **ACCOUNTS}


def mutated(record: Mapping[str, Any], drill: str, name: str) -> Record:
    """Return a record as another account would give it; the same drill and mutation always give the same one."""
    varied = copy.deepcopy(dict(record))
    MUTATIONS[name](varied, Random(f"{drill}/{name}"))
    return varied


def run(names: Sequence[str] = tuple(MUTATIONS)) -> list[Changed]:
    """Judge all records, as they are and by each mutation."""
    found = []
    for _, drill, record in kept():
        every, first = decided(record, every_look=True), decided(record)
        before = Decision(first.cause, every.remedies)
        found += [Changed(drill.name, name, before, decided(mutated(record, drill.name, name))) for name in names]
    return found


def report(changes: Sequence[Changed]) -> str:
    """Return a line per mutation, and each decision that turned."""
    lines = []
    for name in dict.fromkeys(change.mutation for change in changes):
        of = [change for change in changes if change.mutation == name]
        lines.append(f"  {name:30} of {len(of)}: unknown {sum(change.unknown for change in of)}, another cause "
                     f"{sum(change.other_cause for change in of)}, added remedies {sum(bool(c.added) for c in of)}")
    lines += [f"    {c.mutation}: {c.drill}: {c.before.cause} became {c.after.cause}"
              + "".join(f", {action} of {component} added" for action, component in sorted(c.added))
              for c in changes if c.other_cause or c.added]
    return "\n".join(lines)


def _measure(repeats: int) -> Outcome:
    changes = run()
    rows = []
    for name in MUTATIONS:
        of = [change for change in changes if change.mutation == name]
        turned = sum(change.other_cause or bool(change.added) for change in of)
        rows.append(Row(f"{name}: unknown", 100 * sum(change.unknown for change in of) / len(of), "%",
                        "another cause, or a remedy more", 100 * turned / len(of), highest=10.0))
    return Outcome(rows, report(changes), {"mutations": [
        {"drill": c.drill, "mutation": c.mutation, "before": c.before.cause, "after": c.after.cause,
         "added": sorted(c.added)} for c in changes if c.unknown or c.other_cause or c.added]})


BENCHMARK = Benchmark(
    about="what becomes of the recorded diagnoses where an account is less kind: sampled, unmarked or missing spans",
    run=_measure, repeats=1)
