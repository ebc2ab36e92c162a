"""PagerDuty, Slack and Statuspage's own API, as far as a responder uses them; they keep what they were told.

Formats: PagerDuty's pages "Send an Alert Event", "Event Management" (deduplication), "List incidents" and "Create a
responder request for an incident"; Slack's pages "chat.postMessage method", "chat.update method", "conversations.create
method", "conversations.open method", "conversations.invite method", "conversations.setTopic method", "Blocks" and "Rate
limits"; Atlassian's "Statuspage API".
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.vendors.gate import Answer, Gates

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
API_KEY = "pd-rest-key"
BOT_TOKEN = "xoxb-sandbox-token"  # noqa: S105 - of the sandbox alone
SCOPES = ("chat:write", "channels:manage", "channels:read", "channels:write.invites", "channels:write.topic",
          "im:write")
"""Of the bot token."""
SIGNING_SECRET = "sandbox-signing-secret"  # noqa: S105 - of the sandbox alone
SLACK_USER = "U0SRE"
PAGE_KEY = "statuspage-key"
PAGE = "abcdefghijkl"
PAGE_COMPONENT = "000000000001"
_USER = "P0000000"


class PagerDuty:
    """Alerts by their dedup key, each with an incident of its own, whom it notified, and who was asked to join."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self.alerts: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, Any]] = []
        self.notified: list[tuple[str, str]] = []
        """Whom it woke: the dedup key or the user, and the summary; by an incident that opens, or a responder request.
        """
        self._calls: deque[float] = deque()

    def told(self) -> list[dict[str, Any]]:
        """Return all that it was told."""
        return [*self.alerts.values(), *self.asked]

    def acknowledge(self, key: str) -> None:
        """Let the person on call acknowledge the incident of an alert: from then on it notifies nobody."""
        if self.alerts[key]["status"] == "triggered":
            self.alerts[key]["status"] = "acknowledged"

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request below ``/pagerduty``."""
        fault = self._gates.fault("pagerduty")
        broken = _broken(self._gates, "pagerduty", fault)
        if broken:
            return broken
        place = urlsplit(path)
        if place.path == "/pagerduty/v2/enqueue" and method == "POST":
            return self._event(body)
        if headers.get("authorization") != f"Token token={API_KEY}" or fault == "unauthorized":
            return _json(401, {"error": {"message": "Authentication failed", "code": 2006}})
        if place.path == "/pagerduty/abilities" and method == "GET":
            return _json(200, {"abilities": ["teams", "coordinated_responding", "urgencies"]})
        user = re.fullmatch(r"/pagerduty/users/(\w+)", place.path)
        if user and method == "GET":
            if not user[1].startswith("P"):
                return _json(404, {"error": {"message": "Not Found", "code": 2100}})
            return _json(200, {"user": {"id": user[1], "type": "user", "name": user[1]}})
        if place.path == "/pagerduty/incidents" and method == "GET":
            wanted = parse_qs(place.query)
            keys, statuses = wanted.get("incident_key", []), wanted.get("statuses[]", [])
            return _json(200, {"incidents": [
                self._incident(key) for key, alert in self.alerts.items()
                if (not keys or key in keys) and (not statuses or alert["status"] in statuses)],
                "limit": 25, "offset": 0, "more": False, "total": None})
        found = re.fullmatch(r"/pagerduty/incidents/(\w+)/responder_requests", place.path)
        if found and method == "POST":
            return self._ask(found[1], headers, body)
        return _json(404, {"error": {"message": "Not Found", "code": 2100}})

    def _event(self, body: bytes) -> Answer:
        if _counted(self._calls, 60) > 120:
            return Answer(429, b"")
        try:
            event = json.loads(body)
        except ValueError:
            return _json(400, {"status": "Unrecognized object", "message": "Event object format is unrecognized",
                               "errors": ["JSON parse error"]})
        errors = _wrong(event)
        if errors or self._gates.fault("pagerduty") == "unauthorized":
            return _json(400, {"status": "invalid event", "message": "Event object is invalid",
                               "errors": errors or ["Invalid routing key"]})
        key = event.get("dedup_key") or uuid.uuid4().hex
        known = self.alerts.get(key)
        if event["event_action"] == "trigger":
            if known is None or known["status"] == "resolved":
                self.alerts[key] = {"status": "triggered", "events": [], "id": f"Q{len(self.alerts):07d}",
                                    "at": time.time()}
                self.notified.append((key, event["payload"]["summary"]))
            # An open incident with this key, acknowledged or not: one more entry of its log, and no notification.
            self.alerts[key]["events"].append(event)
        elif known and known["status"] != "resolved":
            known["status"] = {"acknowledge": "acknowledged", "resolve": "resolved"}[event["event_action"]]
            known["events"].append(event)
        return _json(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def _incident(self, key: str) -> dict[str, Any]:
        alert = self.alerts[key]
        return {"id": alert["id"], "type": "incident", "incident_number": int(alert["id"][1:]) + 1,
                "status": alert["status"], "title": alert["events"][0]["payload"]["summary"], "incident_key": None,
                "html_url": f"https://example.pagerduty.com/incidents/{alert['id']}", "created_at": _iso(alert["at"])}

    def _ask(self, incident: str, headers: dict[str, str], body: bytes) -> Answer:
        if "@" not in headers.get("from", ""):
            return _json(400, {"error": {"message": "You must specify a user's email address in the \"From\" header",
                                         "code": 2001}})
        given = json.loads(body)
        missing = [name for name in ("requester_id", "message", "responder_request_targets") if not given.get(name)]
        if missing or given["requester_id"] != _USER:
            return _json(400, {"error": {"message": "Invalid Input Provided", "code": 2001,
                                         "errors": [f"{name} is required" for name in missing]}})
        if incident not in {alert["id"] for alert in self.alerts.values()}:
            return _json(404, {"error": {"message": "Incident Not Found", "code": 5001}})
        self.asked.append({"incident": incident, **given})
        self.notified += [(target["responder_request_target"]["id"], given["message"])
                          for target in given["responder_request_targets"]]
        return _json(200, {"responder_request": {
            "incident": {"id": incident, "type": "incident_reference"}, "requester": {
                "id": _USER, "type": "user_reference"}, "requested_at": _iso(time.time()), "message": given["message"],
            "responder_request_targets": [{"responder_request_target": {
                **target["responder_request_target"], "incidents_responders": [{"state": "pending"}]}}
                for target in given["responder_request_targets"]]}})


def _wrong(event: Any) -> list[str]:
    """Why PagerDuty would refuse an event."""
    if not isinstance(event, dict):
        return ["event is not an object"]
    errors = []
    if len(str(event.get("routing_key", ""))) != 32:
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    elif event["routing_key"] != ROUTING_KEY:
        errors.append("Invalid routing key")
    action = event.get("event_action")
    if action not in ("trigger", "acknowledge", "resolve"):
        errors.append("'event_action' is invalid (must be trigger, acknowledge or resolve)")
    if len(str(event.get("dedup_key", ""))) > 255 or (action != "trigger" and not event.get("dedup_key")):
        errors.append("'dedup_key' is missing or too long")
    payload = event.get("payload") or {}
    if action == "trigger":
        errors += [f"'payload.{name}' is missing or blank" for name in ("summary", "source", "severity")
                   if not payload.get(name)]
        if payload.get("severity") not in ("critical", "error", "warning", "info"):
            errors.append("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', "
                          "'error' or 'info')")
        if len(str(payload.get("summary", ""))) > 1024:
            errors.append("'payload.summary' is too long")
        errors += [f"'links[{place}].href' is missing or blank" for place, link in enumerate(event.get("links") or [])
                   if not str(link.get("href", "")).startswith("https://")]
    return errors


class Slack:
    """Channels and their messages."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self.channels: dict[str, dict[str, Any]] = {"C0STANDING": {"name": "incidents", "members": [], "topic": ""}}
        self.messages: dict[str, dict[str, Any]] = {}
        """By channel and ts; a direct message's channel is ``D`` and the rest of the user's id."""
        self._posted: dict[str, deque[float]] = defaultdict(deque)

    def told(self) -> list[dict[str, Any]]:
        """Return all that it was told."""
        return [*self.channels.values(), *self.messages.values()]

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request below ``/slack``."""
        fault = self._gates.fault("slack")
        broken = _broken(self._gates, "slack", fault)
        if broken:
            return broken
        if path == "/slack/response":
            return Answer(200, b"ok", "text/plain")
        if headers.get("authorization") != f"Bearer {BOT_TOKEN}" or fault == "unauthorized":
            return _json(200, {"ok": False, "error": "invalid_auth"})
        methods: dict[str, Callable[[dict[str, Any]], dict[str, Any] | Answer]] = {
            "chat.postMessage": self._post, "chat.update": self._update, "conversations.create": self._create,
            "auth.test": self._test, "conversations.invite": self._invite, "conversations.open": self._open,
            "conversations.setTopic": self._topic}
        place = urlsplit(path)
        if place.path == "/slack/conversations.list" and method == "GET":
            return _json(200, self._list({key: values[0] for key, values in parse_qs(place.query).items()}))
        call = methods.get(place.path.removeprefix("/slack/"))
        if call is None or method != "POST":
            return _json(200, {"ok": False, "error": "unknown_method"})
        try:
            given = json.loads(body)
        except ValueError:
            return _json(200, {"ok": False, "error": "invalid_json"})
        answer = call(given)
        return answer if isinstance(answer, Answer) else _json(200, answer)

    def _post(self, given: dict[str, Any]) -> dict[str, Any] | Answer:
        channel = given.get("channel", "")
        if re.fullmatch(r"[UW][A-Z0-9]+", channel):  # the direct message with that user
            channel = self._open({"users": channel})["channel"]["id"]
        if channel not in self.channels:
            return {"ok": False, "error": "channel_not_found"}
        wrong = _wrong_blocks(given)
        if wrong:
            return {"ok": False, "error": wrong}
        recent = self._posted[channel]
        while recent and recent[0] < time.time() - 10:
            recent.popleft()
        # One a second, short bursts allowed; a refused call does not count, unlike with the other vendors.
        if len(recent) >= 15:
            return _json(429, {"ok": False, "error": "ratelimited"}, ("Retry-After", "1"))
        recent.append(time.time())
        ts = f"{time.time():.6f}"
        message = {"type": "message", "text": given.get("text", ""), "blocks": given.get("blocks", []), "ts": ts,
                   "bot_id": "B0BOT", **{key: given[key] for key in ("thread_ts",) if key in given}}
        self.messages[f"{channel}/{ts}"] = message
        return {"ok": True, "channel": channel, "ts": ts, "message": message}

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        message = self.messages.get(f"{given.get('channel')}/{given.get('ts')}")
        if message is None:
            return {"ok": False, "error": "message_not_found"}
        wrong = _wrong_blocks(given)
        if wrong:
            return {"ok": False, "error": wrong}
        message |= {"text": given.get("text", ""), "blocks": given.get("blocks", []), "edited": {"ts": given["ts"]}}
        return {"ok": True, "channel": given["channel"], "ts": given["ts"], "text": message["text"], "message": message}

    def _create(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given.get("name", "")
        if not name:
            return {"ok": False, "error": "invalid_name_required"}
        if len(name) > 80:
            return {"ok": False, "error": "invalid_name_maxlength"}
        if not re.fullmatch(r"[a-z0-9_-]+", name):
            return {"ok": False, "error": "invalid_name_specials"}
        if any(channel["name"] == name for channel in self.channels.values()):
            return {"ok": False, "error": "name_taken"}
        channel = f"C{len(self.channels):08d}"
        self.channels[channel] = {"name": name, "members": [], "topic": ""}
        return {"ok": True, "channel": self._shown(channel)}

    def _test(self, given: dict[str, Any]) -> Answer:
        return _json(200, {"ok": True, "url": "https://sandbox.slack.com/", "team": "Sandbox", "user": "responder",
                           "team_id": "T0SANDBOX", "user_id": "U0BOT", "bot_id": "B0BOT",
                           "is_enterprise_install": False}, ("X-OAuth-Scopes", ",".join(SCOPES)))

    def _open(self, given: dict[str, Any]) -> dict[str, Any]:
        user = str(given.get("users", ""))
        if not re.fullmatch(r"[UW][A-Z0-9]+", user):
            return {"ok": False, "error": "user_not_found"}
        channel = f"D{user[1:]}"
        self.channels.setdefault(channel, {"name": user, "members": [user], "topic": ""})
        return {"ok": True, "channel": {"id": channel}}

    def _list(self, given: dict[str, Any]) -> dict[str, Any]:
        # Two a page, so that a client that lists must follow the pages.
        names = sorted(name for name in self.channels if name.startswith("C"))
        start = int(given.get("cursor") or 0)
        following = str(start + 2) if start + 2 < len(names) else ""
        return {"ok": True, "channels": [self._shown(name) for name in names[start:start + 2]],
                "response_metadata": {"next_cursor": following}}

    def _invite(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self.channels.get(given.get("channel", ""))
        users = [user for user in str(given.get("users", "")).split(",") if user]
        if channel is None:
            return {"ok": False, "error": "channel_not_found"}
        if not users:
            return {"ok": False, "error": "no_user"}
        if all(user in channel["members"] for user in users):
            return {"ok": False, "error": "already_in_channel"}
        channel["members"] = sorted({*channel["members"], *users})
        return {"ok": True, "channel": self._shown(given["channel"])}

    def _topic(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self.channels.get(given.get("channel", ""))
        if channel is None:
            return {"ok": False, "error": "channel_not_found"}
        if len(given.get("topic", "")) > 250:
            return {"ok": False, "error": "too_long"}
        channel["topic"] = given.get("topic", "")
        return {"ok": True, "channel": self._shown(given["channel"])}

    def _shown(self, channel: str) -> dict[str, Any]:
        item = self.channels[channel]
        return {"id": channel, "name": item["name"], "name_normalized": item["name"], "is_private": False,
                "is_archived": False, "topic": {"value": item["topic"], "creator": "", "last_set": 0}}


_TEXTS = {"section": 3000, "header": 150}
"""The longest text of a block, by the block's type ("Section block", "Header block")."""
_MARKUP = re.compile(r"<(https://[^\s<>|]{1,3000}\|[^<>]+|@[UW][A-Z0-9]+|!here)>")
"""The only markup that a text has: a link with its label, and a mention ("Formatting text for app surfaces")."""


def _wrong_blocks(given: dict[str, Any]) -> str:
    blocks = given.get("blocks") or []
    if not given.get("text") and not blocks:
        return "no_text"
    if len(blocks) > 50 or any(_wrong_block(block) for block in blocks):
        return "invalid_blocks"
    return ""


def _wrong_block(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    if kind in _TEXTS:
        text = block.get("text") or {}
        markup = text.get("type") == "mrkdwn" and re.search("[<>]", _MARKUP.sub("", text.get("text", "")))
        return (not 1 <= len(text.get("text", "")) <= _TEXTS[kind] or bool(markup)
                or text.get("type") not in (("plain_text",) if kind == "header" else ("plain_text", "mrkdwn")))
    if kind == "rich_text":
        # Each element of it holds elements of its own; a text among them is not parsed ("Rich text block").
        return not all(part.get("type") == "rich_text_preformatted" and part.get("elements") and all(
            one.get("type") == "text" and one.get("text") for one in part["elements"])
            for part in block.get("elements") or [{}])
    if kind == "actions":
        return not block.get("elements") or any(
            len(element.get("value", "")) > 2000 or len(element["text"]["text"]) > 75 for element in block["elements"])
    return True


class ManagedPage:
    """The team's own page at Statuspage, and its incidents."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self.incidents: dict[str, dict[str, Any]] = {}
        self._calls: deque[float] = deque()

    def told(self) -> list[dict[str, Any]]:
        """Return all that it was told."""
        return list(self.incidents.values())

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request below ``/statuspage/v1``."""
        fault = self._gates.fault("statuspage")
        broken = _broken(self._gates, "statuspage", fault)
        if broken:
            return broken
        if headers.get("authorization") != f"OAuth {PAGE_KEY}" or fault == "unauthorized":
            return _json(401, {"error": "Could not authenticate"})
        if _counted(self._calls, 60) > 60:
            return _json(420, {"error": "Too many requests"}, ("Retry-After", "60"))
        place = urlsplit(path)
        root = f"/statuspage/v1/pages/{PAGE}/incidents"
        if place.path == root and method == "POST":
            return self._create(body)
        if place.path == f"{root}/unresolved" and method == "GET":
            query = {key: values[0] for key, values in parse_qs(place.query).items()}
            page, each = int(query.get("page", 1)), int(query.get("per_page", 100))
            found = [item for item in self.incidents.values() if item["status"] != "resolved"]
            return _json(200, found[(page - 1) * each:page * each])
        if place.path == f"/statuspage/v1/pages/{PAGE}/components" and method == "GET":
            return _json(200, [{"id": PAGE_COMPONENT, "page_id": PAGE, "name": "Checkout", "status": "operational",
                                "position": 1, "group": False, "group_id": None}])
        known = self.incidents.get(place.path.removeprefix(f"{root}/"))
        if known and method == "PATCH":
            return self._update(known, body)
        return _json(404, {"error": "not found"})

    def _create(self, body: bytes) -> Answer:
        given = (json.loads(body) or {}).get("incident") or {}
        if not given.get("name") or len(given["name"]) > 255:
            return _json(422, {"error": {"name": ["can't be blank"]}})
        if any(not isinstance(value, dict) for value in (given.get("metadata") or {}).values()):
            return _json(422, {"error": {"metadata": ["top-level values must be objects"]}})
        now = _iso(time.time())
        incident = {"id": uuid.uuid4().hex[:12], "page_id": PAGE, "name": given["name"], "status": "investigating",
                    "impact": "minor", "created_at": now, "updated_at": now, "resolved_at": None, "metadata": given.get(
                        "metadata") or {}, "components": [], "incident_updates": []}
        answer = self._update(incident, body)
        if answer.status == 200:
            self.incidents[str(incident["id"])] = incident
            return Answer(201, answer.body)
        return answer

    def _update(self, incident: dict[str, Any], body: bytes) -> Answer:
        given = (json.loads(body) or {}).get("incident") or {}
        status = given.get("status", incident["status"])
        if status not in ("investigating", "identified", "monitoring", "resolved"):
            return _json(422, {"error": {"status": ["is not included in the list"]}})
        components = given.get("components") or {}
        if any(value not in ("operational", "under_maintenance", "degraded_performance", "partial_outage",
                             "major_outage") for value in components.values()):
            return _json(422, {"error": {"components": ["is invalid"]}})
        if "name" in given and not 0 < len(given["name"] or "") <= 255:
            return _json(422, {"error": {"name": ["can't be blank"]}})
        now = _iso(time.time())
        incident |= {"name": given.get("name", incident["name"]), "status": status, "updated_at": now,
                     "resolved_at": now if status == "resolved" else None,
                     "components": [{"id": name, "status": value} for name, value in components.items()]}
        if given.get("body"):
            incident["incident_updates"].insert(0, {
                "id": uuid.uuid4().hex[:12], "incident_id": incident["id"], "status": status, "body": given["body"],
                "created_at": now, "deliver_notifications": given.get("deliver_notifications", True)})
        return _json(200, incident)


def _broken(gates: Gates, source: str, fault: str) -> Answer | None:
    """The answer of a vendor that is broken; None where it can answer."""
    if fault == "down":
        return Answer(0, b"")
    if fault == "slow":
        gates.hold(source)
    if fault == "throttled":
        return Answer(429, b'{"ok": false, "error": "ratelimited"}', headers=(("Retry-After", "30"),))
    if fault == "malformed":
        return Answer(200, b"<html><body>upstream connect error</body></html>", "text/html")
    return None


def _counted(calls: deque[float], seconds: float) -> int:
    """Count this call, and return how many there were within a sliding window."""
    calls.append(time.time())
    while calls[0] < calls[-1] - seconds:
        calls.popleft()
    return len(calls)


def _json(status: int, value: Any, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps(value).encode(), headers=headers)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Vendor = PagerDuty | Slack | ManagedPage


@dataclass(frozen=True)
class Received:
    """A request by which a vendor was told something."""

    at: float
    """Seconds since 1970 (UTC)."""
    vendor: str
    method: str
    path: str
    body: str


class Vendors:
    """The vendors that people are reached by, behind one address each."""

    def __init__(self, gates: Gates) -> None:
        self._gates = gates
        self._all: dict[str, Vendor] = {}
        self.received: list[Received] = []
        """Each accepted request that told somebody something, in order."""
        self.reset()

    def reset(self) -> None:
        """Forget all that they were told."""
        self.received = []
        self._all = {"pagerduty": PagerDuty(self._gates), "slack": Slack(self._gates),
                     "statuspage": ManagedPage(self._gates)}

    def knows(self, path: str) -> bool:
        """Whether a path is one of theirs."""
        return path.count("/") >= 2 and path.split("/")[1] in self._all

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request to a path that they know."""
        vendor = path.split("/")[1]
        answer = self._all[vendor].answer(method, path, headers, body)
        if method != "GET" and answer.status < 300:
            self.received.append(Received(time.time(), vendor, method, urlsplit(path).path,
                                          body.decode("utf-8", "replace")))
        return answer

    def told(self) -> dict[str, list[dict[str, Any]]]:
        """Vendor to what it was told, word for word."""
        return {name: vendor.told() for name, vendor in self._all.items()}
