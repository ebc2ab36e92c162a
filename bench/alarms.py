"""How soon the alarms tell of an outage, and how often they go off for nothing, beside the rule that they replaced.

The alarms are those of ``stacks/alarms.py`` as synthesized, evaluated by ``sandbox/alarms.py`` like in the drills; the
error budget is judged by ``plan/burn.py``, as the sweep does each five minutes. Time is counted from the first bad
second to the end of the period that tells; CloudWatch's own delay of some seconds comes on top, for either rule.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import bench
from responder.model.service import Service
from responder.plan import burn
from responder.plan.usual_traffic import METRIC, STEP_SECONDS, WEEKS, usual
from sandbox.alarms import Alarm, Read, deployed
from sandbox.places import ROOT
from sandbox.platform.flow import ENTRY
from sandbox.truth import read as truths
from stacks.alarms import Alarms
from stacks.configuration import read_file
from stacks.deployment import Settings

BIN = 10
_WEEK = 604_800
_DAY, _NIGHT = 14 * 3600 + 86_400, 3 * 3600 + 86_400
"""Two in the afternoon and three at night, on a Tuesday; a made-up week begins on Monday at midnight, UTC."""
_PATIENCE = 6 * 3600
_BEFORE = 6 * 3600
_BACKGROUND = 0.0005
"""The share of requests that fails while all is well: half of the budget of 99.9 %."""
_OPERATIONS = {"authorize": 0.9, "refund": 0.1}
LEVELS = {"busy": 40.0, "middling": 2.0, "small": 0.1}
"""Requests a second at the best time of the week."""
_RECORDS = ROOT / "tests" / "records"
_COUNTED = ("Requests", "Errors", METRIC)
"""The metrics that are made up; the load balancer's are not. Latency is measured apart."""
_SWEEP_SECONDS = 300
_BEYOND = 1e9
"""A latency beyond each bound, in ms."""


@dataclass
class Traffic:
    """Requests and failures of one stretch of time, in bins of ten seconds; sums up to each bin."""

    begin: float
    series: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, values: Sequence[float]) -> None:
        """Add what is counted, bin by bin."""
        self.series[name] = [0.0, *accumulate(values)]

    def total(self, name: str, start: float, end: float) -> float:
        """Return what was counted between two moments."""
        sums = self.series.get(name, [0.0])
        first, last = (min(max(int((at - self.begin) // BIN), 0), len(sums) - 1) for at in (start, end))
        return sums[last] - sums[first]


@dataclass(frozen=True)
class Outage:
    """What goes wrong, from some moment on."""

    name: str
    failing: float = 0.0
    """The share of requests that fails, besides the background."""
    left: float = 1.0
    """The share of the traffic that still comes."""
    slow: float = 0.0
    """The share of requests that is slower than the bound, besides the background."""
    operation: str = ""
    """The only operation that fails; empty: all."""
    at: int = _DAY


OUTAGES = (
    Outage("all requests fail", 1.0), Outage("40 % fail", 0.4), Outage("8 % fail", 0.08), Outage("5 % fail", 0.05),
    Outage("1 % fails, slow burn", 0.01), Outage("all requests fail, at night", 1.0, at=_NIGHT),
    Outage("no traffic, by day", left=0.0), Outage("no traffic, at night", left=0.0, at=_NIGHT),
    Outage("30 % of the traffic is left, by day", left=0.3), Outage("refunds fail", 1.0, operation="refund"))
SLOWNESS = (Outage("all requests are slow", slow=1.0), Outage("30 % are slow", slow=0.3),
            Outage("10 % are slow", slow=0.1))
_SLOW_BACKGROUND = 0.002
"""The share of requests that is slower than the bound while all is well."""


class Rules:
    """The deployed alarms over one traffic, and what the sweep makes of the error budget."""

    def __init__(self, alarms: Sequence[Alarm], one: Service | None, metrics: Collection[str] = _COUNTED) -> None:
        self._alarms = [alarm for alarm in alarms if _looks_at(alarm) <= set(metrics)]
        self._service = one

    def states(self, traffic: Traffic, start: float, end: float) -> Iterator[tuple[float, set[str]]]:
        """Yield at each end of a bin what starts the responder: alarms that are on, or the burning budget."""
        for alarm in self._alarms:
            alarm.state = "OK"
        reads = {alarm.name: _reader(alarm, traffic) for alarm in self._alarms}
        found: set[str] = set()
        for now in range(int(start), int(end), BIN):
            changed = False
            for alarm in self._alarms:
                if now % alarm.step == 0:
                    before, (alarm.state, _) = alarm.state, alarm.evaluate(reads[alarm.name], float(now))
                    changed = changed or alarm.state != before
            if changed:
                found = {alarm.name for alarm in self._alarms if alarm.state == "ALARM"} | (found & {burn.NAME})
            if self._service and now % _SWEEP_SECONDS == _SWEEP_SECONDS // 2:
                burns = not found - {burn.NAME} and _burns(self._service, traffic, now // 60 * 60)
                found = found - {burn.NAME} | ({burn.NAME} if burns else set())
            yield now, found


def _burns(one: Service, traffic: Traffic, end: int) -> bool:
    """Whether the sweep finds that the budget burns; minutes are counted only where it may be so at all."""
    budget = 1.0 - (burn.objective(one) or 1.0)
    if not any(traffic.total("errors", end - long, end) * long > budget * part * 30 * 86_400
               * traffic.total("requests", end - long, end) for part, long, _ in burn.BURNS):
        return False
    minutes = [float(at) for at in range(end - burn.LOOK_BACK_SECONDS, end, 60)]
    requests, errors = ({at: count for at in minutes if (count := traffic.total(name, at, at + 60))}
                        for name in ("requests", "errors"))
    return burn.burning(one, requests, errors, end) is not None


def naive(traffic: Traffic, start: float, end: float) -> Iterator[tuple[float, set[str]]]:
    """The rule before: over 5 % of a period with 20 requests or more, or three periods with less than one request."""
    for now in range(int(start), int(end), BIN):
        requests, errors = (traffic.total(name, now - BIN, now) for name in ("requests", "errors"))
        bad = requests >= 20 and errors / requests > 0.05
        silent = all(traffic.total("requests", now - BIN * (place + 1), now - BIN * place) < 1 for place in range(3))
        yield now, {"naive"} if bad or silent else set()


def _looks_at(alarm: Alarm) -> set[str]:
    return {stat["Metric"]["MetricName"] for stat in alarm.metrics.values()}


def _reader(alarm: Alarm, traffic: Traffic) -> Read:
    names = {key: _series_of(stat) for key, stat in alarm.metrics.items()}

    def value(key: str, start: float, end: float) -> float | None:
        name = names[key]
        if name == METRIC:
            # The mean of what was published; a traffic without known weeks has none.
            return traffic.total(name, start, end) * BIN / (end - start) if name in traffic.series else None
        if name == "latency":
            # The p95 is beyond the bound where more than one in twenty is.
            count = traffic.total("requests", start, end)
            return (_BEYOND if traffic.total("slow", start, end) > 0.05 * count else 1.0) if count else None
        requests = traffic.total("requests" + name.removeprefix("errors").removeprefix("requests"), start, end)
        # A count of nothing is not published.
        return traffic.total(name, start, end) if requests else None

    return value


def _series_of(stat: Mapping[str, Any]) -> str:
    metric = stat["Metric"]
    operation = next((item["Value"] for item in metric["Dimensions"] if item["Name"] == "Operation"), "")
    return METRIC if metric["MetricName"] == METRIC else metric["MetricName"].lower() + operation


# --- made-up traffic --------------------------------------------------------------------------------------------------


def rate(at: float, peak: float) -> float:
    """Return the usual requests a second at a moment of the week: a day's rhythm, and quieter at the weekend."""
    hour, day = at % 86_400 / 3600, int(at // 86_400) % 7
    rhythm = max(0.0, math.sin((hour - 7) / 17 * math.pi)) if hour >= 7 else 0.0
    return peak * (0.06 + 0.94 * rhythm) * (0.6 if day >= 5 else 1.0)


def made_up(peak: float, seed: str, begin: int, end: int, outage: Outage | None = None, onset: float = 0.0,
            holiday: float = 1.0) -> Traffic:
    """Make up traffic with its noise: it wanders by a tenth, customers try again, and now and then a node hiccups."""
    random, wander, hiccup, tries = Random(seed), 0.0, 0, 0
    traffic = Traffic(begin)
    counts: dict[str, list[float]] = {name: [] for name in ("requests", "errors", *(
        kind + operation for kind in ("requests", "errors") for operation in _OPERATIONS))}
    for now in range(begin, end, BIN):
        wander = 0.999 * wander + random.gauss(0, 0.0045)
        happens = outage if outage and now >= onset else None
        expected = rate(now, peak) * BIN * (1 + wander) * (happens.left if happens else 1.0) * holiday
        # Five times a week 2 % fail for half a minute; twenty times a customer with an empty account tries two to four
        # times, ten seconds apart.
        hiccup = 3 if random.random() < 5 * BIN / _WEEK else max(0, hiccup - 1)
        tries = random.randint(2, 4) if random.random() < 20 * BIN / _WEEK else max(0, tries - 1)
        both = [0, 0]
        for operation, part in _OPERATIONS.items():
            failing = happens.failing if happens and happens.operation in ("", operation) else 0.0
            requests = _poisson(random, expected * part)
            errors = _binomial(random, requests, min(1.0, _BACKGROUND + failing + (0.02 if hiccup else 0.0)))
            if tries and operation == "authorize":
                requests, errors = requests + 1, errors + 1
            counts["requests" + operation].append(requests)
            counts["errors" + operation].append(errors)
            both = [both[0] + requests, both[1] + errors]
        counts["requests"].append(both[0])
        counts["errors"].append(both[1])
    for name, values in counts.items():
        traffic.add(name, values)
    traffic.add("slow", _slow(counts["requests"], seed, begin, outage, onset))
    traffic.add(METRIC, _usual(peak, seed, begin, end))
    return traffic


def _slow(requests: Sequence[float], seed: str, begin: int, outage: Outage | None, onset: float) -> list[float]:
    """Return how many requests are slower than the bound: some always, and for moments most of them: twenty times a
    week something stalls for three to fifteen seconds."""
    random, stalled = Random(f"{seed}/slow"), 0.0
    found: list[float] = []
    for place, count in enumerate(requests):
        stalled = random.uniform(3, 15) if random.random() < 20 * BIN / _WEEK else max(0.0, stalled - BIN)
        slow = outage.slow if outage and begin + place * BIN >= onset else 0.0
        found.append(_binomial(random, int(count), min(1.0, max(
            _SLOW_BACKGROUND + slow, min(stalled, BIN) / BIN * 0.9))))
    return found


def _usual(peak: float, seed: str, begin: int, end: int) -> list[float]:
    """Return what would have been published, from weeks of the same rhythm."""
    random, steps = Random(f"{seed}/weeks"), math.ceil((end - begin) / STEP_SECONDS)
    weeks = [{float(step): float(_poisson(random, rate(begin + step * STEP_SECONDS, peak) * STEP_SECONDS
                                          * (1 + random.gauss(0, 0.1)))) for step in range(steps)}
             for _ in range(WEEKS)]
    found = usual(weeks, steps)
    return [found[place * BIN // STEP_SECONDS] or 0.0 for place in range((end - begin) // BIN)]


def _poisson(random: Random, mean: float) -> int:
    if mean > 30:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    left, count = math.exp(-max(mean, 0.0)), 0
    product = random.random()
    while product > left:
        product *= random.random()
        count += 1
    return count


def _binomial(random: Random, count: int, share: float) -> int:
    return min(count, _poisson(random, count * share)) if share < 0.02 else sum(
        random.random() < share for _ in range(count))


# --- what is measured -------------------------------------------------------------------------------------------------


Watch = Callable[[Traffic, float, float], Iterator[tuple[float, set[str]]]]


def detected(watch: Watch, traffic: Traffic, onset: float, until: float) -> float | None:
    """Return the seconds from an outage's begin until the responder is started; None: it never is.

    What is on for nothing already tells of nothing.
    """
    before = False
    for now, on in watch(traffic, onset // 60 * 60 - 60, until):
        if on and now >= onset and not before:
            return now - onset
        before = bool(on)
    return None


def false_alarms(watch: Watch, traffic: Traffic, start: float, end: float) -> int:
    """Return how often the responder is started while nothing is wrong."""
    count, before = 0, False
    for _, on in watch(traffic, start, end):
        count += bool(on) and not before
        before = bool(on)
    return count


def service() -> Service:
    """The shipped configuration, with operations and an objective."""
    found = read_file(ROOT / "config" / "payment-gateway.yaml")
    return replace(
        found, alarms=replace(found.alarms, objective=0.999), metrics=replace(
            found.metrics, load_balancer="", operation_dimension="Operation", operations=tuple(_OPERATIONS)))


def rules(one: Service) -> Rules:
    """Return the alarms of a service without those on latency, from the template that is made of them."""
    return Rules(_alarms(one), one)


def latency_rules(one: Service, seconds: int) -> Rules:
    """Return the alarms on latency alone, with periods of so many seconds."""
    looked = _alarms(replace(one, alarms=replace(one.alarms, latency_period_seconds=seconds)))
    return Rules([alarm for alarm in looked if "Latency" in _looks_at(alarm)], None, ("Requests", "Latency"))


def _alarms(one: Service) -> list[Alarm]:
    from aws_cdk import App, Stack
    from aws_cdk.assertions import Template

    stack = Stack(App(), "Bench")
    Alarms(stack, "Alarms", settings=Settings(), service=one)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(json.dumps(Template.from_stack(stack).to_json()), encoding="utf-8")
        return deployed(path)


def recorded() -> Iterator[tuple[str, Traffic, float, float]]:
    """Yield each recorded outage at the entry: its name, traffic, begin and end of the record."""
    for name, truth in truths(_RECORDS):
        if not truth.symptoms:
            continue
        begin = truth.healthy.at[0] // BIN * BIN
        size = int(truth.until - begin) // BIN
        counts = {"requests": [0.0] * size, "errors": [0.0] * size}
        for stretch in (truth.healthy, truth.seconds):
            entry, bins = stretch.components[ENTRY], max(1, stretch.step_seconds // BIN)
            for place, at in enumerate(stretch.at):
                for kind, column in (("requests", entry.reached), ("errors", entry.failed)):
                    for offset in range(bins):
                        index = int(at - begin) // BIN + offset
                        if index < size:
                            counts[kind][index] += column[place] / bins
        traffic = Traffic(begin)
        for kind, values in counts.items():
            traffic.add(kind, [round(value) for value in values])
        yield name, traffic, truth.symptoms[0].began, truth.until


def _shown(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def run(repeats: int) -> bench.Outcome:
    """Measure."""
    found = rules(service())
    watches: dict[str, Watch] = {"alarms": found.states, "naive": naive}
    lines = ["| outage | " + " | ".join(f"{level}: {name}" for level in LEVELS for name in watches) + " |",
             "|---|" + "---|" * (len(LEVELS) * len(watches))]
    rows: list[bench.Row] = []
    for outage in OUTAGES:
        cells = []
        for level, peak in LEVELS.items():
            times = {name: [_one(watch, outage, peak, f"{level}/{outage.name}/{number}", number)
                            for number in range(repeats)] for name, watch in watches.items()}
            middle = {name: median(math.inf if one is None else one for one in seen) for name, seen in times.items()}
            cells += [_shown(None if math.isinf(one) else one) for one in middle.values()]
            if level == "busy" and not math.isinf(middle["alarms"]):
                rows.append(bench.Row(f"{outage.name}, busy service", middle["alarms"], "s", "the rule before",
                                      min(middle["naive"], _PATIENCE), highest=12 if outage.failing >= 0.4
                                      and not outage.operation and outage.at == _DAY else None))
        lines.append(f"| {outage.name} | " + " | ".join(cells) + " |")
    lines += ["", "False alarms in a quiet week:", "", "| week | " + " | ".join(
        f"{level}: {name}" for level in LEVELS for name in watches) + " |", "|---|" + "---|" * 6]
    for week, holiday in (("an ordinary one", 1.0), ("a holiday's, with 60 % of the traffic", 0.6)):
        cells = []
        for level, peak in LEVELS.items():
            traffic = made_up(peak, f"{level}/quiet", 0, _WEEK, holiday=holiday)
            cells += [str(false_alarms(watch, traffic, _BEFORE, _WEEK)) for watch in watches.values()]
        lines.append(f"| {week} | " + " | ".join(cells) + " |")
    lines += ["", *_of_latency(repeats), "", *_of_records(watches)]
    return bench.Outcome(rows, "\n".join(lines))


def _one(watch: Watch, outage: Outage, peak: float, seed: str, number: int) -> float | None:
    onset = outage.at + 7 * number % 60
    traffic = made_up(peak, seed, outage.at - _BEFORE, outage.at + _PATIENCE, outage, onset)
    return detected(watch, traffic, onset, outage.at + _PATIENCE)


def _of_latency(repeats: int) -> Iterator[str]:
    """What periods of a minute find of slowness, beside periods of ten seconds."""
    watches: dict[str, Watch] = {f"{seconds} s": latency_rules(service(), seconds).states for seconds in (60, 10)}
    yield "Slowness alone, by `alarms.latency_period_seconds`:"
    yield ""
    yield "| slowness | " + " | ".join(f"{level}: {name}" for level in LEVELS for name in watches) + " |"
    yield "|---|" + "---|" * (len(LEVELS) * len(watches))
    for outage in SLOWNESS:
        middle = [median(math.inf if one is None else one for one in (
            _one(watch, outage, peak, f"{level}/{outage.name}/{number}", number) for number in range(repeats)))
                  for level, peak in LEVELS.items() for watch in watches.values()]
        yield f"| {outage.name} | " + " | ".join(_shown(None if math.isinf(one) else one) for one in middle) + " |"
    counts = [str(false_alarms(watch, made_up(peak, f"{level}/quiet", 0, _WEEK), _BEFORE, _WEEK))
              for level, peak in LEVELS.items() for watch in watches.values()]
    yield "| false alarms in a quiet week | " + " | ".join(counts) + " |"


def _of_records(watches: Mapping[str, Watch]) -> Iterator[str]:
    times: dict[str, list[float | None]] = {name: [] for name in watches}
    early = dict.fromkeys(watches, 0)
    missed: dict[str, list[str]] = {name: [] for name in watches}
    for drill, traffic, began, until in recorded():
        for name, watch in watches.items():
            times[name].append(detected(watch, traffic, began, until))
            if times[name][-1] is None:
                missed[name].append(drill)
            early[name] += false_alarms(watch, traffic, began // 60 * 60 - 3600, began // 60 * 60)
    for name, seen in times.items():
        told = sorted(one for one in seen if one is not None)
        yield (f"Recorded outages, {name}: {len(told)} of {len(seen)} told of, in {median(told):.0f} s by the median "
               f"and {told[int(0.9 * len(told))]:.0f} s at 90 %; {early[name]} alarms in the hour before each."
               + (f" Not told of: {', '.join(missed[name])}." if missed[name] else ""))


BENCHMARK = bench.Benchmark("alarms: how soon they tell of an outage, and how often for nothing", run, repeats=3)
