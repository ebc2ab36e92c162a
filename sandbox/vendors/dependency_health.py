"""The health URL of a dependency that has one: it answers as the dependency does for anybody else."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from sandbox.platform.state import World
from sandbox.vendors.gate import Answer


class DependencyHealth:
    """``/dependency/NAME/health``; a slow one takes ``slow_seconds`` to answer."""

    def __init__(self, world: Callable[[], World], slow_seconds: float = 6.0) -> None:
        self._world, self._slow = world, slow_seconds

    def answer(self, method: str, path: str) -> Answer:
        """Answer one request; who is not called in this drill is well."""
        found = re.fullmatch(r"/dependency/([\w-]+)/health", urlsplit(path).path)
        if not found or method != "GET":
            return Answer(404, b'{"error": "not found"}')
        one = self._world().dependencies.get(found[1])
        if one is None or one.well:
            return Answer(200, b'{"status": "ok"}')
        if one.fault in ("down", "errors"):
            return Answer(503, b'{"status": "unavailable"}')
        time.sleep(self._slow)
        return Answer(200, b'{"status": "ok"}')
