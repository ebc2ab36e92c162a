"""Two faults in the same calls: is a remedy judged by the failures that it is for, whatever else fails?

All ordered pairs of the faults that ``bench/bed/pairs.py`` can play, with the second one begun before the first, with
it or after it, in turn. Each is played twice: the remedy ends the first fault, or the second one ends by itself and the
remedy does nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bench import Benchmark, Outcome, Row
from bench.bed.pairs import GAPS, Played, pairs, play


def played() -> list[Played]:
    """Play all pairs."""
    return [play(first, second, GAPS[number % len(GAPS)], healed, number)
            for number, (first, second) in enumerate(pairs()) for healed in ("first", "second")]


def counts(found: Iterable[Played]) -> Counter[str]:
    """Return how many remedies that ended their fault were verified, and how many that did nothing.

    ``hidden`` are those whose calls did not come as far as to show it (``plan/remediated.py``), or whose failures were
    hidden before.
    """
    count: Counter[str] = Counter()
    for one in found:
        if one.healed == "second":
            count["did nothing"] += 1
            count["did nothing, verified"] += one.verified
        elif one.visible and one.seen != "unknown":
            count["helped"] += 1
            count["helped, verified"] += one.verified
        else:
            count["hidden"] += 1
            count["hidden, verified"] += one.verified
    return count


def _measure(repeats: int) -> Outcome:
    found = played()
    count = counts(found)
    wrong = [f"  {one.first} and {one.second} ({one.gap_seconds:+d} s), {one.healed} ended: {one.seen}" for one in found
             if one.verified is (one.healed == "second") and (one.healed == "second" or one.seen != "unknown")]
    rows = [Row("remedies that ended their own fault and are verified", 100 * count["helped, verified"]
                / max(1, count["helped"]), "%", "of so many", count["helped"]),
            Row("remedies that did nothing and are verified", 100 * count["did nothing, verified"]
                / max(1, count["did nothing"]), "%", "of so many", count["did nothing"], highest=0.0),
            Row("judged by the sum, for the calls do not tell", count["hidden"], "pairs", "verified all the same",
                count["hidden, verified"])]
    return Outcome(rows, "\n".join(wrong), {"pairs": dict(count)})


BENCHMARK = Benchmark(
    about="two faults in the same calls: remedies judged by their own failures, not by the sum", run=_measure,
    repeats=1)
