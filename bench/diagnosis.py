"""How often the diagnosis is right: over the recorded drills, and over variants of them that are drawn from a seed.

Both halves of the catalogue are reported apart: the one that was at hand while weights were chosen, and the one that
was written by somebody who had not read the logic and that never served to choose anything.
"""

from __future__ import annotations

import gc
import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.variants import variants
from responder.actions.restore_database import REBOOTS
from responder.model.evidence import Evidence
from responder.model.evidence.events import DatabaseEvents
from responder.model.evidence.health import ProviderHealth
from responder.model.incident import Looked, evidence_of, looked_of
from responder.model.service import Service
from responder.plan.confirm import confirm
from responder.plan.decide import DiagnosisInput, judge_cause
from responder.plan.failovers import goes_on
from responder.plan.guardrails import RELEASED, GuardrailRequest, Situation, rule
from responder.plan.remedies import WAIT, Candidate, find
from responder.plan.remedies.restart_pods import no_place
from responder.plan.remedies.switch_provider import Facts as SwitchFacts
from responder.plan.replay import service_of
from responder.plan.weights import Weights, shipped
from responder.records.record import unpack
from responder.records.table import seconds
from sandbox.drill.contract import Drill, read

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "tests" / "records"
HALVES = {"seen": ("drills", "drills/catalogue"), "unseen": ("drills/unseen",)}
HARMLESS = frozenset({WAIT, "escalate", "inform_customers", "engage_network_team"})
"""They only tell people, or do nothing, so they cannot be wrong."""
VARIANTS = 10


@dataclass(frozen=True)
class Case:
    """One recorded outage, or a variant of one, and its diagnosis."""

    drill: str
    half: str
    told: str
    """What is different from the record; empty for the record itself."""
    expected: tuple[str, ...]
    cause: str
    """The first cause that was named, ``unknown``, or ``none`` where it was called a false alarm."""
    confidence: float
    """Confidence of the likeliest cause, whether or not it was named."""
    likeliest: str
    wrong: tuple[str, ...]
    """Remedies that would have been carried out, and should not have been."""
    milliseconds: float

    @property
    def verdict(self) -> str:
        """``right``, ``wrong`` or ``undecided``."""
        if self.cause in self.expected:
            return "right"
        return "undecided" if self.cause == "unknown" else "wrong"


@cache
def recorded_names() -> dict[str, tuple[str, Path]]:
    """Return the names of the drills that have a record, in their order, each with its half and file; reads none."""
    return {file.stem: (half, file) for half, folders in HALVES.items() for folder in folders
            for file in sorted((ROOT / folder).glob("*.yaml")) if (RECORDS / f"{file.stem}.json.gz").exists()}


@cache
def recorded_drill(name: str) -> tuple[str, Drill, dict[str, Any]]:
    """Return half, drill and record of a drill that has one. All callers share them: whoever changes one copies it."""
    half, file = recorded_names()[name]
    drill, = read([file])
    return half, drill, unpack((RECORDS / f"{name}.json.gz").read_bytes())


def kept() -> list[tuple[str, Drill, dict[str, Any]]]:
    """Return half, drill and record of every drill that has one."""
    return [recorded_drill(name) for name in recorded_names()]


class Looks:
    """Reads the evidence of records; an item that several of them share is read once."""

    def __init__(self) -> None:
        self._read: dict[int, tuple[Mapping[str, Any], Looked]] = {}

    def of(self, record: Mapping[str, Any]) -> list[Looked]:
        """Return what each source answered, by time; raises Malformed."""
        return [self._one(item) for item in sorted(record["items"], key=lambda item: str(item["sk"]))
                if item["sk"].startswith("EVIDENCE#")]

    def _one(self, item: Mapping[str, Any]) -> Looked:
        # The item is kept beside what was read, or another could get its id.
        if id(item) not in self._read:
            self._read[id(item)] = (item, looked_of(item))
        return self._read[id(item)][1]


def judged(half: str, drill: Drill, record: Mapping[str, Any], told: str = "",
           weights: Weights | None = None, truth: Mapping[str, Any] | None = None,
           looks: Looks | None = None) -> Case:
    """Decide once more from what was on record before anything was done.

    ``truth`` is the record without what was made up: a remedy that asks its alternative itself meets what was so.
    ``looks`` reads the evidence; callers with many variants of one record pass the same to each call.
    """
    service, weights = service_of(record), weights or shipped()
    items = sorted(record["items"], key=lambda item: str(item["sk"]))
    incident = next(item for item in items if item["sk"] == "INCIDENT")
    opened_at = seconds(incident["opened_at"])
    applied = min((item["applied_at"] for item in items if item["sk"].startswith("ACTION#") and item.get("applied_at")),
                  default="~")
    expected = tuple(drill.expect.cause or ())
    reader = looks or Looks()
    looked = reader.of(record)
    started = time.perf_counter()
    visits = [(item["sk"].split("#")[1], item["step"], item.get("detail") or {}) for item in items
              if item["sk"].startswith("TIMELINE#") and item.get("kind") == "decision"]
    last: tuple[str, float, str, tuple[str, ...]] = ("unknown", 0.0, "unknown", ())
    onset, open_now, confirmed, rounds = None, True, True, 0
    for entered, step, detail in visits:
        if entered > applied:
            break
        if step == "Confirm the incident":
            found = confirm(service, detail.get("asked", ()), evidence_of(looked, entered, entered),
                            detail.get("signal_at", opened_at), detail.get("well_since"))
            onset, open_now, confirmed = found.onset, found.answer != "false_alarm", found.answer == "confirmed"
            if not open_now:
                # A later alarm may open it again, as the record then says.
                last = ("none", 1.0, "none", ())
        elif step == "Diagnose the root cause" and open_now:
            judgement = judge_cause(
                service, evidence_of(looked, last=entered), DiagnosisInput(opened_at, onset, looks=rounds), weights)
            rounds += 1
            result = judgement.diagnosis
            best = result.ranking[0] if result.ranking else None
            last = (result.cause, best.confidence if best else 0.0, best.cause if best else "unknown",
                    # What is not confirmed is asked about again, and goes to people: nothing is done.
                    _wrong(drill, service, judgement.proposed if confirmed else (), truth or record, reader))
            if result.cause != "unknown" and not judgement.fading and (judgement.proposed or not result.close):
                break
    milliseconds = (time.perf_counter() - started) * 1000
    return Case(drill.name, half, told, expected, *last, milliseconds)


def refuses(service: Service, items: Iterable[Mapping[str, Any]], seen: Evidence,
            remedy: Candidate) -> bool:
    """Whether a remedy refuses by itself, because it looks before it does anything.

    ``items`` are those of the record, and ``seen`` what it really met: made-up evidence does not change that.
    """
    if any(item["action"] == remedy.action and item.get("component") == remedy.component for item in items
           if item["sk"].startswith("ACTION#") and item.get("refusal")):
        return True
    down = {f.component.removeprefix("provider:") for f in seen.every
            if isinstance(f.detail, ProviderHealth) and f.value == 0}
    if isinstance(remedy.facts, SwitchFacts) and not {p.name for p in service.providers} - down - {
            remedy.facts.provider}:
        return True  # it asks the alternative
    if remedy.action == "restore_database" and remedy.mechanism in REBOOTS:
        # It asks RDS whether the database fails over just now.
        return goes_on(event for finding in seen.of(DatabaseEvents) for event in finding.detail.events)
    return remedy.action == "restart_pods" and bool(no_place(seen))  # it looks for a place for new pods


def _wrong(drill: Drill, service: Service, proposed: Iterable[Candidate], truth: Mapping[str, Any],
           looks: Looks) -> tuple[str, ...]:
    """Remedies that the guardrails would let through, for a cause that is not there or against the drill's word."""
    found: list[str] = []
    proposed = [remedy for remedy in proposed if remedy.action not in HARMLESS]
    if not proposed:
        return ()
    really = evidence_of(looks.of(truth))
    for remedy in proposed:
        if refuses(service, truth["items"], really, remedy):
            continue
        request = GuardrailRequest(remedy.action, remedy.component, remedy.confidence, remedy.sources,
                            reversible=find(remedy.action).rolled_back,
                            contested=remedy.contested, either_change=remedy.either_change)
        if rule(service, request, Situation(0.0, RELEASED)).ruling != "permitted":
            continue
        if remedy.action in (drill.expect.never or ()) or (
                drill.expect.cause and remedy.cause not in drill.expect.cause):
            found.append(f"{remedy.action} of {remedy.component}")
    return tuple(found)


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Return the interval in which the share lies with 95 % (Wilson 1927)."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    wide = z / (1 + spread) * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return max(0.0, middle - wide), min(1.0, middle + wide)


def summary(cases: Sequence[Case]) -> dict[str, Any]:
    """Return shares with intervals, the confusion matrix and the calibration of some cases."""
    told = [case for case in cases if case.expected]
    decided = [case for case in told if case.verdict != "undecided"]
    right = sum(case.verdict == "right" for case in decided)
    wrong = sum(bool(case.wrong) for case in cases)
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    for case in told:
        confusion["/".join(case.expected)][case.cause] += 1
    bins = []
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 0.99), (0.99, 1.01)):
        inside = [case for case in told if low <= case.confidence < high and case.cause != "none"]
        hits = sum(case.likeliest in case.expected for case in inside)
        bins.append({"from": low, "to": min(high, 1.0), "cases": len(inside),
                     "said": round(sum(case.confidence for case in inside) / len(inside), 3) if inside else None,
                     "right": round(hits / len(inside), 3) if inside else None, "interval": wilson(hits, len(inside))})
    times = sorted(case.milliseconds for case in cases)
    return {"cases": len(cases), "decided": len(decided),
            "right_of_decided": _share(right, len(decided)),
            "undecided": _share(len(told) - len(decided), len(told)),
            "wrong_remedies": _share(wrong, len(cases)),
            "confusion": {expected: dict(found) for expected, found in sorted(confusion.items())},
            "calibration": bins, "milliseconds_median": round(times[len(times) // 2], 1) if times else None,
            "milliseconds_most": round(times[-1], 1) if times else None}


def _share(hits: int, of: int) -> dict[str, Any]:
    low, high = wilson(hits, of)
    return {"count": hits, "of": of, "share": round(hits / of, 4) if of else None,
            "interval": [round(low, 4), round(high, 4)]}


def run(count: int = VARIANTS) -> dict[str, Any]:
    """Judge all records and ``count`` variants of each; returns a summary per half and all cases that went wrong."""
    records, varied = [], []
    found = kept()
    # A collection of all these records, of which a function has one, would be put down to the case that it falls on.
    gc.collect()
    gc.freeze()
    for half, drill, record in found:
        records.append(judged(half, drill, record))
        varied += [judged(half, drill, other, told, truth=record)
                   for told, other in variants(record, drill.name, count)]
    gc.unfreeze()
    return {"records": {half: summary([case for case in records if case.half == half]) for half in HALVES},
            "variants": {half: summary([case for case in varied if case.half == half]) for half in HALVES},
            "wrong": [vars(case) | {"verdict": case.verdict} for case in (*records, *varied)
                      if case.verdict == "wrong" or case.wrong],
            "undecided": sorted(Counter(case.drill for case in varied if case.verdict == "undecided").items())}


def report(result: Mapping[str, Any]) -> str:
    """Return the result as text."""
    lines = ["Diagnosis (95 % Wilson intervals)", ""]
    for kind in ("records", "variants"):
        for half, told in result[kind].items():
            lines.append(f"{kind} of the {half} half: {told['cases']} cases")
            for name in ("right_of_decided", "undecided", "wrong_remedies"):
                value = told[name]
                if value["share"] is not None:
                    lines.append(f"  {name.replace('_', ' '):17} {value['count']:4} of {value['of']:4}  "
                                 f"{value['share']:7.1%}  ({value['interval'][0]:.1%} to {value['interval'][1]:.1%})")
            lines.append(f"  median {told['milliseconds_median']} ms, most {told['milliseconds_most']} ms")
    lines += ["", "Confusion over all variants (what was so: what was said)"]
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    for told in result["variants"].values():
        for expected, found in told["confusion"].items():
            confusion[expected].update(found)
    for expected, found in sorted(confusion.items()):
        lines.append(f"  {expected:32} " + ", ".join(f"{cause} {n}" for cause, n in found.most_common()))
    lines += ["", "Calibration over the variants (confidence of the likeliest cause, and how often it is right)"]
    for half, told in result["variants"].items():
        for row in told["calibration"]:
            if row["cases"]:
                lines.append(f"  {half:6} {row['from']:.2f} to {row['to']:.2f}: {row['cases']:4} cases, said "
                             f"{row['said']:.2f}, right {row['right']:.2f} "
                             f"({row['interval'][0]:.2f} to {row['interval'][1]:.2f})")
    return "\n".join(lines)


def _measure(repeats: int) -> Outcome:
    result = run(2 * repeats)
    rows = [Row(f"from all evidence to ranked causes, most of {result['variants'][half]['cases']} ({half})",
                result["variants"][half]["milliseconds_most"], "ms", "the median",
                result["variants"][half]["milliseconds_median"], highest=50.0)
            for half in HALVES if result["variants"][half]["cases"]]
    return Outcome(rows, report(result), {"diagnosis": result})


BENCHMARK = Benchmark(
    about="how often the diagnosis is right, over all recorded drills and seeded variants of them", run=_measure)
