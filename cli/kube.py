"""The Kubernetes API as a person's kubeconfig reaches it, read only: lists by path, page by page.

Formats: the Kubernetes API reference, "API Concepts" (``limit`` and ``continue``; 410 where a list has expired), and
AWS's page "Connect kubectl to an EKS cluster by creating a kubeconfig file" for the names of contexts.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml
from botocore.exceptions import BotoCoreError, ClientError
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException

from cli.output import NOT_ASKED, Refused
from kubernetes import client, config
from responder.clients.kubernetes import token

_PAGE = 500
_MOST_PAGES = 200
_TIMEOUT_SECONDS = (5.0, 30.0)
"""To connect, and to read."""


class Kube:
    """A few lists; each raises ApiException where the API server refuses, and urllib3's errors where none answers."""

    def __init__(self, api: client.ApiClient, where: str) -> None:
        self._api, self.where = api, where
        """Which API server it is, for people."""

    @property
    def api(self) -> client.ApiClient:
        """The package's client, for other requests than lists."""
        return self._api

    def items(self, path: str, namespace: str = "") -> Iterator[dict[str, Any]]:
        """Yield all objects of a list, as plain data: ``items("apis/apps/v1/deployments", "payments")``."""
        group, _, plural = path.rpartition("/")
        place = f"/{group}/namespaces/{quote(namespace, safe='')}/{plural}" if namespace else f"/{path}"
        following = ""
        for _ in range(_MOST_PAGES):
            try:
                answer = self.get(place, {"limit": str(_PAGE), **({"continue": following} if following else {})})
            except ApiException as error:
                # The list is older than what etcd keeps: the answer has a token for the rest, as it is now.
                following = _later(error)
                if not following:
                    raise
                continue
            yield from answer.get("items") or []
            following = (answer.get("metadata") or {}).get("continue") or ""
            if not following:
                return

    def groups(self) -> dict[str, str]:
        """Return the API groups that are served, each with its preferred version: ``{"apps": "apps/v1"}``."""
        return {group["name"]: group["preferredVersion"]["groupVersion"]
                for group in self.get("/apis", {}).get("groups") or []}

    def serves(self, group_version: str, plural: str) -> bool:
        """Whether a kind is served."""
        return any(kind["name"] == plural for kind in self.get(f"/apis/{group_version}", {}).get("resources") or [])

    def get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer to one GET; raises ApiException for what is no success."""
        headers = {"Accept": "application/json", "User-Agent": "responder-init"}
        self._api.update_params_for_auth(headers, [], ["BearerToken"], path, "GET", None)
        url = f"{self._api.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        answer = self._api.call_api("GET", url, header_params=headers, _request_timeout=_TIMEOUT_SECONDS)
        answer.read()  # type: ignore[no-untyped-call]  # the package has no types
        if answer.status >= 300:
            raise ApiException(http_resp=answer)
        value = json.loads(answer.data or b"{}")
        return value if isinstance(value, dict) else {}


def _later(error: ApiException) -> str:
    """Return the token by which an expired list goes on; empty where there is none."""
    if error.status != 410:
        return ""
    try:
        return str((json.loads(error.body or "{}").get("metadata") or {}).get("continue") or "")
    except ValueError:
        return ""


def connect(cluster: str, context: str, session: Any) -> Kube:
    """Return the API server of an EKS cluster; raises Refused.

    ``context`` of the kubeconfig is used where one is named. Else it is the context with the endpoint that EKS gives
    the cluster, so that the wrong cluster is not read by accident; where there is none, the AWS identity signs a token.
    """
    contexts = _contexts()
    if context:
        if context not in contexts:
            raise Refused(f"--context {context}: expected one of the kubeconfig's: "
                          f"{', '.join(sorted(contexts)) or 'none'}")
        return _of_context(context)
    try:
        described = session.client("eks").describe_cluster(name=cluster)["cluster"]
    except (ClientError, BotoCoreError) as error:
        named = [name for name in contexts if _is_of(cluster, name)]
        if len(named) != 1:
            raise Refused(f"EKS does not tell of the cluster {cluster} ({error}), and {len(named)} contexts of the "
                          "kubeconfig bear its name; name one with --context", NOT_ASKED) from error
        return _of_context(named[0])
    fitting = [name for name, server in contexts.items() if server == described.get("endpoint")]
    if fitting:
        return _of_context(fitting[0])
    return _by_token(cluster, described, session)


def _of_context(context: str) -> Kube:
    try:
        # The package has no types, and reads KUBECONFIG only while it is imported.
        made: client.ApiClient = config.new_client_from_config(  # type: ignore[no-untyped-call]
            config_file=_kubeconfig(), context=context, persist_config=False)
    except ConfigException as error:
        raise Refused(f"the kubeconfig's context {context} cannot be used: {error}", NOT_ASKED) from error
    return Kube(made, f"the kubeconfig's context {context}")


def _by_token(cluster: str, described: Mapping[str, Any], session: Any) -> Kube:
    endpoint, authority = described.get("endpoint"), (described.get("certificateAuthority") or {}).get("data")
    if not endpoint or not authority:
        raise Refused(f"EKS says that the cluster {cluster} is {described.get('status')}, without an endpoint",
                      NOT_ASKED)
    made = client.Configuration(host=endpoint)
    # The package takes a certificate authority by its file alone.
    with tempfile.NamedTemporaryFile(suffix=".crt", delete=False) as file:
        file.write(base64.b64decode(authority))
    try:
        made.ssl_ca_cert = file.name
        made.api_key = {"authorization": f"Bearer {token(cluster, session.client('sts'))}"}
        return Kube(client.ApiClient(made), f"EKS' endpoint of {cluster}")
    finally:
        Path(file.name).unlink(missing_ok=True)


def contexts_of_clusters() -> list[str]:
    """Return the names of EKS clusters that the kubeconfig has contexts of."""
    return sorted({name.rpartition("cluster/")[2] for name in _contexts() if ":cluster/" in name})


def _kubeconfig() -> str:
    """Return the kubeconfig's files, as kubectl finds them."""
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def _contexts() -> dict[str, str]:
    """Return the kubeconfig's contexts, each with its server."""
    contexts: dict[str, str] = {}
    servers: dict[str, str] = {}
    for name in _kubeconfig().split(os.pathsep):
        try:
            loaded = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        # Of several files the first one that has a name counts.
        for one in (loaded or {}).get("clusters") or []:
            servers.setdefault(one["name"], (one.get("cluster") or {}).get("server", ""))
        for one in (loaded or {}).get("contexts") or []:
            contexts.setdefault(one["name"], (one.get("context") or {}).get("cluster", ""))
    return {name: servers.get(cluster, "") for name, cluster in contexts.items()}


def _is_of(cluster: str, context: str) -> bool:
    """Whether a context bears a cluster's name, as ``aws eks update-kubeconfig`` and eksctl call it."""
    return context == cluster or context.endswith(f":cluster/{cluster}") or f"@{cluster}." in context
