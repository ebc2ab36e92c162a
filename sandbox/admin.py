"""What the sandbox asks of the embedded engine's own process, by a port that the responder does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx

from sandbox import plain_http
from sandbox.iam.evaluate import Call
from sandbox.iam.log import Made


class Engine:
    """The engine's admin port (``sandbox/engine.py``)."""

    def __init__(self, port: int) -> None:
        self._client = plain_http.client(f"http://127.0.0.1:{port}")

    def clear_metrics(self) -> None:
        """Forget all metrics of CloudWatch."""
        self._post("clear-metrics", {})

    def forget_ended(self) -> None:
        """Let go of executions that have ended, and of what functions have logged."""
        self._post("forget-ended", {})

    def lay_away_metrics(self, began: float, ended: float) -> None:
        """Begin anew without metrics, and keep those of now for questions about the time between two moments."""
        self._post("lay-away-metrics", {"began": began, "ended": ended})

    def lay_away_items(self, items: Sequence[Mapping[str, Any]], began: float, ended: float) -> None:
        """Keep items of DynamoDB, in its own form, for questions about the time between two moments."""
        self._post("lay-away-items", {"items": list(items), "began": began, "ended": ended})

    def cool(self) -> None:
        """Stop the processes of all functions, so that the next call of each is a cold start."""
        self._post("cool", {}, 120)

    def die(self) -> None:
        """Kill the engine and all functions; what AWS would keep is written (``sandbox/durable.py``)."""
        with suppress(httpx.TransportError):
            self._post("die", {})

    def alarm_events(self, name: str, count: int, reason: str) -> None:
        """Send events of an alarm that goes off, one soon after the other."""
        self._post("alarm-events", {"name": name, "count": count, "reason": reason}, 60)

    def aws_event(self, detail_type: str, source: str, detail: Mapping[str, Any]) -> None:
        """Send an event of an AWS service by EventBridge; ``detail`` is in the service's form."""
        self._post("aws-event", {"detail_type": detail_type, "source": source, "resources": [], "detail": detail})

    def name_cluster(self, name: str, endpoint: str, authority: str) -> None:
        """Let EKS name the endpoint of the control plane, with its certificate authority in base64."""
        self._post("cluster", {"name": name, "endpoint": endpoint, "authority": authority})

    def refusal(self, access_key: str, call: Call) -> str:
        """Ask IAM whether the owner of an access key may make a call; returns why not, or an empty text."""
        return str(self._client.post("/authorize", json={
            "access_key": access_key, "action": call.action, "resources": call.resources,
            "keys": dict(call.keys)}).raise_for_status().json()["refused"])

    def calls(self) -> list[Made]:
        """Return the calls that roles have made since the last time, each kind once, and forget them."""
        return [Made(**item) for item in self._client.post("/calls", json={}).raise_for_status().json()["calls"]]

    def _post(self, path: str, body: Mapping[str, Any], timeout_seconds: float = 10) -> None:
        self._client.post(path, json=body, timeout=timeout_seconds)
