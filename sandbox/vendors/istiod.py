"""istiod's webhook, which puts the mesh's proxy into each pod that is created (``sandbox/platform/mesh.py``).

Sources: Istio's page "Dynamic Admission Webhooks Overview"; Kubernetes' page "Dynamic Admission Control".
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from sandbox.places import NAMESPACE
from sandbox.platform.cluster import Object
from sandbox.platform.mesh import inject
from sandbox.platform.shape import Shape
from sandbox.vendors.gate import Answer

INJECTED = {"istio-injection": "enabled"}
"""The label of a namespace whose pods get the proxy."""


def webhook(port: int, authority: Path) -> Object:
    """istiod's MutatingWebhookConfiguration, for an injector on this machine; ``authority`` signed its certificate."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "istio-sidecar-injector", "labels": {"app": "sidecar-injector"}},
        "webhooks": [{
            "name": "namespace.sidecar-injector.istio.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "failurePolicy": "Fail", "reinvocationPolicy": "Never", "timeoutSeconds": 10,
            "clientConfig": {"url": f"https://127.0.0.1:{port}/inject",
                             "caBundle": base64.b64encode(authority.read_bytes()).decode()},
            "namespaceSelector": {"matchLabels": INJECTED},
            "objectSelector": {"matchExpressions": [
                {"key": "sidecar.istio.io/inject", "operator": "NotIn", "values": ["false"]}]},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
                       "scope": "*"}]}]}


def namespace() -> Object:
    """The platform's namespace, in which pods get the proxy."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": INJECTED}}


def review(shape: Shape, body: bytes) -> Answer:
    """Answer an AdmissionReview of a pod that is created."""
    asked = json.loads(body)["request"]
    injected = inject(shape, asked["object"])
    patch = [{"op": "add", "path": f"/{part}/{field}", "value": value}
             for part in ("metadata", "spec") for field, value in injected[part].items()
             if value != asked["object"][part].get(field)]
    response = {"uid": asked["uid"], "allowed": True, "patchType": "JSONPatch",
                "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
    return Answer(200, json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                                   "response": response}).encode())
