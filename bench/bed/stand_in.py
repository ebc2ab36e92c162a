"""What a function asks, on this machine: a cluster's API, Splunk's search export, and of AWS what leads to them.

Its answers are as large as the benchmark asks and as fast as it can; their contents do not matter here.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.bed import fresh
from bench.bed.objects import Cluster, count_lines, log_lines, page
from sandbox.control_plane.run import certificates

_ITEMS_BYTES = 1024 * 1024
"""A page of DynamoDB's Query."""


class StandIn:
    """Both servers. ``lines`` are streamed for each search for events, whatever it limits itself to."""

    def __init__(self, folder: Path, pods: int, lines: int, characters: int) -> None:
        self.cluster, self._lines, self._characters = Cluster(pods), lines, characters
        self._folder = folder
        if not (folder / "tls.crt").exists():
            certificates(folder)
        self._items: dict[str, dict[str, dict[str, Any]]] = {}
        self._aws, self._api = self._server(self._answer_aws), self._server(self._answer_api)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        self._api.socket = context.wrap_socket(self._api.socket, server_side=True, do_handshake_on_connect=False)
        for server in (self._aws, self._api):
            threading.Thread(target=server.serve_forever, daemon=True).start()

    @property
    def authority(self) -> Path:
        """The file of the certificate authority that signed the cluster's certificate."""
        return self._folder / "ca.crt"

    @property
    def server(self) -> str:
        """The cluster's endpoint."""
        return f"https://127.0.0.1:{self._api.server_address[1]}"

    @property
    def aws(self) -> str:
        """The endpoint of AWS; Splunk is below it."""
        return f"http://127.0.0.1:{self._aws.server_address[1]}"

    def environment(self) -> dict[str, str]:
        """The environment in which a function asks this stand-in: endpoints, table and a configuration for it."""
        service = fresh.service()
        if service.splunk is None or service.database is None:
            raise RuntimeError("the shipped configuration names no Splunk, or no database")
        # RDS is not served here: its parameters are few, whatever the size of the cluster.
        service = replace(service, splunk=replace(service.splunk, url=f"{self.aws}/splunk"),
                          database=replace(service.database, parameter_group=""))
        folder = self._folder / f"services-{self._aws.server_address[1]}"
        folder.mkdir(exist_ok=True)
        (folder / f"{service.service}.json").write_text(json.dumps(asdict(service)), encoding="utf-8")
        return {"AWS_ENDPOINT_URL": self.aws, "RESPONDER_CONFIG": str(folder), "TABLE": "bench",
                "BUCKET": "bench"}

    def close(self) -> None:
        """End both servers."""
        for server in (self._aws, self._api):
            server.shutdown()
            server.server_close()

    # --- what it answers ------------------------------------------------------------------------------------------

    def _answer_api(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, bytes | Iterable[bytes]]:
        url = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        found = page(self.cluster, url.path, int(query.get("limit", 0)), int(query.get("continue", 0)))
        if found is not None:
            return 200, found
        listed, _, name = url.path.rpartition("/")
        if listed in self.cluster.lists:
            count, make = self.cluster.lists[listed]
            for number in range(count):
                item = make(number)
                if item["metadata"]["name"] == name:
                    return 200, json.dumps(item).encode()
        if url.path in DISCOVERY:
            return 200, json.dumps(DISCOVERY[url.path]).encode()
        return 404, b'{"kind":"Status","code":404,"reason":"NotFound","message":"not found"}'

    def _answer_aws(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, bytes | Iterable[bytes]]:
        if path.startswith("/splunk/"):
            form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
            return 200, count_lines() if "| stats" in form["search"] else log_lines(self._lines, self._characters)
        if path.startswith("/clusters/"):
            return 200, json.dumps({"cluster": {
                "name": path.rpartition("/")[2], "status": "ACTIVE", "endpoint": self.server, "certificateAuthority": {
                    "data": base64.b64encode(self.authority.read_bytes()).decode()}}}).encode()
        if method == "PUT":
            return 200, b""  # an answer that is kept word for word
        operation = (headers.get("X-Amz-Target") or "").rpartition(".")[2]
        if operation == "GetSecretValue":
            return 200, b'{"SecretString":"a token"}'
        if operation in ("PutItem", "DeleteItem", "Query"):
            return 200, json.dumps(self._table(operation, json.loads(body))).encode()
        # Container Insights and whatever else is not measured here: refused, so that it is not tried again.
        return 403, b'{"__type":"AccessDeniedException","message":"not here"}'

    def _table(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "PutItem":
            item = asked["Item"]
            self._items.setdefault(item["pk"]["S"], {})[item["sk"]["S"]] = item
            return {}
        if operation == "DeleteItem":
            self._items.get(asked["Key"]["pk"]["S"], {}).pop(asked["Key"]["sk"]["S"], None)
            return {}
        given = {key: value["S"] for key, value in asked["ExpressionAttributeValues"].items()}
        after = (asked.get("ExclusiveStartKey") or {}).get("sk", {}).get("S", "")
        found: list[dict[str, Any]] = []
        size = 0
        for key, item in sorted(self._items.get(given[":pk"], {}).items()):
            if given[":first"] <= key <= given[":last"] and key > after:
                found.append(item)
                size += len(json.dumps(item))
                if size > _ITEMS_BYTES:
                    return {"Items": found, "LastEvaluatedKey": {name: item[name] for name in ("pk", "sk")}}
        return {"Items": found}

    def _server(self, route: Any) -> ThreadingHTTPServer:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = route(self.command, self.path, self.headers, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if isinstance(answer, bytes):
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                    return
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for part in _joined(answer):
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                self.wfile.write(b"0\r\n\r\n")

            do_GET = do_POST = do_PUT = _any

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:  # who has read enough goes
                    self.close_connection = True

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        return Server(("127.0.0.1", 0), Handler)


def _joined(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks of about 64 KiB."""
    part = bytearray()
    for line in lines:
        part += line
        if len(part) >= 65536:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


@contextmanager
def stand_in(folder: Path, *, pods: int = 50, lines: int = 2000, characters: int = 300) -> Iterator[StandIn]:
    """Yield a stand-in with a number of pods, and of log lines with a number of characters; stop it at the end."""
    serving = StandIn(folder, pods, lines, characters)
    try:
        yield serving
    finally:
        serving.close()


def _kinds(version: str, *kinds: tuple[str, str]) -> dict[str, Any]:
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": [
        {"name": plural, "singularName": "", "namespaced": True, "kind": kind, "verbs": ["get", "list"]}
        for plural, kind in kinds]}


DISCOVERY: dict[str, Any] = {
    "/version": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [{
        "name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}],
        "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"}}]},
    "/api/v1": _kinds("v1", ("pods", "Pod"), ("nodes", "Node"), ("services", "Service")),
    "/apis/apps/v1": _kinds("apps/v1", ("deployments", "Deployment"), ("replicasets", "ReplicaSet")),
}
"""Answers to what the dynamic client asks first; a real cluster has some thirty groups, not two."""
