"""What the findings amount to, as observations: each is one thing that was seen and bears on the causes.

An observation has the key of ``weights.json``, who saw it, and the facts that its sentence is filled with. They are of
one segment of one component's failures (``segments.py``), or of what stands around it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from responder.model.finding import Finding, buckets, latest, usual_per_second
from responder.model.images import version_of
from responder.model.quantity import quantity
from responder.model.service import Service
from responder.plan.changes import PARAMETER_GROUP, Change, in_effect
from responder.plan.kinds import REACH, kind_of
from responder.plan.rates import SLOW_MULTIPLE, count_lower_bound, count_upper_bound, lower_bound, upper_bound
from responder.plan.segments import Segment
from responder.plan.symptom import period_seconds
from responder.plan.times import SUSPICION_SECONDS, just_before, may_have_caused

_LOAD_FACTOR = 1.5
_USUAL_FACTOR = 1.2
_LOAD_SECONDS = 40.0
_LOG_SHARE = 0.9
_LONG_MS = 500.0
"""A statement that waits is waited for longer than that, as people choose time-outs."""
_GOVERNS = {"lock": ("timeout", "max_execution_time", "max_statement_time"), "read_only": ("read_only",),
            "connections": ("connections",), "space": ("temp_file", "tmp_", "wal_"),
            "credentials": ("password", "ssl", "secure_transport", "authentication")}
"""A kind of error to parts of the names of the parameters that govern it (PostgreSQL: "Server Configuration", MySQL:
"Server System Variables")."""
_LIMITS_MS = frozenset({"statement_timeout", "lock_timeout", "deadlock_timeout", "idle_in_transaction_session_timeout",
                        "max_execution_time"})
"""Parameters that limit a time in milliseconds; 0 is no limit."""
_LOG_MINIMUM = 10
_KIND_SHARE = 0.5
_RESENT_MS = 1000
"""The first packet of a connection is sent again after a second (RFC 6298): what takes longer may have lost one."""
_FULL_SHARE = 0.9
"""A resource of which nine tenths are taken is the bottleneck, or nearly."""
_REFUSED_SHARE = 0.02
_FLOOD_SHARE = 0.2
"""A client with less than a fifth of all requests is one of many."""
_FLOOD_MULTIPLE = 3.0
_SURPLUS_SHARE = 0.5
"""One client makes the surplus where more than half of what is beyond the usual comes from it."""


@dataclass(frozen=True)
class Observation:
    """One thing that was seen and bears on the causes."""

    id: str
    """Its key in ``weights.json``."""
    source: str
    finding: str
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the sentence is filled with."""

    def sentence(self, weights: Mapping[str, Any]) -> str:
        """Say it as a person would."""
        text: str = weights["observations"][self.id]["sentence"]
        return text.format_map(defaultdict(str, self.facts))


def observe(service: Service, segment: Segment, onset: float | None,
            findings: Sequence[Finding]) -> list[Observation]:
    """Return all observations that bear on one segment, in a fixed order; the findings' order changes nothing."""
    newest = latest(findings)
    pods = list(_pods(service, segment, newest))
    found = [*_where(service, segment, newest), *_host(service, segment, newest),
             *_changes(service, segment, onset, newest),
             *_versions(service, segment, onset, newest, _callees_failed_until(service, segment, findings)), *pods,
             *_fits(service, segment, onset, newest, {observation.id for observation in pods}),
             *_cluster(service, segment, newest), *_load(service, segment, onset, newest),
             *_probes(service, segment, newest), *_entrance(service, segment, newest), *_shown_only(newest)]
    if segment.where == "database":
        found += [*_database(service, newest), *_calls_end_quickly(service, segment, newest)]
    if segment.where.startswith("provider:"):
        found += _provider(service, segment, newest)
    found += _trail(service, segment, onset, newest)
    unique = {(o.id, o.source, tuple(sorted(o.facts.items()))): o for o in found}
    return [unique[key] for key in sorted(unique)]


def _named(findings: Iterable[Finding], name: str, component: str | None = None) -> Iterator[Finding]:
    return (f for f in findings if f.name == name and f.usable and (component is None or f.component == component))


# --- where and what ---------------------------------------------------------------------------------------------------

def _where(service: Service, segment: Segment, findings: Sequence[Finding]) -> Iterator[Observation]:
    if not segment.sources:
        return  # nobody saw where
    source = segment.sources[0]
    facts = {"component": segment.component, "share": f"{segment.share:.0%}", "where": _shown(service, segment.where)}
    if segment.slow:
        word = {"own": "slow_in_itself", "database": "slow_database_calls"}.get(
            segment.where, "slow_provider_calls" if segment.where.startswith("provider:") else "slow_in_itself")
        yield Observation(word, source, "calls", facts)
    elif segment.where == "own":
        yield Observation("fails_in_itself", source, "calls", facts)
    elif segment.where == "database":
        yield Observation("database_calls_fail", source, "calls", facts)
    elif segment.where.startswith("provider:"):
        yield Observation("provider_calls_fail", source, "calls", facts)
    elif segment.where == "reach":
        yield Observation("not_reached_by_callers", source, "calls", facts)
    elif segment.where in service.graph:
        yield Observation("does_not_reach_callee", source, "calls", facts)
    for kind, share in segment.kinds.items():
        if share >= _KIND_SHARE and kind not in ("other", "declined", "callee_5xx"):
            for seen_by in segment.sources:
                yield Observation(f"kind_{kind}", seen_by, "calls", facts | {"kind_share": f"{share:.0%}"})


def _host(service: Service, segment: Segment, findings: Sequence[Finding]) -> Iterator[Observation]:
    """Whether the host that is not reached is the one that was called all along, by the client spans.

    Of a provider only a host that nobody knows tells anything: another that is known was chosen by the switch.
    """
    unreached = sum(share for kind, share in segment.kinds.items() if kind in REACH)
    database = segment.where == "database"
    if not (database or segment.where.startswith("provider:")) or unreached < _KIND_SHARE:
        return
    for finding in _named(findings, "calls", segment.component):
        failing = {host: callee for host, callee in finding.detail.get("callees", {}).items() if callee.get("errors")
                   and (service.called(host) == segment.where or (not service.called(host) and any(
                       kind_of(text) in REACH for text in callee.get("kinds", {}))))}
        host = max(failing, key=lambda name: (failing[name]["errors"], name), default="")
        if host and (database or not service.called(host)):
            yield Observation("usual_host_called" if failing[host].get("baseline_requests") else "other_host_called",
                              finding.source, "calls", {"component": segment.component, "host": host})


def _shown(service: Service, where: str) -> str:
    if where == "database" and service.database:
        return service.database.name
    return where.removeprefix("provider:")


# --- when -------------------------------------------------------------------------------------------------------------

def _changes(service: Service, segment: Segment, onset: float | None,
             findings: Sequence[Finding]) -> Iterator[Observation]:
    """What the change ledger knows of the time just before the symptom."""
    for finding in _named(findings, "changes"):
        words: set[str] = set()
        for change in (Change.from_json(item) for item in finding.detail.get("changes", [])):
            word = meaning(service, segment.component, segment.where, change) if just_before(change, onset) else ""
            if change.kind == "NetworkPolicy" and selects_others(service, segment.component, segment.where, change,
                                                                 findings):
                continue
            if word == _PARAMETERS:
                word, fits = _governs(segment, change, _lasted_ms(service, segment, findings))
                if fits:
                    yield Observation("database_parameter_fits", finding.source, "changes", {
                        "component": segment.component, "name": fits})
            if not word:
                continue
            words.add(word)
            gap = (onset or 0.0) - change.latest
            if word != RELEASE:
                yield Observation(word, finding.source, "changes", {
                    "component": segment.component, "change": change.sentence(service.shown_keys),
                    "by": change.by,
                    "when": f"{gap:.0f} s before the symptom began" if gap >= 1 else "as the symptom began"})
        if onset is None or (finding.status != "ok" and finding.detail.get("lacks") != [PARAMETER_GROUP]):
            continue  # what it did not see may have changed all the same; that one kind is suspected only where seen
        facts = {"component": segment.component, "seconds": f"{SUSPICION_SECONDS:.0f}"}
        if not words and _revised(segment.component, onset, findings):
            continue  # the cluster has a new revision that the ledger denies: its word is not to be relied on
        if not words:
            yield Observation("nothing_changed", finding.source, "changes", facts)
            continue
        # Something changed, and so what did not is not what began now.
        for word, kinds in _UNCHANGED.items():
            if not words & kinds:
                yield Observation(word, finding.source, "changes", facts)


def _revised(component: str, onset: float, findings: Sequence[Finding]) -> bool:
    """Whether a component's Deployment got a new revision just before the symptom, by its ReplicaSets."""
    return any(len(finding.detail.get("revisions", [])) > 1 and revision.get("current")
               and may_have_caused(onset, revision["created"])
               for finding in _named(findings, "rollouts", component)
               for revision in finding.detail.get("revisions", []))


_PARAMETERS = "database_parameters_changed"
RELEASE = "release"
"""A new image: the source of rollouts tells it better."""
_UNCHANGED = {
    "configuration_unchanged": {"configuration_changed", "workload_changed", "database_settings_changed", RELEASE},
    "network_unchanged": {"network_policy_changed", "service_changed", "dns_policy_changed", "workload_changed"}}
"""An observation to the changes of which none was seen."""


def meaning(service: Service, named: str, where: str, change: Change) -> str:
    """Return the observation that a change is for a segment (a component and where its failures arise).

    An empty text where it has nothing to do with it.
    """
    component = service.component(named)
    touched = {component.deployment, component.name}
    if where in service.graph:
        touched |= {where, service.component(where).deployment}
    if where == "reach":
        touched |= {other for other, called in service.graph.items() if named in called}
        touched |= {service.component(other).deployment for other in touched & service.graph.keys()}
    if change.kind == "Deployment" and change.name in touched and change.what == "changed":
        template = ("template", "spec")
        if change.touches(*template, "dnsPolicy") or change.touches(*template, "dnsConfig"):
            return "dns_policy_changed"
        if any("image" in item["path"] for item in change.fields):
            return RELEASE
        if change.touches("replicas") and _fewer(change):
            return "replicas_reduced"
        if any(less_cpu(item) for item in change.fields):
            return "cpu_limit_reduced"
        if _sets_database(service, change):
            return "database_settings_changed"
        if change.fields and all("priorityClassName" in item["path"] for item in change.fields
                                 if "template" in item["path"]) and change.touches(*template, "priorityClassName"):
            return "priority_changed"
        return "workload_changed" if change.touches("template") else ""
    if change.kind == "ConfigMap":
        # What only other components read can break them alone, and then one of them is at fault, and not this one.
        others = {other.deployment for other in service.components} - touched
        bears = not change.readers or not set(change.readers) <= others
        return "configuration_changed" if bears and change.what != "created" else ""
    if change.kind == "NetworkPolicy":
        return "network_policy_changed"
    if change.kind == PARAMETER_GROUP:
        return _PARAMETERS if where == "database" and any(in_effect(item) for item in change.fields) else ""
    if change.kind == "Service":
        return "service_changed" if change.name in touched else ""
    return {"ResourceQuota": "quota_changed", "LimitRange": "quota_changed", "PodDisruptionBudget": "",
            "HorizontalPodAutoscaler": "autoscaler_changed", "Node": "node_changed"}.get(change.kind, "")


def selects_others(service: Service, component: str, where: str, change: Change, findings: Sequence[Finding]) -> bool:
    """Whether a NetworkPolicy that is there is known to select no pod at either end of the calls that fail."""
    if change.what == "deleted" or change.touches("podSelector"):
        return False
    ends = {component} | ({where} & service.graph.keys())
    if where == "reach":
        ends |= {other for other, called in service.graph.items() if component in called}
    known = {finding.component: finding.detail.get("policies") for finding in _named(findings, "pods")}
    lists = [known.get(end) for end in ends]
    return all(names is not None and not {change.name, "…"} & set(names) for names in lists)


def _governs(segment: Segment, change: Change, lasted_ms: float | None) -> tuple[str, str]:
    """Return the observation that a change of parameters is for what fails, if any, and which one governs that.

    Where the errors are of a kind that parameters govern, a change of any other is no hypothesis for them; nor is that
    of a time limit which the failing calls cannot have reached: they lasted ``lasted_ms`` at most, None: not known.
    """
    names = [str(item["path"][1]) for item in change.fields if in_effect(item) and not (
        lasted_ms is not None and item["path"][1] in _LIMITS_MS and str(item.get("after", "")).isdigit()
        and int(item["after"]) > lasted_ms)]
    kinds = [kind for kind, share in segment.kinds.items() if share >= _KIND_SHARE]
    fits = next((name for kind in kinds for name in names if any(part in name for part in _GOVERNS.get(kind, ()))), "")
    other = any(kind in _GOVERNS or kind in REACH for kind in kinds)
    return _PARAMETERS if fits or (names and not other) else "", fits


def _lasted_ms(service: Service, segment: Segment, findings: Sequence[Finding]) -> float | None:
    """Return how many milliseconds the failing calls of the database lasted on average at most; None: not known.

    Had they lasted longer, the mean over all calls would be higher than it is.
    """
    seen = [callee for finding in _named(findings, "calls", segment.component)
            for host, callee in finding.detail.get("callees", {}).items()
            if service.called(host) == "database" and callee.get("errors") and callee.get("mean_ms") is not None]
    return max((callee["mean_ms"] * callee["requests"] / callee["errors"] for callee in seen), default=None)


def _fewer(change: Change) -> bool:
    return any(item["path"] == ["replicas"] and isinstance(item.get("before"), int)
               and isinstance(item.get("after"), int) and item["after"] < item["before"] for item in change.fields)


def less_cpu(item: Mapping[str, Any]) -> bool:
    """Whether a change of one field takes CPU from a container: a lower limit throttles it (Kubernetes: "Resource
    Management for Pods and Containers")."""
    if item["path"][-2:] != ["limits", "cpu"] or "after" not in item:
        return False
    return quantity(item["after"]) < quantity(item.get("before", "inf"))


def _sets_database(service: Service, change: Change) -> bool:
    """Whether a change sets variables of the way to the database, by their names, as most programs name them."""
    for item in change.fields:
        path = [str(part).upper() for part in item["path"]]
        if "ENV" in path and any(word in part for part in path[path.index("ENV"):] for word in (
                "DB_", "DATABASE", "POSTGRES", "PGHOST", "PGUSER", "PGPASS", "MYSQL", "JDBC", "DSN")):
            return True
    return False


# --- releases ---------------------------------------------------------------------------------------------------------

def _callees_failed_until(service: Service, segment: Segment, findings: Sequence[Finding]) -> float:
    """Return until when what the component calls failed, by an earlier look, where by the newest it does no more; or 0.

    Until then its versions failed with it, whatever they are themselves: with two faults at once, one of which has
    been mended since, that time tells nothing about the other.
    """
    failed: dict[float, bool] = {}
    for finding in _named(findings, "calls", segment.component):
        if finding.window:
            failed[finding.window.end] = failed.get(finding.window.end, False) or any(
                callee.get("requests") and lower_bound(callee.get("errors", 0), callee["requests"])
                > service.confirm.error_rate for callee in finding.detail.get("callees", {}).values())
    if not failed or failed[max(failed)]:
        return 0.0
    return max((end for end, bad in failed.items() if bad), default=0.0)


def _versions(service: Service, segment: Segment, onset: float | None,
              findings: Sequence[Finding], callees_failed_until: float) -> Iterator[Observation]:
    new = ""
    for finding in _named(findings, "rollouts", segment.component):
        revisions = finding.detail.get("revisions", [])
        current = next((r for r in revisions if r.get("current")), None)
        if current is None or onset is None:
            continue
        before = onset - current["created"]
        previous = next((r for r in revisions if not r.get("current")), None)
        if previous is not None and may_have_caused(onset, current["created"]):
            if previous["images"] == current["images"]:
                continue  # the same image: what else changed, the ledger tells
            new = version_of(current["images"][0]) if current["images"] else ""
            yield Observation("rollout_just_before", finding.source, "rollouts", {
                "component": segment.component, "images": ", ".join(current["images"]),
                "when": f"{before:.0f} s before the symptom began" if before >= 1
                        else "as the symptom began (known to a period of 10 s)"})
        elif previous is not None and before < 0 and previous["images"] != current["images"]:
            # It came when the symptom was there already: it may be a second fault, by what its version shows of itself.
            new, onset = version_of(current["images"][0]) if current["images"] else "", current["created"]
            yield Observation("rollout_amid_it", finding.source, "rollouts", {
                "component": segment.component, "images": ", ".join(current["images"]), "seconds": f"{-before:.0f}"})
        else:
            yield Observation("no_recent_rollout", finding.source, "rollouts",
                              {"component": segment.component, "seconds": f"{SUSPICION_SECONDS:.0f}"})
    if not any(_named(findings, "rollouts", segment.component)):
        # Who tells it best does not answer: the ledger saw the new image as well.
        for source, images, gap in _released(service, segment, onset, findings):
            new = version_of(images[0])
            yield Observation("rollout_just_before", source, "changes", {
                "component": segment.component, "images": ", ".join(images),
                "when": f"{gap:.0f} s before the symptom began" if gap >= 1
                        else "as the symptom began (known to a period of 10 s)"})
    if not new:
        return
    if segment.where in ("own",):
        for finding in _named(findings, "error_rate_by_version", segment.component):
            yield from _slower(service, finding, new) if segment.slow else _by_version(
                service, finding, new, onset, callees_failed_until)
        alone = _alone(service, _named(findings, "error_rate_by_version", segment.component), new, onset)
        for finding in _named(findings, "error_signatures") if not alone else ():
            yield from _by_log(segment.component, finding, new)


def _released(service: Service, segment: Segment, onset: float | None,
              findings: Sequence[Finding]) -> Iterator[tuple[str, list[str], float]]:
    """Yield source, new images and seconds before the onset of each release that the change ledger knows of."""
    for finding in _named(findings, "changes"):
        for change in (Change.from_json(item) for item in finding.detail.get("changes", [])):
            if change.name != service.component(segment.component).deployment or not just_before(change, onset) or (
                    meaning(service, segment.component, segment.where, change) != RELEASE):
                continue
            images = [str(item["after"]) for item in change.fields
                      if item["path"][-1:] == ["image"] and "after" in item]
            if images:
                yield finding.source, images, (onset or 0.0) - change.latest


_Counts = dict[str, tuple[float, float]]
"""Version to requests and errors."""


def _since(finding: Finding, onset: float | None, apart_until: float = 0.0) -> tuple[_Counts, _Counts, _Counts] | None:
    """Return what each version served before the onset, since it, and in those periods since it that several served.

    Of what came since the onset, periods that begin before ``apart_until`` are left out. None where the source gave no
    series: totals of a window compare one time with another.
    """
    series: Mapping[str, Sequence[Sequence[float]]] | None = finding.detail.get("series")
    if series is None or onset is None:
        return None
    starts = sorted({row[0] for rows in series.values() for row in rows})
    period = min((b - a for a, b in pairwise(starts)), default=10.0)
    shared = {start for start in starts if sum(any(row[0] == start for row in rows) for rows in series.values()) > 1}

    def total(wanted: Callable[[float], bool]) -> _Counts:
        return {version: (sum(row[1] for row in rows if wanted(row[0])), sum(row[2] for row in rows if wanted(row[0])))
                for version, rows in series.items()}

    return (total(lambda start: start + period <= onset),
            total(lambda start: start + period > onset and start >= apart_until),
            total(lambda start: start + period > onset and start >= apart_until and start in shared))


def _alone(service: Service, findings: Iterable[Finding], new: str, onset: float | None) -> bool:
    """Whether the new version served alone since the onset, so that nobody else can have failed."""
    told = [since for finding in findings if (since := _since(finding, onset)) is not None]
    return bool(told) and all(sum(requests for version, (requests, _) in beside.items() if version != new)
                              < service.confirm.minimum_requests for _, _, beside in told)


def _by_version(service: Service, finding: Finding, new: str, onset: float | None,
                callees_failed_until: float) -> Iterator[Observation]:
    """Compare the new version with the others: side by side where both serve, else before and after."""
    limit, enough = service.confirm.error_rate, service.confirm.minimum_requests
    now, before = finding.detail.get("window", {}), finding.detail.get("baseline", {})
    split = _since(finding, onset, callees_failed_until)
    if split is not None:
        first, since, now = split
        requests, errors = since.get(new, (0.0, 0.0))
        served, failed = first.get(new, (0.0, 0.0))
        # What one version did well and then does badly, its release alone does not explain.
        if requests >= enough and served >= enough and lower_bound(errors, requests) > limit and (
                upper_bound(failed, served) < lower_bound(errors, requests) / 2):
            yield Observation("new_version_was_well_first", finding.source, finding.name, {
                "source": finding.source, "new": new, "served": f"{served:.0f}", "old_rate": f"{failed / served:.1%}",
                "new_rate": f"{errors / requests:.1%}"})
        if now.get(new, (0.0, 0.0))[0] < enough:
            now = {new: (requests, errors)}
    requests, errors = now.get(new, (0.0, 0.0))
    if requests < enough or lower_bound(errors, requests) <= limit:
        return
    facts = {"source": finding.source, "new": new, "new_rate": f"{errors / requests:.1%}"}
    for version, (count, failed) in sorted(now.items()):
        if version == new or count < enough:
            continue
        told = facts | {"old": version, "old_rate": f"{failed / count:.1%}"}
        # Side by side under the same requests what the new one fails more is its own; what both fail has another cause.
        if upper_bound(failed, count) < lower_bound(errors, requests) / 2:
            yield Observation("only_new_version_fails", finding.source, finding.name, told)
        elif lower_bound(failed, count) > limit:
            yield Observation("old_version_fails_too", finding.source, finding.name, told)
        elif upper_bound(failed, count) < lower_bound(errors, requests):
            yield Observation("only_new_version_fails", finding.source, finding.name, told)
        return
    for version, (count, failed) in sorted(before.items()):
        if version != new and count >= enough and upper_bound(failed, count) < lower_bound(errors, requests):
            yield Observation("new_version_replaced_healthy_one", finding.source, finding.name,
                              facts | {"old": version, "old_rate": f"{failed / count:.1%}"})
            return


def _slower(service: Service, finding: Finding, new: str) -> Iterator[Observation]:
    """Compare how long the new version takes with the one before: side by side where both serve, else with the past."""
    took = finding.detail.get("p95_ms", {})
    now, before = took.get("window", {}), took.get("baseline", {})
    if finding.detail.get("window", {}).get(new, (0, 0))[0] < service.confirm.minimum_requests or not now.get(new):
        return
    old = next((version for version in sorted(before) if version != new and before[version]), "")
    if not old:
        return
    facts = {"source": finding.source, "new": new, "old": old, "new_ms": f"{now[new]:.0f}",
             "old_ms": f"{before[old]:.0f}"}
    if now[new] >= SLOW_MULTIPLE * before[old]:
        beside = finding.detail.get("window", {}).get(old, (0, 0))[0] >= service.confirm.minimum_requests
        if beside and now.get(old, 0.0) >= now[new] / 2:
            yield Observation("old_version_slow_too", finding.source, finding.name, facts)
        else:
            yield Observation("new_version_slower", finding.source, finding.name, facts)


def _by_log(component: str, finding: Finding, new: str) -> Iterator[Observation]:
    lines: dict[str, float] = defaultdict(float)
    for group in finding.detail.get("signatures", []):
        if group.get("component") == component and group.get("count", 0) > 3 * group.get("usual", 0):
            for version, count in group.get("versions", {}).items():
                lines[version] += count
    total = sum(lines.values())
    if total < _LOG_MINIMUM:
        return
    share = lines[new] / total
    facts = {"component": component, "new": new}
    if share >= _LOG_SHARE:
        yield Observation("errors_logged_only_by_new_version", finding.source, finding.name,
                          facts | {"share": f"{share:.0%}"})
    elif share <= 1 - _LOG_SHARE / 2:
        yield Observation("errors_logged_by_old_version_too", finding.source, finding.name,
                          facts | {"share": f"{1 - share:.0%}"})


# --- pods and cluster -------------------------------------------------------------------------------------------------

_WAITING = {"CrashLoopBackOff": "pods_crash", "ImagePullBackOff": "pods_image", "ErrImagePull": "pods_image",
            "InvalidImageName": "pods_image", "CreateContainerConfigError": "pods_configuration",
            "CreateContainerError": "pods_crash", "RunContainerError": "pods_crash"}


def _pods(service: Service, segment: Segment, findings: Sequence[Finding]) -> Iterator[Observation]:
    component = segment.component
    for finding in _named(findings, "pods", component):
        detail = finding.detail
        wanted, ready = detail.get("wanted", 0), detail.get("ready", 0)
        facts = {"component": component, "ready": str(ready), "wanted": str(wanted)}
        if wanted == 0:
            yield Observation("scaled_to_nothing", finding.source, "pods", facts)
            continue
        conditions, events = detail.get("conditions", {}), detail.get("events", {})
        if "ReplicaFailure" in conditions or events.get("FailedCreate"):
            yield Observation("quota_refuses_pods", finding.source, "pods", facts)
        if events.get("Preempted"):
            yield Observation("pods_preempted", finding.source, "pods", facts)
        if ready >= wanted:
            yield Observation("pods_are_ready", finding.source, "pods", facts)
            continue
        yield Observation("pods_not_ready", finding.source, "pods", facts)
        others = sorted(other.component for other in _named(findings, "pods")
                        if other.source == finding.source and other.component != component
                        and other.detail.get("ready", 0) < other.detail.get("wanted", 0))
        if others:
            yield Observation("others_not_ready", finding.source, "pods", facts | {"others": ", ".join(others)})
        if detail.get("gone_nodes"):
            yield Observation("its_nodes_are_gone", finding.source, "pods", facts | {
                "nodes": ", ".join(detail["gone_nodes"][:5])})
        if "OOMKilled" in detail.get("terminated", {}):
            yield Observation("pods_oom_killed", finding.source, "pods", facts)
        for reason, count in detail.get("waiting", {}).items():
            if reason in _WAITING:
                yield Observation(_WAITING[reason], finding.source, "pods", facts | {
                    "count": str(count), "reason": reason})
        if detail.get("unscheduled"):
            yield Observation("pods_unscheduled", finding.source, "pods", facts | {
                "count": str(detail["unscheduled"])})
        if detail.get("preparing"):
            yield Observation("pods_held_by_init", finding.source, "pods", facts | {"count": str(detail["preparing"])})
        elif detail.get("probing"):
            yield Observation("pods_fail_probe", finding.source, "pods", facts | {"count": str(detail["probing"])})
        if detail.get("fell"):
            yield Observation("pods_fell", finding.source, "pods", facts | {"count": str(detail["fell"])})
    for finding in _named(findings, "endpoints", component):
        detail = finding.detail
        facts = {"component": component}
        if not detail.get("exists"):
            yield Observation("service_missing", finding.source, "endpoints", facts)
        elif not detail.get("fits", True):
            yield Observation("service_port_misfit", finding.source, "endpoints", facts | {
                "ports": ", ".join(f"{a} to {b}" for a, b in detail.get("ports", []))})
        elif not detail.get("selects") and not _podless(component, findings):
            yield Observation("service_selects_nothing", finding.source, "endpoints", facts)
    policies = {name for finding in _named(findings, "pods", component)
                for name in finding.detail.get("policies") or []}
    if policies and segment.where != "own":
        yield Observation("policies_select_it", "kubernetes", "pods", {
            "component": component, "policies": ", ".join(sorted(policies))})


def _podless(component: str, findings: Sequence[Finding]) -> bool:
    """Whether a component has no pod at all, which whatever selector could select."""
    return any(not sum(count for _, count in finding.detail["templates"].values())
               for finding in _named(findings, "pods", component) if "templates" in finding.detail)


_DECIDES = {
    "pods_unscheduled": {"nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "nodeName",
                         "schedulerName", "requests"},
    "pods_fail_probe": {"readinessProbe", "livenessProbe", "startupProbe", "ports", "command", "args"},
    "pods_crash": {"command", "args", "env", "envFrom", "livenessProbe", "startupProbe", "securityContext", "volumes",
                   "volumeMounts"},
    "pods_configuration": {"env", "envFrom", "volumes", "volumeMounts"},
    "pods_held_by_init": {"initContainers"},
    "pods_oom_killed": {"limits"}}
"""A state of pods to the fields of a pod's template that decide it (Kubernetes API reference, "PodSpec")."""


def _fits(service: Service, segment: Segment, onset: float | None,
          findings: Sequence[Finding], states: set[str]) -> Iterator[Observation]:
    """Say where what was changed is just what decides the state that the pods are in; ``states`` are what they show."""
    for finding in _named(findings, "changes"):
        for change in (Change.from_json(item) for item in finding.detail.get("changes", [])):
            if change.name != service.component(segment.component).deployment or not just_before(change, onset) or (
                    meaning(service, segment.component, segment.where, change) != "workload_changed"):
                continue
            # A container's own name is no field.
            touched = {str(part) for item in change.fields for part in item["path"]} | {
                key for item in change.fields for side in ("before", "after") if isinstance(item.get(side), dict)
                for key in item[side]}
            for state in sorted(states & _DECIDES.keys()):
                if touched & _DECIDES[state]:
                    yield Observation("change_explains_pods", finding.source, "changes", {
                        "component": segment.component, "fields": ", ".join(sorted(touched & _DECIDES[state]))})


def _cluster(service: Service, segment: Segment, findings: Sequence[Finding]) -> Iterator[Observation]:
    unready: dict[str, int] = defaultdict(int)
    for finding in _named(findings, "pods", segment.component):
        for node, count in finding.detail.get("unready_on", {}).items():
            unready[node] += count
    for finding in _named(findings, "nodes"):
        bad = finding.detail.get("not_ready", [])
        facts = {"nodes": ", ".join(bad), "component": segment.component}
        if bad:
            yield Observation("nodes_not_ready", finding.source, "nodes", facts)
        if any(unready.get(node) for node in bad):
            yield Observation("its_pods_are_on_them", finding.source, "nodes", facts)
        closed = finding.detail.get("unschedulable", [])
        if closed:
            yield Observation("nodes_cordoned", finding.source, "nodes", {"nodes": ", ".join(closed)})
    for finding in _named(findings, "instances"):
        if finding.value:
            yield Observation("instances_impaired", finding.source, "instances", {"count": f"{finding.value:.0f}"})
    for finding in _named(findings, "nodegroups"):
        if finding.value:
            yield Observation("nodegroup_issues", finding.source, "nodegroups", {"count": f"{finding.value:.0f}"})
    silent = any(f.source == "kubernetes" and f.status in ("unavailable", "timeout") for f in findings)
    for finding in _named(findings, "cluster"):
        if finding.value or finding.detail.get("status") not in ("ACTIVE", "UPDATING"):
            yield Observation("control_plane_gone" if silent else "cluster_has_issues", finding.source, "cluster", {
                "issues": ", ".join(sorted({i["code"] for i in finding.detail.get("issues", [])}))
                or str(finding.detail.get("status"))})
    for finding in _named(findings, "service_events"):
        for event in finding.detail.get("events", []):
            if event.get("status") == "open" and event.get("service") in ("EKS", "EC2"):
                yield Observation("aws_reports_compute", finding.source, "service_events", {
                    "code": str(event.get("code")), "service": str(event.get("service"))})


# --- load -------------------------------------------------------------------------------------------------------------

def _load(service: Service, segment: Segment, onset: float | None,
          findings: Sequence[Finding]) -> Iterator[Observation]:
    if segment.where not in ("own", "reach"):
        return
    for finding in _named(findings, "error_rate", segment.component):
        came, usual, whole = _requests(finding, onset)
        if not usual:
            continue
        facts = {"source": finding.source, "factor": f"{came / usual:.1f}"}
        if _is_more(came, usual):
            yield Observation("load_above_baseline", finding.source, "error_rate", facts)
        elif whole and came < _USUAL_FACTOR * usual:
            yield Observation("load_is_usual", finding.source, "error_rate", facts)
    for finding in _named(findings, "clients"):
        came, usual = _of_clients(finding, onset)
        # What it lacks may come yet, so that it counts no more says nothing.
        if usual and _is_more(came, usual):
            yield Observation("load_above_baseline", finding.source, "clients", {
                "source": finding.source, "factor": f"{came / usual:.1f}"})
        floods = flood(finding)
        if floods:
            yield floods
    for finding in (*_named(findings, "cpu", segment.component), *_named(findings, "cpu_over_limit",
                                                                       segment.component)):
        share = (finding.value or 0.0) / (100.0 if finding.unit == "%" else 1.0)
        if share >= 0.8:
            yield Observation("cpu_at_limit", finding.source, finding.name, {
                "component": segment.component, "share": f"{share:.0%}"})
    name = service.component(segment.component).deployment
    for finding in _named(findings, "limits"):
        for scaler in finding.detail.get("autoscalers", []):
            if scaler.get("target") == name and scaler.get("current", 0) >= (scaler.get("maximum") or 0):
                yield Observation("autoscaler_at_maximum", finding.source, "limits", {
                    "component": segment.component, "maximum": str(scaler.get("maximum"))})


def _requests(finding: Finding, onset: float | None) -> tuple[float, float, bool]:
    """Return how many requests came of late, how many the baseline lets expect (0: nobody can tell), and whether all
    that came can be seen yet.

    They are the most of two periods that follow each other: a load that has just risen is hidden by the mean. Where no
    period shows that began after the symptom, the source is behind: what it lacks may have come all the same.
    """
    series = buckets(finding)
    period = period_seconds(series)
    newest = max((b.start for b in series if b.requests), default=0.0)
    began = onset or 0.0
    first = max(newest - max(_LOAD_SECONDS, 2 * period), began - period)
    pairs = [a.requests + b.requests for a, b in pairwise(series) if a.start >= first and b.start <= newest]
    if not pairs:
        return 0.0, 0.0, False
    # Sources count periods from different moments, so the onset is known to half of one.
    return max(pairs), usual_per_second(finding) * 2 * period, newest >= began + period / 2


def _is_more(came: float, usual: float) -> bool:
    # Just half more is counted as a little less by chance in one look of two.
    return count_upper_bound(came) >= _LOAD_FACTOR * usual and count_lower_bound(came) > _USUAL_FACTOR * usual


def _of_clients(finding: Finding, onset: float | None) -> tuple[float, float]:
    """Return how many requests of the clients came since the symptom, and how many the baseline lets expect.

    Those that are usual before the symptom are taken off, for they are counted together; 0 and 0: it is too early.
    """
    window, rate = finding.window, usual_per_second(finding, "baseline_total")
    if window is None or onset is None or window.end - max(onset, window.start) < _LOAD_SECONDS / 2:
        return 0.0, 0.0
    before = max(0.0, onset - window.start)
    return max(0.0, finding.detail.get("total", 0) - rate * before), rate * (window.seconds - before)


def flood(finding: Finding) -> Observation | None:
    """Whether one client brings most of what comes beyond the usual, many times its own habit."""
    detail = finding.detail
    total, clients = detail.get("total", 0), detail.get("clients", [])
    if not total or not clients or not detail.get("baseline_total"):
        return None
    usual = usual_per_second(finding, "baseline_total") * detail.get("seconds", 0.0)
    most = max(clients, key=lambda client: client["count"] - client["usual"])
    count, surplus = most["count"], most["count"] - most["usual"]
    if (count_lower_bound(total) <= usual or lower_bound(count, total) < _FLOOD_SHARE
            or count_lower_bound(count) <= _FLOOD_MULTIPLE * most["usual"]
            or surplus <= _SURPLUS_SHARE * (total - usual)):
        return None
    return Observation("one_client_floods", finding.source, "clients", {
        "client": str(most["client"]), "share": f"{count / total:.0%}", "usual": f"{most['usual'] / usual:.1%}"})


# --- from outside -----------------------------------------------------------------------------------------------------

def _entrance(service: Service, segment: Segment, findings: Sequence[Finding]) -> Iterator[Observation]:
    """What the load balancer says of the component that customers reach first: it is the entry's caller."""
    if segment.component != service.entry or segment.where not in ("own", "reach"):
        return
    for finding in _named(findings, "healthy_hosts", service.entry):
        usual = finding.baseline or 0.0
        if finding.value is not None and usual >= 1 and finding.value <= usual / 2:
            yield Observation("healthy_hosts_gone", finding.source, finding.name, {
                "component": service.entry, "value": f"{finding.value:.0f}", "usual": f"{usual:.0f}"})
    for finding in _named(findings, "target_connection_errors", service.entry):
        refused, requests = finding.detail.get("errors", 0.0), finding.detail.get("requests", 0.0)
        # Requests are counted at the end of their minute, so the errors may be ahead of them.
        requests = max(requests, refused)
        if (refused >= _LOG_MINIMUM and lower_bound(refused, requests) > _REFUSED_SHARE
                and count_lower_bound(refused) > 3 * (finding.baseline or 0.0) / 60 * (
                    finding.window.seconds if finding.window else 60.0)):
            yield Observation("targets_refuse_connections", finding.source, finding.name, {
                "component": service.entry, "count": f"{refused:.0f}"})


def _shown_only(findings: Sequence[Finding]) -> Iterator[Observation]:
    """What people want to see and what is no evidence of one of the plan's causes: its weights are empty."""
    for finding in _named(findings, "alarms"):
        raised = sorted(alarm["name"] for alarm in finding.detail.get("alarms", []) if alarm.get("state") == "ALARM")
        if raised:
            yield Observation("alarms_raised", finding.source, finding.name, {"alarms": ", ".join(raised)})
    for finding in _named(findings, "canary"):
        if finding.value is not None and finding.value < 50 <= (finding.baseline or 0.0):
            yield Observation("canary_fails", finding.source, finding.name, {
                "value": f"{finding.value:.0f}", "usual": f"{finding.baseline:.0f}"})
    for finding in _named(findings, "auth_failures"):
        lines, window = finding.detail.get("lines", 0), finding.window
        if window and lines >= _LOG_MINIMUM and (
                count_lower_bound(lines) > 3 * (finding.baseline or 0.0) / 60 * window.seconds):
            yield Observation("auth_failures_above_baseline", finding.source, finding.name, {
                "component": finding.component, "value": f"{finding.value or 0:.0f}",
                "usual": f"{finding.baseline or 0:.1f}"})


# --- database, provider, AWS ------------------------------------------------------------------------------------------

def _database(service: Service, findings: Sequence[Finding]) -> Iterator[Observation]:
    one = {f.name: f for f in findings if f.source == "rds" and f.usable}
    instance = one.get("instance")
    status = str(instance.detail.get("status", "")) if instance else ""
    if status and status not in ("available", "backing-up", "storage-optimization"):
        yield Observation("database_not_available", "rds", "instance", {"status": status})
    if status == "storage-full":
        yield Observation("database_storage_full", "rds", "instance", {"status": status})
    elif status in ("available", "backing-up"):
        yield Observation("database_available", "rds", "instance", {"status": status})
    connections = one.get("connections")
    if connections is not None and connections.value is not None:
        usual, maximum = connections.baseline or 0.0, connections.detail.get("maximum") or 0
        facts = {"value": f"{connections.value:.0f}", "usual": f"{usual:.0f}", "maximum": str(maximum)}
        if maximum and connections.value >= _FULL_SHARE * maximum:
            yield Observation("database_connections_at_maximum", "rds", "connections", facts)
        elif usual >= 4 and connections.value <= 0.1 * usual:
            yield Observation("database_connections_gone", "rds", "connections", facts)
        elif usual >= 4 and 0.5 * usual <= connections.value <= 1.5 * usual:
            yield Observation("database_connections_usual", "rds", "connections", facts)
    cpu = one.get("cpu")
    if cpu is not None and cpu.value is not None and cpu.value >= 85 and cpu.value > 2 * (cpu.baseline or 0):
        yield Observation("database_cpu_high", "rds", "cpu", {"value": f"{cpu.value:.0f}"})
    storage = one.get("free_storage")
    if storage is not None and storage.value is not None and (
            storage.value < 2**30 and storage.value < 0.1 * (storage.baseline or 2**40)):
        yield Observation("database_storage_gone", "rds", "free_storage", {"value": f"{storage.value / 2**30:.1f}"})
    events = one.get("events")
    if events is not None and events.window is not None:
        told = [event for event in events.detail.get("events", []) if event["at"] >= events.window.end - 300]
        failover = [event for event in told if "failover" in event.get("categories", [])
                    or "failover" in event["message"].lower()]
        if failover:
            done = "completed" in failover[-1]["message"].lower()
            yield Observation("database_failed_over" if done else "database_fails_over", "rds", "events",
                              {"message": failover[-1]["message"]})
        else:
            yield Observation("no_failover", "rds", "events", {})
    waits = one.get("waits")
    if waits is not None:
        total = sum(waits.detail.get("waits", {}).values())
        locks = sum(load for name, load in waits.detail.get("waits", {}).items() if "lock" in name.lower())
        if total >= 4 and locks >= 0.5 * total:
            yield Observation("database_waits_for_locks", "rds", "waits", {"share": f"{locks / total:.0%}"})
        clients = waits.detail.get("clients", {})
        most = max(clients, key=lambda name: clients[name], default="")
        if most and clients[most] >= 0.7 * sum(clients.values()) and not service.called(most):
            yield Observation("one_client_holds_connections", "rds", "waits", {"client": most})
    for finding in _named(findings, "service_events"):
        for event in finding.detail.get("events", []):
            if event.get("status") == "open" and event.get("service") == "RDS":
                yield Observation("aws_reports_database", finding.source, "service_events", {
                    "code": str(event.get("code"))})


def _calls_end_quickly(service: Service, segment: Segment, findings: Sequence[Finding]) -> Iterator[Observation]:
    """Whether statements that are said to have timed out, or to have waited for locks, ended at once."""
    if segment.kinds.get("lock", 0.0) < _KIND_SHARE:
        return
    for finding in _named(findings, "calls", segment.component):
        lasted = _lasted_ms(service, segment, [finding])
        if lasted is not None and lasted < _LONG_MS:
            yield Observation("database_calls_end_quickly", finding.source, "calls", {
                "component": segment.component, "milliseconds": f"{lasted:.0f}"})


def _provider(service: Service, segment: Segment, findings: Sequence[Finding]) -> Iterator[Observation]:
    name = segment.where.removeprefix("provider:")
    for finding in _named(findings, "status_page", segment.where):
        word = "provider_page_reports_trouble" if (finding.value or 0) > 0 else "provider_page_is_calm"
        yield Observation(word, finding.source, "status_page", {
            "provider": name, "indicator": str(finding.detail.get("indicator", ""))})
    for finding in _named(findings, "health", segment.where):
        word = "provider_answers" if finding.value else "provider_does_not_answer"
        yield Observation(word, finding.source, "health", {"provider": name, "note": finding.note})


def _probes(service: Service, segment: Segment, findings: Sequence[Finding]) -> Iterator[Observation]:
    """What became of our own connection to what the segment's failures are about."""
    target = segment.component if segment.where == "reach" else segment.where
    for finding in _named(findings, "probe", target):
        detail = finding.detail
        facts = {"where": _shown(service, target), "reason": str(detail.get("reason", "")),
                 "milliseconds": str(detail.get("milliseconds", ""))}
        word = _probed(str(detail.get("stage", "")), str(detail.get("kind", "")), detail.get("milliseconds", 0))
        if word == "probe_gets_through" and segment.kinds.get("dns", 0.0) >= _KIND_SHARE:
            word = "probe_resolves"
        if detail.get("inside"):
            yield Observation(word, finding.source, "probe", facts)
        elif target.startswith("provider:") and word != "probe_is_slow":
            # Another way than the service's own: it tells of the provider and, by that, of the way.
            yield Observation(_PROBED_OUTSIDE.get(word, word), finding.source, "probe", facts)


_PROBED_OUTSIDE = {"probe_gets_through": "outside_probe_gets_through", "probe_resolves": "outside_probe_gets_through",
                   "probe_does_not_get_through": "outside_probe_does_not_get_through",
                   "probe_ends_in_tls": "outside_probe_does_not_get_through",
                   "probe_does_not_resolve": "outside_probe_does_not_get_through",
                   "probe_is_refused": "outside_probe_does_not_get_through"}


def _probed(stage: str, kind: str, milliseconds: float) -> str:
    if stage == "ok":
        return "probe_gets_through" if milliseconds < _RESENT_MS else "probe_is_slow"
    if stage == "dns":
        return "probe_does_not_resolve"
    if stage == "tls":
        return "probe_finds_bad_tls" if kind == "tls" else "probe_ends_in_tls"
    return "probe_is_refused" if kind == "refused" else "probe_does_not_get_through"


def _trail(service: Service, segment: Segment, onset: float | None,
           findings: Sequence[Finding]) -> Iterator[Observation]:
    for finding in _named(findings, "trail"):
        for event in finding.detail.get("events", []):
            if onset is None or not may_have_caused(onset, event["at"]):
                continue
            facts = {"name": event["name"], "by": event["by"],
                     "when": f"{max(0.0, onset - event['at']):.0f} s before the symptom began"}
            if event["topic"] == "network" and segment.where not in ("own",):
                yield Observation("aws_network_changed", finding.source, "trail", facts)
            if event["topic"] == "rotation" and segment.where == "database":
                yield Observation("credentials_rotated", finding.source, "trail", facts)
