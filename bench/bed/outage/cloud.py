"""AWS, as the functions reach it: by the sandbox's stand-ins, and by small ones here and in ``table.py``.

Formats: the API references of Amazon S3, SNS, Systems Manager, Secrets Manager, Lambda, Step Functions, AppConfig Data.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import botocore
import httpx
from botocore.awsrequest import AWSPreparedRequest

from bench.bed.outage.clock import BEGAN
from bench.bed.outage.cluster import Cluster
from bench.bed.outage.table import Table
from bench.bed.outage.traffic import Traffic
from sandbox.platform.state import World
from sandbox.vendors.aws import Aws
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.newrelic import KEY as NEWRELIC_KEY
from sandbox.vendors.people import API_KEY, BOT_TOKEN, PAGE_KEY, ROUTING_KEY
from sandbox.vendors.splunk import TOKEN
from sandbox.vendors.wire import json_answer, query_answer

SECRETS = {"incident-response/newrelic": NEWRELIC_KEY, "incident-response/splunk": TOKEN,
           "incident-response/pagerduty": ROUTING_KEY, "incident-response/pagerduty-api": API_KEY,
           "incident-response/slack": BOT_TOKEN, "incident-response/statuspage": PAGE_KEY,
           "incident-response/slack-signing": "signing-secret-of-the-bed-0123456789",
           "incident-response/approvals": "key-of-the-links-0123456789-0123456789",
           "marks": "key-of-the-marks-0123456789"}
KUBERNETES = "kubernetes.bed"
"""The host of the cluster's API."""
_FIRST = "-----END CERTIFICATE-----"
AUTHORITY = (Path(botocore.__file__).with_name("cacert.pem").read_text("utf-8").partition(
    "-----BEGIN CERTIFICATE-----")[2].partition(_FIRST)[0])
"""Some authority's certificate: nobody checks a connection here."""


@dataclass
class Cloud:
    """The account."""

    cluster: Cluster
    traffic: Traffic
    settings: str
    """What AppConfig has deployed."""
    invoke: Callable[[str, dict[str, Any]], Any]
    """Runs a function by its name, for those that invoke another; raises what it raises."""
    table: Table = field(default_factory=Table)
    kill_switch: str = "released"
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    """Key in the bucket to the body and its headers."""
    published: list[str] = field(default_factory=list)
    """The subjects of what was published to topics."""
    published_at: list[float] = field(default_factory=list)
    """When."""
    running: set[str] = field(default_factory=set)
    """ARNs of the executions that run."""
    resumed: list[str] = field(default_factory=list)
    """The tokens of tasks that were ended."""

    def __post_init__(self) -> None:
        world = World()
        self._others = Aws("http://engine.bed", lambda: world, self.cluster, Gates())
        # What the stand-ins pass on, they pass on to nobody; the sandbox never asks for that, so there is no setting.
        self._others._client = httpx.Client(  # noqa: SLF001
            base_url="http://engine.bed", transport=httpx.MockTransport(
            lambda request: httpx.Response(400, json={"__type": "UnknownOperationException", "message": "not here"})))

    def answer(self, service: str, operation: str, request: AWSPreparedRequest, late: bool = False) -> Answer:
        """Answer one request; ``late``: what was written or measured just now is not seen yet."""
        url = urlsplit(request.url)
        body = request.body if isinstance(request.body, bytes) else (request.body or "").encode() if isinstance(
            request.body, str) else request.body.read() if request.body else b""
        own = getattr(self, f"_{service.replace('-', '_')}", None)
        if own is not None:
            found: Answer = own(operation, request, body, late)
            return found
        path = url.path + (f"?{url.query}" if url.query else "")
        headers = {key.lower(): value.decode() if isinstance(value, bytes) else str(value)
                   for key, value in request.headers.items()}
        name = {"elastic-load-balancing-v2": "elasticloadbalancing"}.get(service, service)
        return self._others.answer(request.method, f"/aws/{name}{path}", headers, body)

    def _dynamodb(self, operation: str, request: AWSPreparedRequest, body: bytes, late: bool) -> Answer:
        return self.table.answer(operation, body, late)

    def _cloudwatch(self, operation: str, request: AWSPreparedRequest, body: bytes, late: bool) -> Answer:
        return self.traffic.cloudwatch(operation, body, 90.0 if late else 2.0)

    def _s3(self, operation: str, request: AWSPreparedRequest, body: bytes, late: bool) -> Answer:
        url = urlsplit(request.url)
        key, names = unquote(url.path.lstrip("/")), {name.lower(): value for name, value in request.headers.items()}
        there = self.objects.get(key)
        if operation in ("GetObject", "HeadObject"):
            if there is None:
                return Answer(404, b"" if operation == "HeadObject" else
                              b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>", "application/xml")
            return Answer(200, b"" if operation == "HeadObject" else there[0], "text/plain", tuple(there[1].items()))
        if operation != "PutObject":
            return Answer(501, b"<Error><Code>NotImplemented</Code></Error>", "application/xml")
        wanted = {name: value.decode() if isinstance(value, bytes) else value for name, value in names.items()}
        if ("if-none-match" in wanted and there) or (
                "if-match" in wanted and (there is None or there[1]["ETag"] != wanted["if-match"])):
            return Answer(412, b"<Error><Code>PreconditionFailed</Code></Error>", "application/xml")
        kept = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"', "Last-Modified": formatdate(BEGAN, usegmt=True),
                **{name: value for name, value in wanted.items() if name.startswith("x-amz-meta-")}}
        self.objects[key] = _plain(body, wanted), kept
        return Answer(200, b"", "application/xml", (("ETag", kept["ETag"]),))

    def _sns(self, operation: str, request: AWSPreparedRequest, body: bytes, late: bool) -> Answer:
        given = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        self.publish(given.get("Subject", ""))
        return query_answer("Publish", "http://sns.amazonaws.com/doc/2010-03-31/", {"MessageId": "m"})

    def publish(self, subject: str) -> None:
        """Take a message to a topic."""
        self.published.append(subject)
        self.published_at.append(time.time())

    def _ssm(self, operation: str, request: AWSPreparedRequest, body: bytes, late: bool) -> Answer:
        return json_answer({"Parameter": {"Name": json.loads(body)["Name"], "Value": self.kill_switch,
                                          "Type": "String"}})

    def _secrets_manager(self, operation: str, request: AWSPreparedRequest, body: bytes, late: bool) -> Answer:
        name = json.loads(body)["SecretId"]
        if name not in SECRETS:
            return Answer(400, json.dumps({"__type": "ResourceNotFoundException", "Message": name}).encode())
        return json_answer({"Name": name, "SecretString": SECRETS[name]})

    def _lambda(self, operation: str, request: AWSPreparedRequest, body: bytes, late: bool) -> Answer:
        name = urlsplit(request.url).path.split("/")[3]
        try:
            return Answer(200, json.dumps(self.invoke(name, json.loads(body))).encode())
        except Exception as error:
            return Answer(200, json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode(),
                          headers=(("X-Amz-Function-Error", "Unhandled"),))

    def _sfn(self, operation: str, request: AWSPreparedRequest, body: bytes, late: bool) -> Answer:
        given = json.loads(body)
        if operation == "SendTaskSuccess":
            self.resumed.append(given["taskToken"])
            return json_answer({})
        arn = given["executionArn"]
        machine = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
        return json_answer({"executionArn": arn, "stateMachineArn": machine,
                            "status": "RUNNING" if arn in self.running else "ABORTED", "startDate": BEGAN})

    def _appconfigdata(self, operation: str, request: AWSPreparedRequest, body: bytes, late: bool) -> Answer:
        if operation == "StartConfigurationSession":
            return Answer(201, b'{"InitialConfigurationToken": "t"}')
        return Answer(200, self.settings.encode(), headers=(("Version-Label", "7 of the bed"),))

    def _eks(self, operation: str, request: AWSPreparedRequest, body: bytes, late: bool) -> Answer:
        url = urlsplit(request.url)
        if operation == "DescribeCluster":
            return Answer(200, json.dumps({"cluster": {
                "name": "payments", "status": "ACTIVE", "endpoint": f"https://{KUBERNETES}", "health": {"issues": []},
                "version": "1.33", "certificateAuthority": {"data": base64.b64encode(
                    f"-----BEGIN CERTIFICATE-----{AUTHORITY}{_FIRST}\n".encode()).decode()}}}).encode())
        headers = {key.lower(): str(value) for key, value in request.headers.items()}
        return self._others.answer(request.method, f"/aws/eks{url.path}", headers, body)


def _plain(body: bytes, headers: dict[str, str]) -> bytes:
    """Return an upload without its transfer's chunks (S3: "Signature calculations for trailing checksums")."""
    if "aws-chunked" not in headers.get("content-encoding", ""):
        return body
    found = b""
    while True:
        size, _, rest = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            return found
        found, body = found + rest[:length], rest[length + 2:]
