"""GitHub's deployments and commits, and LaunchDarkly's audit log, as their vendors document them.

Sources: GitHub, "REST API endpoints for deployments", "... for deployment statuses", "... for commits"; LaunchDarkly,
"List audit log entries".
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import httpx
import pytest

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.evidence import Window
from responder.model.service import Service
from responder.model.service.foreign_changes import ChangeFeeds, CodeHost, Flag, FlagService, Repository
from responder.sources import Query, foreign_changes

NOW = 1_800_000_000.0
FEEDS = ChangeFeeds(CodeHost("code", (Repository("shop/gateway", "payment-gateway"),)),
                    FlagService("flags", "shop", flags=(Flag("new-tariff", "payment-gateway"),)))


def iso(ago: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - ago))


def deployment(number: int, sha: str, ago: float) -> dict[str, Any]:
    return {"id": number, "sha": sha, "ref": "main", "task": "deploy", "environment": "production", "payload": {},
            "created_at": iso(ago), "updated_at": iso(ago), "creator": {"login": "deployer"}, "description": None}


def entry(key: str, action: str, verb: str, ago: float) -> dict[str, Any]:
    return {"_id": f"id-{ago}", "accountId": "a", "date": int((NOW - ago) * 1000), "kind": "flag", "name": key,
            "accesses": [{"action": action, "resource": f"proj/shop:env/production:flag/{key}"}], "description": "",
            "shortDescription": "", "member": {"_id": "m", "email": "ada@example.com", "firstName": "Ada"},
            "titleVerb": verb, "title": f"Ada {verb} {key}"}


ANSWERS: dict[str, Any] = {
    "/repos/shop/gateway/deployments": [deployment(3, "c" * 40, 100), deployment(2, "b" * 40, 4000),
                                        deployment(1, "a" * 40, 90_000)],
    "/repos/shop/gateway/deployments/3/statuses": [{"state": "success", "created_at": iso(60)},
                                                   {"state": "in_progress", "created_at": iso(95)}],
    "/repos/shop/gateway/deployments/2/statuses": [{"state": "failure", "created_at": iso(3900)}],
    f"/repos/shop/gateway/compare/{'b' * 40}...{'c' * 40}": {"commits": [{"sha": "d" * 40}, {"sha": "c" * 40}]},
    **{f"/repos/shop/gateway/commits/{sha * 40}": {
        "sha": sha * 40, "author": {"login": "grace"}, "commit": {
            "message": "tune the pool\n\nbecause", "author": {"name": "Grace", "date": iso(500)},
            "committer": {"name": "GitHub", "date": iso(400)}},
        "files": [{"filename": "src/pool.py", "status": "modified", "patch": "@@ -1 +1 @@\n-size = 20\n+size = 2"},
                  {"filename": "logo.png", "status": "added"}]} for sha in "cd"},
    "/api/v2/auditlog": {"items": [
        entry("new-tariff", "updateOn", "turned on the flag", 30), entry("old", "updateOn", "turned off the flag", 40),
        entry("mix", "updateRules", "updated the flag", 50), entry("named", "updateName", "renamed the flag", 55)],
        "_links": {"self": {"href": "/api/v2/auditlog", "type": "application/json"}}}}


def asked(service: Service, answers: dict[str, Any], seen: list[httpx.Request]) -> Any:
    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        found = answers.get(request.url.path)
        return httpx.Response(404, json={"message": "Not Found"}) if found is None else httpx.Response(200, json=found)

    deadline = time.monotonic() + 5
    query = Query(replace(service, foreign_changes=FEEDS), "diagnose", Window(NOW - 60, NOW),
                  Window(NOW - 3660, NOW - 60), deadline)
    return foreign_changes.collect(query, Http(deadline, transport=httpx.MockTransport(serve)))


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "secret", lambda name: f"key of {name}")


def test_commits_are_known_by_what_was_deployed_and_since_when(service: Service) -> None:
    [finding] = asked(service, ANSWERS, [])
    commits = [change for change in finding.detail.changes if change.kind == "commit"]
    # The deployment that failed brought nothing; the one of yesterday is too old.
    assert [change.id for change in commits] == ["shop/gateway@ddddddd", "shop/gateway@ccccccc"]
    one = commits[1]
    assert (one.by, one.title, one.files) == ("grace", "tune the pool", ("src/pool.py", "logo.png"))
    assert (one.at, one.deployed[0].at, one.deployed[0].component) == (NOW - 400, NOW - 60, "payment-gateway")
    assert "-size = 20" in one.diff


def test_flags_are_known_with_their_former_value_only_where_they_were_switched(service: Service) -> None:
    [finding] = asked(service, ANSWERS, [])
    flags = {change.id: change for change in finding.detail.changes if change.kind == "flag"}
    assert flags.keys() == {"flag new-tariff", "flag old", "flag mix"}
    assert (flags["flag new-tariff"].before, flags["flag new-tariff"].after) == ("off", "on")
    assert flags["flag new-tariff"].component == "payment-gateway"
    assert (flags["flag old"].before, flags["flag old"].component) == ("on", "")
    assert flags["flag mix"].before == ""


def test_the_audit_log_is_asked_for_one_environment_and_time(service: Service) -> None:
    seen: list[httpx.Request] = []
    asked(service, ANSWERS, seen)
    [log] = [request for request in seen if request.url.path == "/api/v2/auditlog"]
    assert log.url.params["spec"] == "proj/shop:env/production:flag/*"
    assert int(log.url.params["before"]) == NOW * 1000


def test_one_system_that_fails_leaves_what_the_other_said(service: Service) -> None:
    [finding] = asked(service, {path: found for path, found in ANSWERS.items() if "repos" not in path}, [])
    assert finding.status == "partial"
    assert "GitHub" in finding.note
    assert {change.kind for change in finding.detail.changes} == {"flag"}


def test_where_both_fail_nothing_came_back(service: Service) -> None:
    with pytest.raises(CallFailed):
        asked(service, {}, [])
