"""Pages in messages: made by us alone, and whole in each channel, whatever masking and escaping do to texts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.evidence import Finding, Window
from responder.model.evidence.error_rate import ErrorRate
from responder.model.incident import Cause, Incident, IncidentRecord, Looked, Weighed
from responder.model.masking import mask
from responder.model.reference import Reference
from responder.model.service import Links, Service
from responder.people import Message, pagerduty, slack, sns
from responder.plan.links import Console, execution_url, reference, references, report_url

ARN = "arn:{}:states:{}:411111111111:execution:incident-response:411111111111-1111-4111-8111-411111111111"
INCIDENT = Incident("payment-gateway-4111111111111111", "payment-gateway", "2026-11-25T03:00:00.000Z",
                    execution=ARN.format("aws", "eu-west-1"), kind="high_error_rate", affected=("payment-gateway",),
                    cause=Cause("code_bug", "bad_release", "payment-gateway", 0.97),
                    evidence=(Weighed("splunk", "error_lines", "ok", "x", supports=("code_bug",)),))


def record(*links: str, **incident: Any) -> IncidentRecord:
    """Return a record whose evidence of the symptom has these links."""
    found = tuple(Finding(source=f"source{place}", component="payment-gateway", link=link, query="SELECT 1",
                          window=Window(0, 1), value=0.5, detail=ErrorRate(2, 1)) for place, link in enumerate(links))
    return IncidentRecord(replace(INCIDENT, **incident), looked=(Looked("t", "s", "x", "t", found),))


@pytest.mark.parametrize(("partition", "region", "host"), [
    ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
    ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
    ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com")])
def test_the_report_and_the_execution_open_in_the_console_of_their_partition(partition: str, region: str,
                                                                             host: str) -> None:
    """AWS's page "AWS Management Console endpoints and quotas"."""
    arn = ARN.format(partition, region)
    assert execution_url(arn) == f"https://{host}/states/home?region={region}#/v2/executions/details/{arn}"
    assert report_url(Console.of(arn), "b", "payment-gateway", "i-1") == (
        f"https://{host}/s3/object/b?region={region}&prefix=postmortems/payment-gateway/i-1/postmortem.html")
    for unknown in ("", "x", "arn:aws-iso:states:us-iso-east-1:1:execution:x:y"):
        assert execution_url(unknown) == report_url(Console.of(unknown), "b", "s", "i") == ""
    assert report_url(Console.of(arn), "", "s", "i") == ""


def test_a_runbook_of_the_named_cause_takes_the_place_of_the_general_one(service: Service) -> None:
    own = replace(service, links=Links("https://grafana.example/d/1", "https://wiki.example/all",
                                       {"code_bug": "https://wiki.example/bug"}))
    found = {page.label: page.url for page in references(own, record(), "b")}
    assert (found["Dashboard"], found["Runbook"]) == ("https://grafana.example/d/1", "https://wiki.example/bug")
    other = references(own, record(cause=None), "b")
    assert "https://wiki.example/all" in [page.url for page in other]
    assert {page.label for page in references(service, record(), "")} == {"Execution"}


def test_only_pages_of_the_configured_vendors_are_links(service: Service) -> None:
    assert service.splunk
    host = service.splunk.url.split("/")[2].split(":")[0]
    good = f"https://{host}/en-US/app/search/search"
    for bad in ("https://evil.example/x", "http://one.newrelic.com/", "https://one.newrelic.com.evil.example/",
                "https://console.aws.amazon.com.evil.example/x", "javascript:alert(1)", "",
                "https://one.newrelic.com/x|Report>", "https://one.newrelic.com/a b", "https://one.newrelic.com@evil.example/"):
        assert [page.url for page in references(service, record(bad)) if page.label != "Execution"] == [], bad
    found = references(service, record(good, "https://console.aws.amazon.com/rds/home#database:id=x"))
    assert [page.url for page in found[1:]] == [
        good, "https://eu-west-1.console.aws.amazon.com/rds/home#database:id=x"]
    assert found[1].query == "SELECT 1"


URLS = st.builds(lambda path: f"https://grafana.example/{path}", st.text(
    st.sampled_from("0123456789abcXYZ-_.~/?#&=%+:@!$'()*,;[]{}"), max_size=60)
    | st.just("4111111111111111?a=1&b=<x>|y"))
NASTY = "Report <https://evil.example|click> & <@U1> ```x``` 4111 1111 1111 1111 password=hunter2"


@given(URLS)
def test_a_link_is_whole_in_each_channel_and_a_text_never_is_one(url: str) -> None:
    page = reference("Report <of> 4111111111111111", url)
    assert (page is None) == any(letter in url for letter in "<>|")
    if page is None:
        return
    message = Message("page", "k", "i-1", "subject", NASTY, references=(page,), code=NASTY)
    links = pagerduty._pages(message)["links"]
    assert links == [{"href": url, "text": page.label}]
    blocks = slack._blocks(message)
    texts = [block["text"]["text"] for block in blocks if block.get("text", {}).get("type") == "mrkdwn"]
    assert f"<{url.replace('&', '&amp;')}|" in texts[-1]
    assert texts[-1].count("<") == texts[-1].count(">") == 1
    assert "<" not in "".join(texts[:-1]) and "hunter2" not in str(blocks) and "4111 1111" not in str(blocks)
    plain = sns.plain(message)
    assert plain.rstrip().endswith(url) and "hunter2" not in plain


def test_what_masking_would_take_for_a_card_stays_in_an_address() -> None:
    url = report_url(Console.of(INCIDENT.execution), "reports-4111111111111111", "payment-gateway", INCIDENT.id)
    assert mask(url) != url
    said = sns.plain(Message("page", "k", "i", "s", "t", references=(Reference("Report", url),)))
    assert f"Report: {url}\n" in said


def test_a_long_message_keeps_to_the_limits_of_block_kit() -> None:
    """Slack's pages "Blocks", "Section block" and "Header block"."""
    pages = tuple(Reference(f"Page {number}", f"https://x.example/{'a' * 400}") for number in range(20))
    message = Message("escalation", "k", "i", "s" * 400, "x" * 50_000, references=pages, code="y" * 50_000)
    blocks = slack._blocks(message, (("Approve", "a"),))
    assert len(blocks) <= 50
    assert all(len(block["text"]["text"]) <= (150 if block["type"] == "header" else 3000)
               for block in blocks if "text" in block)
