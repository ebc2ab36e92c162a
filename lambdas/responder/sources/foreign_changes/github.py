"""GitHub: which commits were deployed and what they changed.

Formats: GitHub's pages "REST API endpoints for deployments" (List deployments), "... for deployment statuses" and
"... for commits" (Compare two commits, Get a commit). A deployment is in effect when its newest status is ``success``;
without any status it counts from its creation, for many pipelines set none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.foreign_change import Deployed, ForeignChange
from responder.model.moment import seconds
from responder.model.service.foreign_changes import CodeHost, Repository

_DEPLOYMENTS = 30
_OF_REPOSITORY = 4
"""So many deployments of one repository are looked into, the newest first."""
_COMMITS = 8
"""So many commits of one deployment are looked into, the newest first."""
_DIFF = 6000
"""Characters of a commit's lines that are kept."""
_DONE = frozenset({"success", "inactive"})
"""A deployment that another has followed is ``inactive``; before, it was in effect."""
_NOT_DONE = frozenset({"failure", "error", "pending", "queued", "in_progress"})


def headers(token: str) -> dict[str, str]:
    """Return what GitHub's API asks for beside the token."""
    return {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28"}


def changes(settings: CodeHost, since: float, until: float, http: Http) -> list[ForeignChange]:
    """Return the commits that came into effect between two times (seconds since 1970, UTC); raises CallFailed."""
    return [change for repository in settings.repositories
            for change in _of(repository, f"{settings.endpoint}/repos/{repository.name}", since, until, http)]


def _of(repository: Repository, url: str, since: float, until: float, http: Http) -> Iterator[ForeignChange]:
    listed = _list(http.json("GET", f"{url}/deployments", params={
        "environment": repository.environment, "per_page": _DEPLOYMENTS}))
    deployments = [one for one in listed if isinstance(one.get("sha"), str) and _time(one) <= until]
    deployments.sort(key=_time, reverse=True)
    looked = 0
    for place, one in enumerate(deployments):
        if _time(one) < since or looked >= _OF_REPOSITORY:
            return
        at = _in_effect(one, f"{url}/deployments/{one['id']}/statuses", http)
        if at is None:
            continue
        looked += 1
        before = next((other["sha"] for other in deployments[place + 1:] if other["sha"] != one["sha"]), "")
        yield from _commits(repository, url, (before, str(one["sha"]), at), http)


def _in_effect(deployment: dict[str, Any], url: str, http: Http) -> float | None:
    """Return since when a deployment is in effect; None where it is not."""
    statuses = sorted(_list(http.json("GET", url, params={"per_page": _DEPLOYMENTS})), key=_time)
    if not statuses:
        return _time(deployment)
    done = [_time(status) for status in statuses if status.get("state") in _DONE]
    return min(done) if done else None if any(status.get("state") in _NOT_DONE for status in statuses) else _time(
        deployment)


def _commits(repository: Repository, url: str, span: tuple[str, str, float], http: Http) -> Iterator[ForeignChange]:
    before, head, at = span
    hashes = [head]
    if before:
        compared = http.json("GET", f"{url}/compare/{before}...{head}", params={"per_page": 100})
        listed = _list(compared.get("commits") if isinstance(compared, dict) else None)
        hashes = [str(commit["sha"]) for commit in listed if isinstance(commit.get("sha"), str)][-_COMMITS:] or [head]
    for sha in hashes:
        commit = http.json("GET", f"{url}/commits/{sha}")
        if not isinstance(commit, dict) or not isinstance(commit.get("commit"), dict):
            raise CallFailed("malformed", f"GitHub's commit {sha[:7]} is not as documented")
        yield _change(repository, commit, at)


def _change(repository: Repository, commit: dict[str, Any], at: float) -> ForeignChange:
    about = commit["commit"]
    files = _list(commit.get("files"))
    merged = about.get("committer") or about.get("author") or {}
    who = (commit.get("author") or {}).get("login") or (about.get("author") or {}).get("name") or ""
    diff = "\n".join(f"@@ {file.get('filename', '')} @@\n{file['patch']}" for file in files if file.get("patch"))
    return ForeignChange(
        id=f"{repository.name}@{str(commit.get('sha', ''))[:7]}",
        kind="commit" if repository.component else "infrastructure",
        at=seconds(merged["date"]) if merged.get("date") else at, by=str(who)[:80],
        title=str(about.get("message") or "").partition("\n")[0][:120],
        files=tuple(str(file.get("filename", ""))[:200] for file in files[:30]), diff=diff[:_DIFF],
        component=repository.component, deployed=(Deployed(repository.component, at),) if repository.component else ())


def _time(item: dict[str, Any]) -> float:
    return seconds(item["created_at"]) if isinstance(item.get("created_at"), str) else 0.0


def _list(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
