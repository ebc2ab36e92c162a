"""Everything that people were told in one drill, in order, as Markdown: page, updates, questions, customers.

It is made from what the vendors' stand-ins and the SNS topics received, so that it shows what people really get. Links
that decide are cut off after their host: whoever reads the file must not be able to use them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from sandbox.vendors.people import Received

_SEAL = re.compile(r"(https?://[^\s?]+)\?\S*seal=[^\s|>]+")
_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]+)>")
_MRKDWN = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


@dataclass(frozen=True)
class Told:
    """One message as people see it."""

    at: float
    """Seconds since 1970 (UTC)."""
    to: str
    """The channel, and the audience."""
    text: str
    """Markdown."""


def sequence(name: str, about: str, started: float, received: Iterable[Received],
             letters: Iterable[tuple[float, str]]) -> str:
    """Return all messages of a drill in their order; ``started`` is the first event, seconds since 1970 (UTC)."""
    told = sorted([one for request in received for one in _of_vendor(request)]
                  + [one for at, body in letters for one in _of_sns(at, body)], key=lambda one: one.at)
    parts = [f"# {name}", "", about, "", "Times count from the first event of the drill.", ""]
    for one in told:
        parts += [f"## {_since(one.at - started)} {one.to}", "", _SEAL.sub(r"\1?…", one.text).strip(), ""]
    return "\n".join(parts)


def _since(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def _of_vendor(request: Received) -> Iterator[Told]:
    found = _READERS[request.vendor](request)
    if found:
        yield Told(request.at, *found)


def _pagerduty(request: Received) -> tuple[str, str] | None:
    body = json.loads(request.body)
    if not request.path.endswith("/enqueue"):
        return "PagerDuty, responder request", str(body.get("message", ""))
    payload = body.get("payload")
    to = f"PagerDuty, {body['event_action']} of {body.get('dedup_key', '')}"
    if not isinstance(payload, dict):
        return to, ""
    links = [f"- [{link.get('text') or link['href']}]({link['href']})" for link in body.get("links") or []]
    details = payload.get("custom_details") or {}
    return (f"{to}, severity {payload.get('severity')}",
            "\n".join([f"**{payload['summary']}**", "", _block(str(details.get("text", ""))), "", *links]))


def _slack(request: Received) -> tuple[str, str] | None:
    method = request.path.rpartition("/")[2]
    if method not in ("chat.postMessage", "chat.update"):
        return None
    body = _slack_body(request.body)
    to = "Slack, the pinned status changes" if method == "chat.update" else "Slack"
    shown = "\n\n".join(_shown(body.get("blocks") or []))
    return f"{to} ({body.get('channel', '')})", shown or str(body.get("text", ""))


def _slack_body(body: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(body)
    except ValueError:
        found = {key: values[0] for key, values in parse_qs(body).items()}
        found["blocks"] = json.loads(found.get("blocks", "[]"))
    return found


def _shown(blocks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the text of each of Slack's blocks."""
    for block in blocks:
        text = block.get("text")
        links = _LINK.findall(str(text["text"])) if isinstance(text, dict) and text.get("type") == "mrkdwn" else []
        if links:
            yield "\n".join(f"- [{_plain(label)}]({_plain(url)})" for url, label in links)
        elif isinstance(text, dict):
            yield f"**{_plain(text['text'])}**" if block["type"] == "header" else _block(_plain(str(text["text"])))
        buttons = [str(element["text"]["text"]) + (f" ({element['url']})" if element.get("url") else "")
                   for element in block.get("elements") or [] if isinstance(element.get("text"), dict)]
        others = [_plain(str(element["text"])) for element in block.get("elements") or []
                  if isinstance(element.get("text"), str)]
        yield from others
        if buttons:
            yield " ".join(f"`[{button}]`" for button in buttons)
        if block["type"] == "rich_text":
            yield _block("".join(_texts(block)))


def _texts(node: object) -> Iterator[str]:
    """Yield every text of a rich text block."""
    if isinstance(node, dict):
        if isinstance(node.get("text"), str):
            yield node["text"]
        for part in node.get("elements") or []:
            yield from _texts(part)


def _plain(text: str) -> str:
    for escaped, plain in _MRKDWN:
        text = text.replace(escaped, plain)
    return text


def _statuspage(request: Received) -> tuple[str, str] | None:
    body = json.loads(request.body).get("incident") or {}
    named = f"**{body['name']}**\n\n" if body.get("name") else ""
    parts = ", ".join(f"{name}: {status}" for name, status in (body.get("components") or {}).items())
    text = _block(str(body.get("body", "")))
    return f"Customers by Statuspage, {body.get('status', '')}", f"{named}{text}\n\n{parts}"


def _of_sns(at: float, body: str) -> Iterator[Told]:
    try:
        letter = json.loads(body)
    except ValueError:
        return
    attributes = letter.get("MessageAttributes") or {}
    to = ", ".join(str(attributes[name]["Value"]) for name in ("audience", "person") if name in attributes)
    yield Told(at, f"E-mail by SNS, {to or 'team'}",
               f"**{letter.get('Subject', '')}**\n\n{_block(str(letter.get('Message', '')))}")


def _block(text: str) -> str:
    """Return a text as a code block, so that it is shown as it was sent."""
    return f"```text\n{text.strip()}\n```" if text.strip() else ""


_READERS: Mapping[str, Callable[[Received], tuple[str, str] | None]] = {
    "pagerduty": _pagerduty, "slack": _slack, "statuspage": _statuspage}
