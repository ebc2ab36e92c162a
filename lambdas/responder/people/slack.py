"""Slack, where the team follows an incident: one message shows the current state and is edited; requests are posted.

Formats: Slack's pages "chat.postMessage method", "conversations.open method", "chat.update method",
"conversations.create method", "Formatting text for app surfaces", "Blocks", "Rate limits" and "Verifying requests from
Slack".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import Json
from responder.model.evidence import Status
from responder.model.frozen import dataclass
from responder.model.masking import mask
from responder.model.plain_json import parsed
from responder.model.service import Service, Slack
from responder.people import Alerting, Channel, Message

log = logging.getLogger(__name__)
_SECONDS = 8.0
_TEXT = 2900
"""A text object holds 3,000 characters."""
_CUT = "# cut, not to be run: "
_HEADER = 150
_TOPIC = 250
_NAME = 80
_OLD_SECONDS = 300.0
_USER = re.compile(r"[UW][A-Z0-9]+")
_UNAUTHORIZED = frozenset({"not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired",
                           "missing_scope", "no_permission", "not_allowed_token_type", "access_denied"})
_THROTTLED = frozenset({"ratelimited", "rate_limited"})


@dataclass(frozen=True)
class Thread:
    """What is remembered of an incident."""

    channel: str = ""
    """The channel's id."""
    ts: str = ""
    """The id of the message that shows the current state."""
    shown: str = ""
    """The digest of what that message says."""
    topic: str = ""
    """The channel's topic, where the incident has a channel of its own."""


def _deliver(service: Service, message: Message, state: Thread) -> Thread | None:
    settings = service.slack
    if settings is None:
        raise CallFailed("unavailable", "Slack is not configured")
    if message.kind == "copy" and (len(message.persons) != 1 or not message.persons[0].slack):
        return None
    api = _Api(settings)
    try:
        if message.kind == "copy":
            _to_one(api, message.persons[0].slack, message)
            return state
        return _Room(api, settings, state).deliver(message)
    except (KeyError, TypeError, AttributeError) as error:
        raise CallFailed("malformed", "Slack answered in another form") from error
    finally:
        api.close()


class _Api:
    """Slack's Web API; a refusal is in the body, not in the HTTP status."""

    def __init__(self, settings: Slack) -> None:
        from responder.clients.http import Http

        self._http = Http(time.monotonic() + _SECONDS, headers={
            "Authorization": f"Bearer {aws.secret(settings.secret)}"})
        self._root = settings.api

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, tolerated: frozenset[str] = frozenset(), **arguments: Any) -> dict[str, Json]:
        """Return the answer; errors in ``tolerated`` are answers too. Raises CallFailed."""
        return self._checked(method, self._http.json("POST", f"{self._root}/{method}", json=arguments), tolerated)

    def listed(self, cursor: str) -> dict[str, Json]:
        """Return a page of the channels; methods that read take their arguments in the query."""
        return self._checked("conversations.list", self._http.json("GET", f"{self._root}/conversations.list", params={
            "exclude_archived": "true", "limit": 200, **({"cursor": cursor} if cursor else {})}))

    @staticmethod
    def _checked(method: str, answer: Any, tolerated: frozenset[str] = frozenset()) -> dict[str, Json]:
        if not isinstance(answer, dict):
            raise CallFailed("malformed", "Slack answered without an object")
        error = str(answer.get("error", ""))
        if answer.get("ok") or error in tolerated:
            return answer
        status: Status = ("unauthorized" if error in _UNAUTHORIZED else
                          "throttled" if error in _THROTTLED else "unavailable")
        raise CallFailed(status, f"Slack refused {method}: {mask(error)[:100]}")


def _to_one(api: _Api, user: str, message: Message) -> None:
    """Send a direct message to one person; a channel's id is refused, even if the configuration names one."""
    if not _USER.fullmatch(user):
        raise CallFailed("unavailable", f"{user!r} is no Slack user")
    # Without the scope im:write, chat.postMessage with a user id opens the same conversation.
    opened = api.call("conversations.open", frozenset({"missing_scope"}), users=user)
    place = str(_mapping(opened.get("channel")).get("id") or "") if opened.get("ok") else user
    if place != user and not place.startswith("D"):
        raise CallFailed("malformed", "Slack opened no direct message")
    api.call("chat.postMessage", channel=place, text=escaped(message.subject)[:_TEXT], blocks=_blocks(message),
             unfurl_links=False, unfurl_media=False)


def _mapping(value: Any) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


class _Room:
    """An incident's thread or channel."""

    def __init__(self, api: _Api, settings: Slack, state: Thread) -> None:
        self._api, self._settings, self._state = api, settings, state

    def deliver(self, message: Message) -> Thread:
        if not self._state.channel:
            self._state = replace(self._state, channel=self._settings.channel or self._own(message.incident))
        if not self._state.ts:
            first = message if message.kind in ("page", "status") else replace(
                message, text=message.subject, code="", references=())
            self._state = replace(self._state, ts=self._post(first))
            if message.kind in ("page", "status"):
                self._invite(message)
                return self._topic(message)
        if message.kind == "status":
            shown = _digest(message)
            if self._state.shown != shown:
                # A deleted message is posted again.
                answer = self._api.call("chat.update", frozenset({"message_not_found", "edit_window_closed"}),
                                        channel=self._state.channel, ts=self._state.ts,
                                        text=escaped(message.subject), blocks=_blocks(message))
                ts = self._state.ts if answer.get("ok") else self._post(message)
                self._state = replace(self._state, ts=ts, shown=shown)
            return self._topic(message)
        if message.kind in ("call", "escalation"):
            self._invite(message)
        buttons = message.answers if self._settings.signing_secret else ()
        self._post(message, self._state.ts if self._settings.channel else "", buttons)
        return self._topic(message)

    def _post(self, message: Message, thread: str = "", buttons: tuple[tuple[str, str], ...] = ()) -> str:
        """Post a message and return its id."""
        # What somebody must do now is seen in the channel as well, not in the thread alone.
        more: Json = {"thread_ts": thread, "reply_broadcast": message.kind in ("question", "escalation")} if (
            thread) else {}
        shown = self._api.call(
            "chat.postMessage", channel=self._state.channel, text=escaped(message.subject)[:_TEXT],
            blocks=_blocks(message, buttons), unfurl_links=False, unfurl_media=False, **more)
        return str(shown.get("ts", ""))

    def _own(self, incident: str) -> str:
        """Create the incident's own channel, or find the one that an earlier attempt created."""
        name = re.sub(r"[^a-z0-9_-]+", "-", f"{self._settings.prefix}-{incident}".lower())[:_NAME].strip("-")
        made = self._api.call("conversations.create", frozenset({"name_taken"}), name=name)
        if made.get("ok"):
            return str(made["channel"]["id"])
        cursor = ""
        for _ in range(10):
            page = self._api.listed(cursor)
            for channel in page.get("channels") or []:
                if channel.get("name") == name:
                    return str(channel["id"])
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        raise CallFailed("unavailable", f"Slack has a channel {name} that the app cannot see")

    def _invite(self, message: Message) -> None:
        """Invite people to the incident's own channel, one by one; a standing channel has its own members.

        If one person cannot be invited, the others still are.
        """
        for user in [person.slack for person in message.persons if person.slack and not self._settings.channel]:
            try:
                self._api.call("conversations.invite", frozenset({
                    "already_in_channel", "cant_invite_self", "user_not_found", "cant_invite", "user_is_restricted"}),
                    channel=self._state.channel, users=user)
            except CallFailed as failed:
                log.warning("Slack: %s was not invited: %s", user, failed.note)

    def _topic(self, message: Message) -> Thread:
        topic = mask(message.topic)[:_TOPIC]
        if topic and not self._settings.channel and self._state.topic != topic:
            try:
                self._api.call("conversations.setTopic", frozenset({"no_permission", "user_is_restricted"}),
                               channel=self._state.channel, topic=topic)
                self._state = replace(self._state, topic=topic)
            except CallFailed as failed:
                log.warning("Slack: the topic was not set: %s", failed.note)
        return self._state


def escaped(text: str) -> str:
    """Return a text for mrkdwn, masked: nothing in it is a link or a mention. Asterisks and the like stay markup, so
    what others wrote is sent as plain text instead (``_blocks``).

    Source: Slack's page "Formatting text for app surfaces".
    """
    return mask(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(message: Message, buttons: tuple[tuple[str, str], ...] = ()) -> list[Json]:
    """Return a message's blocks: text, code, pages, buttons; fewer than fifty of them ("Blocks").

    A page is a link in the text: a button with an address would call the app as well ("Button element").
    """
    # Plain text is not parsed ("Text object"): a backtick in a log line would swallow what comes after it.
    shown, called = mask(message.text), _mentions(message)
    blocks: list[Json] = [{"type": "header", "text": {"type": "plain_text", "emoji": False, "text": header}}
                          for header in (_shortened(mask(" ".join(message.subject.split())), _HEADER),) if header]
    blocks += [_section(called)] if called else []
    blocks += [{"type": "section", "text": {"type": "plain_text", "emoji": False, "text": piece}} for piece in (
        shown[place:place + _TEXT] for place in range(0, min(len(shown), 4 * _TEXT), _TEXT)) if piece.strip()]
    # Rich text is not parsed: nothing in it is markup, a link or a mention ("Rich text block").
    blocks += [{"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [
        {"type": "text", "text": piece}]}]} for piece in _pieces(mask(message.code))]
    links = _within([f"<{page.url.replace('&', '&amp;')}|{escaped(page.label)}>" for page in message.references])
    if links:
        blocks.append(_section(links))
    if buttons:
        blocks.append({"type": "actions", "elements": [
            {"type": "button", "action_id": f"answer-{place}", "value": value[:2000],
             "text": {"type": "plain_text", "text": word[:75]},
             **({"style": ("primary", "danger")[place]} if len(buttons) > 1 and place < 2 else {})}
            for place, (word, value) in enumerate(buttons)]})
    return blocks


def _mentions(message: Message) -> str:
    """Return the mentions of those who must come now, so that Slack notifies them; of whoever is there where an
    escalation has nobody's id. Nobody is mentioned where the same people were for another incident.

    A mention is markup, and stands for an id of the configuration alone.
    """
    if message.kind not in ("page", "escalation", "call") or message.joins:
        return ""
    users = [person.slack for person in message.persons if _USER.fullmatch(person.slack)]
    return " ".join(f"<@{user}>" for user in users) or ("<!here>" if message.kind == "escalation" else "")


def _pieces(code: str) -> list[str]:
    """Return code in texts that a block holds, of a long one the beginning and the end; a command stays whole."""
    pieces: list[str] = []
    for line in code.splitlines():
        # A part of a command is another command.
        line = line if len(line) <= _TEXT else f"{_CUT}{line[:_TEXT - len(_CUT)]}"
        if pieces and len(pieces[-1]) + 1 + len(line) <= _TEXT:
            pieces[-1] += f"\n{line}"
        else:
            pieces.append(line)
    return pieces if len(pieces) <= 6 else [*pieces[:3], "…", *pieces[-3:]]


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most - 1].rstrip()}…"


def _digest(message: Message) -> str:
    return hashlib.sha256(json.dumps(_blocks(message)).encode()).hexdigest()


def _section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _within(links: Sequence[str]) -> str:
    """Return as many links as a text object holds; none is cut."""
    told = ""
    for link in links:
        joined = f"{told} · {link}" if told else link
        told = joined if len(joined) <= _TEXT else told
    return told


class NotPressed(ValueError):
    """A body that is not the payload of a button."""


@dataclass(frozen=True)
class Press:
    """A button that somebody pressed."""

    value: str
    """What the button carries."""
    type: str
    """The payload's type: ``block_actions``."""
    user: str
    """The user's id."""
    is_bot: bool
    app: str
    """The app's id."""
    team: str
    """The workspace's id."""
    user_team: str | None
    """The id of the user's own workspace; None where Slack did not say."""
    response_url: str


def pressed(body: bytes) -> Press:
    """Return the button that a signed body describes; raises NotPressed.

    Format: Slack's page "block_actions payload".
    """
    try:
        payload = parsed(parse_qs(body.decode(), max_num_fields=4)["payload"][0])
        action, = payload["actions"]
        user, team = _mapping(payload.get("user")), _mapping(payload.get("team"))
        user_team = user.get("team_id")
        return Press(str(action["value"]), str(payload.get("type") or ""), str(user.get("id") or ""),
                     bool(user.get("is_bot")), str(payload.get("api_app_id") or ""), str(team.get("id") or ""),
                     None if user_team is None else str(user_team), str(payload.get("response_url") or ""))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise NotPressed("the payload is not that of one of our buttons") from error


def signed(headers: dict[str, str], body: bytes, secret: str, now: float) -> bool:
    """Whether a request was signed by Slack just now; ``headers`` have lower-case names."""
    stamp, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not secret or not re.fullmatch(r"[0-9]{1,12}", stamp) or abs(now - int(stamp)) > _OLD_SECONDS:
        return False
    found = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={found}".encode(), given.encode("utf-8", "replace"))


def _team(service: Service) -> str:
    settings = service.slack
    return f"{settings.api} {settings.secret} {settings.channel or settings.prefix}" if settings else ""


def _secrets(service: Service) -> tuple[str, ...]:
    return (service.slack.secret,) if service.slack else ()


CHANNEL = Channel("slack", frozenset({"page", "escalation", "status", "question", "copy", "call", "told", "closed"}),
                  _deliver, Thread, lambda service: service.slack is not None, secrets=_secrets,
                  alerting=Alerting(_team, lambda message, state: message.incident))
