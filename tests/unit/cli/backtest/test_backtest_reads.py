"""A backtest sends no write: whatever is tried within it, only reads reach the other side."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import boto3
import botocore.session
import httpx
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from cli.backtest import reads
from cli.backtest.reads import Pace, WriteRefused, is_read_by_http, is_read_of_aws, reads_only
from responder.clients.http import Http

AT_ONCE = Pace(0.0)
WRITES = ("Put", "Create", "Delete", "Update", "Set", "Start", "Stop", "Send", "Publish", "Tag", "Untag", "Modify",
          "Reboot", "Terminate", "Run", "Invoke", "Enable", "Disable", "Copy", "Restore", "Attach", "Detach", "Write",
          "Batch", "Transact", "Execute", "Assume", "Cancel", "Failover", "Promote", "Remove", "Add", "Upload")
MODELS = {name: botocore.session.get_session().get_service_model(name).operation_names for name in (
    "dynamodb", "s3", "cloudwatch", "logs", "ssm", "secretsmanager", "sts", "rds", "cloudtrail", "lambda", "sns",
    "stepfunctions", "events", "eks", "iam")}
"""AWS services, read ones and others, to their operations."""


class Server(ThreadingHTTPServer):
    """Counts the requests that arrive."""

    arrived: list[str]


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.arrived.append(f"{self.command} {self.headers.get('X-Amz-Target', self.path).rpartition('.')[2]}")
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    found = Server(("127.0.0.1", 0), Handler)
    found.arrived = []
    threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def dynamodb(server: Server) -> object:
    return boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{server.server_port}", region_name="eu-west-1",
                        aws_access_key_id="x", aws_secret_access_key="x",
                        config=Config(retries={"total_max_attempts": 1}))


def attempts(server: Server) -> dict[str, object]:
    """Ways to write that a process has, by what they are called."""
    url, client = f"http://127.0.0.1:{server.server_port}/x", dynamodb(server)
    item = {"TableName": "t", "Item": {"pk": {"S": "1"}}}

    def by_socket_library() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
        connection.request("DELETE", "/x")

    return {
        "boto3": lambda: client.put_item(**item),  # type: ignore[attr-defined]
        "httpx": lambda: httpx.post(url, json={"a": 1}),
        "httpx, put": lambda: httpx.put(url),
        "the functions' client": lambda: Http(time.monotonic() + 5).answer("PATCH", url, json={}),
        "urllib": lambda: urllib.request.urlopen(urllib.request.Request(url, data=b"x", method="POST")),
        "http.client": by_socket_library,
        "graphql mutation": lambda: httpx.post(f"{url}/graphql", json={"query": "mutation { a }"}),
        "splunk": lambda: httpx.post(f"{url}/search/v2/jobs/export", data={"search": "search x | outputlookup y"}),
    }


@pytest.mark.parametrize("way", ["boto3", "httpx", "httpx, put", "the functions' client", "urllib", "http.client",
                                 "graphql mutation", "splunk"])
def test_a_write_is_stopped_before_it_is_sent(server: Server, way: str) -> None:
    write = attempts(server)[way]
    with reads_only(AT_ONCE) as sent, pytest.raises(WriteRefused):
        write()  # type: ignore[operator]
    assert server.arrived == []
    assert len(sent.refused) == 1 and not sent.calls


def test_reads_pass_and_are_counted(server: Server) -> None:
    url, client = f"http://127.0.0.1:{server.server_port}", dynamodb(server)
    with reads_only(AT_ONCE) as sent:
        client.query(TableName="t", KeyConditionExpression="pk = :a")  # type: ignore[attr-defined]
        httpx.get(url)
        Http(time.monotonic() + 5).json("POST", f"{url}/graphql", json={
            "query": "query($a: Int!) { x(y: \"mutation\") }"})
        urllib.request.urlopen(url)
    assert server.arrived == ["POST Query", "GET /", "POST /graphql", "GET /"]
    assert sent.calls == {"dynamodb": 1, "127.0.0.1": 3} and not sent.refused


def test_without_the_judge_the_same_write_arrives(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is the judge that keeps it back, and this test's server would see a write."""
    monkeypatch.setattr(reads, "is_read_of_aws", lambda service, operation: True)
    monkeypatch.setattr(reads, "is_read_by_http", lambda method, url, body: True)
    ways = attempts(server)
    with reads_only(AT_ONCE):
        for way in ("boto3", "httpx", "graphql mutation"):
            ways[way]()  # type: ignore[operator]
    assert server.arrived == ["POST PutItem", "POST /x", "POST /x/graphql"]


def test_afterwards_everything_is_as_it_was(server: Server) -> None:
    with reads_only(AT_ONCE):
        pass
    assert httpx.post(f"http://127.0.0.1:{server.server_port}/x").status_code == 200


@pytest.mark.parametrize("service", sorted(MODELS))
def test_no_call_that_is_named_like_a_write_passes(service: str) -> None:
    passed = {name for name in MODELS[service] if is_read_of_aws(service, name)}
    known = {"StartQuery", "StopQuery", "BatchGetItem", "AssumeRole", "AssumeRoleWithWebIdentity"}
    assert not {name for name in passed - known if name.startswith(WRITES)}
    if service in ("lambda", "sns", "stepfunctions", "events", "iam"):
        assert not passed


@given(st.text(), st.text())
def test_a_call_that_is_not_known_is_no_read(service: str, operation: str) -> None:
    assert not is_read_of_aws(f"x{service}", operation)


@given(st.sampled_from(["mutation", "subscription"]), st.sampled_from(["", "query { a } ", "# query\n", "{a}\n"]),
       st.text(alphabet="ab {}()$:!\n", max_size=20))
def test_a_graphql_document_with_an_operation_that_writes_is_no_read(word: str, before: str, rest: str) -> None:
    body = json.dumps({"query": f"{before}{word} {rest}"}).encode()
    assert not is_read_by_http("POST", "https://api.newrelic.com/graphql", body)


@given(st.sampled_from(["collect", "outputlookup", "delete", "sendemail", "map", "script"]),
       st.sampled_from(["|", "| "]))
def test_a_search_that_writes_is_no_read(command: str, pipe: str) -> None:
    url = "https://splunk.example:8089/services/search/v2/jobs/export"
    good = urlencode({"search": "search index=a | stats count"}).encode()
    bad = urlencode({"search": f"search index=a {pipe}{command} index=b"}).encode()
    assert is_read_by_http("POST", url, good)
    assert not is_read_by_http("POST", url, bad)


@given(st.sampled_from(["PUT", "PATCH", "DELETE", "POST", "post"]), st.text(alphabet="abc/", max_size=20))
def test_a_request_with_another_method_is_no_read(method: str, path: str) -> None:
    assert not is_read_by_http(method, f"https://api.example/{path}", b"")


def test_requests_to_one_system_are_kept_apart() -> None:
    slept: list[float] = []
    pace = Pace(0.25, slept.append, lambda: 100.0)
    for system in ("rds", "rds", "logs", "rds"):
        pace.wait(system)
    assert slept == [0.25, 0.5]
