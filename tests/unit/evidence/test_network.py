"""The probes against real sockets: each way to fail by its stage and kind, within the deadline."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from responder.model.evidence import Finding, Window
from responder.model.evidence.probe import ProbeOutcome
from responder.model.service import Probe, Service
from responder.sources import Query, network


def query(service: Service, *probes: Probe, seconds: float = 1.5) -> Query:
    now = time.time()
    return Query(replace(service, probes=probes), "diagnose", Window(now - 60, now), Window(now - 3660, now - 60),
                 time.monotonic() + seconds)


def probed(service: Service, port: int, *, host: str = "127.0.0.1", tls: bool = False, seconds: float = 1.5,
           context: ssl.SSLContext | None = None) -> Finding[ProbeOutcome]:
    found, = network.collect(query(service, Probe("payments-db", host, port, tls), seconds=seconds), context)
    return found


def told(finding: Finding[ProbeOutcome]) -> tuple[float | None, str, str]:
    return finding.value, finding.detail.stage, finding.detail.kind


class Server:
    """A port that takes connections and keeps what is sent; with a context it shakes hands."""

    def __init__(self, context: ssl.SSLContext | None = None, silent: bool = False) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.received = b""
        self._context, self._silent = context, silent
        self._kept: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            self._kept.append(connection)
            if self._silent:
                continue
            connection.settimeout(2)
            try:
                if self._context:
                    connection = self._context.wrap_socket(connection, server_side=True)
                while part := connection.recv(1000):
                    self.received += part
            except OSError:
                pass
            connection.close()

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join(3)
        for connection in self._kept:
            connection.close()


def certificate(folder: Path, days: int) -> tuple[ssl.SSLContext, Path]:
    """A server's context and the file of its own certificate, for 127.0.0.1, valid until so many days from now."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(),
                                   now - datetime.timedelta(30), now + datetime.timedelta(days)).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False).sign(
        key, hashes.SHA256())
    file = folder / "server.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, file


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


def test_a_port_that_listens_gets_through_and_is_sent_nothing(service: Service, server: Server) -> None:
    found = probed(service, server.port)
    assert told(found) == (1.0, "ok", "") and found.component == "database"
    assert found.query == f"nc -vz 127.0.0.1 {server.port}" and found.detail.addresses == 1
    assert found.detail.inside and found.baseline is None and found.note == ""
    time.sleep(0.1)
    assert server.received == b""


def test_a_closed_port_refuses(service: Service) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        found = probed(service, bound.getsockname()[1])
    assert told(found) == (0.0, "tcp", "refused")
    assert "refused" in found.note and found.detail.milliseconds < 500


def test_a_silent_port_ends_with_the_deadline(service: Service) -> None:
    with socket.socket() as full, socket.socket() as filler:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        filler.connect(full.getsockname())
        began = time.monotonic()
        found = probed(service, full.getsockname()[1], seconds=1.2)
        assert time.monotonic() - began < 5
    assert told(found) == (0.0, "tcp", "timeout") and found.status == "ok"


def test_all_are_tried_side_by_side(service: Service, server: Server) -> None:
    with socket.socket() as full, socket.socket() as filler:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        filler.connect(full.getsockname())
        silent = full.getsockname()[1]
        began = time.monotonic()
        found = network.collect(query(service, Probe("payments-db", "127.0.0.1", silent, False),
                                     Probe("primary", "127.0.0.1", silent, False),
                                     Probe("backend", "127.0.0.1", server.port, False), seconds=1.2))
        assert time.monotonic() - began < 5
    assert [(f.component, f.value) for f in found] == [("database", 0.0), ("provider:primary", 0.0), ("backend", 1.0)]


def test_a_name_that_is_not_there(service: Service) -> None:
    found = probed(service, 443, host="nobody.invalid", seconds=5)
    assert (found.value, found.detail.stage, found.detail.addresses) == (0.0, "dns", 0)
    assert "nobody.invalid" in found.note


def test_a_resolver_that_hangs_is_left_behind(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        released.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    found = probed(service, 443, host="slow.example", seconds=1.0)
    released.set()
    assert time.monotonic() - began < 5
    assert told(found) == (0.0, "dns", "timeout")


def test_an_address_that_refuses_leaves_the_next_one(service: Service, server: Server,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
                     for port in (bound.getsockname()[1], server.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        found = probed(service, 443, host="two.example")
    assert told(found) == (1.0, "ok", "") and found.detail.addresses == 2


@pytest.mark.parametrize(("days", "trusted", "expected", "reason"), [
    (30, True, (1.0, "ok", ""), ""), (30, False, (0.0, "tls", "tls"), "self-signed"),
    (-1, True, (0.0, "tls", "tls"), "expired")])
def test_a_certificate_is_verified(service: Service, tmp_path: Path, days: int, trusted: bool,
                                   expected: tuple[float, str, str | None], reason: str) -> None:
    mine, file = certificate(tmp_path, days)
    server = Server(mine)
    found = probed(service, server.port, tls=True, seconds=3,
                   context=ssl.create_default_context(cafile=file) if trusted else None)
    server.close()
    assert told(found) == expected
    assert reason in found.note and server.received == b""
    assert found.query.startswith(f"openssl s_client -connect 127.0.0.1:{server.port}")


def test_a_handshake_that_nobody_answers(service: Service) -> None:
    server = Server(silent=True)
    found = probed(service, server.port, tls=True, seconds=1.0)
    server.close()
    assert told(found) == (0.0, "tls", "timeout")


def test_a_server_that_hangs_up_in_the_handshake(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def hang_up() -> None:
            listening.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        found = probed(service, listening.getsockname()[1], tls=True)
        thread.join()
    assert told(found) == (0.0, "tls", "reset")


def test_from_outside_only_providers_can_be_judged(service: Service, server: Server) -> None:
    outside = replace(service, network=None)
    found = network.collect(query(outside, Probe("payments-db", "127.0.0.1", server.port, False),
                                 Probe("primary", "127.0.0.1", server.port, False)))
    assert [f.detail.inside for f in found] == [False, False]
    assert "only providers can be judged" in found[0].note and "another way" in found[1].note


def test_without_probes_it_is_not_deployed(service: Service) -> None:
    assert network.SOURCE.configured(service)
    assert not network.SOURCE.configured(replace(service, probes=()))
