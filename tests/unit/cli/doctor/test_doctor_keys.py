"""Keys: their form, and what vendors answer to the harmless call by which each is tried.

The answers are those of the vendors' pages: Slack's "auth.test method", PagerDuty's "Send an Alert Event" and "Get a
user", Atlassian's "Statuspage API", New Relic's "NerdGraph tutorial", Splunk's "authentication/current-context", Jira
Cloud's "Get my permissions".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.doctor import keys
from cli.doctor.keys import Key, misshapen
from cli.doctor.probes.secrets import of_description, of_value
from responder import people
from responder.clients.failure import CallFailed
from responder.clients.http import Http
from responder.model.service import Service, Slack, Starter, Starters
from responder.model.service.issues import Jira
from stacks.used import used_sources
from tests.conftest import shipped_service

Handler = Callable[[httpx.Request], httpx.Response]


def key(field: str, service: Service | None = None) -> Key:
    return next(one for one in keys.of(service or shipped_service()) if one.field == field)


def tried(one: Key, handler: Handler) -> list[str]:
    assert one.trial
    return [wrong.says for wrong in one.trial(lambda headers: Http(
        time.monotonic() + 5, dict(headers), transport=httpx.MockTransport(handler)), "the-value")]


def answering(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    return lambda request: httpx.Response(status, json=value, headers=headers)


def test_every_secret_of_a_source_or_a_channel_is_looked_at() -> None:
    named = {secret for source in used_sources([shipped_service()]) for secret in source.secrets(shipped_service())}
    named |= set(people.secrets(shipped_service()))
    assert len(named) >= 6
    assert named <= {one.secret for one in keys.of(shipped_service())}


@pytest.mark.parametrize(("field", "value", "said"), [
    ("newrelic.secret", "NRIQ-0123456789", "query key"),
    ("newrelic.secret", '{"key": "NRAK-ABC"}', "JSON with the keys key"),
    ("newrelic.secret", "", "empty"),
    ("pagerduty.secret", "too-short", "9 characters"),
    ("slack.secret", "xoxp-of-a-person", "does not begin with xoxb-"),
    ("slack.signing_secret", "xoxb-the-token-again", "the signing secret is another one"),
    ("splunk.secret", "12345678-1234-1234-1234-123456789012", "HTTP Event Collector"),
    ("splunk.secret", "Bearer eyJraWQi", "white space within"),
    ("statuspage.secret", "changeme", "placeholder"),
    ("statuspage.secret", '"0123456789abcdef"', "quotation marks"),
])
def test_what_has_another_form_is_named(field: str, value: str, said: str) -> None:
    assert said in misshapen(key(field), value)


@settings(max_examples=50)
@given(st.text(min_size=4))
def test_a_check_of_a_secret_never_says_its_value(value: str) -> None:
    hidden = "Zq7" + value
    assert hidden not in repr(of_value(key("newrelic.secret"), hidden))


@pytest.mark.parametrize("value", ["NRAK-ABCDEFGHIJKLMNOPQRSTUVWXYZ1", "NRAK-ABC\n", "an-older-key"])
def test_a_key_that_may_be_right_is_let_be(value: str) -> None:
    assert misshapen(key("newrelic.secret"), value) == ""


def test_a_starter_may_have_two_secrets_while_they_are_exchanged() -> None:
    service = replace(shipped_service(), starters=Starters(pagerduty=Starter("hook")))
    one = key("starters.pagerduty.secret", service)
    assert misshapen(one, "a" * 20 + "\n" + "b" * 25) == ""
    assert "fewer than 20" in misshapen(one, "a" * 20 + "\nshort")


def test_a_secret_that_is_deleted_or_has_no_value_is_not_read() -> None:
    one, stages = key("splunk.secret"), {"1": ["AWSCURRENT"]}
    assert of_description(one, {"VersionIdsToStages": stages}, "f.yaml") is None
    gone = of_description(one, {"VersionIdsToStages": stages, "DeletedDate": "2026-11-01"}, "f.yaml")
    assert gone
    assert "restore-secret" in gone.mend
    empty = of_description(one, {"VersionIdsToStages": {"1": ["AWSPENDING"]}}, "f.yaml")
    assert empty
    assert "no value" in empty.says


def test_new_relic_takes_the_key_but_not_for_the_account() -> None:
    refused = {"data": {"actor": {"account": None}}, "errors": [{
        "message": "Access denied.", "path": ["actor", "account"], "extensions": {"errorClass": "ACCESS_DENIED"}}]}
    assert "not for account 1234567" in tried(key("newrelic.secret"), answering(refused))[0]
    well = {"data": {"actor": {"account": {"doctor": {"results": [{"requests": 0}]}}}}}
    assert tried(key("newrelic.secret"), answering(well)) == []


def test_a_refused_key_is_told_from_a_vendor_that_is_not_reached() -> None:
    with pytest.raises(CallFailed) as refused:
        tried(key("splunk.secret"), answering({}, 401))
    assert refused.value.status == "unauthorized"

    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    with pytest.raises(CallFailed) as silent:
        tried(key("pagerduty.secret"), nobody)
    assert silent.value.status == "unavailable"


def test_a_user_of_splunk_who_may_not_search() -> None:
    def context(*able: str) -> Handler:
        return answering({"entry": [{"content": {"capabilities": list(able), "username": "responder"}}]})

    assert "responder may not search" in tried(key("splunk.secret"), context("get_metadata"))[0]
    assert tried(key("splunk.secret"), context("search")) == []


def test_pagerduty_is_told_of_nothing_that_wakes_anybody() -> None:
    seen: list[dict[str, str]] = []

    def enqueue(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return httpx.Response(202, json={"status": "success", "message": "Event processed"})

    assert tried(key("pagerduty.secret"), enqueue) == []
    assert [event["event_action"] for event in seen] == ["resolve"]
    wrong = answering({"status": "invalid event", "message": "Event object is invalid",
                       "errors": ["Invalid routing key"]}, 400)
    assert "Invalid routing key" in tried(key("pagerduty.secret"), wrong)[0]


def test_a_user_whom_pagerduty_does_not_know() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/abilities"):
            return httpx.Response(200, json={"abilities": []})
        return httpx.Response(404, json={"error": {"message": "Not Found", "code": 2100}})

    assert tried(key("pagerduty.api_secret"), answer) == ["PagerDuty has no user P0000000"]


def test_scopes_that_slacks_token_lacks() -> None:
    told, scopes = {"ok": True, "team_id": "T1"}, "chat:write,channels:read"
    found = tried(key("slack.secret"), answering(told, headers={"x-oauth-scopes": scopes}))
    assert found == ["the token lacks the scopes channels:manage"]
    assert "invalid_auth" in tried(key("slack.secret"), answering({"ok": False, "error": "invalid_auth"}))[0]


def test_a_channel_that_the_app_has_not_joined() -> None:
    service = replace(shipped_service(), slack=Slack(secret="s", channel="C1", team="T2"))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("auth.test"):
            return httpx.Response(200, json={"ok": True, "team_id": "T1"})
        return httpx.Response(200, json={"ok": True, "channel": {"id": "C1", "is_member": False}})

    workspace, channel = tried(key("slack.secret", service), answer)
    assert "workspace T1" in workspace
    assert "no member of the channel C1" in channel


def test_a_component_that_the_status_page_does_not_have() -> None:
    page = answering([{"id": "abc", "name": "Checkout"}])
    assert tried(key("statuspage.secret"), page) == ["the page has no component 000000000001; it has abc (Checkout)"]
    assert "no page abcdefghijkl" in tried(key("statuspage.secret"), answering({"error": "not found"}, 404))[0]


def test_permissions_that_jiras_account_lacks() -> None:
    service = replace(shipped_service(), jira=Jira(
        site="https://example.atlassian.net", project="PAY", email="a@example.com", secret="s"))
    allowed = {"permissions": {name: {"havePermission": name != "ADD_COMMENTS"} for name in (
        "BROWSE_PROJECTS", "CREATE_ISSUES", "ADD_COMMENTS")}}
    assert tried(key("jira.secret", service), answering(allowed)) == [
        "a@example.com lacks ADD_COMMENTS in the project PAY"]
