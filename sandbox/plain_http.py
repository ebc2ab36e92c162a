"""A client for what the sandbox asks itself: plain HTTP, so no certificates need loading."""

from __future__ import annotations

import ssl

import httpx


def client(base_url: str = "", timeout_seconds: float = 10) -> httpx.Client:
    """Return a client that keeps its connections; it may be used by several threads."""
    return httpx.Client(base_url=base_url, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), timeout=timeout_seconds)
