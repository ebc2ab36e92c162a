"""The HTTP servers of the stand-ins: threads, with or without TLS, that answer by a function."""

from __future__ import annotations

import ssl
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sandbox.vendors.gate import Answer

_IDLE_SECONDS = 60.0
_POLL_SECONDS = 0.05
"""How long a server may take to notice that it is to end."""
Route = Callable[[str, str, dict[str, str], bytes], Answer]
"""Answers (method, path, headers by lower-case name, body)."""


class Handler(BaseHTTPRequestHandler):
    """One connection; the server's ``route`` answers its requests."""

    protocol_version = "HTTP/1.1"
    # Without a buffer, headers and body are two packets, and the second waits 40 ms for the first to be acknowledged.
    wbufsize = -1
    # AWS's and vendors' servers close a connection that nobody uses; without it, each holds a thread for ever.
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    server: Server

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        try:
            answer = self.server.route(self.command, self.path, headers, body)
        except Exception:
            traceback.print_exc()
            answer = Answer(500, b'{"message": "the sandbox failed"}')
        if answer.status == 0:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        for key, value in answer.headers:
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log."""

    def handle(self) -> None:
        """Serve a connection until its client leaves, however it leaves."""
        try:
            super().handle()
        except (ConnectionError, ValueError, OSError):
            self.close_connection = True


class Server(ThreadingHTTPServer):
    """A server of this machine alone."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, route: Route) -> None:
        self.route = route
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a client does not wait for its answer."""


def serve(port: int, route: Route, pki: Path | None = None) -> Server:
    """Start a server in a thread of its own; with ``pki``, the folder of its certificate, by TLS."""
    server = Server(port, route)
    if pki:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki / "tls.crt", pki / "tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": _POLL_SECONDS}, daemon=True).start()
    return server
