"""Measure how often the component that caused an outage is found: ``python -m bench.isolation FOLDER [--json OUT]``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.baselines import METHODS, noticed
from bench.outages import outages, quiet
from bench.recordings import BadInput, Case, Scenario, read
from responder.plan.origin import Settings, rank
from responder.plan.rates import lower_bound, upper_bound

OWN = "this project"
_Z = 1.96
"""Intervals of 95 %."""
_SEED = 2026
"""The method was not developed on this seed."""
_GROUP = "made up"
_RECORDED = Path(__file__).resolve().parent / "data"


@dataclass
class Tally:
    """Counts of one method on one group of cases."""

    issues: int = 0
    first: int = 0
    three: int = 0
    unnoticed: int = 0
    quiet: int = 0
    accused: int = 0

    def add(self, case: Case, ranking: Sequence[str]) -> None:
        """Count a case and what a method said, the likeliest first."""
        if not case.cause:
            self.quiet += 1
            self.accused += bool(ranking)
            return
        self.issues += 1
        self.first += ranking[:1] == [case.cause]
        self.three += case.cause in ranking[:3]
        self.unnoticed += not ranking

    def as_json(self) -> dict[str, Any]:
        """Return shares with their 95 % intervals (Wilson 1927)."""
        return {"issues": self.issues, "unnoticed": self.unnoticed, "top1": _share(self.first, self.issues),
                "top3": _share(self.three, self.issues), "quiet": self.quiet, "accused": self.accused,
                "specificity": _share(self.quiet - self.accused, self.quiet)}


@dataclass
class Results:
    """What was measured: group, then method, to counts; the rankings; and the counts with a constant moved."""

    groups: dict[str, dict[str, Tally]] = field(default_factory=dict)
    cases: list[dict[str, Any]] = field(default_factory=list)
    moved: dict[str, dict[str, Tally]] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return 2 where the input cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m bench.isolation", description=__doc__)
    parser.add_argument("folder", type=Path, help="a scenario (graph.csv, noissue, issues), or a folder of scenarios")
    parser.add_argument("--json", type=Path, metavar="OUT", help="where to write all results as JSON")
    parser.add_argument("--made-up", type=int, default=160, metavar="N", help="made-up outages, 0 for none (160)")
    parser.add_argument("--no-sensitivity", action="store_true", help="leave the moved constants out")
    options = parser.parse_args(arguments)
    if options.made_up < 0:
        parser.error(f"--made-up: expected 0 or more, found {options.made_up}")
    try:
        if options.json and not options.json.parent.is_dir():
            raise BadInput(f"{options.json}: expected a file in a folder that exists; {options.json.parent} is none")
        results = measure(read(options.folder), options.made_up, not options.no_sensitivity)
        if options.json:
            options.json.write_text(json.dumps(as_json(results), indent=1) + "\n", encoding="utf-8")
    except (BadInput, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(tables(results))
    return 0


def measure(scenarios: Iterable[Scenario], made_up: int, sensitivity: bool) -> Results:
    """Run each method on each case once. A case is large, so none is kept."""
    results = Results()
    variants = dict(_variants()) if sensitivity else {}
    for scenario in scenarios:
        for cases in (scenario.cases(), scenario.quiet()):
            for case in cases:
                _judge(results, scenario.name or "recorded", "recorded", case, variants)
    for cases in (outages(made_up, _SEED), quiet(made_up, _SEED)):
        for case in cases:
            _judge(results, _GROUP, _GROUP, case, variants)
    return results


def _judge(results: Results, group: str, kind: str, case: Case, variants: Mapping[str, Settings]) -> None:
    own = rank(case.graph, case.series, case.symptom, case.views)
    said = {OWN: [suspect.component for suspect in own]}
    if case.cause:
        certain = rank(case.graph, case.series, case.symptom, case.views, certain=True)
        said[f"{OWN}, always"] = [suspect.component for suspect in certain]
    seen = noticed(case)
    for name, method in METHODS.items():
        ranking = _components(case, method) if seen or case.cause else []
        said[name] = ranking if seen else []
        if case.cause:
            said[f"{name}, always"] = ranking
    for name, ranking in said.items():
        results.groups.setdefault(group, {}).setdefault(name, Tally()).add(case, ranking)
    for name, settings in variants.items():
        moved = rank(case.graph, case.series, case.symptom, case.views, settings) if settings != Settings() else own
        results.moved.setdefault(name, {}).setdefault(kind, Tally()).add(case, [each.component for each in moved])
    if case.cause or own:
        results.cases.append({
            "group": group, "case": case.name, "cause": case.cause or None,
            "symptom": {"node": case.symptom.node, "metric": case.symptom.metric, "timestamp": case.symptom.time},
            "suspects": [{"component": each.component, "score": each.score, "reason": each.reason} for each in own[:5]],
            "rankings": {name: ranking[:5] for name, ranking in said.items()}})


def _components(case: Case, method: Callable[[Case], list[str]]) -> list[str]:
    """A method's ranking, where a component as its callers see it counts for the component: for all alike."""
    return list(dict.fromkeys(case.views.get(name, name) for name in method(case)))


def _variants() -> Iterable[tuple[str, Settings]]:
    """The settings, then with each constant halved and doubled."""
    usual = Settings()
    yield "as it is", usual
    for each in fields(Settings):
        value = getattr(usual, each.name)
        for factor in (0.5, 2.0):
            moved = type(value)(max(1, value * factor)) if isinstance(value, int) else value * factor
            yield f"{each.name} = {moved:g}", replace(usual, **{each.name: moved})


def as_json(results: Results) -> dict[str, Any]:
    """Return all that was measured, in JSON's types."""
    return {"groups": {group: {name: tally.as_json() for name, tally in methods.items()}
                       for group, methods in results.groups.items()},
            "sensitivity": {name: {kind: tally.as_json() for kind, tally in kinds.items()}
                            for name, kinds in results.moved.items()},
            "settings": {each.name: getattr(Settings(), each.name) for each in fields(Settings)},
            "seed": _SEED, "cases": results.cases}


def tables(results: Results) -> str:
    """Return what was measured as Markdown tables."""
    lines = []
    for group, methods in results.groups.items():
        some = methods[OWN]
        lines += [f"## {group}: {some.issues} issues, {some.quiet} windows without one", "",
                  "| method | top-1 | top-3 | not noticed | specificity |", "|---|---|---|---|---|"]
        lines += [f"| {name} | {_percent(tally.first, tally.issues)} | {_percent(tally.three, tally.issues)} | "
                  f"{tally.unnoticed} | {_percent(tally.quiet - tally.accused, tally.quiet)} |"
                  for name, tally in methods.items()]
        lines.append("")
    if results.moved:
        kinds = list(dict.fromkeys(kind for tallies in results.moved.values() for kind in tallies))
        lines += ["## Constants halved and doubled (top-1 / top-3 / wrongly accused)", "",
                  f"| constant | {' | '.join(kinds)} |", f"|---|{'---|' * len(kinds)}"]
        lines += [f"| {name} | " + " | ".join(f"{tally.first} / {tally.three} / {tally.accused}"
                                              for tally in (tallies[kind] for kind in kinds)) + " |"
                  for name, tallies in results.moved.items()]
    return "\n".join(lines)


def _percent(count: int, of: int) -> str:
    if not of:
        return "–"
    share = _share(count, of)
    return f"{share['value']:.2f} [{share['low']:.2f}, {share['high']:.2f}]"


def _share(count: int, of: int) -> dict[str, Any]:
    return {"count": count, "of": of, "value": round(count / of, 4) if of else None,
            "low": round(lower_bound(count, of, _Z), 4), "high": round(upper_bound(count, of, _Z), 4)}


def _measure(repeats: int) -> Outcome:
    results = measure(read(_RECORDED), 32 * repeats, sensitivity=False)
    rows = [Row(f"first named, {group}", 100.0 * tally[OWN].first / tally[OWN].issues, "%", name,
                100.0 * tally[name].first / tally[name].issues)
            for group, tally in results.groups.items() if tally[OWN].issues
            for name in [max((n for n in METHODS), key=lambda n: tally[n].first)]]
    return Outcome(rows, tables(results), {"isolation": as_json(results)})


BENCHMARK = Benchmark(
    about="how often the component that caused an outage is named first, on recorded and on made-up outages",
    run=_measure)


if __name__ == "__main__":
    sys.exit(main())
