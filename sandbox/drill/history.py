"""What a drill leaves for questions about its time, where the sandbox keeps its past (``--history``).

An hour of a real service is two minutes of a drill, so the change ledger looks as much more often: a change that is
undone within its minute would be in no snapshot. Each drill begins so late that the time before its first alarm is its
own, and no question about it reaches into the drill before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import boto3

from sandbox.admin import Engine
from sandbox.places import SERVICE

_BEGINS_SECONDS = 60.0
"""So long after the platform began anew: ``confirm.window_seconds`` of ``overrides.yaml``."""
_LOOK_SECONDS = 8.0
_PARTITION = f"LEDGER#{SERVICE}"


class History:
    """The past of the drills that one run plays, one after the other; where it is not kept, nothing is done."""

    def __init__(self, kept: bool) -> None:
        self.kept = kept
        self._first = self._began = self._ready = 0.0

    def lay_away(self, engine: Engine, items: Iterable[Mapping[str, Any]]) -> None:
        """Keep what the ledger has of the drill before; to be called before it is forgotten."""
        if not self.kept:
            return
        now = time.time()
        if self._began:
            engine.lay_away_items([item for item in items if item["pk"]["S"] == _PARTITION
                                   and item["sk"]["S"].startswith("CHANGE#")], self._began, now)
        self._first, self._began = self._first or now, now

    def go_on(self, dynamodb: Any, table: str) -> None:
        """Let the ledger have looked since the first drill, as it has."""
        self._ready = time.time()
        if self.kept:
            dynamodb.put_item(TableName=table, Item={
                "pk": {"S": _PARTITION}, "sk": {"S": "SINCE"}, "at": {"N": f"{self._first:.3f}"}})

    def wait(self) -> None:
        """Wait until the drill may begin."""
        if self.kept:
            time.sleep(max(0.0, self._ready + _BEGINS_SECONDS - time.time()))

    def look_often(self) -> threading.Event:
        """Let the ledger look every few seconds until the event that is returned is set."""
        over = threading.Event()
        if self.kept:
            threading.Thread(target=_look, args=(over,), daemon=True).start()
        return over


def _look(over: threading.Event) -> None:
    functions = boto3.client("lambda")
    while not over.wait(_LOOK_SECONDS):
        functions.invoke(FunctionName="incident-response-ledger:live")
