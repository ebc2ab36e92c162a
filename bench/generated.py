"""Ten thousand generated incidents: how often is a remedy applied, without a person, that is the wrong one?

Each is a recorded drill with one to four changes of the world around the outage (``bench/world_changes.py``), drawn by
its number. The whole decision is made as it is deployed, from the record: confirmed, diagnosed at every look that came
before the record's first remedy, and at more looks on the last evidence where nothing came of those; then the proposals
in their order, and the guardrails' ruling on each, in mode ``auto`` with the record's policy. What is wrong is said by
``bench/wrong_remedy.py``.
"""

from __future__ import annotations

import gc
import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.diagnosis import kept, refuses
from bench.world_changes import change
from bench.wrong_remedy import Contract, JudgedRemedy, is_in_vain, why_wrong
from responder.model.evidence import Evidence
from responder.model.incident import IncidentRecord
from responder.model.service import Service
from responder.plan.confirm import confirm
from responder.plan.decide import DiagnosisInput, Judgement, judge_cause
from responder.plan.guardrails import RELEASED, GuardrailRequest, Situation, rule
from responder.plan.remedies import PEOPLE, RISKS, WAIT, Candidate, can_be_undone, find
from responder.plan.remedies.restore_configuration import Facts as Restored
from responder.plan.replay import service_of
from responder.plan.weights import shipped
from responder.records.table import seconds
from sandbox.drill.contract import Drill

COUNT = 10_000
_WORKERS = 2
_UNSURE = 0.05
_VERDICTS = ("right", "in vain", "told", "asked", "nothing", "wrong")


@dataclass(frozen=True)
class Original:
    """A recorded drill, as far as its incidents are generated from it."""

    half: str
    drill: Drill
    record: dict[str, Any]
    """The items up to the first remedy: what came after it would be another world."""
    packed: str
    """The same as JSON, of which a copy is made sooner."""
    contract: Contract
    items: tuple[Mapping[str, Any], ...]
    """All items."""

    @cached_property
    def really(self) -> Evidence:
        """What a remedy meets that looks for itself, whatever the sources say."""
        return IncidentRecord.of(self.items).evidence()


@dataclass(frozen=True)
class Decided:
    """What is done in an incident."""

    cause: str
    """The first cause that is named, ``unknown``, ``none`` for a false alarm, or ``unconfirmed``."""
    applied: tuple[JudgedRemedy, ...]
    """What would be applied without a person, told to anybody, or waited for."""
    asked: tuple[JudgedRemedy, ...]
    """What a person would be asked for, and nobody approves."""
    confidences: tuple[float, ...] = ()
    """Of what is applied."""


@dataclass(frozen=True)
class Generated:
    """A generated incident, and what became of it."""

    number: int
    drill: str
    half: str
    changes: tuple[str, ...]
    cause: str
    verdict: str
    """``wrong``, ``right``, ``in vain`` (only what the drill's record tried in vain), ``asked`` (a person), ``told``
    (people have it, or it is waited) or ``nothing``."""
    wrong: tuple[str, ...]
    """Each wrong remedy with its reason."""


@cache
def originals() -> tuple[Original, ...]:
    """Return all recorded drills."""
    found = []
    for half, drill, record in kept():
        items = sorted(record["items"], key=lambda item: str(item["sk"]))
        applied = min((item["applied_at"] for item in items
                       if item["sk"].startswith("ACTION#") and item.get("applied_at")), default="~")
        before = [item for item in items if _is_needed(item, applied)]
        whole = {"service": record["service"], "schema": record["schema"], "items": before}
        found.append(Original(half, drill, whole, json.dumps(whole), Contract.of(drill, items), tuple(items)))
    return tuple(found)


def _is_needed(item: Mapping[str, Any], applied: str) -> bool:
    kind, _, rest = item["sk"].partition("#")
    return kind == "INCIDENT" or (
        kind in ("EVIDENCE", "TIMELINE") and rest.partition("#")[0] <= applied
        and (kind == "EVIDENCE" or item.get("kind") == "decision"))


def decide(original: Original, record: Mapping[str, Any]) -> Decided:
    """Decide on an incident as it is deployed, until something is applied or people have it."""
    service = replace(service_of(record), mode="auto")
    evidence, weights = IncidentRecord.of(record["items"]), shipped()
    opened_at = seconds(next(item for item in record["items"] if item["sk"] == "INCIDENT")["opened_at"])
    onset, answer, looks = None, "confirmed", 0
    found, last, fading = Decided("unconfirmed", (), ()), "", False
    for item in record["items"]:
        if not item["sk"].startswith("TIMELINE#"):
            continue
        entered, detail = item["sk"].split("#")[1], item.get("detail") or {}
        if item.get("step") == "Confirm the incident":
            result = confirm(service, detail.get("asked", ()), evidence.at(entered),
                             detail.get("signal_at", opened_at), detail.get("well_since"))
            onset, answer = result.onset, result.answer
            found = replace(found, cause="none") if answer == "false_alarm" else found
        elif item.get("step") == "Diagnose the root cause" and answer == "confirmed":
            made = judge_cause(service, evidence.evidence(last=entered), DiagnosisInput(
                opened_at, onset, looks=looks), weights)
            found, looks, last = _outcome(original, service, made, opened_at), looks + 1, entered
            fading = bool(made.fading)
            if found.applied:
                return found
    # The evidence stays as it is at the looks that the record does not have; what was fading is gone by then.
    while last and not fading and looks < service.confirm.looks and not found.applied:
        made = judge_cause(service, evidence.evidence(last=last), DiagnosisInput(
            opened_at, onset, looks=looks), weights)
        found, looks = _outcome(original, service, made, opened_at), looks + 1
    return found


def _outcome(original: Original, service: Service, made: Judgement, now: float) -> Decided:
    """Rule on the proposals in their order (``guardrails.in_order``), as the state machine goes through them."""
    applied: list[tuple[Candidate, JudgedRemedy]] = []
    asked = []
    for remedy in sorted(made.proposed, key=_order):
        judged = JudgedRemedy(remedy.action, remedy.component, remedy.cause, remedy.mechanism, _objects(remedy))
        if remedy.action in (WAIT, PEOPLE):
            applied.append((remedy, judged))
            continue
        # A contested remedy waits while another one of the same cause is watched.
        if remedy.contested and any(before.cause == remedy.cause and before.action != remedy.action and done.changes
                                    for before, done in applied):
            continue
        verdict = rule(service, GuardrailRequest(
            remedy.action, remedy.component, remedy.confidence, remedy.sources,
            "it refuses by itself" if refuses(service, original.items, original.really, remedy) else "",
            tells=bool(find(remedy.action).audience), reversible=can_be_undone(remedy.action),
            contested=remedy.contested, mechanism=remedy.mechanism, component=remedy.component,
            either_change=remedy.either_change),
            Situation(now, RELEASED, tuple(done.action for _, done in applied if done.changes),
                      attack=made.attack_signs))
        if verdict.ruling == "permitted":
            applied.append((remedy, judged))
        elif verdict.ruling == "approval":
            asked.append(judged)
    return Decided(made.diagnosis.cause, tuple(judged for _, judged in applied), tuple(asked),
                   tuple(remedy.confidence for remedy, _ in applied))


def _objects(remedy: Candidate) -> frozenset[str]:
    return frozenset(f"{one.kind.lower()}/{one.name}" for one in remedy.facts.changes) if isinstance(
        remedy.facts, Restored) else frozenset()


def _order(remedy: Candidate) -> tuple[bool, int]:
    found = find(remedy.action)
    return not found.remediates, RISKS.index(found.risk)


def generate(number: int) -> Generated:
    """Make the incident of a number, and decide on it."""
    of = originals()
    original = of[number % len(of)]
    record = json.loads(original.packed)
    changes = change(record, f"{original.drill.name}/{number}")
    return _judged(number, original, tuple(changes), decide(original, record))


def _judged(number: int, original: Original, changes: tuple[str, ...], made: Decided) -> Generated:
    wrong = tuple(f"{judged}, {confidence:.2f}: {why}" for judged, confidence in zip(
        made.applied, made.confidences, strict=True) if (why := why_wrong(original.contract, judged)))
    changing = [judged for judged in made.applied if judged.changes]
    vain = all(is_in_vain(original.contract, judged) for judged in changing)
    verdict = "wrong" if wrong else ("in vain" if vain else "right") if changing else "asked" if made.asked else (
        "told" if made.applied else "nothing")
    return Generated(number, original.drill.name, original.half, changes, made.cause, verdict, wrong)


def upper_bound(wrong: int, of: int, unsure: float = _UNSURE) -> float:
    """Return the highest share that so many wrong ones leave possible (Clopper and Pearson 1934, one-sided).

    It is the share at which ``wrong`` or fewer would come out in one of ``1 / unsure`` tries; 1 - 0.05^(1/n) for none.
    """
    if wrong >= of:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        share = (low + high) / 2
        low, high = (share, high) if _at_most(wrong, of, share) > unsure else (low, share)
    return high


def _at_most(wrong: int, of: int, share: float) -> float:
    """Return how likely at most so many are, of so many that are wrong with that share each."""
    if share <= 0:
        return 1.0
    return math.fsum(math.exp(math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
                              + k * math.log(share) + (of - k) * math.log1p(-share)) for k in range(wrong + 1))


def run(count: int = COUNT, workers: int = _WORKERS) -> list[Generated]:
    """Generate so many incidents and decide on each, in the order of their numbers."""
    if workers < 2:
        return [generate(number) for number in range(count)]
    with ProcessPoolExecutor(workers, initializer=_quiet) as pool:
        return list(pool.map(generate, range(count), chunksize=50))


def _quiet() -> None:
    os.nice(1)
    originals()
    gc.freeze()


_PARTS: Mapping[str, Callable[[Generated], bool]] = {
    "all": lambda one: True, "records that served to choose no weight": lambda one: one.half == "unseen"}


def counted(found: Sequence[Generated]) -> Iterator[tuple[str, Counter[str], float]]:
    """Yield each part of the incidents with the counts of its verdicts, and the upper bound of wrong ones."""
    for name, within in _PARTS.items():
        counts = Counter(one.verdict for one in found if within(one))
        yield name, counts, upper_bound(counts["wrong"], counts.total()) if counts else 1.0


def report(found: Sequence[Generated]) -> str:
    """Return the counts as text, and each wrong remedy."""
    lines = []
    for name, counts, bound in counted(found):
        said = ", ".join(f"{verdict} {counts[verdict]}" for verdict in _VERDICTS)
        lines.append(f"  {name}: {counts.total()} incidents: {said}; at 95 % at most {bound:.3%} are wrong")
    lines += [f"    {one.number} {one.drill} ({'; '.join(one.changes)}): {one.cause}: {'; '.join(one.wrong)}"
              for one in found if one.wrong]
    return "\n".join(lines)


def _measure(repeats: int) -> Outcome:
    began = time.perf_counter()
    found = run(COUNT * repeats)
    took = time.perf_counter() - began
    rows = [Row(f"wrong remedies ({name})", 100 * counts["wrong"] / max(1, counts.total()), "%",
                "at 95 % at most", 100 * bound, highest=0.0) for name, counts, bound in counted(found)]
    rows.append(Row("time for an incident", 1000 * took / len(found), "ms", "all of them", took * 1000))
    return Outcome(rows, report(found), {"generated": [asdict(one) for one in found if one.wrong]})


BENCHMARK = Benchmark(
    about="ten thousand generated incidents: wrong remedies that would be applied without a person", run=_measure,
    repeats=1)
