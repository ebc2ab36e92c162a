"""Cloud-OpsBench: frozen states of a Kubernetes cluster under one fault each, as ``kubectl`` prints them.

All of it is held out: nobody who wrote the logic has seen a case; the format and the vocabulary are in the README
beside the data. What is printed is made into live state, the responder's own checks find what is wrong in it, and
``plan/problems.py`` says which of it explains the symptom. Cases to develop with are our own (``made``).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.external.cloud_opsbench.observed import Alert
from bench.external.cloud_opsbench.state import Read, read
from bench.external.cloud_opsbench.vocabulary import GENERAL, at_fault, meaning, root_cause
from bench.external.frame import Answer, BadInput, Case, Truth
from responder.checks import run
from responder.plan.problems import Failing, explanations
from responder.plan.sure import SURE

NAME = "cloud-opsbench"
_MOST = 5
"""Answers of one case."""
_GUESSED = 0.3
"""Of what is told of where alone: one of the few root causes that look so."""
_LEAST = 0.05
"""Of an alert alone: that something is the matter with what it names is likely, what it is hardly ever."""


def cases(folder: Path) -> Iterator[Case]:
    """Yield the cases of ``cases/*.json.gz`` (or ``.json``) with the labels of ``labels.jsonl``, where it is there."""
    labels = _labels(folder)
    place = folder / "cases" if (folder / "cases").is_dir() else folder
    for path in sorted([*place.glob("*.json.gz"), *place.glob("*.json")]):
        name = path.name.removesuffix(".gz").removesuffix(".json")
        try:
            text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            data = json.loads(text)
        except (OSError, EOFError, ValueError) as error:
            raise BadInput(f"{path}: expected JSON of a case ({error})") from error
        label = labels.get(name)
        truth = Truth(str(label.get("object", "")), str(label.get("root_cause", ""))) if label else None
        yield Case(name, str((label or {}).get("kind") or ""), truth, data)


def _labels(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / "labels.jsonl"
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        if line.strip():
            label = json.loads(line)
            found[str(label.get("case") or label.get("id"))] = label
    return found


def answer(case: Case, always: bool = False) -> list[Answer]:
    """Return what explains the symptom, the likeliest first; nothing where no problem does for sure."""
    data = prepared(case).data
    return judged(data, always) if isinstance(data, Read) else []


def prepared(case: Case) -> Case:
    """Return a case whose text was read into live state; as it is where it has none."""
    return replace(case, data=read(case.data)) if isinstance(case.data, Mapping) else case


def judged(told: Read, always: bool = False) -> list[Answer]:
    """Return what explains the symptom of what is read."""
    components = failing(told)
    answers: dict[tuple[str, str], float] = {}
    for one in explanations(run(told.state), Failing(components, told.state.calls, 0.0, told.state.now)):
        key = (at_fault(one.problem, told), root_cause(one.problem))
        sure = one.confidence * (_GUESSED if one.problem.check in GENERAL else 1.0)
        answers[key] = answers.get(key, 0.0) + sure
    ranked = [Answer(*key, min(1.0, confidence)) for key, confidence in answers.items()]
    known = {each.object for each in ranked}
    ranked += [each for each in by_alerts(told) if each.object not in known]
    ranked.sort(key=lambda each: -each.confidence)
    if not ranked or (ranked[0].confidence < SURE and not always):
        return []
    return ranked[:_MOST]


def failing(told: Read) -> tuple[str, ...]:
    """Return the workloads that alerts or the symptom name."""
    apps = sorted({one.ref.name for one in told.state.apps}, key=len, reverse=True)
    found = [app for alert in told.alerts if (app := _app(alert.name, apps))]
    found += [app for app in apps if re.search(rf"(?<![\w-]){re.escape(app)}(?![\w-])", told.symptom)]
    return tuple(dict.fromkeys(found))


def _app(name: str, apps: list[str]) -> str:
    """Return the workload that a name is of: its own, or a pod's."""
    return next((app for app in apps if name == app or name.startswith(f"{app}-")), "")


_BY_WORD = (("cpu", "pod_cpu_overload"), ("latency", "pod_network_delay"), ("slow", "pod_network_delay"),
            ("delay", "pod_network_delay"), ("memory", "oom_killed"), ("oom", "oom_killed"))


def by_alerts(told: Read) -> list[Answer]:
    """Return what alerts name, the least sure of all: they tell of the symptom, not of the fault. What is called by
    others of them comes first.
    """
    apps = [one.ref.name for one in told.state.apps]
    nodes = {node.name for node in told.state.nodes}
    found: list[Answer] = []
    for alert in told.alerts:
        thing = f"node/{alert.name}" if alert.name in nodes else f"app/{_app(alert.name, apps) or alert.name}"
        if alert.name and all(each.object != thing for each in found):
            found.append(Answer(thing, _cause(alert), _LEAST))
    named = {each.object.partition("/")[2] for each in found}
    return sorted(found, key=lambda each: len(_called(told, each.object.partition("/")[2]) & named))


def _called(told: Read, name: str) -> set[str]:
    """Return all that a component calls, also through others, without itself."""
    found, waiting = set(), [name]
    while waiting:
        for other in told.state.calls.get(waiting.pop(), ()):
            if other not in found and other != name:
                found.add(other)
                waiting.append(other)
    return found


def _cause(alert: Alert) -> str:
    text = f"{alert.kind} {alert.text}".lower()
    return next((cause for word, cause in _BY_WORD if word in text), "pod_network_delay")


def matches(found: Answer, truth: Truth) -> tuple[bool, bool]:
    """Compare objects word for word, and root causes by their meaning."""
    named = found.object.strip().lower() == truth.object.strip().lower()
    return named, named and meaning(found.root_cause) == meaning(truth.root_cause)


def baselines() -> Mapping[str, Callable[[Case], list[Answer]]]:
    """Return ten lines of script: a pod that does not run, else the first alert."""
    return {"a pod that does not run, else the first alert": _script}


_STATUS = {"CrashLoopBackOff": "oom_killed", "ImagePullBackOff": "incorrect_image_reference",
           "ErrImagePull": "incorrect_image_reference", "Pending": "cpu_capacity_mismatch",
           "CreateContainerConfigError": "missing_secret_binding"}


def _script(case: Case) -> list[Answer]:
    table = case.data.get("list", {}).get("pods", {}) if isinstance(case.data, Mapping) else {}
    for line in (table.get("plain", "") if isinstance(table, Mapping) else "").splitlines()[1:]:
        words = line.split()
        if len(words) > 2 and words[2] not in ("Running", "Completed"):
            app = re.sub(r"-[a-z0-9]{5,10}-[a-z0-9]{5}$", "", words[0])
            return [Answer(f"app/{app}", _STATUS.get(words[2], "oom_killed"), 0.5)]
    return by_alerts(read(case.data))[:1]
