"""What the engine keeps of before the platform began anew: CloudWatch's metrics, the change ledger's changes, and what
has ended.

A question belongs to the beginning in which its stretch of time ends: the EndTime of GetMetricData, and the upper bound
of a query for changes (``CHANGE#time~``, ``records/ledger.py``). All other calls see what is there now.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, json_response
from ministack.services import cloudwatch, cloudwatch_logs, dynamodb, stepfunctions

from sandbox.platform.past import Past

_STREAM_SECONDS = 600
"""How long the engine keeps what a table's stream has told; DynamoDB keeps it for a day, and nobody is so late here."""
_EVICT_SECONDS = 60
"""How often the engine looks for metrics that are older than two weeks. It would at each call, which is a sixth of its
work."""
_UNTIL = re.compile(r"CHANGE#(.+)~")
_metrics: Past[Any] = Past()
_items: Past[Sequence[Mapping[str, Any]]] = Past()


def lay_away_metrics(began: float, ended: float) -> None:
    """Begin anew without metrics, and keep those of now for questions about the time between two moments."""
    _metrics.lay_away(began, ended, cloudwatch._metrics)
    cloudwatch._metrics = AccountRegionScopedDict()


def lay_away_items(items: Sequence[Mapping[str, Any]], began: float, ended: float) -> None:
    """Keep items, in DynamoDB's form, for questions about the time between two moments."""
    _items.lay_away(began, ended, sorted(items, key=_place))


def forget_ended() -> None:
    """Let go of executions that have ended, and of what functions have logged.

    AWS keeps both for long, and nobody here asks for those of a drill before.
    """
    for arn in [arn for arn, execution in stepfunctions._executions.items() if execution.get("status") != "RUNNING"]:
        stepfunctions._executions.pop(arn, None)
    for group in cloudwatch_logs._log_groups.values():
        for stream in group["streams"].values():
            stream["events"].clear()


def bridge() -> None:
    """Answer questions about the past by what was laid away; let go of what streams have told, and of old metrics."""
    dynamodb._STREAM_RETENTION_SECONDS = _STREAM_SECONDS
    get, query, evict = cloudwatch._get_metric_data, dynamodb._query, cloudwatch._evict_old_metrics
    evicted = float("-inf")

    def evict_now_and_then() -> None:
        nonlocal evicted
        if time.monotonic() > evicted + _EVICT_SECONDS:
            evicted = time.monotonic()
            evict()

    def metrics_of_then(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        given = data.get("EndTime") if is_cbor or is_json else None
        until = None if given is None else cloudwatch._parse_ts(given)
        now = cloudwatch._metrics
        if until is None:
            return get(params, data, is_cbor, is_json)
        cloudwatch._metrics = _metrics.at(until, now)
        try:
            return get(params, data, is_cbor, is_json)
        finally:
            cloudwatch._metrics = now

    def changes_of_then(data: Any) -> Any:
        values = data.get("ExpressionAttributeValues") or {}
        found = _UNTIL.fullmatch(values.get(":last", {}).get("S", ""))
        kept = _items.at(datetime.fromisoformat(found[1]).timestamp(), ()) if found else ()
        if not kept:
            return query(data)
        pk, first, last = (values[name]["S"] for name in (":pk", ":first", ":last"))
        rows = [item for item in kept if item["pk"]["S"] == pk and first <= item["sk"]["S"] <= last]
        return json_response({"Items": rows, "Count": len(rows), "ScannedCount": len(rows)})

    cloudwatch._get_metric_data, dynamodb._query = metrics_of_then, changes_of_then
    cloudwatch._evict_old_metrics = evict_now_and_then


def _place(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
