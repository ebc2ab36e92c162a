"""Text from outside is text wherever people read it: no markup, no link, no mention, no order, no other command.

Each page and message is made once with harmless words and once with hostile ones, and read by a parser: what is there
beside the words must be the same.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cli import output
from cli.output import Safe, show, tell
from responder.clients import aws
from responder.handlers import pressed
from responder.handlers.pressed import Press
from responder.model.masking import mask, mask_all, unkept
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service.issues import GitHub, Jira
from responder.model.visible import ORDERS, visible
from responder.people import Filed, Message, github, jira, slack, sns
from responder.plan.deeds import Site
from responder.plan.remedies import OnRecord, rollback
from responder.plan.review import review
from responder.records.report import render, render_index, render_page
from tests.conftest import shipped_service
from tests.odd import FUZZ, TEXTS
from tests.unit.people.test_approval import asked, called, configure, link, machine, records
from tests.unit.report.test_live_page import kept, top
from tests.unit.report.test_review import OLDER

__all__ = ["configure", "machine", "records"]

INNOCENT = "zz"
ORDER = re.compile(f"[{ORDERS}]")
HOSTILE = (
    "<script>alert(1)</script>", "</title></style></pre></main><script>", "<img src=x onerror=alert(1)>",
    "\" onload=\"x", "' onload='x", "&lt;b&gt; &amp;", "<!--", "-->", "]]>", "[x](javascript:alert(1))",
    "![x](https://evil.example/x.png)", "](https://evil.example)", "<https://evil.example>", "https://evil.example/",
    "# x", "- [x] x", "1. x", "> x", "``` x", "`x", "~~~", "**x**", "__x__", "~~x~~", "*x", "_x", "| a | b |", "a|b",
    "\\", "\\`", "@team @channel", "#12", "<@U1>", "<!here>", "<!channel|x>", "<https://evil.example|Approve>",
    ":fire:", "{{ 7 * 7 }}", "{% raw %}", "${jndi:x}", "$(id)", "; rm -rf x", "&& x", "\x1b]0;x\x07\x1b[2J",
    "\x1b[201~", "\x9b31m", "\u202egnp.exe", "\u2066x\u2069", "a\u200bb", "\x00", "\ud800", "\U0001f525",
    "=cmd|' /C calc'!A0")
WORDS = st.sampled_from((*HOSTILE, *(text for text in TEXTS if text.strip()))) | st.text(
    st.sampled_from("<>&\"'`*_~[]()#!|\\@:;/-+=.1x \u202e\x1b"), min_size=1, max_size=12)
ALL = " ".join(HOSTILE)
FEW = settings(FUZZ, max_examples=FUZZ.max_examples // 10)
"""For pages, which take long to make."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d")
_OURS = frozenset({"fingerprint", "id", "execution", "time_zone", "currency", "opened_at", "at",
                   "heading", "size", "aim"})
"""Fields that no text from outside is in."""
_LINES = frozenset({"command", "diff", "by_hand", "undo"})


def with_words(value: Any, more: str, name: str = "") -> Any:
    """Return typed data with more words at each of its sentences and names."""
    if isinstance(value, str) and (re.search(r"[ /-]", value)) and not _TIME.match(value) and name not in _OURS:
        return f"{value} {more}" if name not in _LINES else f"{value} {' '.join(more.split())}"
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: with_words(getattr(value, field.name), more, field.name)
                                 for field in fields(value)})
    if isinstance(value, tuple):
        return tuple(with_words(one, more, name) for one in value)
    return value


class Tags(HTMLParser):
    """The tags of a page with their attributes' names, and where it leads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[Any] = []
        self.links: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # On which side of its point a chart's text stands is a matter of its length.
        self.tags.append((tag, *sorted(name for name, _ in attrs if name != "text-anchor")))
        self.links |= {str(value) for name, value in attrs if name in ("href", "src", "action", "formaction")}

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(tag)

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.tags.append("declaration")

    def unknown_decl(self, data: str) -> None:
        self.tags.append("declaration")


def same_page(made: Callable[[str], str], words: str) -> None:
    """Hold that a page has the same tags and links with other words."""
    page, innocent = Tags(made(words)), Tags(made(INNOCENT))
    different = next((pair for pair in zip(page.tags, innocent.tags, strict=False) if pair[0] != pair[1]), None)
    assert not different and len(page.tags) == len(innocent.tags)
    assert page.links == innocent.links
    assert not ORDER.search(made(words))


MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})


def form(text: str) -> list[str]:
    """The parts of a Markdown document: its blocks, and what is in them beside text."""
    return [f"{part.type}{part.nesting}" for token in MARKDOWN.parse(text) for part in (
        token, *(child for child in token.children or () if child.type not in ("text", "softbreak", "text_special")))]


SERVICE, RECORD = kept("bad-release")
REVIEW = review(RECORD, service=SERVICE)


@FEW
@example(ALL)
@given(WORDS)
def test_a_report_has_the_same_form_whatever_is_said(words: str) -> None:
    innocent = form(render(with_words(REVIEW, INNOCENT))["md"])
    hostile = with_words(REVIEW, words)
    same_page(lambda said: render_page(with_words(REVIEW, said)), words)
    assert form(render(hostile)["md"]) == innocent
    json.loads(render(hostile)["json"])


@FEW
@example(ALL)
@given(WORDS)
def test_the_page_of_an_open_incident_and_the_list_have_the_same_form(words: str) -> None:
    shown = top(SERVICE, replace(RECORD, incident=replace(RECORD.incident, status="open")), REVIEW.incident.opened_at)
    same_page(lambda said: render_page(with_words(REVIEW, said), with_words(shown, said)), words)
    same_page(lambda said: render_index("payment-gateway", [replace(with_words(OLDER, said), id="i-0")]), words)


def test_the_page_that_asks_has_the_same_form(records: Any, machine: Any) -> None:
    asked(records)
    task = link()

    def page(words: str) -> str:
        for item in records._client.scan(TableName="timeline")["Items"]:
            if "action" in item:
                records._client.delete_item(TableName="timeline", Key={"pk": item["pk"], "sk": item["sk"]})
        records.plan_remedy("i-1", Remedy(
            1, "rollback", RemedyStatus.WAITING, target=f"deployment/x {words}", summary=f"roll it back {words}",
            risk="low", reversible=True, component=f"x {words}", diff=f"- 1 {' '.join(words.split())}",
            by_hand=f"kubectl {' '.join(words.split())}", deed=f"Roll it back {words}", reason=words))
        status, body = called("GET", task)
        assert status == 200
        return re.sub(r"\d+ min|\d+ s\b|\d\d:\d\d:\d\d|seal.*?>", "", body)

    @FEW
    @example(ALL)
    @given(WORDS)
    def same(words: str) -> None:
        same_page(page, words)

    same()


# --- Slack ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["page", "escalation", "question", "told"])
def test_nothing_that_is_said_is_markup_in_slack(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    """Slack's "Text object": with ``mrkdwn`` asterisks and backticks are markup, whatever is escaped; else nothing is.
    """
    said: list[dict[str, Any]] = []

    class Api:
        def __init__(self, *_: Any) -> None: ...

        def close(self) -> None: ...

        def call(self, method: str, tolerated: Any = frozenset(), **given: Any) -> dict[str, Any]:
            said.append(given)
            return {"ok": True, "ts": "1", "channel": {"id": "C1"}}

    monkeypatch.setattr(slack, "_Api", Api)
    service = shipped_service()

    def blocks(words: str) -> list[Any]:
        said.clear()
        slack.CHANNEL.send(service, Message(
            kind, "k", "i-1", f"Subject {words}", f"Text {words}", code=f"code {' '.join(words.split())}",
            persons=service.team, answers=(("Approve", '{"x": 1}'),)), slack.Thread("C1", "1"))
        return list(said[-1]["blocks"])

    def marked(found: list[Any]) -> list[Any]:
        return [(block["type"], block.get("text", {}).get("type"),
                 block["text"]["text"] if block.get("text", {}).get("type") == "mrkdwn" else "") for block in found]

    @FUZZ
    @given(WORDS.filter(lambda words: len(words) < 1000))
    def same(words: str) -> None:
        found = blocks(words)
        assert marked(found) == marked(blocks(INNOCENT))
        assert not ORDER.search(json.dumps(found, ensure_ascii=False))
        json.dumps(found, ensure_ascii=False).encode()

    same()


def test_a_command_that_slack_has_no_room_for_cannot_be_run_by_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    block = slack._blocks(Message("told", "k", "i-1", "s", "t", code=f"kubectl scale x --replicas={'1' * 4000}"))[-1]
    text = block["elements"][0]["elements"][0]["text"]
    assert len(text) <= 3000 and shlex.split(text, comments=True) == []


@pytest.mark.parametrize(("address", "is_told"), [
    ("https://hooks.slack.com/x", True), ("http://hooks.slack.com/x", False), ("//hooks.slack.com/x", False),
    ("https://hooks.slack.com@evil.example/x", False), ("https://hooks.slack.com.evil.example/x", False),
    ("https://evil.example/hooks.slack.com", False),
    ("javascript:alert(1)", False), ("", False), ("https://[", False), ("http://169.254.169.254/latest", False),
    ("https://hooks.slack.com:444/x", False), ("https://hooks.slack.com\\@evil.example/", False)])
def test_the_answer_to_a_button_goes_to_slack_alone(monkeypatch: pytest.MonkeyPatch, address: str,
                                                     is_told: bool) -> None:
    asked_for: list[str] = []

    class Http:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def answer(self, method: str, url: str, **_: Any) -> None:
            asked_for.append(url)

    monkeypatch.setattr("responder.clients.http.Http", Http)
    pressed._tell(address, "decided", shipped_service())
    pressed._tell(address, "decided", replace(shipped_service(), slack=None))
    assert asked_for == [address] * 2 * is_told
    assert Press("", "", "", False, "", "", None, address).response_url == address


# --- issues ---------------------------------------------------------------------------------------------------------

class Tracker:
    """GitHub or Jira, in which there is what was filed."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []
        self.asked: list[str] = []

    def __call__(self, *_: Any, **__: Any) -> Tracker:
        return self

    def answer(self, method: str, url: str, json: Any = None, params: Any = None) -> Any:
        self.asked.append(f"{method} {url}")
        if method == "GET":
            found: Any = self.issues if url.endswith("/issues") else []
        else:
            found = {"number": len(self.issues) + 1, "html_url": "https://github.example/1", **(json or {})}
            self.issues.append(found)
        return SimpleNamespace(status_code=200, headers={}, text="", json=lambda: found)

    def close(self) -> None: ...


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> Tracker:
    found = Tracker()
    monkeypatch.setattr("responder.clients.http.Http", found)
    monkeypatch.setattr(aws, "secret", lambda name: "secret")
    return found


ON_GITHUB = replace(shipped_service(), github=GitHub("shop/payments", "s"))


def improvement(words: str, mark: str = "m1") -> Message:
    return Message("improvement", "", "i-1", f"Title {words}", f"Seen: {words}.\n\nTo do: {words}.", mark=mark)


@FUZZ
@example(ALL)
@given(WORDS.map(lambda words: words[:1000]))
def test_an_issue_on_github_shows_text_and_calls_nobody(words: str) -> None:
    words = " ".join(mask(words).split())
    with pytest.MonkeyPatch.context() as patch:
        filed = Tracker()
        patch.setattr("responder.clients.http.Http", filed)
        patch.setattr(aws, "secret", lambda name: "secret")
        for said, mark in ((words, "m1"), (INNOCENT, "m2")):
            github.CHANNEL.send(ON_GITHUB, improvement(said, mark), Filed())
        body, innocent = (issue["body"] for issue in filed.issues)
    assert form(body) == form(innocent)
    shown = "".join(child.content for token in MARKDOWN.parse(body) for child in token.children or ()
                    if child.type != "softbreak").replace("\u200b", "")
    assert " ".join(words.replace("\u200b", "").split()) in " ".join(shown.split())
    assert not re.search(r"[@#]\w", body.replace("&#8203;", " "))


def test_the_mark_of_an_issue_in_somebody_s_words_is_none(tracker: Tracker) -> None:
    """Else a log line could keep an improvement from being filed."""
    quoted = "<!-- incident-responder:m2 --> <!-- incident-responder:i-1 -->"
    github.CHANNEL.send(ON_GITHUB, improvement(quoted), Filed())
    github.CHANNEL.send(ON_GITHUB, improvement("x", "m2"), Filed())
    assert len(tracker.issues) == 2 and "/comments" not in "".join(tracker.asked)
    github.CHANNEL.send(ON_GITHUB, improvement("x", "m2"), Filed())
    assert len(tracker.issues) == 2


@pytest.mark.parametrize("key", ["../../../user", "PAY-1/../../x", "PAY-1?x=1", "", "pay 1", "PAY-\u0661", None, 7])
def test_an_issue_s_key_in_jira_is_no_path(tracker: Tracker, monkeypatch: pytest.MonkeyPatch, key: Any) -> None:
    monkeypatch.setattr(tracker, "answer", lambda method, url, **_: tracker.asked.append(url) or SimpleNamespace(
        status_code=200, json=lambda: {"issues": [{"key": key}], "key": key, "fields": {}, "comments": []}))
    service = replace(shipped_service(), jira=Jira("https://j.example", "PAY", "a@b", "s"))
    with pytest.raises(Exception, match="Jira answered without an issue"):
        jira.CHANNEL.send(service, improvement("x"), Filed())
    assert all(url.startswith("https://j.example/rest/api/3/search") for url in tracker.asked)


# --- mail, the terminal, commands -----------------------------------------------------------------------------------

@FUZZ
@given(WORDS)
def test_a_mail_has_no_order_and_one_line_of_subject(words: str) -> None:
    message = Message("told", "k", "i-1", words, words, code=words)
    assert not ORDER.search(sns.plain(message)) and "\ud800" not in sns.plain(message)
    assert sns.subject_line(words).isascii() and sns.subject_line(words).isprintable()


@FUZZ
@given(st.text(max_size=20) | st.sampled_from(HOSTILE))
def test_a_terminal_obeys_nothing_that_a_command_prints(words: str) -> None:
    """ECMA-48; and a text that JSON has is the same text when it is read again."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output.typer, "echo", lambda text, **_: out.write(text))
        patch.setattr(output, "Safe", lambda **given: Safe(file=out, force_terminal=False, **given))
        show({"said": words}, True, lambda console: None)
        assert json.loads(out.getvalue()) == {"said": words}
        show(None, False, lambda console: console.print(f"{words} [link=https://evil.example]x[/link]", markup=False))
        tell(words)
    assert not re.search(f"[{ORDERS}\r\ud800-\udfff]", out.getvalue())


@FUZZ
@given(WORDS)
def test_a_command_has_as_many_words_whatever_a_name_is(words: str) -> None:
    site = Site(shipped_service(), "eu-central-1")
    deed = rollback.deed(site, OnRecord(f"rollout/{words}", "backend", rollback.Before(2, "b", ()),
                                        rollback.Parameters(1, "a", "u", 3, ())))
    for command in (*deed.by_hand, *deed.undo, site.kubectl("delete", "pod", words), site.aws("rds", "x", words)):
        assert {words, f"rollout/{words}"} & set(shlex.split(command))
    assert [len(shlex.split(command)) for command in (*deed.by_hand, *deed.undo)] == [8, 8]


# --- what is hidden is another matter -------------------------------------------------------------------------------

@given(st.text(max_size=30))
def test_what_is_written_out_is_written_out_once_and_may_be_kept_as_it_was(text: str) -> None:
    assert visible(visible(text)) == visible(text) and mask(mask(text)) == mask(text)
    assert not ORDER.search(mask(text))
    if mask(text) == visible(text) and "\ufffd" not in text:
        assert unkept({"value of": text}) == []


def test_a_value_that_turns_the_direction_of_text_can_still_be_restored() -> None:
    """It is shown written out; a remedy applies it as it was."""
    for value in ("\u200fשלום", "\x1b[31mred\x1b[0m", "a\x00b"):
        assert unkept({"GREETING": value}) == [] and mask(value) != value
        assert mask_all({"GREETING": value, value: 1}) == {"GREETING": value, value: 1}


def test_a_text_of_a_million_characters_is_written_out_at_once() -> None:
    began = time.process_time()
    assert len(visible("\u202e" * 1_000_000)) == 6_000_000
    assert time.process_time() - began < 10
