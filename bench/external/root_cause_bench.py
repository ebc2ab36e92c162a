"""RootCauseBench (Edge Delta): which commit brought a frozen incident, or that none did.

Object and root cause of an answer are both the commit's first seven characters, or ``none``. A flag that is to blame
means that no commit is.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.external.frame import NONE, Answer, BadInput, Case, Truth
from responder.model.foreign_change import Deployed, ForeignChange
from responder.plan.change_onset import departure
from responder.plan.change_outside import is_rate
from responder.plan.change_suspects import suspects
from responder.plan.change_symptom import Line, Notice, Symptom

NAME = "root-cause-bench"
DECIDED = 0.7
"""A commit is named from this probability on. To name an innocent one is worse than silence."""
_SHA = 7
_WORST = frozenset({"WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"})
_AFTER_SECONDS = 300.0
"""So much of what follows the alarm is looked at: the responder looks again, too."""
_NEW_SECONDS = 600.0
"""Lines that were there longer before the symptom are usual."""
_FIXED = frozenset({"timestamp", "service", "severity_text", "msg", "trace_id", "span_id", "parent_id", "start",
                    "status"})


def cases(folder: Path) -> Iterator[Case]:
    """Yield the incidents of a folder with ``cases/ID.json.gz`` and, where they are known, ``labels.jsonl``."""
    files = sorted((folder / "cases").glob("*.json.gz"))
    if not files:
        raise BadInput(f"{folder}: expected cases/ID.json.gz")
    labels = folder / "labels.jsonl"
    rows = [json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines() if line.strip()] if (
        labels.exists()) else []
    known = {row["case"]: row for row in rows}
    for path in files:
        name = path.name.removesuffix(".json.gz")
        label = known.get(name)
        with gzip.open(path, "rt", encoding="utf-8") as opened:
            data = json.load(opened)
        if not isinstance(data, dict) or not {"alert", "commits"} <= data.keys():
            raise BadInput(f"{path}: expected alert, commits, deploys, flags, logs, metrics, patterns and traces")
        yield Case(name, label["kind"] if label else "", _truth(label) if label else None, data)


def _truth(label: Mapping[str, Any]) -> Truth:
    commit = _short(label["commit"])
    return Truth(commit, commit, tuple(map(_short, label["decoys"])))


def _short(sha: str) -> str:
    return sha[:_SHA]


def answer(case: Case, always: bool = False) -> list[Answer]:
    """Return the commits and ``none``, the likeliest first; nothing where none of them is likely enough."""
    shares: dict[str, float] = {}
    for one in suspects(changes(case.data), symptom(case.data), deploys_known=bool(case.data.get("deploys"))):
        name = NONE if one.id.startswith("flag ") else _short(one.id)
        shares[name] = shares.get(name, 0.0) + one.probability
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    answers = [Answer(name, name, share) for name, share in ranked]
    return answers if always or answers[0].confidence >= DECIDED else []


def changes(data: Mapping[str, Any]) -> list[ForeignChange]:
    """Return the commits and flags of an incident."""
    deployed: dict[str, list[Deployed]] = {}
    for one in data.get("deploys") or ():
        deployed.setdefault(one["commit_sha"], []).append(Deployed(one["service"], _seconds(one["timestamp"])))
    commits = [ForeignChange(one["sha"], "commit", _seconds(one["timestamp"]), one["author"], one["message"],
                             tuple(one["files_changed"]), one["diff"] or "",
                             deployed=tuple(deployed.get(one["sha"], ())))
               for one in data["commits"]]
    flags = [ForeignChange(f"flag {one['flag']}", "flag", _seconds(one["timestamp"]), one["actor"], one["flag"],
                           component=one["service"], before=one["change"].partition("->")[0],
                           after=one["change"].partition("->")[2],
                           deployed=(Deployed(one["service"], _seconds(one["timestamp"])),))
             for one in data.get("flags") or ()]
    return [*commits, *flags]


def symptom(data: Mapping[str, Any]) -> Symptom:
    """Return what the incident's alert, metrics, logs, patterns and traces tell of it."""
    alert = data["alert"]
    component, fired = alert["service"], _seconds(alert["fired_at"])
    found = [one for (where, name), points in _series(data.get("metrics") or "").items()
             if (one := departure(where, name, points, fired + _AFTER_SECONDS))]
    own = [one for one in found if one.moved.component == component]
    alarmed = [one for one in own if one.moved.name == alert["metric"]] or own or found
    clear = min((one.moved.began for one in alarmed), default=fired)
    onset = min((one.moved.began for one in own if not is_rate(one.moved)), default=clear)
    lines = [*_patterns(data), *_logs(data, onset), *_spans(data, onset)]
    path = {component, *(line.component for line in lines if line.bad and line.more > 0),
            *(one.moved.component for one in found)}
    told = " ".join(str(alert.get(key) or "") for key in ("metric", "monitor", "summary", "detail"))
    return Symptom(component, told, min(onset, clear, fired), any(one.gradual for one in alarmed), tuple(lines),
                   tuple(one.moved for one in found), frozenset(path), tuple(_notices(data)), min(clear, fired))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _series(text: str) -> dict[tuple[str, str], list[tuple[float, float]]]:
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault((row["service"], row["metric"]), []).append((_seconds(row["timestamp"]), float(row["value"])))
    return {name: sorted(points) for name, points in found.items()}


def _patterns(data: Mapping[str, Any]) -> Iterator[Line]:
    for one in data.get("patterns") or ():
        yield Line(one["service"], one["signature"], float(str(one["delta_vs_baseline"]).replace("+", "") or 0),
                   one["sentiment"] == "negative")


def _attributes(row: Mapping[str, Any]) -> str:
    nested = {key: value for one in row.values() if isinstance(one, dict) for key, value in one.items()}
    return " ".join(f"{key} {value}" for key, value in {**row, **nested}.items()
                    if key not in _FIXED and not isinstance(value, dict) and value is not None)


def _logs(data: Mapping[str, Any], onset: float) -> Iterator[Line]:
    """Yield the warnings and errors that began with the symptom, like ones counted together."""
    counts: Counter[tuple[str, str]] = Counter()
    whole: dict[tuple[str, str], str] = {}
    usual: set[tuple[str, str]] = set()
    for row in data.get("logs") or ():
        if str(row.get("severity_text", "")).upper() not in _WORST:
            continue
        key = (row["service"], re.sub(r"\d+", "N", row["msg"]))
        counts[key] += 1
        whole.setdefault(key, f"{row['msg']} {_attributes(row)}")
        if _seconds(row["timestamp"]) < onset - _NEW_SECONDS:
            usual.add(key)
    yield from (Line(key[0], whole[key], float(count)) for key, count in counts.items() if key not in usual)


def _spans(data: Mapping[str, Any], onset: float) -> Iterator[Line]:
    for span in data.get("traces") or ():
        if span.get("status") != "OK" and _seconds(span["start"]) >= onset - _NEW_SECONDS:
            yield Line(span["service"], f"{span['name']} {_attributes(span)}")


def _notices(data: Mapping[str, Any]) -> Iterator[Notice]:
    feed = data.get("status_feed") or {}
    for event in (feed.get("events") or ()) if isinstance(feed, dict) else feed:
        began = event.get("started_at") or event.get("timestamp") or event.get("updated_at")
        if began and not re.search("normal|operational|resolved", str(event.get("status"))):
            yield Notice(" ".join(str(event.get(key) or "") for key in ("service", "title", "status", "detail")),
                         _seconds(began))


def baselines() -> Mapping[str, Callable[[Case], list[Answer]]]:
    """Return simple methods: what a script of a few lines says."""
    return {"always none": lambda _: _one(NONE), "newest commit": _newest_commit,
            "last deploy before the alarm": _last_deploy, "last deploy of the alerting service": _own_deploy}


def _one(name: str) -> list[Answer]:
    return [Answer(_short(name), _short(name))]


def _newest_commit(case: Case) -> list[Answer]:
    return _one(max(case.data["commits"], key=lambda one: str(one["timestamp"]))["sha"])


def _deploys(case: Case, service: str = "") -> list[Answer]:
    fired = case.data["alert"]["fired_at"]
    found = [one for one in case.data.get("deploys") or () if one["timestamp"] <= fired and service in (
        "", one["service"])]
    return _one(max(found, key=lambda one: str(one["timestamp"]))["commit_sha"] if found else NONE)


def _last_deploy(case: Case) -> list[Answer]:
    return _deploys(case)


def _own_deploy(case: Case) -> list[Answer]:
    return _deploys(case, case.data["alert"]["service"])
