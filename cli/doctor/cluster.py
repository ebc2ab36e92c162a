"""A Kubernetes cluster as whoever runs the doctor reaches it: by kubeconfig, or by EKS with their AWS identity.

Sources: Kubernetes' pages "User impersonation", "Kubernetes API Concepts" (dry-run) and "Authorization" (checking API
access); the EKS User Guide's page "Connect kubectl to an EKS cluster".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from cli.doctor.account import Account
from cli.doctor.model import NotKnown
from cli.kube import connect
from cli.output import Refused
from kubernetes import client

_SECONDS = (3, 15)
"""To connect, and to read."""
_PAGE = 500
_USER = "incident-responder-doctor"
"""The user of impersonated requests; only their group has rights."""


@dataclass(frozen=True)
class Answer:
    """What the API server answered."""

    status: int
    value: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether the request succeeded."""
        return self.status < 300

    @property
    def message(self) -> str:
        """What the API server says of a refusal."""
        return str(self.value.get("message") or f"status {self.status}")[:300]


class Cluster:
    """A few questions over any kind of object, by API path."""

    def __init__(self, api: client.ApiClient, name: str) -> None:
        self._api, self.name = api, name

    def request(self, method: str, path: str, body: Any = None, *, group: str = "",
                kind: str = "application/json") -> Answer:
        """Ask by path, as a member of ``group`` where one is given; raises NotKnown where no answer comes at all.

        Only requests with ``dryRun=All`` and reviews may be anything but reads; the caller sees to that.
        """
        headers = {"Accept": "application/json", "Content-Type": kind}
        for setting in self._api.configuration.auth_settings().values():
            if setting.get("in") == "header" and setting.get("value"):
                headers["Authorization"] = setting["value"]
        if group:
            headers |= {"Impersonate-User": _USER, "Impersonate-Group": group}
        try:
            answer = self._api.call_api(method, self._api.configuration.host.rstrip("/") + path, header_params=headers,
                                        body=body, _request_timeout=_SECONDS)
            answer.read()  # type: ignore[no-untyped-call]  # the package has no types
        except (HTTPError, ApiException, OSError) as error:
            raise NotKnown(f"the API server of {self.name} could not be reached: {type(error).__name__}",
                           "run it where the cluster's endpoint is reached, or name a --context of your kubeconfig"
                           ) from error
        if answer.status == 401:
            raise NotKnown(f"the cluster {self.name} does not know you",
                           "add an access entry for your role to the cluster, or name a --context of your kubeconfig")
        try:
            value = json.loads(answer.data or b"{}")
        except ValueError:
            value = {}
        return Answer(answer.status, value if isinstance(value, dict) else {}, dict(answer.headers))

    def get(self, path: str) -> dict[str, Any] | None:
        """Return an object; None where it is not there. Raises NotKnown where it may not be read."""
        answer = self.request("GET", path)
        if answer.status == 404:
            return None
        if not answer.well:
            raise NotKnown(f"you may not read {path} in {self.name}: {answer.message}",
                           f"a role that may get {path.rpartition('/')[0]}")
        return answer.value

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield the objects of a collection, page by page; raises NotKnown where they may not be listed."""
        following = ""
        while True:
            more = f"&continue={following}" if following else ""
            answer = self.request("GET", f"{path}{'&' if '?' in path else '?'}limit={_PAGE}{more}")
            if answer.status == 404:
                return
            if not answer.well:
                raise NotKnown(f"you may not list {path} in {self.name}: {answer.message}",
                               f"a role that may list {path}")
            yield from answer.value.get("items", [])
            following = str(answer.value.get("metadata", {}).get("continue") or "")
            if not following:
                return

    def may(self, group: str, verb: str, resource: str, *, api_group: str = "", namespace: str = "",
            name: str = "") -> bool:
        """Whether a member of a group may do something, by a SubjectAccessReview; raises NotKnown."""
        resource, _, subresource = resource.partition("/")
        attributes = {"verb": verb, "group": api_group, "resource": resource, "subresource": subresource,
                      "namespace": namespace, "name": name}
        answer = self.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
                "user": _USER, "groups": [group, "system:authenticated"],
                "resourceAttributes": {key: value for key, value in attributes.items() if value}}})
        if not answer.well:
            raise NotKnown(f"you may not ask {self.name} what others may do: {answer.message}",
                           "a role that may create subjectaccessreviews in the API group authorization.k8s.io")
        return bool(answer.value.get("status", {}).get("allowed"))


Connect = Callable[[Account, str], Cluster]
"""Connects to the cluster of a name in an account; raises NotKnown."""


def by(context: str) -> Connect:
    """Return the way to clusters: by a context of the kubeconfig, or as ``cli/kube.py`` finds one."""
    def connected(account: Account, name: str) -> Cluster:
        try:
            return Cluster(connect(name, context, account.session).api, name)
        except Refused as failed:
            raise NotKnown(str(failed), "name a --context of your kubeconfig, or let your role describe the cluster"
                           ) from failed

    return connected


def named(items: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return objects by their names."""
    return {str(item["metadata"]["name"]): item for item in items}
