"""A stand-in of GitHub's REST API for deployments and commits.

Formats: GitHub REST API (version 2022-11-28), "REST API endpoints for deployments", "... for deployment statuses" and
"... for commits" (Compare two commits, Get a commit).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.platform.foreign import Commit, Foreign
from sandbox.vendors.gate import Answer, Gates

TOKEN = "github_pat_reader_stand_in"  # noqa: S105 - of the stand-in
REPOSITORIES = ("shop/payment-gateway", "shop/backend", "shop/infrastructure")
_FIRST = "0" * 39 + "1"


class Deployments:
    """The repositories of the shop; each commit was deployed to production when it was merged."""

    def __init__(self, foreign: Callable[[], Foreign], gates: Gates) -> None:
        self._foreign, self._gates = foreign, gates

    def answer(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """Answer one request below ``/code``."""
        fault = self._gates.fault("code")
        if fault == "down":
            return Answer(0, b"")
        if fault == "slow":
            self._gates.hold("code")
        if fault == "throttled":
            return Answer(429, b'{"message": "You have exceeded a secondary rate limit."}', headers=(
                ("Retry-After", "60"),))
        if headers.get("authorization") != f"Bearer {TOKEN}" or fault == "unauthorized":
            return _json(401, {"message": "Bad credentials", "status": "401"})
        if not headers.get("user-agent"):
            return _json(403, {"message": "Request forbidden by administrative rules."})
        if fault == "malformed":
            return Answer(200, b"<html>", "text/html")
        place = urlsplit(path.removeprefix("/code"))
        found = re.fullmatch(rf"/repos/({'|'.join(map(re.escape, REPOSITORIES))})/(.+)", place.path)
        if not found or method != "GET":
            return _json(404, {"message": "Not Found", "status": "404"})
        query = {key: values[0] for key, values in parse_qs(place.query).items()}
        return self._of(found[1], found[2], query, fault == "empty")

    def _of(self, repository: str, rest: str, query: dict[str, str], empty: bool) -> Answer:
        newest = self._gates.newest("code", 0)
        commits = [] if empty else [one for one in self._foreign().commits
                                    if one.repository == repository and one.at <= newest]
        if rest == "deployments":
            wanted = query.get("environment", "production") == "production"
            made = [_deployment(number, one) for number, one in enumerate(commits, 2)] if wanted else []
            return _json(200, [*reversed(made), *([_first()] if wanted else [])][:int(query.get("per_page", 30))])
        if found := re.fullmatch(r"deployments/(\d+)/statuses", rest):
            place = int(found[1]) - 2
            at = commits[place].at if 0 <= place < len(commits) else 0.0
            return _json(200, [{"id": 10 + place, "state": "success", "created_at": _iso(at), "updated_at": _iso(at),
                                "environment": "production", "description": "", "creator": {"login": "deployer"}}])
        shas = [_FIRST, *(one.sha for one in commits)]
        if found := re.fullmatch(r"compare/(\w+)\.\.\.(\w+)", rest):
            if found[1] in shas and found[2] in shas:
                between = commits[shas.index(found[1]):shas.index(found[2])]
                return _json(200, {"status": "ahead", "total_commits": len(between),
                                   "commits": [_commit(one, whole=False) for one in between]})
        elif found := re.fullmatch(r"commits/(\w+)", rest):
            one = next((one for one in commits if one.sha == found[1]), None)
            if one:
                return _json(200, _commit(one, whole=True))
        return _json(404, {"message": "Not Found", "status": "404"})


def _deployment(number: int, one: Commit) -> dict[str, Any]:
    return {"id": number, "sha": one.sha, "ref": "main", "task": "deploy", "payload": {}, "environment": "production",
            "original_environment": "production", "description": None, "creator": {"login": "deployer", "id": 1},
            "created_at": _iso(one.at), "updated_at": _iso(one.at)}


def _first() -> dict[str, Any]:
    return {"id": 1, "sha": _FIRST, "ref": "main", "task": "deploy", "payload": {}, "environment": "production",
            "original_environment": "production", "description": None, "creator": {"login": "deployer", "id": 1},
            "created_at": "2020-01-01T08:00:00Z", "updated_at": "2020-01-01T08:00:00Z"}


def _commit(one: Commit, *, whole: bool) -> dict[str, Any]:
    who = {"name": one.by.partition("@")[0].capitalize(), "email": one.by, "date": _iso(one.at)}
    said = {"sha": one.sha, "author": {"login": one.by.partition("@")[0], "id": 2}, "parents": [],
            "commit": {"message": one.message, "author": who, "committer": who}}
    files = [{"filename": name, "status": "modified", "additions": 1, "deletions": 1, "changes": 2,
              **({"patch": one.patch} if one.patch and not place else {})} for place, name in enumerate(one.files)]
    return {**said, "files": files} if whole else said


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _json(status: int, content: Any) -> Answer:
    return Answer(status, json.dumps(content).encode(), "application/json; charset=utf-8")
