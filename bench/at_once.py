"""A thousand incidents at once: what deciding each takes beside one alone, and who wins where many open the same.

Deciding: every decision of recorded incidents (confirm, isolate, diagnose, guardrails, recovery) is made again, from
the record's items on, as ``responder replay`` does: alone, one after the other, and by several threads of one process.
In AWS each has a process of its own; here they share one, so that whatever is kept from one to the next would show.

Opening: threads call ``Incidents.open`` for one service on a table in memory with DynamoDB's conditions, transactions
and conflicts (``bench/bed/contended.py``). In each round exactly one may open the incident, and all others must be told
of that incident.
"""

from __future__ import annotations

import gc
import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.bed.contended import Contended
from bench.diagnosis import kept
from responder.model.incident import Signal
from responder.model.moment import iso
from responder.plan.replay import Decision, replay
from responder.records.incidents import Incidents

INCIDENTS = 1_000
_RECORDS = 50
_THREADS = 8
ROUNDS, CONTENDERS = 50, 64
_LATENCY_SECONDS = 0.004
_MOST_RATIO = 1.2
_MOST_GROWN_MB = 16.0


@dataclass(frozen=True)
class Round:
    """What came of one service that many opened at once."""

    winners: int
    incidents: int
    """How many different incidents the contenders were told of; 1 is right."""
    failed: int
    """How many could neither open nor attach."""


def contend(rounds: int, contenders: int, latency_seconds: float,
            seed: int = 0) -> tuple[list[Round], Contended, float]:
    """Open ``rounds`` services by ``contenders`` threads each; returns the rounds, the table and the seconds."""
    client = Contended(seed, latency_seconds)
    incidents = Incidents("table", client)
    found, began = [], time.perf_counter()
    with ThreadPoolExecutor(contenders) as threads:
        for number in range(rounds):
            at, gate = iso(time.time()), threading.Barrier(contenders)

            def one(contender: int, number: int = number, at: str = at, gate: threading.Barrier = gate) -> Any:
                gate.wait()
                try:
                    return incidents.open(f"s{number}", f"i{number}-{contender}", f"e{number}-{contender}", at,
                                          Signal(at, "alarm", f"a{contender}", f"k{contender}"))
                except RuntimeError as error:
                    return error

            opened = list(threads.map(one, range(contenders)))
            answers = [answer for answer in opened if not isinstance(answer, RuntimeError)]
            found.append(Round(sum(answer.new for answer in answers), len({answer.incident for answer in answers}),
                               contenders - len(answers)))
    return found, client, time.perf_counter() - began


def _resident_mb() -> float:
    """What the process holds now; 0 where the system does not tell."""
    try:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def _decided(record: dict[str, Any]) -> tuple[float, list[Decision]]:
    """Return the milliseconds of processor time, and the decisions."""
    began = time.thread_time()
    decisions = replay(record)
    return (time.thread_time() - began) * 1000, decisions


def _deciding(records: Sequence[dict[str, Any]], repeats: int) -> tuple[list[Row], dict[str, Any]]:
    alone = [median(_decided(record)[0] for _ in range(repeats + 1)) for record in records]
    first = [_decided(record)[1] for record in records]
    gc.collect()
    before, began = _resident_mb(), time.perf_counter()
    each = [_decided(records[number % len(records)])[0] for number in range(INCIDENTS)]
    seconds = time.perf_counter() - began
    gc.collect()
    grown = _resident_mb() - before
    with ThreadPoolExecutor(_THREADS) as threads:
        many = list(threads.map(_decided, [records[n % len(records)] for n in range(INCIDENTS)]))
    different = sum(decisions != first[number % len(records)] for number, (_, decisions) in enumerate(many))
    if different:
        raise RuntimeError(f"{different} of {INCIDENTS} incidents were decided otherwise by several threads")
    mean, beside = sum(each) / len(each), sum(alone) / len(alone)
    return [
        Row(f"deciding all of an incident, among {INCIDENTS}", mean, "ms", "one alone", beside,
            highest_ratio=_MOST_RATIO, note=f"processor time; slowest {max(each):.0f} ms; {seconds:.0f} s together"),
        Row(f"the same by {_THREADS} threads of one process", sum(took for took, _ in many) / len(many), "ms",
            "one alone", beside, note="all decided alike"),
        Row(f"memory after {INCIDENTS} incidents, above that before", max(0.0, grown), "MB", "the process before",
            before, highest=_MOST_GROWN_MB)], {"slowest_ms": max(each)}


def _run(repeats: int) -> Outcome:
    rows, more = _deciding([record for _, _, record in kept()[:_RECORDS]], repeats)
    rounds, table, seconds = contend(ROUNDS, CONTENDERS, _LATENCY_SECONDS)
    attempts = ROUNDS * CONTENDERS
    wrong = [one for one in rounds if (one.winners, one.incidents, one.failed) != (1, 1, 0)]
    rows.append(Row(
        f"rounds of {CONTENDERS} that open one service, without exactly one winner", len(wrong), "rounds", "all rounds",
        ROUNDS, highest=0.0, note=f"{attempts / seconds:.0f} attempts a second; {table.requests / attempts:.1f} calls "
        f"and {table.conflicts / attempts:.2f} conflicts each"))
    return Outcome(rows, more=more | {"attempts_a_second": attempts / seconds})


BENCHMARK = Benchmark("1,000 incidents at once: deciding, and opening under contention", _run, 2)
