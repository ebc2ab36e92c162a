"""Controllers and tools of a busy account write as the real ones do, by what the API server keeps of them."""

from __future__ import annotations

import pytest

from sandbox.account import writers
from sandbox.platform.objects import deployment, nodes
from tests.cluster.conftest import DEPLOYMENTS, Api

FRONTEND = f"{DEPLOYMENTS}/frontend"


@pytest.fixture
def written(api: Api) -> set[tuple[str, str]]:
    """Managers that own fields of the frontend, and the subresource under which they wrote."""
    api.cluster.apply(writers.installed(deployment("frontend", "1.0.0", 3)), writers.HELM)
    writers.write(api.cluster, 2)
    return {(item["manager"], item.get("subresource", "")) for item in api.get(FRONTEND)["metadata"]["managedFields"]}


def test_the_autoscaler_owns_the_replicas_by_the_scale_subresource(api: Api, written: set[tuple[str, str]]) -> None:
    """Kubernetes' page "Server-Side Apply": writes to ``scale`` are tracked with their subresource."""
    assert {(writers.HPA, "scale"), (writers.HELM, "")} <= written
    frontend = api.get(FRONTEND)
    assert frontend["spec"]["replicas"] == 2
    owned = next(item["fieldsV1"] for item in frontend["metadata"]["managedFields"]
                 if item["manager"] == writers.HPA and item.get("subresource") == "scale")
    assert owned == {"f:spec": {"f:replicas": {}}}


def test_karpenters_taint_is_gone_and_its_name_stays(api: Api, written: set[tuple[str, str]]) -> None:
    node = api.get(f"/api/v1/nodes/{nodes()[2]['metadata']['name']}")
    assert writers.KARPENTER in {item["manager"] for item in node["metadata"]["managedFields"]}
    assert not [taint for taint in node["spec"].get("taints", []) if taint["key"].startswith("karpenter")]
    assert written
