"""A Kubernetes cluster as whoever runs the doctor reaches it: by kubeconfig, or by EKS with their AWS identity.

Sources: Kubernetes' pages "User impersonation", "Kubernetes API Concepts" (dry-run) and "Authorization" (checking API
access); the EKS User Guide's page "Connect kubectl to an EKS cluster".
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from cli.doctor.account import Account, is_missing
from cli.doctor.model import NotKnown
from kubernetes import client, config
from responder.clients.kubernetes import token

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
            answer.read()  # type: ignore[no-untyped-call]
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


def by_context(context: str) -> Connect:
    """Return a way to clusters by a context of the kubeconfig."""
    def connect(account: Account, name: str) -> Cluster:
        try:
            return Cluster(config.new_client_from_config(context=context), name)  # type: ignore[no-untyped-call]
        except (ConfigException, OSError) as error:
            raise NotKnown(f"the kubeconfig gives no way to {name}: {error}", "another --context") from error

    return connect


def by_eks(account: Account, name: str) -> Cluster:
    """Return a cluster by what EKS says of it, with a token of one's own AWS identity; raises NotKnown."""
    with account.asking("eks"):
        try:
            described = account.client("eks").describe_cluster(name=name)["cluster"]
        except ClientError as error:
            if is_missing(error):
                raise NotKnown(f"EKS has no cluster {name} in account {account.id}, {account.region}",
                               "cluster.name in the configuration") from error
            raise
    endpoint, authority = described.get("endpoint"), (described.get("certificateAuthority") or {}).get("data")
    if not endpoint or not authority:
        raise NotKnown(f"EKS says that {name} is {described.get('status')}, without an endpoint")
    settings = client.Configuration(host=endpoint)
    # The package takes an authority as a file alone.
    with tempfile.NamedTemporaryFile(suffix=".crt", delete=False) as file:
        file.write(base64.b64decode(authority))
    settings.ssl_ca_cert = file.name
    settings.api_key = {"authorization": f"Bearer {token(name, account.client('sts'))}"}
    return Cluster(client.ApiClient(settings), name)


def named(items: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return objects by their names."""
    return {str(item["metadata"]["name"]): item for item in items}
