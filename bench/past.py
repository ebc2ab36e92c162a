"""What a backtest loses to the live decisions, because the past cannot tell how the cluster and its like were.

Each recorded drill is judged once more by the answers that its sources gave, without those that can be had live alone
(``Source.past``, ``Source.now_only``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bench import Benchmark, Outcome, Row
from cli.backtest import course, observed
from cli.backtest.outcome import Case
from cli.backtest.running import remedies_of
from responder import sources
from responder.model.evidence import Detail, Finding
from responder.model.evidence.answer import Answer
from responder.model.incident import SourceAnswer
from responder.plan.weights import shipped
from responder.sources import NOT_THEN, Phase
from tests.unit.cli.backtest.playing import RECORDS, Played, recorded


class Past(Played):
    """The recorded answers, without what only the present can tell."""

    def __call__(self, phase: Phase, now: float, since: float | None = None) -> Sequence[SourceAnswer]:
        """Return the answers of the next look."""
        return [SourceAnswer(answer.source, tuple(_then(answer.source, finding) for finding in answer.findings))
                for answer in super().__call__(phase, now, since)]


def _then(name: str, finding: Finding[Detail]) -> Finding[Detail]:
    source = sources.load(name)
    kind = type(finding.detail) if source.past else Answer
    if source.past and kind not in source.now_only:
        return finding
    return Finding(source=name, detail=kind(), component=finding.component if source.past else "",
                   status="unavailable", window=finding.window, note=NOT_THEN)


def both(name: str) -> tuple[Case, Case]:
    """Return a recorded drill as a backtest judges it, and as it was judged live."""
    record, service = recorded(name)
    service = replace(service, mode="auto") if service.mode == "observe" else service
    live = observed.case_of(record, service)
    by = course.Judged(service, remedies_of(service), shipped())
    return course.run(by, live.moment, Past(record)), live


def run(repeats: int) -> Outcome:
    """Return how many causes are named otherwise, or no more, beside how many are named alike."""
    counts: Counter[str] = Counter()
    other: list[str] = []
    for file in sorted(RECORDS.glob("*.json.gz")):
        name = file.name.removesuffix(".json.gz")
        if recorded(name)[0].incident.reopened_at:
            continue
        past, live = both(name)
        counts["drills"] += 1
        counts["answers"] += past.answer == live.answer
        if not live.named:
            continue
        counts["causes"] += 1
        kind = "alike" if past.named == live.named else "otherwise" if past.named else (
            "likeliest" if past.likeliest == live.named else "lost")
        counts[kind] += 1
        other += [f"{name}: {past.named}, live {live.named}"] if kind == "otherwise" else []
    kinds = ("alike", "otherwise", "likeliest", "lost")
    share = {kind: 100 * counts[kind] / max(1, counts["causes"]) for kind in kinds}
    rows = [Row("causes that are named otherwise than live", share["otherwise"], "%", "named alike", share["alike"],
                highest=2.0),
            Row("causes that are not named any more", share["likeliest"] + share["lost"], "%",
                "of these, the likeliest is the right one", share["likeliest"])]
    text = (f"{counts['answers']} of {counts['drills']} drills are confirmed, or found to be false alarms, as they "
            f"were live. Named otherwise: {'; '.join(other) or 'none'}.")
    return Outcome(rows, text, dict(counts))


BENCHMARK = Benchmark("what a backtest loses, because the past cannot tell how the cluster was", run, 1)
