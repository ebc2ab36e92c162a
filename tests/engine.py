"""The embedded cloud alone, with its bridges, for tests that need no cluster."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.conftest import ROOT


@contextmanager
def running() -> Iterator[str]:
    """Start it on ports of its own, and yield its address."""
    with socket.socket() as first, socket.socket() as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        port, admin = (probe.getsockname()[1] for probe in (first, second))
    process = subprocess.Popen([sys.executable, "-m", "sandbox.engine"], cwd=ROOT, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={**os.environ, "GATEWAY_PORT": str(port),
                                                               "SANDBOX_ADMIN_PORT": str(admin),
                                                               "BIND_HOST": "127.0.0.1", "LAMBDA_EXECUTOR": "local",
                                                               "AUTH": "true"})
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{address}/_ministack/health", timeout=5)
                break
            except httpx.HTTPError:
                time.sleep(0.3)
        yield address
    finally:
        process.terminate()
        process.wait(30)
