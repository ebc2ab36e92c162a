"""Prometheus: the mesh's own count of calls between workloads, and how request metrics are called.

Formats: Prometheus' "HTTP API" (``/api/v1/query``, ``/api/v1/label/__name__/values``); Istio's "Standard Metrics"
(``istio_requests_total`` with ``source_workload``, ``destination_service``).
"""

from __future__ import annotations

import json
from typing import Any

from cli.init.facts import Call, MeshCalls
from cli.init.readers import Asked, Known, Reader

_CONVENTIONS = (("opentelemetry", "http_server_request_duration_seconds_count"),
                ("spring", "http_server_requests_seconds_count"), ("istio", "istio_requests_total"),
                ("http", "http_requests_total"))


def read(asked: Asked, known: Known) -> MeshCalls:
    """Return the calls of the last hour that the mesh counted, and the convention of the request metrics."""
    there = {name for _, name in _CONVENTIONS if _query(asked, known, f"count({name})")}
    found = next((convention for convention, name in _CONVENTIONS if name in there), "")
    if "istio_requests_total" not in there:
        return MeshCalls(metrics=found)
    rows = _query(asked, known, "sum by (source_workload, destination_service) (increase(istio_requests_total{"
                                f'reporter="source",source_workload_namespace={json.dumps(asked.namespace)}'
                                "}[1h])) > 0")
    return MeshCalls(tuple(Call(
        row["metric"].get("source_workload", ""), row["metric"].get("destination_service", "").lower(),
        int(float(row["value"][1])), "Istio's metrics of the last hour") for row in rows), found)


def _query(asked: Asked, known: Known, promql: str) -> list[dict[str, Any]]:
    answer = known.http.get(f"{asked.prometheus_url.rstrip('/')}/api/v1/query", params={"query": promql})
    if answer.status_code != 200:
        raise ValueError(f"Prometheus answered with status {answer.status_code}")
    return list((answer.json().get("data") or {}).get("result") or [])


READER = Reader(
    name="mesh", title="the mesh's metrics in Prometheus", part=MeshCalls, read=read, rights=("to query it",),
    applies=lambda asked: bool(asked.prometheus_url))
