"""The sandbox's own access to the Kubernetes API, as the cluster's administrator."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import DynamicApiError, NotFoundError

from kubernetes import client, dynamic
from sandbox.places import NAMESPACE
from sandbox.platform.merge import difference, merged

Object = dict[str, Any]
APPLIED, EDITED = "kubectl-client-side-apply", "kubectl-edit"
"""Names under which people's tools write fields."""


class Cluster:
    """A few verbs over any kind of object; kinds are found by API discovery."""

    def __init__(self, server: str, ca: str, token: str) -> None:
        configuration = client.Configuration(host=server)
        configuration.ssl_ca_cert = ca
        configuration.api_key = {"authorization": f"Bearer {token}"}
        self._api = client.ApiClient(configuration)
        self._slices = ""
        """The version of EndpointSlices that is served, once it is known."""

    @cached_property
    def _dynamic(self) -> dynamic.DynamicClient:
        return dynamic.DynamicClient(self._api)

    def forget_kinds(self) -> None:
        """Ask the API server anew which kinds it knows; to be called after definitions came or went."""
        self._dynamic.resources.invalidate_cache()

    def items(self, path: str) -> list[Object]:
        """List by path, as plain data: ``/api/v1/pods``; from the API server's cache, which saves etcd the reads."""
        answer: Object = self.request("GET", f"{path}?resourceVersion=0")
        return list(answer["items"])

    def slices(self) -> list[Object]:
        """The EndpointSlices of the platform's namespace; before Kubernetes 1.21 they were a beta."""
        if not self._slices:
            self._slices = next(version for version in ("v1", "v1beta1") if self.serves(f"discovery.k8s.io/{version}"))
        return self.items(f"/apis/discovery.k8s.io/{self._slices}/namespaces/{NAMESPACE}/endpointslices")

    def patch_status(self, path: str, status: Object) -> None:
        """Write an object's status; does nothing if the object is gone."""
        self.merge(f"{path}/status", {"status": status})

    def merge(self, path: str, body: Object) -> None:
        """Merge into an object at a path; does nothing if the object is gone."""
        try:
            self.request("PATCH", path, body, "application/merge-patch+json")
        except ApiException as error:
            if error.status not in (404, 409):
                raise

    def create(self, path: str, body: Object) -> None:
        """Create an object at a path; does nothing if it exists."""
        try:
            self.request("POST", path, body)
        except ApiException as error:
            if error.status != 409:
                raise

    def delete_now(self, path: str) -> None:
        """Delete an object without any grace."""
        try:
            self.request("DELETE", path, {"gracePeriodSeconds": 0})
        except ApiException as error:
            if error.status not in (404, 409):
                raise

    def try_delete(self, path: str) -> None:
        """Delete by path, an object or a collection; does nothing where that is not there or cannot be deleted so."""
        try:
            self.request("DELETE", path)
        except ApiException as error:
            if error.status not in (403, 404, 405, 409):
                raise

    def apply(self, manifest: Object, manager: str = APPLIED) -> Object:
        """Create an object, or make it what the manifest says; returns it as it is then.

        ``manager`` is the name under which the fields are written (Kubernetes' page "Server-Side Apply").

        An API version that this Kubernetes does not serve (yet, or any more) is replaced by the one that it does.
        """
        resource = self._resource(manifest["kind"], manifest.get("apiVersion"))
        manifest = {**manifest, "apiVersion": resource.group_version}
        namespace = self._namespace(resource, manifest["metadata"])
        try:
            done: Object = resource.create(body=manifest, namespace=namespace, field_manager=manager).to_dict()
        except DynamicApiError as error:
            if error.status != 409:
                raise
            done = resource.patch(body=manifest, name=manifest["metadata"]["name"], namespace=namespace,
                                  content_type="application/merge-patch+json", field_manager=manager).to_dict()
        return done

    def patch(self, kind: str, name: str, patch: Object, namespace: str | None = None, *,
              strategic: bool = True, manager: str = EDITED) -> Object:
        """Patch an object, strategically (lists merge by name or port) or by RFC 7386; returns it as it is then."""
        resource = self._resource(kind)
        if strategic and "." in resource.group and not resource.group.endswith(".k8s.io"):
            # The API server refuses strategic patches of custom resources.
            now = self.get(kind, name, namespace)
            patch, strategic = difference(now or {}, merged(now, patch)), False
        done: Object = resource.patch(
            body=patch, name=name, namespace=self._namespace(resource, {"namespace": namespace}), field_manager=manager,
            content_type=f"application/{'strategic-merge-patch' if strategic else 'merge-patch'}+json").to_dict()
        return done

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """Return an object, or None."""
        resource = self._resource(kind)
        try:
            found: Object = resource.get(
                name=name, namespace=self._namespace(resource, {"namespace": namespace})).to_dict()
        except NotFoundError:
            return None
        return found

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete an object; does nothing if it is not there."""
        resource = self._resource(kind)
        try:
            resource.delete(name=name, namespace=self._namespace(resource, {"namespace": namespace}),
                            body={"propagationPolicy": "Background"})
        except NotFoundError:
            pass

    def request(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """Ask by path, and return the answer as plain data; raises ApiException for what is no success."""
        path, _, query = path.partition("?")
        answer = self._api.call_api(
            method, self._api.configuration.host + path + (f"?{query}" if query else ""),
            header_params={"Content-Type": kind, "Accept": "application/json",
                           "Authorization": self._api.configuration.api_key["authorization"]}, body=body)
        answer.read()
        if answer.status >= 300:
            raise ApiException(http_resp=answer)
        return json.loads(answer.data or b"null")

    def serves(self, group_version: str) -> bool:
        """Whether the API server has a version of a group: ``autoscaling/v2``."""
        try:
            self.request("GET", f"/apis/{group_version}")
        except ApiException as error:
            if error.status != 404:
                raise
            return False
        return True

    def _resource(self, kind: str, api: str | None = None) -> Any:
        found = self._dynamic.resources.search(kind=kind, **({"api_version": api} if api else {}))
        if api and "/" in api and not found:
            found = self._dynamic.resources.search(kind=kind, group=api.split("/")[0])
        usable = [item for item in found if not item.kind.endswith("List")]
        if not usable:
            raise ValueError(f"the Kubernetes API knows no {api or ''} {kind}")
        return next((item for item in usable if item.preferred), usable[0])

    @staticmethod
    def _namespace(resource: Any, metadata: Object) -> str | None:
        return (metadata.get("namespace") or NAMESPACE) if resource.namespaced else None
