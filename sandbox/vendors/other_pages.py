"""A status page of other makes, made of what Statuspage's would say.

Formats: Instatus, "Publicly available Data" (``summary.json``) and its ``v3/components.json``; Better Stack, "JSON API
status" (``index.json``, JSON:API).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_INSTATUS = {"none": "UP", "maintenance": "UNDERMAINTENANCE"}
_BETTER_STACK = {"operational": "operational", "degraded_performance": "degraded", "partial_outage": "downtime",
                 "major_outage": "downtime", "under_maintenance": "maintenance"}


def _instatus(summary: Mapping[str, Any]) -> dict[str, Any]:
    page = summary["page"]
    return {
        "page": {"name": page["name"], "url": page["url"],
                 "status": _INSTATUS.get(summary["status"]["indicator"], "HASISSUES")},
        "activeIncidents": [
            {"id": item["id"], "name": item["name"], "started": item["started_at"], "status": item["status"].upper(),
             "impact": _shouted(item["components"][0]["status"]), "url": item["shortlink"],
             "updatedAt": item["updated_at"]} for item in summary["incidents"]],
        "activeMaintenances": [
            {"id": item["id"], "name": item["name"], "start": item["scheduled_for"], "status": "INPROGRESS",
             "duration": "60", "url": item["shortlink"], "updatedAt": item["updated_at"]}
            for item in summary["scheduled_maintenances"]]}


def _instatus_components(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {"components": [
        {"id": item["id"], "name": item["name"], "description": "", "status": _shouted(item["status"]), "group": None}
        for item in summary["components"]]}


def _shouted(status: str) -> str:
    return status.replace("_", "").upper()


def _better_stack(summary: Mapping[str, Any]) -> dict[str, Any]:
    page = summary["page"]
    states = [_BETTER_STACK[item["status"]] for item in summary["components"]]
    worst = next((state for state in ("downtime", "degraded", "maintenance") if state in states), "operational")
    parts = [{"id": item["id"], "type": "status_page_resource", "attributes": {
        "resource_id": index, "resource_type": "Monitor", "public_name": item["name"], "explanation": "",
        "status": state, "availability": 0.9999, "status_history": []}}
        for index, (item, state) in enumerate(zip(summary["components"], states, strict=True), 1)]
    reports = [{"id": item["id"], "type": "status_report", "attributes": {
        "title": item["name"], "report_type": kind, "starts_at": item["started_at"], "ends_at": None,
        "aggregate_state": worst, "affected_resources": [
            {"status_page_resource_id": part["id"], "status": _BETTER_STACK[part["status"]]}
            for part in item["components"]]}}
        for kind, items in (("manual", summary["incidents"]), ("maintenance", summary["scheduled_maintenances"]))
        for item in items]
    return {"data": {"id": page["id"], "type": "status_page", "attributes": {
        "company_name": page["name"], "company_url": page["url"], "timezone": "UTC", "announcement": None,
        "aggregate_state": worst, "updated_at": page["updated_at"]}}, "included": [*parts, *reports]}


MAKES: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "summary.json": _instatus, "v3/components.json": _instatus_components, "index.json": _better_stack}
"""The path of each page to what it shows."""
