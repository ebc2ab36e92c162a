"""Stand-ins of the trackers that improvements are filed in: GitHub's issues and Jira Cloud's.

Formats: GitHub REST API (version 2022-11-28), "REST API endpoints for issues", "Rate limits for the REST API"; Jira
Cloud platform REST API v3, "Create issue", "Search for issues using JQL enhanced search", "Add comment", and "Atlassian
Document Format".
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.vendors.gate import Answer, Gates

GITHUB_TOKEN, GITHUB_REPOSITORY = "github_pat_stand_in", "example/payments"
JIRA_EMAIL, JIRA_TOKEN, JIRA_PROJECT = "responder@example.com", "jira-token-stand-in", "PAY"
_LABEL_MOST, _TITLE_MOST, _BODY_MOST = 50, 256, 65_536
_SUMMARY_MOST, _TEXT_MOST = 255, 32_767


class GitHub:
    """One repository's issues."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self.issues: list[dict[str, Any]] = []
        self.comments: dict[int, list[dict[str, Any]]] = {}

    def told(self) -> list[dict[str, Any]]:
        """Return all that it was told."""
        return self.issues

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request below ``/github``."""
        fault = self._gates.fault("github")
        if fault == "throttled":
            return _json(403, {"message": "You have exceeded a secondary rate limit."}, ("Retry-After", "60"))
        if headers.get("authorization") != f"Bearer {GITHUB_TOKEN}" or fault == "unauthorized":
            return _json(401, {"message": "Bad credentials", "status": "401"})
        if not headers.get("user-agent"):
            return _json(403, {"message": "Request forbidden by administrative rules."})
        place = urlsplit(path)
        root = f"/github/repos/{GITHUB_REPOSITORY}/issues"
        given = json.loads(body) if body else {}
        query = {key: values[0] for key, values in parse_qs(place.query).items()}
        if fault == "down":
            return _json(410, {"message": "Issues has been disabled in this repository."})
        if place.path == root:
            return self._create(given) if method == "POST" else self._list(query)
        found = re.fullmatch(re.escape(root) + r"/(\d+)/comments", place.path)
        if found and int(found[1]) <= len(self.issues):
            return self._comments(method, int(found[1]), given, query)
        return _json(404, {"message": "Not Found"})

    def _list(self, query: dict[str, str]) -> Answer:
        each, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        wanted = query.get("labels", "")
        state = query.get("state", "open")
        found = [issue for issue in reversed(self.issues) if state in ("all", issue["state"]) and (
            not wanted or wanted in [label["name"] for label in issue["labels"]])]
        return _json(200, found[(page - 1) * each:page * each])

    def _create(self, given: Any) -> Answer:
        title, labels = given.get("title"), given.get("labels") or []
        if (not title or len(title) > _TITLE_MOST or len(given.get("body") or "") > _BODY_MOST
                or any(len(label) > _LABEL_MOST for label in labels)):
            return _json(422, {"message": "Validation Failed", "errors": [
                {"resource": "Issue", "code": "missing_field", "field": "title"}]})
        number = len(self.issues) + 1
        issue = {"id": 1000 + number, "number": number, "state": "open", "title": title, "body": given.get("body"),
                 "labels": [{"name": label} for label in labels],
                 "html_url": f"https://github.com/{GITHUB_REPOSITORY}/issues/{number}"}
        self.issues.append(issue)
        return _json(201, issue)

    def _comments(self, method: str, number: int, given: Any, query: dict[str, str]) -> Answer:
        held = self.comments.setdefault(number, [])
        if method == "GET":
            each, page = int(query.get("per_page", 30)), int(query.get("page", 1))
            return _json(200, held[(page - 1) * each:page * each])
        if not given.get("body"):
            return _json(422, {"message": "Validation Failed"})
        held.append({"id": len(held) + 1, "body": given["body"]})
        return _json(201, held[-1])


class Jira:
    """One project's issues."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self.issues: list[dict[str, Any]] = []

    def told(self) -> list[dict[str, Any]]:
        """Return all that it was told."""
        return self.issues

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request below ``/jira``."""
        fault = self._gates.fault("jira")
        if fault == "throttled":
            return _json(429, {"errorMessages": ["Rate limit exceeded."]}, ("Retry-After", "30"))
        token = base64.b64encode(f"{JIRA_EMAIL}:{JIRA_TOKEN}".encode()).decode()
        if headers.get("authorization") != f"Basic {token}" or fault == "unauthorized":
            return Answer(401, b"Client must be authenticated to access this resource.", "text/plain")
        place = urlsplit(path).path.removeprefix("/jira/rest/api/3")
        given = json.loads(body) if body else {}
        if (method, place) == ("POST", "/issue"):
            return self._create(given.get("fields") or {})
        if (method, place) == ("POST", "/search/jql"):
            return self._search(given)
        found = re.fullmatch(rf"/issue/{JIRA_PROJECT}-(\d+)(/comment)?", place)
        if not found or int(found[1]) > len(self.issues):
            return _json(404, {"errorMessages": ["Issue does not exist or you do not have permission to see it."]})
        issue = self.issues[int(found[1]) - 1]
        if not found[2]:
            return _json(200, {key: issue[key] for key in ("id", "key", "fields")})
        if method == "GET":
            return _json(200, {"startAt": 0, "maxResults": 100, "total": len(issue["comments"]),
                               "comments": issue["comments"][::-1]})
        if not _is_document(given.get("body")):
            return _json(400, {"errorMessages": [], "errors": {"comment": "Operation value must be an Atlassian "
                                                                          "Document (see the docs)"}})
        issue["comments"].append({"id": str(len(issue["comments"]) + 1), "body": given["body"]})
        return _json(201, issue["comments"][-1])

    def _create(self, fields: Any) -> Answer:
        errors = {}
        if (fields.get("project") or {}).get("key") != JIRA_PROJECT:
            errors["project"] = "valid project is required"
        if not (fields.get("issuetype") or {}).get("name"):
            errors["issuetype"] = "Specify a valid issue type"
        if not fields.get("summary") or len(fields["summary"]) > _SUMMARY_MOST or "\n" in fields["summary"]:
            errors["summary"] = "Summary must be less than 255 characters, on one line."
        if any(" " in label or len(label) > _SUMMARY_MOST for label in fields.get("labels") or []):
            errors["labels"] = "The label contains spaces which is invalid."
        if not _is_document(fields.get("description")) or len(json.dumps(fields["description"])) > _TEXT_MOST:
            errors["description"] = "Operation value must be an Atlassian Document (see the docs)"
        if errors:
            return _json(400, {"errorMessages": [], "errors": errors})
        number = len(self.issues) + 1
        self.issues.append({"id": str(10_000 + number), "key": f"{JIRA_PROJECT}-{number}", "fields": fields,
                            "comments": []})
        return _json(201, {"id": str(10_000 + number), "key": f"{JIRA_PROJECT}-{number}",
                           "self": f"https://example.atlassian.net/rest/api/3/issue/{10_000 + number}"})

    def _search(self, given: Any) -> Answer:
        found = re.fullmatch(r'project = "(\w+)" AND labels = "([\w-]+)" ORDER BY created DESC', given.get("jql", ""))
        if not found:
            return _json(400, {"errorMessages": ["Error in the JQL Query"]})
        issues = [{"id": issue["id"], "key": issue["key"]} for issue in reversed(self.issues)
                  if found[2] in (issue["fields"].get("labels") or []) and found[1] == JIRA_PROJECT]
        return _json(200, {"issues": issues[:given.get("maxResults", 50)], "isLast": True})


def _is_document(value: Any) -> bool:
    """Whether a value is a document of paragraphs, none of which is empty."""
    return (isinstance(value, dict) and value.get("version") == 1 and value.get("type") == "doc"
            and bool(value.get("content")) and all(
                part.get("type") == "paragraph" and all(
                    node.get("type") == "text" and node.get("text") for node in part.get("content") or [])
                for part in value["content"]))


def _json(status: int, value: Any, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps(value).encode(), headers=headers)
