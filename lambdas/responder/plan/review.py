"""The plan's "Post-Incident Review": what the record of an incident amounts to, as plain data for the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from responder.model.moment import epoch
from responder.plan.improvements import improvements, measures
from responder.plan.refusals import not_proposed

TARGET_SECONDS = {"initial_response": 1800, "investigation": 1800, "recovery": 3600}
"""The plan's own times: 15:00 to 15:30, 15:30 to 16:00, 16:00 to 17:00."""


_ENOUGH = 20.0
"""Fewer requests than this in a period say nothing of its rate."""
SCHEMA = 2


def review(items: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]] = (),
           weeks: Sequence[Sequence[float]] = (), notes: Mapping[str, str] | None = None,
           entry: str = "") -> dict[str, Any]:
    """Return the postmortem's contents from all items of an incident (see ``records/table.py``).

    ``history`` are the rows of all incidents (see ``row``), ``weeks`` the entry's [[start, requests, errors], …] of the
    weeks before, ``notes`` what people have written about it: {author, at, text}; ``entry`` is the component that
    customers reach first. Times are ISO 8601 in UTC, durations are seconds, rates shares of one.
    """
    incident = next(dict(item) for item in items if item["sk"] == "INCIDENT")
    timeline = [{key: item.get(key) for key in ("at", "step", "what", "why", "by", "kind", "detail")}
                for item in items if item["sk"].startswith("TIMELINE#")]
    signals = [{key: item.get(key) for key in ("at", "kind", "name", "reason")}
               for item in items if item["sk"].startswith("SIGNAL#")]
    actions = [{key: item.get(key) for key in
                ("action", "target", "status", "summary", "diff", "reason", "guardrail", "decided_by", "planned_at",
                 "applied_at", "verified_at", "put_back_at", "risk")}
               for item in items if item["sk"].startswith("ACTION#")]
    series = _series(items)
    phases = _phases(incident, actions)
    well, badly = _lessons(incident, items, actions, phases)
    front = series.get(entry) or max(series.values(), key=len, default=[])
    found = improvements(incident, items, front, weeks, history)
    onset, end = epoch(incident.get("onset")), epoch(incident.get("well_since"))
    named = incident.get("cause") or {}
    similar, further = _similar(incident, history), _further(named, items)
    return {
        "schema": SCHEMA,
        "incident": {key: incident.get(key) for key in
                     ("id", "service", "status", "outcome", "confirmed", "kind", "opened_at", "onset", "confirmed_at",
                      "isolated_at", "diagnosed_at", "recovered_at", "well_since", "escalated_at", "closed_at",
                      "affected", "suffering", "reopened_at", "execution")},
        "cause": incident.get("cause") or {"id": "unknown", "mechanism": "", "component": "", "confidence": 0.0,
                                           "summary": "not diagnosed"},
        "further_causes": further,
        "ranking": incident.get("ranking") or [],
        "evidence": incident.get("evidence") or [],
        "missing": incident.get("missing") or [],
        "signals": signals,
        "timeline": timeline,
        "actions": actions,
        "not_done": not_proposed(items),
        "series": series,
        "impact": _impact(series, incident) | {"worst_error_rate": _worst(series)} | _traffic(front, onset, end),
        "phases": phases,
        "resolution": _resolution(incident, actions),
        "ruled_out": [{"cause": item["cause"], "confidence": item["confidence"],
                       "because": list(item["evidence_against"]) or ["nothing points at it"]}
                      for item in incident.get("ranking") or []
                      if item["cause"] not in {named.get("id"), *(other["id"] for other in further)}
                      and item["confidence"] < _RULED_OUT],
        "went_well": well,
        "went_badly": badly,
        "improvements": found,
        "measures": measures(incident, items, found),
        "similar": similar,
        "before": _before(history, incident),
        "notes": dict(notes) if notes else None,
    }


_RULED_OUT = 0.1


def _further(named: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the causes beside the one that was named last: those of which a remedy was seen to help."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for item in items:
        if item["sk"].startswith("ACTION#") and item["status"] == "verified" and item.get("cause") and (
                item["cause"], item.get("component")) != (named.get("id"), named.get("component")):
            found[item["cause"], item.get("component", "")] = {
                "id": item["cause"], "mechanism": item.get("mechanism") or "", "component": item.get("component") or "",
                "mended_by": item["action"]}
    return list(found.values())


def _before(history: Sequence[Mapping[str, Any]], incident: Mapping[str, Any]) -> dict[str, Any]:
    """How long the incidents before took to recover, for comparison."""
    times = sorted(float(item["recovery_seconds"]) for item in history if item["id"] != incident.get("id")
                   and item.get("recovery_seconds") is not None and item["opened_at"] < str(incident.get("opened_at")))
    return {"incidents": len(times), "median_recovery_seconds": times[len(times) // 2] if times else None}


def _series(items: Sequence[Mapping[str, Any]]) -> dict[str, list[list[float]]]:
    """Merge what the sources saw over time: component to [[start, requests, errors], …], from one source."""
    by_source: dict[str, dict[str, dict[float, list[float]]]] = {}
    for item in items:
        if not item["sk"].startswith("EVIDENCE#"):
            continue
        for finding in item.get("findings", []):
            if finding.get("name") == "error_rate" and finding.get("detail", {}).get("series"):
                rows = by_source.setdefault(finding["source"], {}).setdefault(finding.get("component", ""), {})
                # A period that was looked at again later is more complete.
                rows.update({float(row[0]): [float(number) for number in row] for row in finding["detail"]["series"]})
    if not by_source:
        return {}
    longest = max(sorted(by_source), key=lambda source: sum(len(rows) for rows in by_source[source].values()))
    return {component: [rows[start] for start in sorted(rows)]
            for component, rows in sorted(by_source[longest].items())}


def _impact(series: Mapping[str, Sequence[Sequence[float]]], incident: Mapping[str, Any]) -> dict[str, Any]:
    """Failed requests since the onset, of the component that saw most of them."""
    onset = epoch(incident.get("onset"))
    if onset is None:
        return {"failed_requests": 0, "seconds": None}
    failed = max((sum(row[2] for row in rows if row[0] >= onset) for rows in series.values()), default=0.0)
    end = epoch(incident.get("well_since"))
    return {"failed_requests": round(failed), "seconds": round(end - onset, 1) if end else None}


def _phases(incident: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How long each phase took, beside the plan's target."""
    onset, opened = epoch(incident.get("onset")), epoch(incident.get("opened_at"))
    confirmed, isolated = epoch(incident.get("confirmed_at")), epoch(incident.get("isolated_at"))
    diagnosed, recovered = epoch(incident.get("diagnosed_at")), epoch(incident.get("recovered_at"))
    applied = min((moment for action in actions for moment in [epoch(action.get("applied_at"))] if moment),
                  default=None)
    well = epoch(incident.get("well_since"))
    rows = [
        ("time to detect", onset, opened, None),
        ("time to confirm", opened, confirmed, None),
        ("initial response", opened, isolated or confirmed, TARGET_SECONDS["initial_response"]),
        ("investigation and diagnosis", isolated, diagnosed, TARGET_SECONDS["investigation"]),
        ("time to mitigate", opened, applied, None),
        ("recovery and resolution", diagnosed, recovered, TARGET_SECONDS["recovery"]),
        ("time to recovery, from the onset until it was well", onset, well, None),
    ]
    return [{"phase": name, "seconds": round(max(0.0, end - start), 1) if start and end else None,
             "target_seconds": target} for name, start, end, target in rows]


def _traffic(series: Sequence[Sequence[float]], onset: float | None, end: float | None) -> dict[str, Any]:
    """How many requests fewer came since the onset than before it: what customers did not even get to ask.

    A period that has no row had none, for metrics of requests that nobody makes are not published.
    """
    before = sorted(row[1] for row in series if onset is None or row[0] < onset)
    period = min((b[0] - a[0] for a, b in pairwise(sorted(series, key=lambda row: row[0]))), default=0.0)
    if onset is None or not before or not period:
        return {"missing_requests": 0}
    usual, last = before[len(before) // 2], end or max(row[0] for row in series)
    periods = max(0, round((last - onset) / period))
    came = sum(row[1] for row in series if onset <= row[0] < last)
    # A tenth comes and goes by chance.
    missing = usual * periods - came
    return {"missing_requests": round(missing) if missing > 0.1 * usual * periods else 0}


def _worst(series: Mapping[str, Sequence[Sequence[float]]]) -> float | None:
    rates = [row[2] / row[1] for rows in series.values() for row in rows if row[1] >= _ENOUGH]
    return round(max(rates), 4) if rates else None


def _resolution(incident: Mapping[str, Any], actions: Sequence[Mapping[str, Any]]) -> str:
    """How it ended, in a sentence or two."""
    helped = [action for action in actions if action["status"] == "verified"]
    tried = [action for action in actions if action["status"] in ("reverted", "failed")]
    outcome = incident.get("outcome")
    told = ""
    if outcome == "false_alarm":
        return "Nothing was wrong: the sources that were asked agree on it."
    if helped:
        told = "; ".join(f"{action['summary']} (applied {_time(action['applied_at'])}, verified "
                         f"{_time(action['verified_at'])})" for action in helped) + "."
    elif outcome == "resolved":
        told = "It healed by itself, or by what people did: no remedy of the responder's was verified."
    elif outcome == "observed":
        told = "The responder only observed: it said what it would have done."
    elif outcome:
        told = "It was handed to people; the responder knows of no resolution."
    else:
        told = "It was not brought to an end: the execution stopped before that."
    if tried:
        told += f" Before that {', '.join(action['action'] for action in tried)} did not help."
    back = [action for action in actions if action.get("put_back_at")]
    if back:
        told += f" Put back when its reason was gone: {', '.join(action['action'] for action in back)}."
    return told


def _lessons(incident: Mapping[str, Any], items: Sequence[Mapping[str, Any]], actions: Sequence[Mapping[str, Any]],
             phases: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """What went well, and what did not; each a fact of the record."""
    well: list[str] = []
    badly: list[str] = []
    for phase in phases:
        if phase["target_seconds"] and phase["seconds"] is not None:
            said = f"{phase['phase']} took {_span(phase['seconds'])}; the plan allows {_span(phase['target_seconds'])}"
            (well if phase["seconds"] <= phase["target_seconds"] else badly).append(said)
    well += [f"{action['action']} on {action['target']} helped" for action in actions if action["status"] == "verified"]
    badly += [f"{action['action']} on {action['target']} did not help" for action in actions
              if action["status"] in ("reverted", "failed")]
    failed = sorted({item["detail"]["failed"] for item in items if item["sk"].startswith("TIMELINE#")
                     and (item.get("detail") or {}).get("failed")})
    badly += [f"{name} could not be used to tell people" for name in failed]
    if incident.get("reopened_at"):
        badly.append(f"it came back after it had been closed: {len(incident['reopened_at'])} times")
    if (incident.get("cause") or {}).get("id") == "unknown":
        badly.append("no cause was found")
    elif incident.get("diagnosed_at"):
        well.append("the cause was named from evidence of several sources")
    if incident.get("outcome") == "resolved" and not incident.get("escalated_at"):
        well.append("nobody had to be woken for a decision that the responder could take")
    return well, badly


def _similar(incident: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Earlier incidents of the same cause, mechanism and component, newest first."""
    cause = incident.get("cause") or {}
    if cause.get("id") in (None, "none", "unknown"):
        return []
    same = [row for row in history if row["id"] != incident.get("id") and row["opened_at"] < str(
        incident.get("opened_at")) and all(row.get(key) == cause.get(part) for key, part in (
            ("cause", "id"), ("mechanism", "mechanism"), ("component", "component")))]
    return sorted(same, key=lambda row: str(row["opened_at"]), reverse=True)[:10]


def row(contents: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of an incident for the list of all, and to recognise it again."""
    incident, cause = contents["incident"], contents["cause"]
    return {"id": incident["id"], "service": incident["service"], "opened_at": incident["opened_at"],
            "outcome": incident["outcome"] or "open", "cause": cause["id"], "mechanism": cause.get("mechanism") or "",
            "component": cause.get("component") or "", "recovery_seconds": contents["impact"]["seconds"],
            "failed_requests": contents["impact"]["failed_requests"]}


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _time(moment: Any) -> str:
    return f"{datetime.fromisoformat(moment):%H:%M:%S}" if isinstance(moment, str) and moment else "-"
