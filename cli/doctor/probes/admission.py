"""Whether the policies are in force that say which fields the responder's groups may change.

Source: Kubernetes' page "Validating Admission Policy" (since 1.30; ``validationActions``, ``typeChecking``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cli.doctor.cluster import Cluster, named
from cli.doctor.model import Check, Probe, broken, note, well
from cli.doctor.surroundings import Surroundings
from responder.model.service import Service
from stacks.rbac import rendered

_API = "/apis/admissionregistration.k8s.io/v1"
_SINCE = (1, 30)
Object = Mapping[str, Any]


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: _of(here, service))


def _of(here: Surroundings, service: Service) -> Iterator[Check]:
    cluster = here.cluster(service)
    version = version_of(cluster)
    if version and version < _SINCE:
        yield broken("admission policies", f"Kubernetes {version[0]}.{version[1]} has none: RBAC alone bounds the "
                     "responder, which cannot restrict fields", "upgrade the cluster to Kubernetes 1.30 or later")
        return
    manifests = rendered(service, here.settings, ("admission.yaml",))
    policies = named(list(cluster.items(f"{_API}/validatingadmissionpolicies")))
    bindings = named(list(cluster.items(f"{_API}/validatingadmissionpolicybindings")))
    yield from judged(manifests, policies, bindings, f"make rbac SERVICE={service.service} | kubectl apply -f -")


def version_of(cluster: Cluster) -> tuple[int, int] | None:
    """Return the API server's version; None where it does not say."""
    found = cluster.request("GET", "/version").value
    numbers = [re.match(r"\d+", str(found.get(part, ""))) for part in ("major", "minor")]
    return (int(numbers[0][0]), int(numbers[1][0])) if numbers[0] and numbers[1] else None


def judged(manifests: Sequence[Object], policies: Mapping[str, Object], bindings: Mapping[str, Object], mend: str
           ) -> Iterator[Check]:
    """Judge the policies and bindings that are there against those that should be."""
    fine = 0
    for item in manifests:
        name, policy = item["metadata"]["name"], item["kind"] == "ValidatingAdmissionPolicy"
        there = (policies if policy else bindings).get(name)
        subject = f"admission policy{'' if policy else ' binding'} {name}"
        if there is None:
            yield broken(subject, "it is not there: RBAC alone bounds this group" if policy else
                         "it is not there, so its policy is not in force", mend)
        elif wrong := _policy(item, there) if policy else _binding(item, there):
            yield broken(subject, wrong, mend)
        else:
            fine += 1
            yield from _warnings(subject, there)
    if fine:
        yield well(f"{fine} of {len(manifests)} admission policies and bindings", "in force, as make rbac renders them")


def _policy(item: Object, there: Object) -> str:
    wanted, found = item["spec"], there["spec"]
    if found.get("failurePolicy") != wanted.get("failurePolicy"):
        return f"its failurePolicy is {found.get('failurePolicy')}: what cannot be evaluated is let through"
    for part, key in (("validations", "expression"), ("matchConditions", "expression"), ("variables", "expression")):
        if _texts(found.get(part), key) != _texts(wanted.get(part), key):
            return f"its {part} differ from those of the configuration"
    if not _covers(wanted["matchConstraints"]["resourceRules"], found["matchConstraints"].get("resourceRules") or []):
        return "it does not match all the resources that it should"
    return ""


def _texts(items: Sequence[Object] | None, key: str) -> list[tuple[str, str]]:
    return sorted((str(item.get("name", "")), str(item.get(key, "")).strip()) for item in items or [])


def _covers(wanted: Sequence[Object], found: Sequence[Object]) -> bool:
    return _single(wanted) <= _single(found)


def _single(rules: Sequence[Object]) -> set[tuple[str, str, str]]:
    return {(group, resource, operation) for rule in rules for group in rule.get("apiGroups", [])
            for resource in rule.get("resources", []) for operation in rule.get("operations", [])}


def _binding(item: Object, there: Object) -> str:
    actions = sorted(there["spec"].get("validationActions") or [])
    if "Deny" not in actions:
        return f"it denies nothing: its validationActions are {', '.join(actions) or 'none'}"
    if there["spec"].get("policyName") != item["spec"]["policyName"]:
        return f"it binds {there['spec'].get('policyName')}"
    wanted = item["spec"].get("matchResources", {}).get("namespaceSelector")
    found = (there["spec"].get("matchResources") or {}).get("namespaceSelector") or None
    return "" if found in (None, {}, wanted) else "its namespaceSelector leaves out namespaces of the service"


def _warnings(subject: str, there: Object) -> Iterator[Check]:
    for warning in (there.get("status") or {}).get("typeChecking", {}).get("expressionWarnings") or []:
        yield note(subject, f"the API server warns of {warning.get('fieldRef')}: {str(warning.get('warning'))[:200]}")


PROBE = Probe("admission", "admission policies of the responder's groups", _look, (
    "kubernetes: list validatingadmissionpolicies and validatingadmissionpolicybindings",))
