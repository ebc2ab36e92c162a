"""The plan's "Identify improvement opportunities": each computed from a fact of this incident.

Each is {what, evidence, measure, owner, done_when}: what was seen, what to do about it, whose it is by their role, and
how one would know that it is done. And the plan's four preventive measures, each answered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from responder.model.moment import epoch
from responder.plan.times import may_have_caused

Improvement = dict[str, str]
_LATE_SECONDS = 60.0
_THRESHOLDS = (0.01, 0.02, 0.03, 0.05, 0.1)
_LENGTHS = (1, 2, 3, 6)
"""Periods over which an alarm may look."""
_LEAST_REQUESTS = 20.0
_ALARM_FALSE_A_WEEK = 1.0
"""An alarm that would have gone off for nothing more often than this is not proposed."""
_WEEK_SECONDS = 7 * 86_400.0
_AROUND_SECONDS = 900.0
"""An incident is noticed after it began, and its end is known to a few minutes."""
_BY_HAND = ("kubectl-edit", "kubectl-patch", "kubectl-set", "kubectl-scale", "kubectl", "unknown")


def improvements(incident: Mapping[str, Any], items: Sequence[Mapping[str, Any]], series: Sequence[Sequence[float]],
                 weeks: Sequence[Sequence[float]], history: Sequence[Mapping[str, Any]] = ()) -> list[Improvement]:
    """Return what this incident shows that could be better.

    ``series`` is the entry's [[start, requests, errors], …] around the incident, ``weeks`` the same in coarser periods
    over the weeks before it; either may be empty. ``history`` are the rows of the incidents before: what an alarm would
    have told of them is not false. Times are seconds since 1970 (UTC).
    """
    actions = [item for item in items if item["sk"].startswith("ACTION#")]
    findings = [finding for item in items if item["sk"].startswith("EVIDENCE#") for finding in item.get("findings", [])]
    found = [*_alarm(incident, series, _quiet(weeks, history)), *_sources(findings), *_waits(items),
             *_remedies(actions), *_changes(incident, findings), *_cause(incident, findings, actions),
             *_single_points(findings)]
    seen: dict[str, Improvement] = {}
    for item in found:
        seen.setdefault(item["what"], item)
    return list(seen.values())


def _quiet(weeks: Sequence[Sequence[float]], history: Sequence[Mapping[str, Any]]) -> list[Sequence[float]]:
    """Return the periods in which no incident was open."""
    spans = []
    for row in history:
        opened = epoch(row.get("opened_at"))
        if opened and row.get("outcome") != "false_alarm":
            lasted = float(row.get("recovery_seconds") or 0.0)
            spans.append((opened - _AROUND_SECONDS, opened + lasted + _AROUND_SECONDS))
    return [row for row in weeks if not any(start <= row[0] <= end for start, end in spans)]


def _item(what: str, evidence: str, measure: str, owner: str, done_when: str) -> Improvement:
    return {"what": what, "evidence": evidence, "measure": measure, "owner": owner, "done_when": done_when}


def came_late(incident: Mapping[str, Any]) -> bool:
    """Whether the first signal came so late that another alarm is looked for: only that needs the weeks before."""
    onset, opened = epoch(incident.get("onset")), epoch(incident.get("opened_at"))
    return bool(onset and opened and opened - onset > _LATE_SECONDS)


def _alarm(incident: Mapping[str, Any], series: Sequence[Sequence[float]],
           weeks: Sequence[Sequence[float]]) -> Iterator[Improvement]:
    onset, opened = epoch(incident.get("onset")), epoch(incident.get("opened_at"))
    if not onset or not opened or not came_late(incident):
        return
    evidence = f"the first signal came {opened - onset:.0f} s after the first failing period"
    better = sooner(series, weeks, onset, opened)
    if better is None:
        yield _item("The alarm came late",
                    f"{evidence}; no threshold on the error rate would have told sooner without false alarms",
                    "watch another signal of this failure: a canary from outside, or the component's own", "SRE",
                    "a drill of this failure is noticed within a minute")
        return
    threshold, seconds, saved, false, over = better
    seen = f"about {false:.1f} times a week falsely, by the {over / 86_400:.0f} days before" if over else (
        "how often falsely is not known: there are no data of the weeks before")
    yield _item("The alarm came late",
                f"{evidence}; an error rate above {threshold:.0%} over {seconds:.0f} s would have told {saved:.0f} s "
                f"sooner, and gone off {seen}",
                f"set the alarm to {threshold:.0%} over {seconds:.0f} s", "SRE",
                "the configuration has that threshold, and the same drill opens its incident sooner")


def sooner(series: Sequence[Sequence[float]], weeks: Sequence[Sequence[float]], onset: float,
           opened: float) -> tuple[float, float, float, float, float] | None:
    """Return the alarm that would have told soonest: threshold, seconds it looks over, seconds saved.

    And its false alarms a week, and over how many seconds these were counted. Of those that tell at the same time it is
    the quieter one; None where none would have told sooner without more than one false alarm a week.
    """
    rows = sorted((row for row in series if row[1]), key=lambda row: row[0])
    if len(rows) < 2:
        return None
    period = min(b[0] - a[0] for a, b in pairwise(rows)) or 10.0
    span = (weeks[-1][0] - weeks[0][0]) if len(weeks) > 1 else 0.0
    best: tuple[float, float, float, float, float] | None = None
    for threshold in _THRESHOLDS:
        above = [row[0] for row in weeks
                 if row[0] < onset and row[1] >= _LEAST_REQUESTS and row[2] / row[1] > threshold]
        # Periods in a row are one alarm.
        false = sum(b - a > _AROUND_SECONDS for a, b in pairwise([float("-inf"), *above]))
        weekly = false / (span / _WEEK_SECONDS) if span else 0.0
        if weekly > _ALARM_FALSE_A_WEEK:
            continue
        for length in _LENGTHS:
            told = next((rows[i][0] + period for i in range(length - 1, len(rows))
                         if rows[i][0] + period > onset and _rate(rows[i - length + 1:i + 1]) > threshold), None)
            if told is None or told >= opened:
                continue
            candidate = (threshold, length * period, opened - told, weekly, span)
            if best is None or (candidate[2], -candidate[3], candidate[0], candidate[1]) > (
                    best[2], -best[3], best[0], best[1]):
                best = candidate
    return best


def _rate(rows: Sequence[Sequence[float]]) -> float:
    requests = sum(row[1] for row in rows)
    return sum(row[2] for row in rows) / requests if requests >= _LEAST_REQUESTS else 0.0


def _sources(findings: Sequence[Mapping[str, Any]]) -> Iterator[Improvement]:
    failed: dict[str, set[str]] = defaultdict(set)
    for finding in findings:
        if finding.get("status") not in ("ok", "partial", "empty"):
            failed[finding["source"]].add(str(finding["status"]))
    for source, statuses in sorted(failed.items()):
        yield _item(f"{source} gave no answer", f"it was {', '.join(sorted(statuses))} when it was asked",
                    f"see that {source} answers during an outage", "SRE",
                    f"the drill of this failure shows {source} as ok")


def _waits(items: Sequence[Mapping[str, Any]]) -> Iterator[Improvement]:
    """How long people were waited for: from the question to the answer, or in vain."""
    asked: dict[str, float] = {}
    entries = [item for item in items if item["sk"].startswith("TIMELINE#")]
    for item in sorted(entries, key=lambda item: str(item["at"])):
        if item.get("kind") == "approval" and "asked for" in str(item.get("what")):
            asked[str(item["what"])] = epoch(item["at"]) or 0.0
        elif asked and item.get("step") in ("Decide", "Check the guardrails"):
            what, began = asked.popitem()
            took = (epoch(item["at"]) or began) - began
            yield _item("A step waited for people",
                        f"{what.removeprefix('approval is asked for: ')}: {took:.0f} s until {item.get('what')}",
                        "decide whether this remedy may go by itself for this cause, or ask more people at once", "SRE",
                        "the policy says so, and the next such remedy does not wait")


def _remedies(actions: Sequence[Mapping[str, Any]]) -> Iterator[Improvement]:
    for action in actions:
        name, reason = action["action"], action.get("reason")
        if action["status"] in ("refused", "observed"):
            yield _item(f"{name} was not carried out", f"{action.get('guardrail') or action['status']}: {reason}",
                        "decide whether this guardrail should stand for this cause", "SRE",
                        "the configuration says so, with the reason")
        elif action["status"] in ("failed", "reverted"):
            yield _item(f"{name} did not help", str(reason or "the symptom stayed"),
                        "find out why it was chosen, and add the case to the drills", "SRE",
                        "a drill of this failure is mended by the first remedy")
        elif action["status"] == "rejected":
            yield _item(f"{name} was rejected, or nobody answered", str(reason),
                        "write down what the responder did not know", "SRE",
                        "the evidence that was missing is a source")


def _changes(incident: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> Iterator[Improvement]:
    onset = epoch(incident.get("onset"))
    for finding in findings:
        if finding.get("name") != "changes" or onset is None:
            continue
        for change in (finding.get("detail") or {}).get("changes", []):
            if may_have_caused(onset, float(change.get("latest", 0.0))) and change.get("by") in _BY_HAND:
                yield _item("A change went out by hand", f"{change['kind']} {change['name']} was {change['what']} by "
                            f"{change['by']}, with no pipeline's mark of a review, shortly before the symptom",
                            "bring such changes in by the pipeline, with a review", "developers",
                            "the cluster refuses changes by hand to this object")


def _cause(incident: Mapping[str, Any], findings: Sequence[Mapping[str, Any]],
           actions: Sequence[Mapping[str, Any]]) -> Iterator[Improvement]:
    cause = incident.get("cause") or {}
    kind, component = cause.get("id"), cause.get("component") or "the component"
    if kind == "code_bug":
        yield _item("A change failed in production", str(cause.get("summary", "")),
                    "release to a few pods first, and let the error rate decide", f"developers of {component}",
                    "the next bad release of a drill reaches no more than one pod")
    elif kind == "overload":
        load = max((_load(finding) for finding in findings if finding.get("name") == "error_rate"), default=0.0)
        yield _item("The load was more than what was ever shown to be carried",
                    f"{load:.0f} requests/s came at the height" if load else str(cause.get("summary", "")),
                    "test the load that came, and a half more, before the next peak", f"developers of {component}",
                    "a load test of that height passes, and the autoscaler's maximum is above it")
    elif kind == "provider_outage":
        if not any(action["action"] == "switch_provider" and action["status"] == "verified" for action in actions):
            yield _item("There was no other way to pay", str(cause.get("summary", "")),
                        "have a second provider ready, and a flag that the responder may change", "developers",
                        "the drill provider-outage ends with a switch")
        else:
            yield _item("One provider carries all payments until it fails", str(cause.get("summary", "")),
                        "send a share of the payments by the second provider all the time", "developers",
                        "both providers show requests in a quiet week")
    elif kind == "unknown":
        yield _item("No cause was found", str(cause.get("summary", "")),
                    "name what was missing, and add the source that would have told", "SRE",
                    "a drill of this failure names its cause")


def _load(finding: Mapping[str, Any]) -> float:
    """Requests a second at the height."""
    rows = sorted((finding.get("detail") or {}).get("series") or [], key=lambda row: float(row[0]))
    period = min((b[0] - a[0] for a, b in pairwise(rows)), default=0.0)
    return max(row[1] for row in rows) / period if period else 0.0


def _single_points(findings: Sequence[Mapping[str, Any]]) -> Iterator[Improvement]:
    for finding in findings:
        detail = finding.get("detail") or {}
        if finding.get("name") == "pods" and detail.get("wanted") == 1:
            yield _item(f"{finding['component']} is a single pod", "its Deployment wants one",
                        "run two at least, on different nodes", f"developers of {finding['component']}",
                        "its Deployment wants two or more")
        if finding.get("name") == "database" and detail.get("multi_az") is False:
            yield _item("The database is in one zone", f"{finding.get('component') or 'it'} has no standby",
                        "make it Multi-AZ", "database administrators", "RDS says so")


def measures(incident: Mapping[str, Any], items: Sequence[Mapping[str, Any]],
             found: Sequence[Improvement]) -> list[dict[str, str]]:
    """Return the plan's four preventive measures, each with what this incident says of it."""
    findings = [finding for item in items if item["sk"].startswith("EVIDENCE#") for finding in item.get("findings", [])]
    signals = [item for item in items if item["sk"].startswith("SIGNAL#")]
    what = {item["what"] for item in found}
    onset, opened = epoch(incident.get("onset")), epoch(incident.get("opened_at"))
    alarm = next((signal for signal in signals if signal.get("kind") == "alarm"), None)
    alerts = "No alarm told of it: a person did." if alarm is None else (
        f"{alarm['name']} told of it" + (f", {opened - onset:.0f} s after it began." if onset and opened else "."))
    flood = next((f for f in findings if f.get("name") == "auth_failures" and f.get("value")), None)
    load = "Load was the cause: what was tested was less than what came." if (
        incident.get("cause") or {}).get("id") == "overload" else "Load was not the cause."
    changed = [item for item in what if item in ("A change went out by hand", "A change failed in production")]
    actions = [item for item in items if item["sk"].startswith("ACTION#")]
    worked = [f"{item['action']} on {item['target']}" for item in actions if item["status"] == "verified"]
    return [
        {"measure": "Automated alerts for exceeding error rate thresholds", "answer": alerts},
        {"measure": "Regular load testing and vulnerability assessments",
         "answer": load + (" Authentication failures were above what is usual: look at who tried." if flood else
                           " Nothing unusual was seen in authentication failures.")},
        {"measure": "A process for code reviews and change management",
         "answer": f"{'; '.join(changed)}: see below." if changed else "No change was found to be at fault."},
        {"measure": "A disaster recovery plan for critical services",
         "answer": f"What recovered it: {', '.join(worked)}." if worked else
         "No automatic way of recovery was proven by this incident."}]
