"""A long incident: four hours of watching, three remedies that do not help, two approvals; its history and its cost.

Counted, not run: the states of the definition, the looks that ``plan/recovery.py`` asks for with the shipped times, and
the events that Step Functions writes for each kind of state ("Execution event history": a Task by Lambda has five, a
Choice or Wait two, a Map four and two more an item). Beside it: the same with a look every 30 s.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench import Benchmark, Outcome, Row
from responder.plan.recovery import next_check
from stacks.configuration import read_file
from stacks.prices import shipped

ROOT = Path(__file__).resolve().parent.parent
_STATES = json.loads((ROOT / "statemachines" / "incident_response.asl.json").read_text(encoding="utf-8"))["States"]
_EVENTS = {"Task": 5, "Choice": 2, "Wait": 2, "Pass": 2, "Succeed": 2}
_SECONDS = {"Task": 0.6, "Map": 1.2}
"""Billed time of one function call: the median over the recorded drills, cold starts included."""
_MEMORY_GB = 0.5
_METRICS_A_LOOK = 18
"""Three metrics of three components, in window and baseline."""
_LOOK = ("Wait for the recovery", "Check error rates and health", "Monitor the recovery", "Has it recovered?")
_DIAGNOSE = ("Gather additional information", "Diagnose the root cause", "Is there a remedy?")
_REMEDY = ("Plan the remedy", "Check the guardrails", "May it be applied?", "Apply the remedy", "What is left to try?",
           "Keep people informed")
_APPROVAL = ("Ask for approval", "Check the guardrails", "May it be applied?")
_BACK = ("Roll the remedies back", "What is left to try?")
_BEGIN = ("Open the incident", "Is it a new incident?", "Verify the symptoms", "Confirm the incident",
          "Assemble the team", "Is it confirmed?", "Identify failing pods", "Isolate the issue",
          "Is a diagnosis wanted?")
_END = ("What is left to try?", "Escalate", "Write the interim report", "Stand down", "Is there a newer alarm?",
        "Write the postmortem", "Is a temporary change in place?", "Incident closed")
_ITEMS = {"Verify the symptoms": 3 + 15, "Identify failing pods": 2, "Gather additional information": 13,
          "Check error rates and health": 2, "Roll the remedies back": 1}
"""What is asked. What is started beside it once, four of them with the first diagnosis, is counted with the first."""


def looks(over_seconds: float, every_seconds: float = 0.0) -> int:
    """Return how often is looked within a time in which nothing gets better."""
    service, elapsed, count = read_file(ROOT / "config" / "payment-gateway.yaml"), 0.0, 0
    while elapsed < over_seconds:
        elapsed += every_seconds or next_check(service, elapsed, None)
        count += 1
    return count


def counted(every_seconds: float = 0.0) -> tuple[int, float]:
    """Return the events of the history and US dollars."""
    recovery = read_file(ROOT / "config" / "payment-gateway.yaml").recovery
    seen = looks(4 * 3600.0, every_seconds) + 3 * looks(recovery.give_up_seconds, every_seconds)
    # A manual task is open for an hour, and its owner is reminded.
    approval = read_file(ROOT / "config" / "payment-gateway.yaml").approval
    reminders = approval.task_seconds // approval.remind_seconds
    path = [*reminders * ("Keep people informed",), *_BEGIN, *3 * (*_DIAGNOSE, *_REMEDY, *_BACK), *2 * _APPROVAL,
            *_DIAGNOSE, *_END, *seen * _LOOK]
    price, events, transitions, seconds, requests = shipped(), 2, 0, 0.0, 0
    for name in path:
        kind, items = _STATES[name]["Type"], _ITEMS.get(name, 0)
        events += 4 + items * (2 + _EVENTS["Task"]) if kind == "Map" else _EVENTS[kind]
        transitions += 1 + items
        requests += items or kind == "Task"
        seconds += _MEMORY_GB * (items * _SECONDS["Map"] if kind == "Map" else _SECONDS.get(kind, 0.0))
    cost = (transitions * price["transition"]
            + seconds * price["lambda_arm_gb_second"] + requests * price["lambda_request"]
            + seen * _METRICS_A_LOOK * price["metric_asked"]
            # Each look's evidence is about eight kilobytes, written once by a transaction and read twice.
            + 8 * seen * (2 * price["table_write_unit"] + price["table_read_unit"]))
    return events, cost


def _measure(repeats: int) -> Outcome:
    (events, cost), (often, dear) = counted(), counted(30.0)
    rows = [Row("events in the execution's history", events, "", "a look every 30 s", often, highest=2000),
            Row("US cents", 100 * cost, "", "a look every 30 s", 100 * dear, highest=5)]
    more: dict[str, Any] = {"events": events, "dollars": round(cost, 4)}
    return Outcome(rows, "", more)


BENCHMARK = Benchmark("a long incident: four hours, three remedies, two approvals", _measure, 1)
