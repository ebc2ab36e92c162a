"""Whether the cluster's RBAC gives each of the responder's groups what ``kubernetes/rbac.yaml`` says.

Each rule is asked for as a member of the group (SubjectAccessReview), which also sees what other bindings give. Where
that may not be asked, the objects themselves are compared with what ``make rbac`` would apply. Source: Kubernetes'
pages "Using RBAC Authorization" and "Authorization", "Checking API access".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from cli.doctor.cluster import Cluster
from cli.doctor.model import Check, NotKnown, Probe, broken, well
from cli.doctor.surroundings import Surroundings
from responder.model.service import Service
from stacks.rbac import rendered

_API = "/apis/rbac.authorization.k8s.io/v1"
_PLURALS = {"Role": "roles", "RoleBinding": "rolebindings", "ClusterRole": "clusterroles",
            "ClusterRoleBinding": "clusterrolebindings"}
_AT_ONCE = 8


@dataclass(frozen=True, order=True)
class Right:
    """One thing that a group may do."""

    group: str
    namespace: str
    """Empty: in the whole cluster."""
    verb: str
    api_group: str
    resource: str
    """With its subresource: ``pods/eviction``."""
    name: str = ""
    """Of the one object that it is about; empty: of any."""

    def __str__(self) -> str:
        named = f" {self.name}" if self.name else ""
        kind = f"{self.resource}{f'.{self.api_group}' if self.api_group else ''}"
        return f"{self.verb} {kind}{named}" + (f" in {self.namespace}" if self.namespace else "")


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: _of(here, service))


def _of(here: Surroundings, service: Service) -> Iterator[Check]:
    cluster, manifests = here.cluster(service), rendered(service, here.settings, ("rbac.yaml",))
    mend = f"make rbac SERVICE={service.service} | kubectl apply -f -"
    try:
        yield from by_rights(rights(manifests), allowed(cluster, rights(manifests)), mend)
    except NotKnown as failed:
        try:
            yield from by_objects(manifests, {path(item): cluster.get(path(item)) for item in manifests}, mend)
        except NotKnown as other:
            raise NotKnown(f"{failed.why}; {other.why}", f"{failed.mend}; or {other.mend}") from other


def rights(manifests: Sequence[Mapping[str, Any]]) -> list[Right]:
    """Return what the roles among manifests give to the groups that are bound to them."""
    rules = {(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]): item["rules"]
             for item in manifests if "rules" in item}
    found: set[Right] = set()
    for item in manifests:
        if "roleRef" not in item:
            continue
        namespace = item["metadata"].get("namespace", "")
        reference = item["roleRef"]
        bound = rules.get((reference["kind"], namespace if reference["kind"] == "Role" else "", reference["name"]), [])
        found |= {Right(subject["name"], namespace, verb, api_group, resource, name)
                  for subject in item["subjects"] for rule in bound for verb in rule["verbs"]
                  for api_group in rule["apiGroups"] for resource in rule["resources"]
                  for name in rule.get("resourceNames", [""])}
    return sorted(found)


def allowed(cluster: Cluster, wanted: Sequence[Right]) -> set[Right]:
    """Return which of these rights the groups have; raises NotKnown."""
    def asked(right: Right) -> bool:
        return cluster.may(right.group, right.verb, right.resource, api_group=right.api_group,
                           namespace=right.namespace, name=right.name)

    if not wanted:
        return set()
    # The first alone, so that a refusal to answer is met once.
    first = asked(wanted[0])
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [first, *pool.map(asked, wanted[1:])]
    return {right for right, has in zip(wanted, found, strict=True) if has}


def by_rights(wanted: Sequence[Right], has: set[Right], mend: str) -> Iterator[Check]:
    """Judge each group by what it may do."""
    for group in sorted({right.group for right in wanted}):
        mine = [right for right in wanted if right.group == group]
        missing = [right for right in mine if right not in has]
        if missing:
            yield broken(f"group {group}", f"it may not {'; '.join(map(str, missing))}", mend)
        else:
            yield well(f"group {group}", f"it has all {len(mine)} rights")


def path(item: Mapping[str, Any]) -> str:
    """Return the API path of a role or a binding."""
    namespace = item["metadata"].get("namespace")
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"{_API}{inside}/{_PLURALS[item['kind']]}/{item['metadata']['name']}"


def by_objects(manifests: Sequence[Mapping[str, Any]], found: Mapping[str, Mapping[str, Any] | None], mend: str
               ) -> Iterator[Check]:
    """Judge the objects themselves: each must give at least what the manifest gives."""
    fine = 0
    for item in manifests:
        subject, there = f"{item['kind']} {item['metadata']['name']}", found[path(item)]
        if there is None:
            yield broken(subject, "it is not there", mend)
        elif "rules" in item and (missing := _single(item["rules"]) - _single(there.get("rules") or [])):
            yield broken(subject, f"it lacks {'; '.join(' '.join(filter(None, one)) for one in sorted(missing))}", mend)
        elif "roleRef" in item and not _binds(item, there):
            yield broken(subject, "it binds another role, or another group", mend)
        else:
            fine += 1
    if fine:
        yield well(f"{fine} of {len(manifests)} roles and bindings", "as make rbac renders them; what other bindings "
                   "change was not asked")


def _single(rules: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, str, str]]:
    return {(verb, resource, api_group, name) for rule in rules for verb in rule["verbs"]
            for resource in rule.get("resources", []) for api_group in rule.get("apiGroups", [])
            for name in rule.get("resourceNames") or [""]}


def _binds(item: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    subjects = {(one["kind"], one["name"]) for one in there.get("subjects") or []}
    return item["roleRef"] == there.get("roleRef") and all(
        (one["kind"], one["name"]) in subjects for one in item["subjects"])


PROBE = Probe("rbac", "RBAC of the responder's groups", _look, (
    "kubernetes: create subjectaccessreviews.authorization.k8s.io (or get roles and bindings)",), seconds=60.0)
