"""A stand-in of LaunchDarkly's REST API: the audit log, and one flag read and switched.

Formats: LaunchDarkly's pages "List audit log entries", "Get feature flag", "Update feature flag" (semantic patch) and
"Using the LaunchDarkly API" (errors, resource specifiers).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.platform.foreign import ENVIRONMENT, PROJECT, Foreign, Switched
from sandbox.vendors.gate import Answer, Gates

TOKEN = "api-launchdarkly-stand-in"  # noqa: S105 - of the stand-in
_MOST = 20
_PATCH = "application/json; domain-model=launchdarkly.semanticpatch"


class LaunchDarkly:
    """One project's flags in one environment."""

    def __init__(self, foreign: Callable[[], Foreign], gates: Gates) -> None:
        self._foreign, self._gates = foreign, gates

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request below ``/launchdarkly``."""
        fault = self._gates.fault("flags")
        if fault == "down":
            return Answer(0, b"")
        if fault == "slow":
            self._gates.hold("flags")
        if fault == "throttled":
            return _json(429, {"code": "rate_limited", "message": "You've exceeded the API rate limit."})
        if headers.get("authorization") != TOKEN or fault == "unauthorized":
            return _json(401, {"code": "unauthorized", "message": "Invalid account ID header"})
        place = urlsplit(path.removeprefix("/launchdarkly"))
        if fault == "malformed":
            return Answer(200, b"<html>", "text/html")
        if place.path == "/api/v2/auditlog" and method == "GET":
            return self._log({key: values[0] for key, values in parse_qs(place.query).items()}, fault == "empty")
        found = re.fullmatch(rf"/api/v2/flags/{PROJECT}/([\w.-]+)", place.path)
        if not found or found[1] not in self._foreign().flags:
            return _json(404, {"code": "not_found", "message": "invalid resource identifier"})
        return self._flag(method, found[1], headers, body)

    def _log(self, query: dict[str, str], empty: bool) -> Answer:
        after, before = float(query.get("after", 0)), float(query.get("before", "inf"))
        newest = self._gates.newest("flags", 0) * 1000
        entries = [_entry(one) for one in reversed(self._foreign().switched)
                   if after <= one.at * 1000 <= min(before, newest)]
        wanted = query.get("spec", "proj/*:env/*:flag/*")
        if wanted not in (f"proj/{PROJECT}:env/{ENVIRONMENT}:flag/*", "proj/*:env/*:flag/*") or empty:
            entries = []
        return _json(200, {"items": entries[:min(_MOST, int(query.get("limit", 10)))],
                           "_links": {"self": {"href": "/api/v2/auditlog", "type": "application/json"}}})

    def _flag(self, method: str, key: str, headers: dict[str, str], body: bytes) -> Answer:
        foreign = self._foreign()
        if method == "PATCH":
            if headers.get("content-type", "").replace("\"", "") != _PATCH:
                return _json(400, {"code": "invalid_request", "message": "expected a semantic patch"})
            given = json.loads(body)
            kinds = [one.get("kind") for one in given.get("instructions", [])]
            if given.get("environmentKey") != ENVIRONMENT or kinds not in (["turnFlagOn"], ["turnFlagOff"]):
                return _json(400, {"code": "invalid_request", "message": "unknown environment or instruction"})
            foreign.switch(key, kinds == ["turnFlagOn"], "incident-responder")
        elif method != "GET":
            return _json(405, {"code": "method_not_allowed", "message": "method not allowed"})
        return _json(200, {"key": key, "name": key, "kind": "boolean", "_version": len(foreign.switched),
                           "environments": {ENVIRONMENT: {"on": foreign.flags[key], "archived": False,
                                                          "_environmentName": "Production"}}})


def _entry(one: Switched) -> dict[str, Any]:
    key, verb = one.key, f"turned {'on' if one.on else 'off'} the flag"
    resource = f"proj/{PROJECT}:env/{ENVIRONMENT}:flag/{key}"
    first, _, _ = one.by.partition("@")
    return {"_id": uuid.uuid5(uuid.NAMESPACE_URL, f"{key} {one.at}").hex[:24], "_accountId": "5a0000000000000000000000",
            "date": int(one.at * 1000), "accesses": [{"action": "updateOn", "resource": resource}], "kind": "flag",
            "name": key, "description": f"* Turned {'on' if one.on else 'off'} the flag",
            "shortDescription": "", "comment": "",
            "member": {"_id": "m1", "email": one.by, "firstName": first.capitalize(), "lastName": ""},
            "titleVerb": verb, "title": f"[{first.capitalize()}](mailto:{one.by}) {verb} [{key}](/{PROJECT}/{key})",
            "target": {"name": key, "resources": [resource], "_links": {}},
            "_links": {"self": {"href": "/api/v2/auditlog/x", "type": "application/json"}}}


def _json(status: int, content: Any) -> Answer:
    return Answer(status, json.dumps(content).encode())
