"""The Kubernetes API of an EKS cluster, spoken over HTTPS with the caller's own AWS identity.

There is no kubeconfig and no stored token: the endpoint and its certificate come from ``eks:DescribeCluster``, and the
token is a presigned STS GetCallerIdentity URL (AWS: "Access Amazon EKS using Kubernetes access entries"; the format is
that of aws-iam-authenticator). What the caller may do is decided by RBAC in the cluster.

Why not the ``kubernetes`` package: it costs about a second of cold start, most of it for classes of objects that are
not touched here (docs/dependencies.md has the figures).
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from responder.clients import aws, gate
from responder.clients.bounded_json import parsed
from responder.clients.failure import CallFailed
from responder.clients.http import Http

_PAGE = 500
_TOKEN_SECONDS = 60


class NotFound(KeyError):
    """The object is not there; its one argument is ``plural/name``."""


class Refused(Exception):
    """The API server refused a write; ``code`` is the HTTP status, ``reason`` Kubernetes' own word for it."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{reason or code}: {message}")
        self.code = code
        self.reason = reason
        self.message = message


class Kubernetes:
    """A few verbs over any resource: ``items``, ``get``, ``patch``, ``create``, ``delete``, ``evict``.

    Resources are named by API path, ``"api/v1"`` or ``"apis/apps/v1"``, and plural.
    """

    def __init__(self, http: Http, server: str) -> None:
        self._http = http
        self._server = server.rstrip("/")

    def items(self, api: str, plural: str, namespace: str = "", limit: int = 5000,
              **query: str) -> Iterator[dict[str, Any]]:
        """Yield objects page by page, at most ``limit``; raises CallFailed."""
        token, seen = "", 0
        while True:
            answer = self._http.json("GET", self._url(api, plural, namespace), params={
                "limit": str(min(_PAGE, limit - seen)), **({"continue": token} if token else {}), **query})
            if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
                raise CallFailed("malformed", "the Kubernetes API answered without a list of items")
            for item in answer["items"]:
                if not isinstance(item, dict):
                    raise CallFailed("malformed", "the Kubernetes API answered with an item that is no object")
                seen += 1
                yield item
            metadata = answer.get("metadata")
            token = str(metadata.get("continue") or "") if isinstance(metadata, dict) else ""
            if not token or seen >= limit:
                return

    def get(self, api: str, plural: str, namespace: str, name: str) -> dict[str, Any]:
        """Return one object; raises CallFailed, NotFound where it does not exist."""
        try:
            answer = self._http.json("GET", self._url(api, plural, namespace, name, of_object=True))
        except CallFailed as failed:
            if failed.http_status == 404:
                raise NotFound(f"{plural}/{name}") from failed
            raise
        if not isinstance(answer, dict):
            raise CallFailed("malformed", "the Kubernetes API answered without an object")
        return answer

    def patch(self, api: str, plural: str, namespace: str, name: str, patch: Any, *, manager: str,
              kind: str = "application/json-patch+json", subresource: str = "") -> dict[str, Any]:
        """Patch one object and return its new state. It never retries; a retry is the caller's decision.

        ``subresource`` is one of the object's own paths: ``scale``. Raises Refused (409 conflict, 422 a failed
        ``test``, 403 …) or CallFailed.
        """
        url = self._url(api, plural, namespace, name, of_object=True) + (f"/{subresource}" if subresource else "")
        return self._written("PATCH", url, json.dumps(patch), kind, manager)

    def create(self, api: str, plural: str, namespace: str, body: Any, *, manager: str) -> dict[str, Any]:
        """Create one object; raises Refused (409: it exists already) or CallFailed. It never retries."""
        return self._written("POST", self._url(api, plural, namespace), json.dumps(body), "application/json", manager)

    def delete(self, api: str, plural: str, namespace: str, name: str, uid: str) -> dict[str, Any]:
        """Delete one object, only if it is still the one with this uid; raises Refused or CallFailed."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid},
                   "propagationPolicy": "Background"}
        return self._written("DELETE", self._url(api, plural, namespace, name, of_object=True), json.dumps(options),
                             "application/json", "")

    def evict(self, namespace: str, name: str, uid: str) -> None:
        """Evict a pod, so that disruption budgets hold; raises Refused (429: a budget forbids it) or CallFailed."""
        url = self._url("api/v1", "pods", namespace, name, of_object=True) + "/eviction"
        for version in ("v1", "v1beta1"):
            try:
                self._written("POST", url, json.dumps({
                    "apiVersion": f"policy/{version}", "kind": "Eviction",
                    "metadata": {"name": name, "namespace": namespace},
                    "deleteOptions": {"preconditions": {"uid": uid}}}), "application/json", "")
                return
            except Refused as refused:
                # Before Kubernetes 1.22 an eviction is of policy/v1beta1 only.
                if version == "v1beta1" or refused.code not in (400, 404):
                    raise

    def _written(self, method: str, url: str, content: str, kind: str, manager: str) -> dict[str, Any]:
        gate.check(f"{method} {url.rpartition('/')[2]}")
        response = self._http.answer(method, url, params={"fieldManager": manager} if manager else {},
                                     headers={"Content-Type": kind}, content=content)
        if response.status_code == 401:
            raise CallFailed("unauthorized", "the Kubernetes API refused the credentials (401)", http_status=401)
        if response.status_code < 300:
            gate.made()
        answer = parsed(response.content, "the Kubernetes API")
        if not isinstance(answer, dict):
            raise CallFailed("malformed", "the Kubernetes API answered without an object")
        if response.status_code >= 300:
            raise Refused(response.status_code, str(answer.get("reason", "")), str(answer.get("message", "")))
        return answer

    def _url(self, api: str, plural: str, namespace: str, name: str = "", *, of_object: bool = False) -> str:
        parts = [self._server, api]
        if namespace:
            parts += ["namespaces", _segment(namespace)]
        parts.append(plural)
        if of_object:
            parts.append(_segment(name))
        return "/".join(parts)


def _segment(name: str) -> str:
    """Return a name as a part of a path; raises CallFailed for one that would lead to another object.

    Source: Kubernetes' page "Object Names and IDs", "Path Segment Names". An HTTP client takes ``..`` out of a path.
    """
    if name in ("", ".", "..") or "/" in name or "%" in name:
        raise CallFailed("malformed", f"{name[:100]!r} is no name of an object in Kubernetes")
    return quote(name, safe="")


def connect(cluster: str, deadline: float) -> Kubernetes:
    """Return a client for the EKS cluster called ``cluster``; raises CallFailed.

    A cluster that EKS does not call ACTIVE is reported as such: the API that is gone cannot say so itself.
    """
    with aws.failures("EKS"):
        described = aws.client("eks").describe_cluster(name=cluster)["cluster"]
    endpoint, authority = described.get("endpoint"), (described.get("certificateAuthority") or {}).get("data")
    if not endpoint or not authority:
        raise CallFailed("unavailable", f"EKS says that {cluster} is {described.get('status')}, without an endpoint")
    try:
        context = ssl.create_default_context(cadata=base64.b64decode(authority).decode("ascii"))
    except (ValueError, TypeError, ssl.SSLError) as error:
        raise CallFailed("malformed", f"EKS answered with no certificate for {cluster}") from error
    http = Http(deadline, headers={"Authorization": f"Bearer {token(cluster)}", "Accept": "application/json"},
                verify=context)
    return Kubernetes(http, endpoint)


def token(cluster: str, sts: Any = None) -> str:
    """Return a token that proves the caller's AWS identity to ``cluster``, good for 15 minutes on the server's side.

    ``sts``: boto3's client in whose name it is signed; the function's own where it is not given.
    """
    sts = sts or aws.client("sts")

    def sign_cluster(request: Any, **_: Any) -> None:
        request.headers["x-k8s-aws-id"] = cluster

    sts.meta.events.register("before-sign.sts.GetCallerIdentity", sign_cluster)
    try:
        url = sts.generate_presigned_url("get_caller_identity", Params={}, ExpiresIn=_TOKEN_SECONDS, HttpMethod="GET")
    finally:
        sts.meta.events.unregister("before-sign.sts.GetCallerIdentity", sign_cluster)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
