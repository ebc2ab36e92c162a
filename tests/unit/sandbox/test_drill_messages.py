"""The sequence of messages that a drill keeps: in order, as people get it, and without links that decide."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from sandbox.drill.messages import sequence
from sandbox.vendors.people import Received

LINK = "https://x.lambda-url.us-east-1.on.aws/?incident=i-1&task=01&to=Ada&expires=1&seal=abcdef"


def received(at: float, vendor: str, path: str, body: str) -> Received:
    return Received(at, vendor, "POST", f"/{vendor}{path}", body)


def test_messages_come_in_order_and_links_cannot_be_used() -> None:
    page = received(112.0, "pagerduty", "/v2/enqueue", json.dumps({
        "event_action": "trigger", "dedup_key": "i-1/0", "links": [{"href": "https://console", "text": "Report"}],
        "payload": {"summary": "payments fail", "severity": "critical", "custom_details": {"text": "What: all"}}}))
    post = received(110.0, "slack", "/chat.postMessage", urlencode({"channel": "C1", "text": "s", "blocks": json.dumps([
        {"type": "section", "text": {"type": "mrkdwn", "text": "a &lt; b"}},
        {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Approve"}}]}])}))
    invite = received(111.0, "slack", "/conversations.invite", "channel=C1&users=U1")
    letter = json.dumps({"Subject": "a question", "Message": f"Answer: {LINK}",
                         "MessageAttributes": {"person": {"Type": "String", "Value": "ada@example.com"}}})
    shown = sequence("drill", "about it", 100.0, [page, invite, post], [(175.0, letter)])
    assert [line for line in shown.splitlines() if line.startswith("## ")] == [
        "## 0:10 Slack (C1)", "## 0:12 PagerDuty, trigger of i-1/0, severity critical",
        "## 1:15 E-mail by SNS, ada@example.com"]
    assert "seal" not in shown and "https://x.lambda-url.us-east-1.on.aws/?…" in shown
    assert "a < b" in shown and "`[Approve]`" in shown and "[Report](https://console)" in shown
