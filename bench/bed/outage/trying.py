"""Tries the cells of a matrix: one incident runs to its end, and at each step leaves off a process for each cell.

So no cell runs what comes before its step, and nothing that a cell does is there for another one.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from bench.bed.outage.cells import KILLED, Cell, Place
from bench.bed.outage.cluster import GATEWAY, GOOD
from bench.bed.outage.faults import Death, Lost
from bench.bed.outage.incident import EXECUTIONS, Execution, Stage, begun
from bench.bed.outage.traffic import KNOWN
from bench.bed.outage.verdict import OWN_ALARM, End, Seen, Verdict, judge
from bench.bed.outage.wires import Call
from responder.model.remedy import merged
from responder.records.form import plain
from sandbox.vendors.gate import Answer

TARGET = f"/apis/apps/v1/namespaces/payments/deployments/{GATEWAY}"
NO_VERDICT = "the bed itself failed"
"""What is wrong with a cell whose process ended without a verdict."""
_MOST_SECONDS = 900
_MOST_KNOWN = 20_000
"""How many answers are kept, each of some kilobytes."""
_INNER = ("timeline", "answers")
"""Functions that no task runs: another function calls them, or a person."""


@dataclass(frozen=True)
class Tried:
    """A cell and its verdict."""

    cell: Cell
    verdict: Verdict
    met: bool
    """Whether the fault happened."""
    log: tuple[str, ...] = ()
    """The timeline, in short."""


def healthy(stage: Stage) -> tuple[list[Call], Verdict]:
    """Let the incident run without any fault; returns its calls and how it ended."""
    execution = begun(stage)
    end = execution.handle(stage.alarm())
    return stage.wires.calls, judge(seen(stage, execution, end))


def tried(stage: Stage, cells: Iterable[Cell], shown: Callable[[Tried], None] = lambda tried: None) -> list[Tried]:
    """Try each cell; ``shown`` is called with each result."""
    pending: defaultdict[Place, list[Cell]] = defaultdict(list)
    for cell in cells:
        pending[cell.place].append(cell)
    results: list[Tried] = []
    child: list[tuple[Cell, int]] = []
    known = 0

    def entering(state: str, function: str) -> str:
        nonlocal known
        if child:
            return ""
        inner = [cell for name in _INNER for cell in pending.pop(Place(state, name), [])]
        for cell in [*pending.pop(Place(state, function), []), *inner]:
            reading, writing = os.pipe()
            known = len(KNOWN)
            if not os.fork():
                os.close(reading)
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.setitimer(signal.ITIMER_REAL, _MOST_SECONDS)
                gc.disable()
                child.append((cell, writing))
                return _befall(stage, cell)
            os.close(writing)
            with os.fdopen(reading, "rb") as answers:
                text = answers.read()
            os.wait()
            results.append(_read(cell, text))
            shown(results[-1])
        return ""

    stage.entering = entering
    execution = begun(stage)
    gc.collect()
    gc.freeze()
    try:
        try:
            end = execution.handle(stage.alarm())
        except Lost:
            execution, end = _taken_up(stage, child[0][0])
        if child:
            cell, writing = child[0]
            _tell(writing, _result(stage, cell, execution, end), dict(islice(KNOWN.items(), known, None)))
    except BaseException:
        if not child:
            raise
        traceback.print_exc(file=sys.__stderr__)
    if child:
        os._exit(0)
    gc.unfreeze()
    return results


def _befall(stage: Stage, cell: Cell) -> str:
    wires = stage.wires
    wires.within = cell.place.state, cell.place.function
    wires.fault = cell.fault
    if cell.call:
        wires.death = Death(cell.call, cell.after, of_all=cell.delivery is not None)
        return ""
    if cell.delivery is None:
        return ""
    wires.met += 1
    if cell.delivery in ("aborted, taken over", "aborted, alarm"):
        raise Lost
    if cell.delivery in ("alarm twice", "later alarm", "older alarm"):
        _again(stage, cell.delivery)
        return ""
    return str(cell.delivery)


def _taken_up(stage: Stage, cell: Cell) -> tuple[Execution, str]:
    """Take the incident of an execution that no longer runs up again."""
    stage.cloud.publish(OWN_ALARM)
    alarm = cell.delivery in ("aborted, alarm", KILLED)
    stage.clock.now += stage.service.lease_seconds + 60 if alarm else 60
    execution = Execution(stage, f"{EXECUTIONS}:second")
    return execution, execution.handle(stage.alarm() if alarm else {
        "service": stage.service.service, "reason": "the execution was stopped", "started_by": "ada",
        "take_over": True})


def _again(stage: Stage, how: str) -> None:
    """Let EventBridge bring another event of the alarm, which starts an execution of its own."""
    event = stage.alarm() if how == "later alarm" else stage.first
    if how == "older alarm":
        event = json.loads(json.dumps(event).replace(event["time"], event["time"].replace(":45.", ":05.")))
    before = stage.wires.state, stage.wires.function
    again = Execution(stage, f"{EXECUTIONS}:again")
    if again.handle(event) != "Answer the caller":
        stage.others.append(again)
    stage.wires.state, stage.wires.function = before


def _result(stage: Stage, cell: Cell, execution: Execution, end: str) -> dict[str, Any]:
    if stage.others and end == "Answer the caller":
        # Another event of the alarm came first, and opened the incident.
        execution = stage.others[0]
        end = execution.visited[-1]
    verdict = judge(replace(seen(stage, execution, end), missing=cell.missing, missing_in=cell.missing_in))
    entries = [item for item in _items(stage) if item["sk"].startswith("TIMELINE#")]
    log = [f"{item['sk'].split('#')[1][11:]} {item['step']}: {item['what']} | {item['why']}"[:300] for item in entries]
    return {"end": verdict.end, "wrong": verdict.wrong, "met": bool(stage.wires.met), "log": [
        f"{end} {execution.error}; outcome {_incident(stage).get('outcome')}; changes {stage.changes}; "
        f"lost {stage.lost}; published {stage.cloud.published}; visited {execution.visited}",
        *log] if verdict.wrong or os.environ.get("OUTAGE_LOG") else []}


def seen(stage: Stage, execution: Execution, end: str) -> Seen:
    """Return what there is to be seen of the incident."""
    incident = _incident(stage)
    cluster, people = stage.cluster, stage.vendor.people
    return Seen(
        end=end, changed=[path for _, path, status in stage.changes if status < 300], target=TARGET,
        well=cluster.version(stage.clock.now) == GOOD,
        woken=[*(one.at for one in people.received), *stage.cloud.published_at], published=stage.cloud.published,
        items=_items(stage), done=execution.done, locked=("OPEN" in stage.cloud.table.items.get(
            f"SERVICE#{stage.service.service}", {})), postmortem=any(
            key.startswith("postmortems/") and key.endswith(f"{incident.get('id')}/postmortem.html")
            for key in stage.cloud.objects), began=stage.clock.now, allowed=not stage.story.silent)


def _incident(stage: Stage) -> Mapping[str, Any]:
    return next((plain(item) for pk, found in stage.cloud.table.items.items() if pk.startswith("INCIDENT#")
                 for sk, item in found.items() if sk == "INCIDENT"), {})


def _items(stage: Stage) -> list[dict[str, Any]]:
    found = []
    for pk, items in stage.cloud.table.items.items():
        if pk.startswith(("INCIDENT#", "REMEDY#", "TIMELINE#")):
            found += [merged(plain(item)) if pk.startswith("REMEDY#") else plain(item) for item in items.values()]
    return sorted(found, key=lambda item: str(item["sk"]))


def _tell(writing: int, result: Mapping[str, Any], learnt: Mapping[tuple[object, ...], Answer]) -> None:
    """Hand a cell's result to the bed, with what the vendors answered: another cell may ask the same."""
    text = pickle.dumps((result, learnt))
    while text:
        text = text[os.write(writing, text):]


def _read(cell: Cell, text: bytes) -> Tried:
    if not text:
        return Tried(cell, Verdict(End.WRONG, (NO_VERDICT,)), True)
    found, learnt = pickle.loads(text)  # noqa: S301 - of the bed's own child
    if len(KNOWN) < _MOST_KNOWN:
        KNOWN.update(learnt)
    return Tried(cell, Verdict(End(found["end"]), tuple(found["wrong"])), found["met"], tuple(found["log"]))


def counted(results: Iterable[Tried]) -> Counter[End]:
    """Return how many ended how."""
    return Counter(one.verdict.end for one in results)

