"""AWS's APIs that the engine lacks, or that must be breakable, behind one address: ``/aws/rds``, ``/aws/pi``, ….

A function reaches them by the variables AWS_ENDPOINT_URL_RDS, AWS_ENDPOINT_URL_PI, … (AWS: "Service-specific
endpoints"). The engine answers all other requests. Errors: the "Common Errors" page of each API reference.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from sandbox import plain_http
from sandbox.iam import wire
from sandbox.iam.evaluate import Call
from sandbox.platform.state import World
from sandbox.quotas.rates import Buckets
from sandbox.vendors import canaries
from sandbox.vendors.certificates import Certificates
from sandbox.vendors.eks import Eks
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.groups import Groups
from sandbox.vendors.health import Health
from sandbox.vendors.history import History
from sandbox.vendors.insights import Insights
from sandbox.vendors.instances import Instances, Machines, Objects
from sandbox.vendors.load_balancers import LoadBalancers
from sandbox.vendors.logs import Logs
from sandbox.vendors.rds import Rds
from sandbox.vendors.trail import Trail
from sandbox.vendors.wire import Protocol, Refused, answered, failed, form, passed

_PROTOCOLS: dict[str, Protocol] = {"rds": "query", "pi": "json", "health": "json", "cloudtrail": "json", "eks": "rest",
                                   "ec2": "ec2", "logs": "json", "acm": "json", "elasticloadbalancing": "query",
                                   "synthetics": "rest"}
_SOURCES = {"rds": "rds", "pi": "rds", "health": "aws_health", "cloudtrail": "cloudtrail",
            "logs": "cloudwatch_logs"}
"""Service to the source whose faults apply to it."""
_THROTTLED = {"rds": "Throttling"}
_RATE = {"rds": ("Throttling", 400), "ec2": ("RequestLimitExceeded", 503), "eks": ("ThrottlingException", 429)}
"""What a service answers to an account that calls too often, where it is not ThrottlingException."""
_DENIED = {"rds": ("AccessDenied", 403), "pi": ("NotAuthorizedException", 400), "eks": ("AccessDeniedException", 403),
           "ec2": ("UnauthorizedOperation", 403)}
Permits = Callable[[str, Call], str]
"""Says why the owner of an access key may not make a call, in IAM's words; empty: it is allowed."""
_PAGE = (b"<!DOCTYPE html>\n<html>\n<head><title>Please wait</title></head>\n<body>\n"
         b"<center><h1>Please wait</h1></center>\n<hr><center>proxy</center>\n</body>\n</html>\n")


class Aws:
    """The router; ``delay_seconds`` is how late CloudTrail is, ``permits`` is IAM."""

    def __init__(self, engine_url: str, world: Callable[[], World], cluster: Objects, gates: Gates,
                 delay_seconds: float = 5.0, permits: Permits = lambda access_key, call: "",
                 logs: Logs | None = None, world_at: Callable[[float], World] | None = None) -> None:
        self._client = plain_http.client(engine_url, 30)
        self._gates, self._permits, self._buckets = gates, permits, Buckets()
        machines = Machines(world, cluster)
        self._history = History(world, world_at)
        self._rds = Rds(world, self._history, gates, self._caller)
        self._insights = Insights(self._history, gates)
        self.health = Health(world, gates)
        self._trail = Trail(world, gates, delay_seconds, world_at)
        self._eks = Eks(world, machines, self._engine)
        self._instances = Instances(machines, world)
        self._groups = Groups(world)
        self._logs = logs
        self._certificates = Certificates(world)
        self._balancers = LoadBalancers(world)

    def second(self, now: float) -> None:
        """Keep the state of this second, for questions about the past; to be called each second."""
        self._history.note(now)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request to ``/aws/<service>…``."""
        url = urlsplit(path)
        service, _, rest = url.path.removeprefix("/aws/").partition("/")
        if service not in _PROTOCOLS:
            return Answer(404, b"{}")
        headers = {key.lower(): value for key, value in headers.items()}
        inner = f"/{rest}" + (f"?{url.query}" if url.query else "")
        try:
            return self._answer(service, method, inner, headers, body)
        except Refused as refused:
            return failed(_PROTOCOLS[service], refused)

    def _answer(self, service: str, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        source = _SOURCES.get(service, "")
        fault = self._gates.fault(source)
        if fault == "down":
            return Answer(0, b"")
        if fault == "slow":
            self._gates.hold(source)
        if fault == "malformed":
            return Answer(200, _PAGE, "text/html")
        if not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            raise Refused("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        operation = headers.get("x-amz-target", "").rpartition(".")[2] or form(body).get("Action", "")
        if fault == "throttled":
            raise Refused(_THROTTLED.get(service, "ThrottlingException"), "Rate exceeded")
        if fault == "unauthorized":
            raise _denied(service, f"User is not authorized to perform: {service}:{operation} because no "
                          f"identity-based policy allows the {service}:{operation} action")
        for call in wire.asked(service, method, path, headers, body):
            if why := self._permits(wire.access_key(headers), call):
                raise _denied(service, why)
        if service != "cloudtrail" and not self._buckets.take(service, _called(service, method, path, operation)):
            code, status = _RATE.get(service, ("ThrottlingException", 400))
            raise Refused(code, "Rate exceeded", status)
        self._history.note(time.time())
        if service == "rds":
            return self._rds.answer(headers, body)
        if service == "pi":
            return self._insights.answer(operation, body)
        if service == "health":
            return self.health.answer(operation, body)
        if service == "cloudtrail":
            return self._trail.answer(operation, body)
        if service == "logs" and self._logs:
            return self._logs.answer(operation, body)
        if service == "acm":
            return self._certificates.answer(operation, body)
        if service == "elasticloadbalancing":
            return self._balancers.answer(body)
        if service == "synthetics":
            return canaries.answer(method, path)
        if service == "eks":
            return self._eks.answer(method, path, headers, body)
        if Instances.knows(operation):
            return self._instances.answer(operation, form(body))
        if Groups.knows(operation):
            return self._groups.answer(operation, form(body), self._caller(headers))
        return self._engine(method, path, headers, body)

    def _engine(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        return answered(self._client.request(method, path, headers=passed(headers), content=body))

    def _caller(self, headers: dict[str, str]) -> str:
        """The caller as ``role/session`` or a user's name; the engine's STS knows the owner of the access key."""
        found = re.search(r"Credential=([^/]+)/([^/]+)/([^/]+)/", headers["authorization"])
        if not found:
            return "unknown"
        key, day, region = found.groups()
        signed = (f"AWS4-HMAC-SHA256 Credential={key}/{day}/{region}/sts/aws4_request, SignedHeaders=host;x-amz-date, "
                  f"Signature={'0' * 64}")
        token = headers.get("x-amz-security-token")
        try:
            answer = self._client.post("/", data={"Action": "GetCallerIdentity", "Version": "2011-06-15"}, headers={
                "Authorization": signed, **({"X-Amz-Security-Token": token} if token else {})})
        except httpx.HTTPError:
            return key
        arn = re.search(r"<Arn>arn:aws:(?:sts|iam)::\d+:(?:assumed-role/|user/)?([^<]+)</Arn>", answer.text)
        return arn[1] if arn else key


def _denied(service: str, why: str) -> Refused:
    code, status = _DENIED.get(service, ("AccessDeniedException", 400))
    words = "You are not authorized to perform this operation. " if service == "ec2" else ""
    return Refused(code, words + why, status)


def _called(service: str, method: str, path: str, operation: str) -> str:
    """Return the name of the operation; EKS tells it by method and path alone."""
    if service != "eks":
        return operation
    parts = path.partition("?")[0].strip("/").split("/")
    # /clusters/NAME describes one, /clusters/NAME/node-groups lists them.
    return "" if method != "GET" else "Describe" if len(parts) % 2 == 0 else "List"
