"""Improvements as issues: the channels against their vendors' stand-ins, and the step that files each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.handlers import review, step
from responder.model.facts import Filed
from responder.model.incident import Cause, IncidentRecord, Signal
from responder.model.service import Service
from responder.model.service.issues import GitHub, Jira
from responder.people import Message, github, jira
from responder.plan.review import review as contents_of
from responder.records.table import Records
from sandbox.server import serve
from sandbox.vendors import trackers
from sandbox.vendors.gate import Gates
from tests.conftest import timeline

AT = "2026-11-25T01:00:00.000Z"


class Vendors:
    """Both on one port."""

    def __init__(self) -> None:
        self.gates = Gates()
        self.github, self.jira = trackers.GitHub(self.gates), trackers.Jira(self.gates)

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        vendor: Any = {"github": self.github, "jira": self.jira}[path.split("/")[1]]
        return vendor.answer(method, path, headers, body)


@pytest.fixture
def vendors() -> Vendors:
    return Vendors()


@pytest.fixture
def team(vendors: Vendors, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    server = serve(0, vendors.route)
    root = f"http://127.0.0.1:{server.server_address[1]}"
    secrets = {"github": trackers.GITHUB_TOKEN, "jira": trackers.JIRA_TOKEN}
    monkeypatch.setattr(aws, "secret", lambda name: secrets[name])
    yield replace(
        service, github=GitHub(trackers.GITHUB_REPOSITORY, "github", api=f"{root}/github"),
        jira=Jira(f"{root}/jira", trackers.JIRA_PROJECT, trackers.JIRA_EMAIL, "jira"))
    server.shutdown()
    server.server_close()


def message(incident: str = "i-1", mark: str = "abc", **more: Any) -> Message:
    return Message("improvement", "", incident, more.pop("subject", "An image went out"), "Seen.\n\nTo do.", mark=mark)


CHANNELS = pytest.mark.parametrize("channel", [github.CHANNEL, jira.CHANNEL], ids=["github", "jira"])


def filed(vendors: Vendors, name: str) -> tuple[int, int]:
    """How many issues there are, and how many comments on them."""
    if name == "github":
        return len(vendors.github.issues), sum(map(len, vendors.github.comments.values()))
    return len(vendors.jira.issues), sum(len(issue["comments"]) for issue in vendors.jira.issues)


@CHANNELS
def test_an_improvement_is_one_issue_and_comes_up_again_as_a_comment(vendors: Vendors, team: Service,
                                                                    channel: Any) -> None:
    first = channel.deliver(team, message(), {})
    assert first == channel.deliver(team, message(), {}), "the same incident files it once"
    assert filed(vendors, channel.name) == (1, 0)
    for _ in range(2):
        assert channel.deliver(team, message("i-2"), {}) == first
    assert filed(vendors, channel.name) == (1, 1)
    other = channel.deliver(team, message("i-2", mark="def"), {})
    assert other != first and filed(vendors, channel.name) == (2, 1)


@CHANNELS
def test_an_issue_that_people_closed_is_known_all_the_same(vendors: Vendors, team: Service, channel: Any) -> None:
    channel.deliver(team, message(), {})
    for issue in vendors.github.issues:
        issue["state"] = "closed"
    channel.deliver(team, message("i-2"), {})
    assert filed(vendors, channel.name) == (1, 1)


def test_github_finds_an_issue_behind_a_hundred_others(vendors: Vendors, team: Service) -> None:
    github.CHANNEL.deliver(team, message(), {})
    for number in range(120):
        vendors.github.issues.append({**vendors.github.issues[0], "number": number + 2, "body": None})
    github.CHANNEL.deliver(team, message("i-2"), {})
    assert filed(vendors, "github") == (121, 1)


@CHANNELS
@pytest.mark.parametrize(("fault", "status"), [("throttled", "throttled"), ("unauthorized", "unauthorized")])
def test_a_refusal_is_told_in_the_words_of_a_status(vendors: Vendors, team: Service, channel: Any, fault: Any,
                                                    status: str) -> None:
    vendors.gates.set(channel.name, fault)
    with pytest.raises(CallFailed) as failed:
        channel.deliver(team, message(), {})
    assert failed.value.status == status


def test_what_a_tracker_does_not_accept_is_malformed_and_what_is_not_there_unavailable(vendors: Vendors,
                                                                                     team: Service) -> None:
    with pytest.raises(CallFailed, match="did not accept") as failed:
        github.CHANNEL.deliver(team, message(subject=""), {})
    assert (failed.value.status, failed.value.http_status) == ("malformed", 422)
    with pytest.raises(CallFailed, match="did not accept") as failed:
        jira.CHANNEL.deliver(team, message(subject="two\nlines"), {})
    assert (failed.value.status, failed.value.http_status) == ("malformed", 400)
    assert team.github
    elsewhere = replace(team, github=replace(team.github, repository="example/other"))
    with pytest.raises(CallFailed, match="no issues") as failed:
        github.CHANNEL.deliver(elsewhere, message(), {})
    assert (failed.value.status, failed.value.http_status) == ("unavailable", 404)


# --- the step ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def records(team: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    monkeypatch.setenv("BUCKET", "reports")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="reports")
        found = timeline()
        monkeypatch.setattr(aws, "client", lambda name, *more: client)
        monkeypatch.setattr(step, "records", lambda: found)
        monkeypatch.setattr(step, "load", lambda name: team)
        # Two at once cannot be of one service; the configuration is the same all the same.
        for incident, name in (("i-1", "payment-gateway"), ("i-2", "another")):
            found.open(name, incident, "e", AT, Signal(AT, "alarm", "a", "k"))
            found.update(incident, cause=Cause("code_bug", "bad_release", "payment-gateway", 0.9, "s"))
        yield found


def write(incident: str, entered: str = "2026-11-25T01:10:00.000Z") -> str:
    review.handler({"incident": {"id": incident, "service": "payment-gateway", "opened_at": AT},
                    "entered": entered}, None)
    page = boto3.client("s3").get_object(
        Bucket="reports", Key=f"postmortems/payment-gateway/{incident}/postmortem.html")["Body"].read()
    return str(page.decode())


def test_a_closed_incident_s_improvements_are_filed_once_and_linked(records: Records, vendors: Vendors) -> None:
    assert "github.com" not in write("i-1"), "it is not over"
    assert filed(vendors, "github") == filed(vendors, "jira") == (0, 0)
    records.update("i-1", status="closed", outcome="resolved")
    page = write("i-1", "2026-11-25T01:11:00.000Z")
    issues, comments = filed(vendors, "github")
    assert 0 < issues <= 7 and comments == 0 and filed(vendors, "jira") == (issues, 0)
    assert all(issue["html_url"] in page for issue in vendors.github.issues)
    record = IncidentRecord.of(records.items("i-1"))
    assert len([fact for _, fact in record.facts(Filed)]) == 2 * issues
    assert any(one.issues for one in contents_of(record).improvements)
    # Again, and with the timeline lost: still one.
    write("i-1", "2026-11-25T01:12:00.000Z")
    assert filed(vendors, "github") == (issues, 0)
    # Another incident of the same kind: a comment.
    records.update("i-2", status="closed", outcome="resolved")
    write("i-2")
    assert filed(vendors, "github") == (issues, issues) == filed(vendors, "jira")


def test_a_tracker_that_is_down_costs_a_note_and_not_the_report(records: Records, vendors: Vendors) -> None:
    vendors.gates.set("github", "unauthorized")
    records.update("i-1", status="closed", outcome="resolved")
    assert "GitHub refused the token" in write("i-1")
    assert filed(vendors, "github") == (0, 0) and filed(vendors, "jira")[0] > 0


def test_nothing_is_filed_where_nothing_is_configured(records: Records, vendors: Vendors, service: Service,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "load", lambda name: service)
    records.update("i-1", status="closed", outcome="resolved")
    write("i-1")
    assert filed(vendors, "github") == filed(vendors, "jira") == (0, 0)
