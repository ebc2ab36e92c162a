"""Kubernetes' RBAC: what a manifest allows a group, and what a request asks for.

Source: Kubernetes' pages "Using RBAC Authorization" and "Authorization: Review your request attributes".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PATH = re.compile(r"^/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
                   r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[^/]+))?$")


@dataclass(frozen=True, order=True)
class Right:
    """A verb on a kind of object: what a rule gives, or a request needs."""

    verb: str
    group: str
    """The API group; empty: the core."""
    resource: str
    """Its plural, with a subresource after a slash: ``pods/eviction``."""
    name: str = ""
    """Of a rule: the only object; of a request: the object. Empty: all, or none."""

    def covers(self, asked: Right) -> bool:
        """Whether a rule's right allows a request."""
        return (self.verb, self.group, self.resource) == (asked.verb, asked.group, asked.resource) and (
            not self.name or self.name == asked.name)


def rights(manifests: Iterable[Mapping[str, Any]]) -> dict[str, set[Right]]:
    """Return what each group may do, by Roles and ClusterRoles and their bindings; raises KeyError for a missing role.

    A wildcard in a rule raises ValueError: the responder's manifests have none.
    """
    listed = [item for item in manifests if item]
    roles = {(item["kind"], item["metadata"]["name"]): item["rules"] for item in listed
             if item["kind"] in ("Role", "ClusterRole")}
    found: dict[str, set[Right]] = {}
    for item in listed:
        if item["kind"] in ("RoleBinding", "ClusterRoleBinding"):
            rules = roles[item["roleRef"]["kind"], item["roleRef"]["name"]]
            for subject in item["subjects"]:
                found.setdefault(subject["name"], set()).update(
                    _right(verb, group, resource, name) for rule in rules for verb in rule["verbs"]
                    for group in rule["apiGroups"] for resource in rule["resources"]
                    for name in rule.get("resourceNames", [""]))
    return found


def asked(method: str, path: str) -> Right | None:
    """Return what a request asks for; None where its path is no object's."""
    found = _PATH.match(path)
    if not found:
        return None
    resource, name, sub = found["resource"], found["name"] or "", found["sub"]
    verb = ("get" if name else "list") if method == "GET" else _VERBS[method]
    return Right(verb, found["group"] or "", f"{resource}/{sub}" if sub else resource, name)


def _right(verb: str, group: str, resource: str, name: str) -> Right:
    if "*" in (verb, group, resource):
        raise ValueError("a rule with a wildcard")
    return Right(verb, group, resource, name)
