"""A proxy between a function and the internet: both HTTP clients go through it, and past it to what is inside."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config

from responder.clients.failure import CallFailed
from responder.clients.http import Http


class Proxy:
    """Takes CONNECT requests, keeps their first lines, and refuses each."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                self.asked.append(connection.recv(4096).split(b"\r\n")[0].decode())
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    made = Proxy()
    monkeypatch.setenv("HTTPS_PROXY", made.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,.inner.invalid,sts.eu-west-1.amazonaws.com")
    yield made
    made.close()


def test_https_goes_by_the_proxy_and_its_refusal_is_a_failed_call(proxy: Proxy) -> None:
    with pytest.raises(CallFailed) as caught:
        Http(time.monotonic() + 5).json("GET", "https://api.vendor.invalid/x", repeatable=False)
    assert caught.value.status == "unavailable"
    assert proxy.asked == ["CONNECT api.vendor.invalid:443 HTTP/1.1"]


def test_what_is_inside_is_reached_past_the_proxy(proxy: Proxy) -> None:
    with pytest.raises(CallFailed):
        Http(time.monotonic() + 5).json("GET", "https://splunk.inner.invalid/x", repeatable=False)
    assert proxy.asked == []


def test_boto3_goes_the_same_way(proxy: Proxy) -> None:
    for region in ("eu-central-1", "eu-west-1"):
        client = boto3.client("sts", region_name=region, aws_access_key_id="a", aws_secret_access_key="s",
                              config=Config(connect_timeout=0.5, read_timeout=0.5, retries={"total_max_attempts": 1}))
        with pytest.raises(Exception, match=r"sts|roxy"):
            client.get_caller_identity()
    assert proxy.asked[0].startswith("CONNECT sts.eu-central-1.amazonaws.com:443 ")
    assert not any("eu-west-1" in line for line in proxy.asked)
