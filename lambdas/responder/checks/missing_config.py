"""A workload refers to a ConfigMap, a Secret or a key in one that is not there: its containers are not created.

Kubernetes' pages "ConfigMaps" and "Secrets": a reference that is not ``optional`` must exist before the container
starts. A container that runs goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.model.evidence.problems import Severity
from responder.state import State
from responder.state.basics import Ref
from responder.state.pods import PodSpec
from responder.state.starting import sayings
from responder.state.trouble import hurt, waiting_pods, wanting

_OBJECT = re.compile(r'(?P<kind>configmap|secret)s? "(?P<name>[^"]+)" not found', re.IGNORECASE)
_KEY = re.compile(r"couldn't find key (?P<key>\S+) in (?P<kind>ConfigMap|Secret) (?P<namespace>[^/\s]+)/(?P<name>\S+)")
_VOLUME_KEY = re.compile(r"references non-existent (?P<kind>config|secret) key: (?P<key>\S+)")
_KINDS = {"configmap": "ConfigMap", "secret": "Secret", "config": "ConfigMap"}


def find(state: State) -> Iterator[Found]:
    """Yield workloads by what the kubelet says; else those that refer to what is not listed."""
    told: set[Ref] = set()
    for said in sayings(state):
        what = _said(state, said.text, said.app.namespace) if said.by == "kubelet" and said.app not in told else ""
        if what:
            told.add(said.app)
            yield _found(said.app, what, hurt(state, said.app), said.text, said.since, said=True)
    waiting = {state.owner(pod) for pod in waiting_pods(state)}
    for workload in state.apps:
        what = _lacking(state, workload.template, workload.ref.namespace) if (
            workload.ref not in told and workload.wanted != 0) else ""
        if what:
            serves = workload.wanted is not None and workload.ready >= workload.wanted
            well = serves and workload.ref not in waiting and not wanting(state, workload)
            yield _found(workload.ref, what, "risks" if well else hurt(state, workload.ref), what, 0.0, said=False)


def _said(state: State, text: str, namespace: str) -> str:
    """Say what is missing by a message, if it is still; empty: nothing."""
    key, volume_key, whole = _KEY.search(text), _VOLUME_KEY.search(text), _OBJECT.search(text)
    if key is not None:
        there = key["key"] in state.keys.get(Ref(key["kind"], key["namespace"], key["name"]), ())
        return "" if there else f"key {key['key']} of {key['kind']} {key['name']}"
    if volume_key is not None:
        return f"key {volume_key['key']} of a {_KINDS[volume_key['kind']]}"
    if whole is not None:
        kind = _KINDS[whole["kind"].lower()]
        return "" if state.has(Ref(kind, namespace, whole["name"])) else f"{kind} {whole['name']}"
    return ""


def _lacking(state: State, spec: PodSpec, namespace: str) -> str:
    """Say the first thing that a pod refers to and that is not there, of kinds that were listed whole."""
    for kind, name, keys in _references(spec):
        ref = Ref(kind, namespace, name)
        if not name or not state.lists(kind, namespace):
            continue
        if not state.has(ref):
            return f"{kind} {name}"
        known = state.keys.get(ref, ())
        missing = sorted(set(keys) - set(known)) if known else []
        if missing:
            return f"key {missing[0]} of {kind} {name}"
    return ""


def _references(spec: PodSpec) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for container in (*spec.init_containers, *spec.containers):
        for one in container.environment:
            if one.source and not one.optional:
                yield one.source, one.object, (one.key,) if one.key else ()
    for volume in spec.volumes:
        if volume.kind in ("configMap", "secret") and not volume.optional:
            yield {"configMap": "ConfigMap", "secret": "Secret"}[volume.kind], volume.object, volume.keys


def _found(ref: Ref, what: str, severity: Severity, message: str, since: float, said: bool) -> Found:
    return Found(str(ref), f"{ref} refers to {what}, which is not there: its containers are not created", severity,
                 "said" if said else "seen", (ref.name,), message,
                 f"create {what} in namespace {ref.namespace}, or mend the reference of {ref}", since)


CHECK = Check(id="missing_config", family="startup", sign="definition", find=find)
