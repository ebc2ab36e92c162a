"""What the clients make of connections that break, over real sockets: refused, cut off, wrong certificates.

``bench/bed/outage`` raises these errors in place of sockets; here it is held that sockets bring them about.
``test_hostile_answers.py`` has resets and truncated bodies of plain answers.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from responder.clients import aws, aws_limits
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.clients.kubernetes import Kubernetes
from sandbox.control_plane.run import certificates
from tests.contract.hostile import Way, hostile, say

pytestmark = pytest.mark.usefixtures("changes_pass")
SECONDS = 6.0
BODY = b'{"items": [], "metadata": {}}'


def _http(url: str, trusted: str) -> Any:
    return Http(time.monotonic() + SECONDS, verify=_trust(trusted)).json("GET", url)


def _kubernetes(url: str, trusted: str) -> Any:
    return list(Kubernetes(Http(time.monotonic() + SECONDS, verify=_trust(trusted)), url).items(
        "api/v1", "pods", "payments"))


def _patch(url: str, trusted: str) -> Any:
    return Kubernetes(Http(time.monotonic() + SECONDS, verify=_trust(trusted)), url).patch(
        "api/v1", "pods", "payments", "a", [], manager="m")


def _aws(url: str, trusted: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        if trusted:
            patch.setenv("AWS_CA_BUNDLE", trusted)
        made = aws.made.__wrapped__("dynamodb", 1, "us-east-1", 2)
        with aws_limits.until(time.monotonic() + SECONDS), aws.failures("DynamoDB"):
            return made.get_item(TableName="t", Key={"pk": {"S": "a"}})


CLIENTS: dict[str, Callable[[str, str], Any]] = {
    "http": _http, "kubernetes": _kubernetes, "kubernetes patch": _patch, "aws": _aws}


def _trust(trusted: str) -> Any:
    return ssl.create_default_context(cafile=trusted) if trusted else True


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    certificates(folder)
    return folder


def _request(connection: socket.socket) -> None:
    head, _, body = b"", b"", b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(65536)
    head, _, body = head.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(
        b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)


@pytest.fixture
def tls(pki: Path) -> Iterator[int]:
    """The port of a server that answers over TLS; its certificate is of localhost and 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "tls.crt", pki / "tls.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    _request(secure)
                    say(200, BODY, "Content-Type: application/json")(secure)
            except OSError:
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_a_certificate_that_is_trusted_and_fits_is_taken(client: str, tls: int, pki: Path) -> None:
    CLIENTS[client](f"https://127.0.0.1:{tls}", str(pki / "ca.crt"))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_certificate_of_an_unknown_authority_is_refused(client: str, tls: int) -> None:
    with pytest.raises(CallFailed) as failed:
        CLIENTS[client](f"https://127.0.0.1:{tls}", "")
    assert failed.value.status in ("unavailable", "timeout")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_certificate_of_another_host_is_refused(client: str, tls: int, pki: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: real(
        "127.0.0.1" if host in ("other.example", b"other.example") else host, *more, **named))
    with pytest.raises(CallFailed) as failed:
        CLIENTS[client](f"https://other.example:{tls}", str(pki / "ca.crt"))
    assert failed.value.status in ("unavailable", "timeout")  # a busy machine's repeats end by the deadline


@pytest.mark.parametrize("client", CLIENTS)
def test_a_port_where_nobody_listens_is_told(client: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(CallFailed) as failed:
        CLIENTS[client](f"http://127.0.0.1:{port}", "")
    assert failed.value.status in ("unavailable", "timeout")


def _cut(connection: socket.socket) -> None:
    """The first half of a compressed body, which says that it is whole."""
    body = gzip.compress(BODY * 200)
    say(200, body[:len(body) // 2], "Content-Encoding: gzip", "Content-Type: application/json")(connection)


def _page(connection: socket.socket) -> None:
    page = b"<!DOCTYPE html>\n<html><body><h1>Please wait</h1></body></html>\n"
    say(200, page, "Content-Type: text/html")(connection)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("way", [_cut, _page])
def test_a_body_that_is_cut_off_within_its_compression_or_is_a_page_is_malformed(client: str, way: Way) -> None:
    with hostile(way) as server, pytest.raises(CallFailed) as failed:
        CLIENTS[client](server.url, "")
    assert failed.value.status == "malformed"


def _half(connection: socket.socket) -> None:
    """A body that was cut off by somebody who then counted it."""
    say(200, b'{"Item": {"pk": {"S": "a"}', "Content-Type: application/x-amz-json-1.0")(connection)


def _called(service: str, operation: str, **arguments: Any) -> Callable[[str], Any]:
    def call(url: str) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", url)
            made = aws.made.__wrapped__(service, 1, "us-east-1", 2)
        with aws_limits.until(time.monotonic() + SECONDS), aws.failures("AWS"):
            return getattr(made, operation)(**arguments)

    return call


ANSWERS = {
    "json, read": _called("dynamodb", "get_item", TableName="t", Key={"pk": {"S": "a"}}),
    "json, written": _called("dynamodb", "put_item", TableName="t", Item={"pk": {"S": "a"}}),
    "rest-json": _called("eks", "describe_cluster", name="payments"),
    "query, read": _called("rds", "describe_events"),
    "query, written": _called("sns", "publish", TopicArn="arn:aws:sns:us-east-1:000000000000:t", Message="m"),
    "ec2": _called("ec2", "describe_instances"),
    "rest-xml, written": _called("s3", "put_object", Bucket="b", Key="k", Body=b"x"),
}


@pytest.mark.parametrize(("operation", "way"), [(name, _page) for name in ANSWERS] + [("json, read", _half)])
def test_what_is_no_answer_of_aws_is_not_taken_for_an_empty_one(operation: str, way: Way) -> None:
    """Nothing is there, nothing happened, it is written: none of this follows from a proxy's page."""
    with hostile(way) as server, pytest.raises(CallFailed) as failed:
        ANSWERS[operation](server.url)
    assert failed.value.status == "malformed"
